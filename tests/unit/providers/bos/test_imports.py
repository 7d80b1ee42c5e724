"""Live rules as manifests that plan to nothing."""

from typing import Any

import pytest

from reconciler.engine.diff import differences
from reconciler.model.manifest import Location, ReplicationSpec
from reconciler.model.relationship import Flow
from reconciler.providers.base import Imported
from reconciler.providers.bos import convert
from reconciler.providers.bos.check import check
from reconciler.providers.bos.config import BosConfig, BosOptions
from reconciler.providers.bos.identity import rule_id
from reconciler.providers.bos.imports import imported
from tests.unit.providers.bos.flows import KEYS, flow, region, rule, seen

BJ = BosConfig.model_validate({"region": "bj", "credentials": KEYS})


def all_of(*rules: dict[str, Any], own: BosConfig = BJ) -> list[Imported]:
    return list(imported(seen(*rules), own))


def written(item: Imported) -> Flow:
    """The flow that the manifest describes."""
    spec = dict(item.spec)
    options = spec.pop("bos", None)
    assert isinstance(item.source, dict)
    assert isinstance(item.destination, dict)
    whole = {
        **spec,
        "source": Location.model_validate(item.source),
        "destination": Location.model_validate({"provider": "bos-gz", **item.destination}),
        "options": None if options is None else BosOptions.model_validate(options),
    }
    return Flow(
        name=item.suggested_name, workspace="test", spec=ReplicationSpec.model_validate(whole), labels={},
        source=region("bj"), destination=region("gz"), owner_side="source", peer_s3=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"id": "rule_1-A"},
        {"id": "__"},
        {"status": "disabled", "replicateDeletes": "enabled"},
        {"resource": ["src/*"]},
        {"resource": ["src/app/*", "src/apx*"]},
        {"resource": ["src/abc", "src/cd*"]},
        {"resource": ["src/abc"]},
        {"destination": {"bucket": "dst", "storageClass": "COLD", "prefix": "dst-dir/"}},
        {"replicateHistory": {}},
        {"replicateHistory": {"storageClass": "REMAIN"}},
        {"replicateHistory": {"storageClass": "COLD"}, "destination": {"bucket": "dst", "storageClass": "COLD"}},
        {"replicateHistory": {"storageClass": "REMAIN"}, "destination": {"bucket": "dst", "storageClass": "COLD"}},
        {"replicateHistory": {"storageClass": "STANDARD_IA"}},
        {"notIncludeResource": ["src/app/prefix/*", "src/*.jpeg", "src/*test*"]},
        {"notIncludeResource": ["src/elsewhere/*", "src/*/x", "src/app/a?*"]},
        {"notIncludeResource": ["src/app/.repl*"]},
        {"notIncludeResource": []},
    ],
)
def test_a_manifest_plans_to_no_changes_and_has_no_errors(changes: dict[str, Any]) -> None:
    (item,) = all_of(rule(**changes))
    subject = written(item)
    assert convert.identity_of(subject) == item.relationship.identity
    assert not differences(item.relationship.settings, convert.desired_settings(subject))
    left_out = convert.part(item.relationship.settings, "filter")["exclude"]
    assert list(convert.exclusions_of(subject) or ()) == left_out, "what is not written down is not managed"
    assert [one.code for one in check(subject) if one.code != "REPL-C308"] == []


def test_what_is_not_used_is_left_out() -> None:
    (item,) = all_of(rule(id="r1"))
    assert item.spec == {"state": "active", "deletes": "keep", "existing": "ignore", "bos": {"id": "r1"}}
    assert item.source == {"provider": "bos-bj", "bucket": "src", "prefix": "app/"}
    assert item.destination == {"bucket": "dst"}


def test_an_id_that_was_made_from_a_name_is_written_down_too() -> None:
    """The document gets another name, for that one is not known any more, and would ask for another rule."""
    made = rule_id("test", "a")
    (item,) = all_of(rule(id=made))
    assert rule_id("test", item.suggested_name) != made
    assert item.spec["bos"] == {"id": made}


def test_names_differ_and_are_the_same_each_time() -> None:
    rules = [rule(id="a-b"), rule(id="a_b", status="disabled"), rule(id="--", replicateDeletes="enabled")]
    names = [item.suggested_name for item in all_of(*rules)]
    assert names == [item.suggested_name for item in all_of(*reversed(rules))]
    assert sorted(names) == ["a-b", "a-b-2", "src-to-dst"]


def test_a_rule_without_a_usable_id_is_left_out() -> None:
    assert all_of(rule(id="")) == []


@pytest.mark.parametrize(
    "changes", [{"resource": None}, {"resource": ["other/x*"]}, {"status": "odd"}, {"destination": None}]
)
def test_odd_rules_do_not_hide_the_others(changes: dict[str, Any]) -> None:
    assert len(all_of(rule(id="odd", **changes), rule(id="plain"))) == 2


def test_the_other_end_is_found_by_its_region() -> None:
    (item,) = all_of(rule(destRegion="gz"))
    assert item.peer is not None
    assert (item.peer.url, item.peer.region) == ("https://s3.gz.bcebos.com", "gz")
    (same,) = all_of(rule(destRegion="bj"), own=BosConfig(region="bj", endpoint="https://b.example",
                                                         s3_endpoint="https://s.example",
                                                         credentials=BJ.credentials))  # fmt: skip
    assert same.peer is not None
    assert same.peer.url == "https://s.example"
    for unsaid in (None, ""):
        assert all_of(rule(destRegion=unsaid))[0].peer is None


def test_a_rule_that_carries_no_canary_is_proved_by_its_status() -> None:
    (item,) = all_of(rule(resource=["src/app/x*", "src/app/y*"]))
    assert item.spec["verify"] == {"level": "status"}
    assert "verify" not in all_of(rule())[0].spec


def test_the_flow_of_a_document_is_what_it_was_made_from() -> None:
    subject = flow(filter={"exclude": ["tmp/*"]}, destination={"prefix": "d/"})
    (item,) = all_of(convert.rule_body(convert.desired_settings(subject), None))
    assert item.spec["filter"] == {"exclude": ["tmp/*"]}
    assert item.destination == {"bucket": "dst", "prefix": "d/"}
