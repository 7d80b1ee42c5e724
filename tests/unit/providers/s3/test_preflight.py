"""What the buckets at both ends say."""

from typing import Any

import pytest

from reconciler.model.observation import LocationFacts
from reconciler.providers.s3.preflight import preflight
from tests.unit.providers.s3.shapes import CEPH, READY, flow

GONE = LocationFacts(exists=False)
DENIED = LocationFacts(exists=True, readable=False, problem="access is denied")


def facts(**known: Any) -> LocationFacts:
    return LocationFacts(
        exists=True, facts={"region": "eu-west-1", "versioning": "Enabled", "objectLock": False} | known
    )


def found(source: LocationFacts, destination: LocationFacts, **wanted: Any) -> list[tuple[str, str, str]]:
    one = flow(**wanted)
    return [(f.code, f.severity.value, ".".join(map(str, f.path))) for f in preflight(one, source, destination)]


@pytest.mark.parametrize(
    ("source", "destination", "expected"),
    [
        (READY, READY, []),
        (GONE, READY, [("REPL-W011", "error", "spec.source.bucket")]),
        (READY, GONE, [("REPL-W011", "error", "spec.destination.bucket")]),
        (READY, DENIED, [("REPL-W013", "warning", "spec.destination.bucket")]),
        (facts(versioning=None), READY, [("REPL-W014", "error", "spec.source.bucket")]),
        (READY, facts(versioning="Suspended"), [("REPL-W014", "error", "spec.destination.bucket")]),
        (READY, LocationFacts(exists=True), []),
        (facts(region="us-east-1"), READY, [("REPL-W015", "error", "spec.source.provider")]),
        (READY, facts(region="us-east-1"), [("REPL-W015", "error", "spec.destination.provider")]),
        (facts(objectLock=True), READY, [("REPL-W016", "warning", "spec.destination.bucket")]),
        (facts(objectLock=True), facts(objectLock=True), []),
        (READY, facts(objectLock=True), []),
    ],
)
def test_facts_become_findings(
    source: LocationFacts, destination: LocationFacts, expected: list[tuple[str, str, str]]
) -> None:
    assert found(source, destination) == expected


def test_behind_an_endpoint_of_ones_own_a_regions_name_is_only_a_warning() -> None:
    own = {"endpoint": "https://127.0.0.1:1"}
    assert found(facts(region="us-east-1"), READY, own=own) == [("REPL-W015", "warning", "spec.source.provider")]


def test_ceph_needs_no_versioning_and_has_no_regions() -> None:
    assert found(facts(versioning=None, region="zg"), facts(versioning=None, region="zg"), own=CEPH) == []


def test_other_servers_need_versioning() -> None:
    own = {"flavour": "generic", "endpoint": "https://127.0.0.1:1"}
    assert [one[0] for one in found(facts(versioning=None), READY, own=own)] == ["REPL-W014"]
