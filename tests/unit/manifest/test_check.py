"""What is wrong with a document's fields: the key it is about, in words, with a way out."""

from pathlib import Path

import pytest

from reconciler.manifest.codes import SUMMARIES, Code
from reconciler.model.finding import Severity
from tests.unit.manifest.workspace_of import PROVIDERS, load_text, load_texts, marked, replication, under, workspace


def provider(spec: str, name: str = "x") -> str:
    return f"apiVersion: repl/v1\nkind: Provider\nmetadata: {{name: {name}}}\nspec:\n{spec}"


def policy(spec: str) -> str:
    return f"apiVersion: repl/v1\nkind: Policy\nmetadata: {{name: p}}\nspec:\n{spec}"


def test_every_field_of_the_format_is_read(tmp_path: Path) -> None:
    spec = """\
  state: paused
  deletes: replicate
  existing: copy
  storageClass: STANDARD_IA
  filter: {exclude: ["*.tmp"], tags: {class: hot}}
  schedule: {every: 1h30m}
  protect: true
  verify: {level: hash, within: 15m}
  allow:
    - {effect: S3-NO-RETRO, reason: known, expires: 2027-01-31}
  roomy: {priority: 10}
"""
    loaded = load_text(tmp_path, replication(spec, labels="{tier: gold}"))
    assert not loaded.findings
    found = loaded.replications["r"].spec
    assert (found.state, found.deletes, found.existing, found.storage_class) == (
        "paused",
        "replicate",
        "copy",
        "STANDARD_IA",
    )
    assert (found.schedule.every, found.verify.within, found.protect) == (5_400, 900, True)
    assert found.options.priority == 10
    assert loaded.providers["eu"].spec.type == "roomy"
    assert loaded.providers["eu"].spec.config.region == "eu-west-1"


def test_what_is_left_out_stays_left_out(tmp_path: Path) -> None:
    found = load_text(tmp_path, replication()).replications["r"].spec
    assert (found.state, found.filter, found.options, found.destination.prefix) == (None, None, None, None)
    empty = load_text(tmp_path / "2", replication("  filter: {exclude: [], tags: {}}\n")).replications["r"].spec
    assert (empty.filter.exclude, empty.filter.tags) == ((), {})


@pytest.mark.parametrize(
    ("spec", "code", "caret", "message"),
    [
        ("  stat: active\n", Code.UNKNOWN_FIELD, "stat", ("spec: 'stat'", "did you mean state?")),
        ("  storage_class: IA\n", Code.UNKNOWN_FIELD, "storage_class", ("spec", "did you mean storageClass?")),
        ("  STATE: active\n", Code.UNKNOWN_FIELD, "STATE", ("spec", "did you mean state?")),
        ("  romy: {}\n", Code.UNKNOWN_FIELD, "romy", ("spec", "did you mean roomy?")),
        ("  options: {}\n", Code.UNKNOWN_FIELD, "options", ("spec", "known here: allow, deletes")),
        ("  roomy: {prio: 1}\n", Code.UNKNOWN_FIELD, "prio", ("spec.roomy", "did you mean priority?")),
        ("  verify: {livel: hash}\n", Code.UNKNOWN_FIELD, "livel", ("spec.verify", "did you mean level?")),
        (
            "  state: actve\n",
            Code.BAD_VALUE,
            "actve",
            ("must be 'active' or 'paused', found 'actve'", "did you mean active?"),
        ),
        ("  state: 1\n", Code.BAD_VALUE, "1", ("must be 'active' or 'paused', found 1", None)),
        ("  storageClass: 3\n", Code.WRONG_TYPE, "3", ("must be text, found 3", 'quote it: "3"')),
        ("  storageClass: true\n", Code.WRONG_TYPE, "true", ("must be text, found true", 'quote it: "true"')),
        ("  storageClass: [a]\n", Code.WRONG_TYPE, "[a]", ("must be text", None)),
        ('  storageClass: ""\n', Code.BAD_VALUE, '""', ("must not be empty", None)),
        ("  filter: [a]\n", Code.WRONG_TYPE, "[a]", ("must be a mapping", None)),
        ("  filter: {exclude: a}\n", Code.WRONG_TYPE, "a", ("must be a list, found 'a'", None)),
        (
            "  filter: {exclude: [a, 2]}\n",
            Code.WRONG_TYPE,
            "2",
            ("spec.filter.exclude[1]: must be text", 'quote it: "2"'),
        ),
        (
            "  filter: {tags: {a: 1.5}}\n",
            Code.WRONG_TYPE,
            "1.5",
            ("spec.filter.tags.a: must be text", 'quote it: "1.5"'),
        ),
        ("  protect: maybe\n", Code.WRONG_TYPE, "maybe", ("must be true or false", None)),
        ("  schedule: {every: 5x}\n", Code.BAD_VALUE, "5x", ("a duration is written as", None)),
        ("  verify: {within: -5}\n", Code.BAD_VALUE, "-5", ("must be at least 0", None)),
        (
            "  allow: [{effect: x, reason: r, expires: 2027-01-01}]\n",
            Code.BAD_VALUE,
            "x",
            ("the id of an effect", None),
        ),
        ("  allow: [{effect: A-B, reason: r, expires: soon}]\n", Code.WRONG_TYPE, "soon", ("a date such as", None)),
        ("  allow: [{effect: A-B, reason: r, expires: 20270101}]\n", Code.WRONG_TYPE, "20270101", ("a date", None)),
        (
            "  allow: [{effect: A-B, reason: r}]\n",
            Code.MISSING_FIELD,
            "{effect: A-B, reason: r}",
            ("expires is missing", None),
        ),
        ("  schedule: {}\n", Code.MISSING_FIELD, "schedule", ("spec.schedule: every is missing", None)),
        ("  roomy: {priority: x}\n", Code.WRONG_TYPE, "x", ("spec.roomy.priority: must be a whole number", None)),
        ("  roomy: {priority: 1.5}\n", Code.WRONG_TYPE, "1.5", ("must be a whole number", None)),
        ("  roomy: {priority: true}\n", Code.WRONG_TYPE, "true", ("must be a number, found true or false", None)),
        ("  roomy: {names: [true]}\n", Code.WRONG_TYPE, "true", ("must be text", 'quote it: "true"')),
        ("  roomy: {ratio: a}\n", Code.WRONG_TYPE, "a", ("must be a number", None)),
        ("  roomy: 3\n", Code.WRONG_TYPE, "3", ("spec.roomy: must be a mapping", None)),
        ("  tight: {}\n", Code.FOREIGN_OPTIONS, "tight", ("tight", "source is roomy and destination is roomy")),
    ],
)
def test_fields_of_a_replication(
    tmp_path: Path, spec: str, code: Code, caret: str, message: tuple[str, str | None]
) -> None:
    words, hint = message
    (finding,) = load_text(tmp_path, replication(spec)).findings
    assert (finding.code, under(finding)) == (code, caret)
    assert words in finding.detail
    assert (hint or "") in (finding.hint or "")
    assert finding.replication == "r"
    assert finding.severity is Severity.ERROR
    assert finding.summary == SUMMARIES[code]
    assert "Input should" not in finding.detail


