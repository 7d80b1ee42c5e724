"""What the buckets at both ends and a rule's progress say."""

from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.model.finding import Severity
from reconciler.model.observation import HealthState, LocationFacts
from reconciler.providers.bos.health import health_of
from reconciler.providers.bos.preflight import preflight
from tests.unit.providers.bos.flows import flow

HERE = LocationFacts(exists=True, facts={"region": "bj", "versioning": None})
THERE = LocationFacts(exists=True, facts={"region": "gz"})
NOWHERE = LocationFacts(exists=False)
HIDDEN = LocationFacts(exists=True, readable=False, problem="no")


def there(**facts: Any) -> LocationFacts:
    return LocationFacts(exists=True, facts={"region": "gz", **facts})


def here(**facts: Any) -> LocationFacts:
    return LocationFacts(exists=True, facts={"region": "bj", **facts})


@pytest.mark.parametrize(
    ("spec", "source", "destination", "expected"),
    [
        ({}, HERE, THERE, []),
        ({}, NOWHERE, THERE, [("REPL-W301", "source")]),
        ({}, HERE, NOWHERE, [("REPL-W301", "destination")]),
        ({}, HIDDEN, HIDDEN, [("REPL-W302", "source"), ("REPL-W302", "destination")]),
        ({}, LocationFacts(exists=True, problem="may not read: versioning"), THERE, [("REPL-W302", "source")]),
        ({}, here(region="su"), THERE, [("REPL-W303", "source")]),
        ({}, HERE, there(region="bj"), [("REPL-W303", "destination")]),
        ({}, here(versioning="Enabled"), THERE, [("REPL-W304", "source")]),
        ({}, here(versioning="Suspended"), THERE, [("REPL-W305", "source")]),
        ({"state": "paused"}, here(versioning="Enabled"), THERE, []),
        ({}, HERE, there(versioning="Enabled"), []),
        ({"storage_class": "MAZ_STANDARD"}, HERE, THERE, []),
        ({"storage_class": "MAZ_STANDARD"}, HERE, there(multi_az=True), []),
        ({"storage_class": "MAZ_STANDARD"}, HERE, there(multi_az=False), [("REPL-W306", "storageClass")]),
        ({"storage_class": "COLD"}, HERE, there(multi_az=True), [("REPL-W306", "storageClass")]),
        ({"storage_class": "REMAIN"}, HERE, there(multi_az=True), []),
        ({"existing": "copy", "options": {"historyStorageClass": "COLD"}}, HERE, there(multi_az=True),
         [("REPL-W306", "bos")]),
    ],
)  # fmt: skip
def test_preflight(
    spec: dict[str, Any], source: LocationFacts, destination: LocationFacts, expected: list[tuple[str, str]]
) -> None:
    assert [(one.code, one.path[1]) for one in preflight(flow(**spec), source, destination)] == expected


def test_versioning_is_an_error_and_a_hidden_bucket_is_not() -> None:
    (versioned,) = preflight(flow(), here(versioning="Enabled"), THERE)
    (hidden,) = preflight(flow(), HIDDEN, THERE)
    assert (versioned.severity, hidden.severity) == (Severity.ERROR, Severity.WARNING)


AT = datetime(2017, 9, 4, 3, 5, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("progress", "state", "last"),
    [
        ({"status": "enabled", "historyReplicationPercent": 5, "latestReplicationTime": 1504494315},
         HealthState.RUNNING, AT),
        ({"status": "enabled", "historyReplicationPercent": "5", "latestReplicationTime": "1504494315"},
         HealthState.RUNNING, AT),
        ({"status": "enabled", "historyReplicationPercent": 100, "latestReplicationTime": 1504494315.0},
         HealthState.OK, AT),
        ({"status": "enabled", "historyReplicationPercent": 0, "latestReplicationTime": 1504494315},
         HealthState.UNKNOWN, AT),
        ({"status": "enabled", "historyReplicationPercent": 0, "latestReplicationTime": 0}, HealthState.UNKNOWN, None),
        ({"status": "enabled", "historyReplicationPercent": 100, "latestReplicationTime": 0},
         HealthState.UNKNOWN, None),
        ({"status": "enabled"}, HealthState.UNKNOWN, None),
        ({"status": "disabled", "historyReplicationPercent": 100}, HealthState.PAUSED, None),
        ({"status": "enabled", "historyReplicationPercent": "lots", "latestReplicationTime": "soon"},
         HealthState.UNKNOWN, None),
        ({"status": "enabled", "historyReplicationPercent": True, "latestReplicationTime": [1]},
         HealthState.UNKNOWN, None),
        ({"status": "enabled", "latestReplicationTime": 10**18}, HealthState.UNKNOWN, None),
        ({"status": "enabled", "latestReplicationTime": -5}, HealthState.UNKNOWN, None),
    ],
)  # fmt: skip
def test_health_is_never_better_than_what_is_told(
    progress: dict[str, Any], state: HealthState, last: datetime | None
) -> None:
    health = health_of(progress)
    assert (health.state, health.last_success_at) == (state, last)
    assert health.detail
