"""From live rules to manifests that change nothing."""

import re

import pytest

from reconciler.model.relationship import Settings
from reconciler.providers.base import Imported
from reconciler.providers.s3.config import S3Options
from reconciler.providers.s3.convert import part
from reconciler.providers.s3.imported import imported_rules
from tests.unit.providers.s3.shapes import CEPH, OTHER_ROLE, ROLE, configuration, flow, state, unequal, v1, v2
from tests.unit.providers.s3.test_convert import FULL

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def imports(text: str, *, ceph: bool = False, role: str | None = ROLE) -> list[Imported]:
    found = state(text, flow(own=CEPH) if ceph else None)
    assert found is not None
    return list(imported_rules(found, "p", peer=None, role=role, ceph=ceph))


def spec(one: Imported) -> Settings:
    return dict(one.spec)


def test_a_rule_becomes_a_manifest_that_plans_no_change() -> None:
    (one,) = imports(configuration(FULL))
    assert one.source == {"provider": "p", "bucket": "src", "prefix": "app/"}
    assert one.destination == {"bucket": "dst"}
    assert one.suggested_name == "full"
    options = part(spec(one), "s3")
    assert options["id"] == "full"
    S3Options.model_validate(options)
    again = flow(
        "full", source={"prefix": "app/"}, state=spec(one)["state"], deletes=spec(one)["deletes"],
        storage_class=spec(one)["storageClass"], filter=spec(one)["filter"], s3=options,
    )  # fmt: skip
    assert unequal(configuration(FULL), again) == []


def test_what_a_rule_does_not_use_is_not_managed() -> None:
    (one,) = imports(configuration(v2("repl.default.logs")))
    assert one.suggested_name == "logs"
    assert one.spec == {"state": "active", "deletes": "keep", "s3": {"priority": 1}}
    assert one.source == {"provider": "p", "bucket": "src"}


def test_the_role_is_named_only_where_it_is_not_the_providers() -> None:
    text = configuration(v2("repl.default.logs"), role=OTHER_ROLE)
    assert part(spec(imports(text)[0]), "s3")["role"] == OTHER_ROLE
    assert "role" not in part(spec(imports(text, role=OTHER_ROLE)[0]), "s3")
    assert "role" not in part(spec(imports(text, role=None)[0]), "s3")


def test_a_rule_of_another_workspace_keeps_its_id() -> None:
    (one,) = imports(configuration(v2("repl.other.logs")))
    assert one.suggested_name == "logs"
    assert part(spec(one), "s3")["id"] == "repl.other.logs"


def test_a_first_schema_rule_says_that_it_copies_deletes() -> None:
    (one,) = imports(configuration(v1("old", "a/")))
    assert one.spec == {"state": "active", "deletes": "replicate", "s3": {"id": "old"}}


def test_ceph_says_what_it_does() -> None:
    (one,) = imports(configuration(v2("repl.default.logs"), role=""), ceph=True)
    assert one.spec == {"state": "active", "deletes": "replicate", "s3": {"priority": 1}}


@pytest.mark.parametrize(
    ("identity", "name"),
    [
        ("Logs to DR (prod)", "logs-to-dr-prod"),
        ("ZGVmYXVsdC1ydWxlLWdlbmVyYXRlZA", "src-to-dst"),
        ("", "src-to-dst"),
        ("---", "rule"),
        ("日本", "rule"),
        ("x" * 23 + "-" + "y" * 60, ("x" * 23 + "-" + "y" * 60)[:63]),
    ],
)
def test_names_come_from_speaking_ids_else_from_the_buckets(identity: str, name: str) -> None:
    assert imports(configuration(v2(identity)))[0].suggested_name == name


def test_names_are_valid_and_differ() -> None:
    rules = [
        v2(identity, priority=n) for n, identity in enumerate(["A b", "a-b", "a.b", "a" * 70 + "!", "a" * 70 + "?"])
    ]
    names = [one.suggested_name for one in imports(configuration(*rules))]
    assert len(set(names)) == 5
    assert all(NAME.fullmatch(name) for name in names)