def test_all_mistakes_of_all_files_in_one_run(tmp_path: Path) -> None:
    files = {
        "1.yaml": replication("  stat: x\n  state: y\n", name="a") + "---\n" + replication("  protect: z\n", name="b"),
        "2.yaml": "a: [",
        "3.yaml": provider("  roomy: {regoin: x}\n") + "---\n- x\n",
        "p.yaml": PROVIDERS,
    }
    loaded = load_texts(tmp_path, files)
    assert [(finding.where.file, finding.code) for finding in loaded.findings] == [
        ("1.yaml", Code.UNKNOWN_FIELD),
        ("1.yaml", Code.BAD_VALUE),
        ("1.yaml", Code.WRONG_TYPE),
        ("2.yaml", Code.SYNTAX),
        ("3.yaml", Code.UNKNOWN_FIELD),
        ("3.yaml", Code.NOT_A_MAPPING),
    ]
    assert loaded.findings == tuple(sorted(loaded.findings, key=lambda finding: finding.sort_key))
    assert loaded.errors == loaded.findings


def test_a_missing_field_is_shown_at_the_nearest_key_above(tmp_path: Path) -> None:
    text = "apiVersion: repl/v1\nkind: Replication\nmetadata: {name: r}\nspec:\n  source: {provider: eu}\n"
    (finding,) = load_text(tmp_path, text).findings
    assert (finding.code, under(finding), finding.path) == (Code.MISSING_FIELD, "spec", ("spec", "destination"))
    text = "apiVersion: repl/v1\nkind: Replication\nmetadata: {name: r}\n"
    (finding,) = load_text(tmp_path / "2", text).findings
    assert finding.detail == "the document: spec is missing"
    text = "apiVersion: repl/v1\nkind: Replication\nspec: {source: {}, destination: {provider: eu}}\n"
    found = [finding.detail for finding in load_text(tmp_path / "3", text).findings]
    assert found == ["the document: metadata is missing", "spec.source: provider is missing"]


