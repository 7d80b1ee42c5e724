"""The JSON Schema: editors accept what is right and mark what is wrong, as loading does."""

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from reconciler.manifest.export import manifest_schema
from reconciler.model.manifest import Config, Options
from reconciler.model.secret import SecretRef
from tests.unit.manifest.test_edit import data_of
from tests.unit.manifest.workspace_of import (
    PROVIDERS,
    RoomyConfig,
    RoomyOptions,
    TightConfig,
    TightOptions,
    load_text,
    replication,
    workspace,
)

SCHEMA = manifest_schema({"roomy": (RoomyConfig, RoomyOptions), "tight": (TightConfig, TightOptions)})
VALIDATOR = Draft202012Validator(SCHEMA)

FULL = """\
  state: paused
  deletes: replicate
  existing: copy
  storageClass: STANDARD_IA
  filter: {exclude: ["*.tmp"], tags: {class: hot}}
  schedule: {every: 1h30m}
  protect: true
  verify: {level: hash, within: 15m}
  allow: [{effect: S3-NO-RETRO, reason: known, expires: 2027-01-31}]
  roomy: {priority: 10, names: [a]}
"""
POLICY = """\
apiVersion: repl/v1
kind: Policy
metadata: {name: p}
spec:
  flows: [{deny: {from: {a: eu}, to: {not: {a: eu}}}, reason: r}]
  guards: {maxLost: 1, maxRecopy: 10TiB}
"""
SECRET = """\
apiVersion: repl/v1
kind: Provider
metadata: {name: s, annotations: {a: b}}
spec: {roomy: {secretKey: {env: A}, accessKey: AKIA, pools: {a: 1}}, limits: {rate: 1.5}}
"""

GOOD = [
    replication(FULL),
    replication("  roomy:\n"),
    POLICY,
    SECRET,
    *PROVIDERS.split("---\n"),
    workspace(
        "  prune: true\n  vars: {a: 1, b: x, c: true}\n  planExpiry: 2h\n"
        "  defaults: [{match: {a: b}, spec: {state: active}}]\n"
    ),
    "apiVersion: repl/v1\nkind: Workspace\nmetadata: {name: w}\n",
    replication('  protect: "{{ vars.on }}"\n  state: "{{ vars.state }}"\n  roomy: {priority: "{{ vars.n }}"}\n'),
]
BAD = [
    replication("  stat: active\n"),
    replication("  options: {}\n"),
    replication("  state: off\n"),
    replication("  roomy: {prio: 1}\n"),
    replication("  roomy: {}\n  tight: {}\n"),
    replication("  storage_class: IA\n"),
    replication("  protect: 5\n"),
    POLICY.replace("eu", "3"),
    POLICY.replace("not:", "nicht:"),
    SECRET.replace("env: A", "env: A, file: b"),
    SECRET.replace("{env: A}", "hunter2"),
    SECRET.replace("roomy", "romy"),
    SECRET.replace("limits", "type: roomy, limits"),
    "apiVersion: repl/v1\nkind: Provider\nmetadata: {name: x}\nspec: {}\n",
    "apiVersion: repl/v1\nkind: Provider\nmetadata: {name: x}\nspec: {roomy: {}, tight: {host: a}}\n",
    "apiVersion: repl/v1\nkind: Policy\nmetadata: {name: x}\n",
    "apiVersion: repl/v1\nkind: Nothing\nmetadata: {name: x}\nspec: {}\n",
    "apiVersion: repl/v2\nkind: Policy\nmetadata: {name: x}\nspec: {}\n",
    "apiVersion: repl/v1\nkind: Policy\nmetadata: {name: X}\nspec: {}\n",
    "apiVersion: repl/v1\nkind: Policy\nmetadata: {name: x}\nspec: {}\nextra: 1\n",
]


def test_the_schema_is_valid_2020_12() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("text", GOOD)
def test_what_is_right_is_accepted(tmp_path: Path, text: str) -> None:
    assert not list(VALIDATOR.iter_errors(data_of(text)[0]))
    given = {"on": "true", "state": "active", "n": "3"}
    found = load_text(tmp_path, text, providers="kind: Replication" in text, variables=given).findings
    assert not found


@pytest.mark.parametrize("text", BAD)
def test_what_is_wrong_is_marked(tmp_path: Path, text: str) -> None:
    assert list(VALIDATOR.iter_errors(data_of(text)[0]))
    assert load_text(tmp_path, text).findings


def test_every_reference_leads_somewhere_and_nothing_is_left_over() -> None:
    names = set(SCHEMA["$defs"])
    used = set()

    def walk(value: object) -> None:
        if isinstance(value, dict):
            if "$ref" in value:
                used.add(value["$ref"].rpartition("/")[2])
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(SCHEMA)
    assert used == names


def test_descriptions_come_from_the_docstrings() -> None:
    spec = SCHEMA["$defs"]["ReplicationSpec"]["properties"]
    assert spec["protect"]["description"] == "No delete and no replace, whatever the flags."
    assert SCHEMA["$defs"]["RoomyConfig"]["description"] == "Connection of the type `roomy`."
    assert set(spec) >= {"roomy", "tight", "storageClass"}
    assert "options" not in spec


def test_a_schema_without_types_and_with_names_that_clash() -> None:
    Draft202012Validator.check_schema(manifest_schema({}))

    def made(text: str) -> type[Config]:
        class Same(Config):
            """One of two models of one name."""

            key: SecretRef
            text_of: str = text

        return Same

    class NoOptions(Options):
        """Nothing."""

    schema = manifest_schema({"a": (made("a"), NoOptions), "b": (made("b"), NoOptions)})
    Draft202012Validator.check_schema(schema)
    good = {
        "apiVersion": "repl/v1",
        "kind": "Provider",
        "metadata": {"name": "x"},
        "spec": {"b": {"key": {"env": "A"}}},
    }
    assert not list(Draft202012Validator(schema).iter_errors(good))
