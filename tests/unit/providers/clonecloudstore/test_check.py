"""What is said of flows before anything is asked."""

from typing import Any

import pytest

from reconciler.model.finding import Severity
from reconciler.model.observation import LocationFacts
from reconciler.providers.clonecloudstore.check import check, check_together
from reconciler.providers.clonecloudstore.findings import TEXTS
from reconciler.providers.clonecloudstore.preflight import preflight
from tests.unit.providers.clonecloudstore.flows import back, flow, site


def codes(**more: Any) -> list[str]:
    return [finding.code for finding in check(flow(**more))]


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"deletes": "replicate", "existing": "copy", "state": "active"},
        {"deletes": "keep", "verify": {"level": "status"}},
        {"deletes": "keep", "state": "paused"},
        {"existing": "copy", "options": {"conflicts": "replace", "prune": True}},
        {"existing": "ignore"},
    ],
)
def test_sound(spec: dict[str, Any]) -> None:
    assert codes(**spec) == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"storageClass": "COLD"}, "REPL-C601"),
        ({"filter": {"exclude": ["*"]}}, "REPL-C602"),
        ({"filter": {"tags": {"a": "b"}}}, "REPL-C602"),
        ({"schedule": {"every": "1d"}}, "REPL-C603"),
        ({"to": "other"}, "REPL-C605"),
        ({"ends": (site("site-a"), site("site-a"))}, "REPL-C606"),
        ({"ends": (site("site-a"), site("site-b", "client2"))}, "REPL-C607"),
        ({"deletes": "keep"}, "REPL-C608"),
        ({"deletes": "keep", "verify": {"level": "size"}}, "REPL-C608"),
        ({"name": "two--dashes"}, "REPL-C609"),
        (
            {"deletes": "keep", "existing": "copy", "options": {"prune": True}, "verify": {"level": "status"}},
            "REPL-C610",
        ),
        ({"verify": {"within": "5m"}}, "REPL-C611"),
        ({"options": {"conflicts": "replace"}}, "REPL-C612"),
    ],
)
def test_not_sound(spec: dict[str, Any], expected: str) -> None:
    assert codes(**spec) == [expected]


@pytest.mark.parametrize(
    ("bucket", "hint"), [("a--b", "'a-b'"), ("In Voices", ""), ("in  voices", ""), ("x", ""), ("caf\u00e9", "'cafe'")]
)
def test_names_that_would_be_changed(bucket: str, hint: str) -> None:
    found = [one for one in check(flow(bucket=bucket)) if one.code == "REPL-C604"]
    assert [one.path for one in found] == [("spec", "source", "bucket"), ("spec", "destination", "bucket")]
    assert bucket in found[0].detail
    assert hint in (found[0].hint or "")


def test_a_name_for_a_canary_counts_only_where_there_is_one() -> None:
    assert codes(name="two--dashes", verify={"level": "status"}) == []


def test_every_finding_can_be_acted_on() -> None:
    for code, text in TEXTS.items():
        assert text.summary
        assert text.hint, code


def test_states_of_one_direction_must_agree() -> None:
    flows = [flow("a", bucket="one", state="active"), flow("b", bucket="two", state="paused")]
    (found,) = check_together(flows)
    assert (found.code, found.replication) == ("REPL-C620", "b")
    assert not list(check_together([flows[0], flow("b", bucket="two")]))
    assert not list(check_together([flows[0], back("b", bucket="two", state="paused")]))


def test_one_bucket_once() -> None:
    assert [one.code for one in check_together([flow("a"), flow("b")])] == ["REPL-C621"]
    assert not list(check_together([flow("a"), back("b")]))


def test_one_site_has_one_address() -> None:
    other = (site("site-a"), site("site-b", topologyUri="https://elsewhere.example"))
    found = list(check_together([flow("a", bucket="one"), flow("b", bucket="two", ends=other)]))
    assert [one.code for one in found] == ["REPL-C622"]


READY = LocationFacts(exists=True, facts={"status": "READY", "right": "OWNER", "clientId": "client1"})


@pytest.mark.parametrize(
    ("source", "destination", "expected"),
    [
        (READY, READY, []),
        (READY, LocationFacts(exists=False, facts={"status": None}), []),
        (READY, LocationFacts(exists=False, facts={"status": "DELETED"}), []),
        (READY, LocationFacts(exists=False, facts={"status": "ERR_DEL"}), ["REPL-W604"]),
        (READY, LocationFacts(exists=False), ["REPL-W605"]),
        (READY, LocationFacts(exists=True, facts={"status": None, "foreign": True}), ["REPL-W603"]),
        (LocationFacts(exists=False, facts={"status": None}), READY, ["REPL-W601"]),
        (LocationFacts(exists=False, facts={"status": "ERR_UPL"}), READY, ["REPL-W604"]),
        (LocationFacts(exists=True, facts={"foreign": True}), READY, ["REPL-W603"]),
        (LocationFacts(exists=True, facts={"status": "READY", "right": "WRITE"}), READY, ["REPL-W606"]),
        (LocationFacts(exists=True, facts={"status": "READY", "right": None}), READY, ["REPL-W606"]),
    ],
)
def test_facts(source: LocationFacts, destination: LocationFacts, expected: list[str]) -> None:
    assert [one.code for one in preflight(flow(), source, destination)] == expected


def test_what_cannot_be_looked_at_is_a_warning() -> None:
    hidden = LocationFacts(exists=True, readable=False, problem="no")
    found = list(preflight(flow(), hidden, hidden))
    assert {(one.code, one.severity) for one in found} == {("REPL-W602", Severity.WARNING)}