@pytest.mark.parametrize(
    ("text", "code", "caret"),
    [
        ("kind: Replication\nmetadata: {name: x}\n", Code.API_VERSION, "kind"),
        ("apiVersion: v1\nkind: Deployment\n", Code.API_VERSION, "v1"),
        ("apiVersion: repl/v2\nkind: Policy\nmetadata: {name: x}\nspec: {}\n", Code.API_VERSION, "repl/v2"),
        ("apiVersion: 1\nkind: Policy\nmetadata: {name: x}\nspec: {}\n", Code.API_VERSION, "1"),
        ("apiVersion: repl/v1\n", Code.KIND, "apiVersion"),
        ("apiVersion: repl/v1\nkind: replication\n", Code.KIND, "replication"),
        ("apiVersion: repl/v1\nkind: [Policy]\n", Code.KIND, "[Policy]"),
        ("a: b\n", Code.API_VERSION, "a"),
        ("{}\n", Code.API_VERSION, "{}"),
    ],
)
def test_what_kind_of_document_it_is(tmp_path: Path, text: str, code: Code, caret: str) -> None:
    assert marked(load_text(tmp_path, text, providers=False))[0] == (code, caret)


def test_a_wrong_version_does_not_hide_the_rest(tmp_path: Path) -> None:
    text = replication("  state: x\n").replace("repl/v1", "repl/v2")
    assert [code for code, _ in marked(load_text(tmp_path, text))] == [Code.API_VERSION, Code.BAD_VALUE]


@pytest.mark.parametrize("name", ["A", "a_b", "-a", "a" * 64, '""', "ä", "a.b"])
def test_names_of_documents(tmp_path: Path, name: str) -> None:
    (finding,) = load_text(tmp_path, replication(name=name)).findings
    assert finding.code == Code.BAD_VALUE
    assert "lower-case letters, digits and inner hyphens" in finding.detail


def test_labels_are_text(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, replication(labels="{tier: 1, team: [a], a: ~, b: x}"))
    assert marked(loaded) == [(Code.WRONG_TYPE, "1"), (Code.WRONG_TYPE, "[a]"), (Code.WRONG_TYPE, "~")]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("  roomy: {region: 3}\n", [(Code.WRONG_TYPE, "3")]),
        ("  roomy: {regoin: x}\n", [(Code.UNKNOWN_FIELD, "regoin")]),
        ("  roomy: {flavour: gcs}\n", [(Code.BAD_VALUE, "gcs")]),
        ("  roomy: {pools: {a: b}}\n", [(Code.WRONG_TYPE, "b")]),
        ("  roomy: {pools: {a: true}}\n", [(Code.WRONG_TYPE, "true")]),
        ("  roomy: {accessKey: 3}\n", [(Code.WRONG_TYPE, "***")]),
        ("  roomy: {accessKey: {env: 3}}\n", [(Code.WRONG_TYPE, "3")]),
        ("  roomy: {accessKey: {env: A, file: b}}\n", [(Code.BAD_VALUE, "{env: A, file: b}")]),
        ("  roomy: {accessKey: {}}\n", [(Code.BAD_VALUE, "***")]),
        ("  rooomy: {}\n", [(Code.UNKNOWN_FIELD, "rooomy")]),
        ("  limits: {concurrency: 1}\n", [(Code.NO_PROVIDER_TYPE, "spec")]),
        ("  roomy: {}\n  limits: {concurrency: 0, rate: x}\n", [(Code.BAD_VALUE, "0"), (Code.WRONG_TYPE, "x")]),
        ("  roomy: {}\n  limits: {concurrency: true}\n", [(Code.WRONG_TYPE, "true")]),
        ("  roomy: {}\n  tight: {host: a}\n", [(Code.TWO_PROVIDER_TYPES, "tight")]),
        ("  roomy: {}\n  type: tight\n", [(Code.UNKNOWN_FIELD, "type")]),
        ("  roomy: {}\n  config: {}\n", [(Code.UNKNOWN_FIELD, "config")]),
        ("  tight:\n", [(Code.MISSING_FIELD, "tight")]),
        ("  tight: {}\n", [(Code.MISSING_FIELD, "tight")]),
        ("  - roomy\n", [(Code.WRONG_TYPE, "- roomy")]),
    ],
)
def test_fields_of_a_provider(tmp_path: Path, spec: str, expected: list[tuple[str, str]]) -> None:
    loaded = load_text(tmp_path, provider(spec), providers=False)
    assert marked(loaded) == expected
    assert not loaded.providers
    assert all(finding.provider == "x" and "Input should" not in finding.detail for finding in loaded.findings)


def test_a_type_with_nothing_under_it_has_all_its_defaults(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, provider("  roomy:\n") + "---\n" + replication("  roomy:\n"))
    assert not loaded.findings
    assert loaded.providers["x"].spec.config.region == "eu"
    assert loaded.replications["r"].spec.options.priority is None


def test_a_second_type_names_the_first(tmp_path: Path) -> None:
    (finding,) = load_text(tmp_path, replication("  roomy: {}\n  tight: {}\n").replace("us", "nas")).findings
    assert (finding.code, under(finding)) == (Code.TWO_PROVIDER_TYPES, "tight")
    assert "a.yaml:7:3" in finding.detail


def test_policies(tmp_path: Path) -> None:
    good = (
        "  flows: [{deny: {from: {a: eu}, to: {not: {a: eu}}}, reason: r}]\n  guards: {maxLost: 1, maxRecopy: 10TiB}\n"
    )
    loaded = load_text(tmp_path, policy(good))
    assert not loaded.findings
    assert loaded.policies["p"].guards.max_recopy == 10 * 1024**4
    assert loaded.policies["p"].flows[0].deny.destination.negate == {"a": "eu"}
    bad = (
        "  flows: [{deny: {from: {a: 1}, to: {not: 3}, form: {}}, reason: r}]\n  guards: {maxLost: -1, maxRecopy: 9z}\n"
    )
    assert marked(load_text(tmp_path / "2", policy(bad))) == [
        (Code.WRONG_TYPE, "1"),
        (Code.WRONG_TYPE, "3"),
        (Code.UNKNOWN_FIELD, "form"),
        (Code.BAD_VALUE, "-1"),
        (Code.BAD_VALUE, "9z"),
    ]
    huge = load_text(tmp_path / "3", policy(f"  guards: {{maxRecopy: {'9' * 350}EiB}}\n"))
    assert [finding.code for finding in huge.findings] == [Code.BAD_VALUE]


def test_the_workspace(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, workspace("  prune: true\n  planExpiry: 2h\n"))
    assert (loaded.name, loaded.settings.prune, loaded.settings.plan_expiry) == ("w", True, 7_200)
    without = load_text(tmp_path / "2", "")
    assert (without.name, without.settings.prune) == ("default", False)
    bad = load_text(tmp_path / "3", workspace("  planExpiry: 0s\n  vars: {a: [1]}\n  prnue: true\n"))
    assert marked(bad) == [(Code.BAD_VALUE, "0s"), (Code.BAD_VARIABLE, "[1]"), (Code.UNKNOWN_FIELD, "prnue")] or marked(
        bad
    ) == [(Code.BAD_VARIABLE, "[1]"), (Code.UNKNOWN_FIELD, "prnue")]


def test_a_workspace_needs_no_spec(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, "apiVersion: repl/v1\nkind: Workspace\nmetadata: {name: w}\n")
    assert (loaded.name, loaded.findings) == ("w", ())


def test_two_workspaces(tmp_path: Path) -> None:
    text = workspace("  prune: true\n") + "---\n" + workspace("  prune: false\n").replace("name: w", "name: v")
    loaded = load_text(tmp_path, text)
    assert marked(loaded) == [(Code.SECOND_WORKSPACE, "Workspace")]
    assert "a.yaml:1:1" in loaded.findings[0].detail
    assert loaded.name == "w"


def test_two_documents_of_one_name(tmp_path: Path) -> None:
    files = {"1.yaml": replication(), "2.yaml": replication() + "---\n" + provider("  roomy: {}\n", name="r")}
    loaded = load_texts(tmp_path, {**files, "p.yaml": PROVIDERS})
    (finding,) = loaded.findings
    assert (finding.code, finding.where.file, under(finding)) == (Code.DUPLICATE_NAME, "2.yaml", "r")
    assert "1.yaml:3:18" in finding.detail
    assert "r" in loaded.providers


def test_a_provider_that_is_not_there(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, replication().replace("provider: us", "provider: ue"))
    assert marked(loaded) == [(Code.UNKNOWN_PROVIDER, "ue")]
    assert loaded.findings[0].hint == "did you mean eu?"
    alone = load_text(tmp_path / "2", replication(), providers=False)
    assert [finding.code for finding in alone.findings] == [Code.UNKNOWN_PROVIDER] * 2
    assert "kind: Provider" in alone.findings[0].hint


def test_a_provider_with_mistakes_is_still_there_for_those_who_name_it(tmp_path: Path) -> None:
    text = (
        provider("  roomy: {regoin: x}\n", name="bad")
        + "---\n"
        + replication().replace("provider: us", "provider: bad")
    )
    assert [finding.code for finding in load_text(tmp_path, text).findings] == [Code.UNKNOWN_FIELD]


def test_options_of_the_other_end_are_left_to_the_engine(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, replication("  tight: {mapIds: true}\n").replace("provider: us", "provider: nas"))
    assert not loaded.findings
    assert loaded.replications["r"].spec.options.map_ids is True


def test_very_long_keys_and_values_are_cut(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, replication(f"  {'k' * 900}: 1\n  state: {'v' * 5_000}\n"))
    assert len(loaded.findings) == 2
    assert all(len(f.detail) < 300 and len(f.where.snippet or "") <= 400 for f in loaded.findings)
