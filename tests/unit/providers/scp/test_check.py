"""What can be said against a flow without asking anybody."""

from typing import Any

import pytest

from reconciler.model.finding import Finding
from reconciler.model.manifest import VerifySpec
from reconciler.model.observation import LocationFacts
from reconciler.model.relationship import Flow
from reconciler.providers.scp.check import check, check_together
from reconciler.providers.scp.findings import TEXTS
from reconciler.providers.scp.preflight import preflight
from tests.unit.providers.scp.flows import flow

SOUND: dict[str, Any] = {"schedule": {"every": "1h"}, "verify": {"level": "status"}}
MOUNTS = {"source": "/mnt/a", "destination": "/mnt/b"}


def made(**changes: Any) -> Flow:
    return flow(**{**SOUND, **changes})


def codes(one: Flow) -> list[str]:
    return [finding.code for finding in check(one)]


def only(one: Flow) -> Finding:
    (found,) = check(one)
    return found


def test_a_sound_flow_is_not_complained_of() -> None:
    assert codes(made(deletes="replicate", existing="copy", state="paused", options={"type": "replication"})) == []


@pytest.mark.parametrize(
    ("spec", "code", "path"),
    [
        ({"filter": {"exclude": ["*.tmp"]}}, "REPL-C501", ("spec", "filter")),
        ({"filter": {"tags": {"a": "b"}}}, "REPL-C501", ("spec", "filter")),
        ({"storage_class": "HDD"}, "REPL-C502", ("spec", "storageClass")),
        ({"deletes": "keep"}, "REPL-C503", ("spec", "deletes")),
        ({"existing": "ignore"}, "REPL-C504", ("spec", "existing")),
        ({"schedule": None}, "REPL-C506", ("spec", "schedule")),
        ({"verify": {"level": "canary"}}, "REPL-C507", ("spec", "verify")),
        ({"verify": {"level": "bytes"}}, "REPL-C507", ("spec", "verify")),
        ({"replica": "no"}, "REPL-C510", ("spec", "destination", "volume")),
        ({"replica": "Data-DR"}, "REPL-C510", ("spec", "destination", "volume")),
        ({"volume": "a b"}, "REPL-C511", ("spec", "source", "volume")),
        ({"options": {"retention": 3}}, "REPL-C513", ("spec", "scp", "retention")),
        ({"options": {"type": "backup"}}, "REPL-C514", ("spec", "scp", "type")),
        ({"east": {"region": "kr-west1"}}, "REPL-C509", ("spec", "destination", "provider")),
        ({"east": {"environment": "s"}}, "REPL-C512", ("spec", "destination", "provider")),
        (
            {"east": {"accountId": "a1"}, "west": {"accountId": "a2"}},
            "REPL-C512",
            ("spec", "destination", "provider"),
        ),
    ],
)
def test_each_problem_has_its_place(spec: dict[str, Any], code: str, path: tuple[str, ...]) -> None:
    found = only(made(**spec))
    assert (found.code, found.path) == (code, path)
    assert found.detail
    assert found.hint


@pytest.mark.parametrize("every", ["5m", "1h", "1d", "7d", "30d", "60m", "24h", "720h"])
def test_five_frequencies_however_they_are_written(every: str) -> None:
    assert codes(made(schedule={"every": every})) == []


@pytest.mark.parametrize(
    ("every", "nearest"), [("1m", "5m"), ("15m", "5m"), ("2h", "1h"), ("2d", "1d"), ("31d", "30d")]
)
def test_other_schedules_are_told_which_there_are(every: str, nearest: str) -> None:
    found = only(made(schedule={"every": every}))
    assert found.code == "REPL-C505"
    assert "5m, 1h, 1d, 7d, 30d" in found.detail
    assert nearest in (found.hint or "")


@pytest.mark.parametrize(("every", "within", "fits"), [("5m", "5m", False), ("5m", "301s", True), ("1h", "15m", False)])
def test_a_canary_outlasts_the_schedule(every: str, within: str, *, fits: bool) -> None:
    verify = {"level": "canary", "within": within, "mounts": MOUNTS}
    found = codes(made(schedule={"every": every}, verify=verify))
    assert found == ([] if fits else ["REPL-C508"])


@pytest.mark.parametrize("every", ["5m", "1h", "1d", None])
def test_the_wait_that_is_advised_is_one_that_will_do(every: str | None) -> None:
    schedule = None if every is None else {"every": every}
    verify = {"level": "canary", "within": "1m", "mounts": MOUNTS}
    (found,) = [one for one in check(made(schedule=schedule, verify=verify)) if one.code == "REPL-C508"]
    advised = (found.hint or "").partition("within: ")[2].partition("`")[0]
    better = codes(made(schedule=schedule, verify={**verify, "within": advised}))
    assert "REPL-C508" not in better


def test_a_paused_flow_is_not_proved_and_so_not_complained_of() -> None:
    assert codes(made(state="paused", verify={"level": "canary"})) == []


def test_two_flows_want_one_replica() -> None:
    found = list(check_together([made(name="a"), made(name="b"), made(name="c", replica="other")]))
    assert [(one.code, one.replication) for one in found] == [("REPL-C520", "a"), ("REPL-C520", "b")]


def test_a_relative_mount_is_refused() -> None:
    with pytest.raises(ValueError, match="pattern"):
        VerifySpec.model_validate({"mounts": {"source": "mnt", "destination": "/mnt/b"}})


# The world ----------------------------------------------------------------------------------------------------------

ABSENT, HIDDEN = LocationFacts(exists=False), LocationFacts(exists=True, readable=False, problem="no")


def facts(**more: Any) -> LocationFacts:
    held = {"id": "1", "state": "available", "protocol": "NFS", "type_name": "HDD", "replication_regions": ["kr-east1"]}
    return LocationFacts(exists=True, facts=held | more)


@pytest.mark.parametrize(
    ("source", "destination", "expected"),
    [
        (facts(), ABSENT, []),
        (ABSENT, ABSENT, ["REPL-W501"]),
        (HIDDEN, ABSENT, ["REPL-W502"]),
        (LocationFacts(exists=False, readable=False), ABSENT, ["REPL-W502"]),
        (facts(), HIDDEN, ["REPL-W502"]),
        (facts(state="error"), ABSENT, ["REPL-W503"]),
        (facts(replication_regions=[]), ABSENT, ["REPL-W504"]),
        (facts(state=""), ABSENT, []),
        (LocationFacts(exists=True), ABSENT, []),
    ],
)
def test_the_world(source: LocationFacts, destination: LocationFacts, expected: list[str]) -> None:
    assert [one.code for one in preflight(made(), source, destination)] == expected


def test_no_region_at_all_is_said_so() -> None:
    (found,) = preflight(made(), facts(replication_regions=[]), ABSENT)
    assert "go to: none; not kr-east1" in found.detail


@pytest.mark.parametrize("where", ["source", "destination"])
def test_what_may_not_be_looked_at_is_told_without_a_reason_too(where: str) -> None:
    hidden = LocationFacts(exists=True, readable=False)
    source, there = (hidden, ABSENT) if where == "source" else (facts(), hidden)
    (found,) = preflight(made(), source, there)
    assert (found.path, found.detail[-15:]) == (("spec", where, "volume"), " no permission.")


def test_a_password_for_nfs_is_said_to_be_useless() -> None:
    with_password = made(options={"cifsPassword": {"env": "P"}})
    assert [one.code for one in preflight(with_password, facts(), ABSENT)] == ["REPL-W505"]
    assert [one.code for one in preflight(with_password, facts(protocol="CIFS"), ABSENT)] == []


def test_regions_for_backups_are_asked_for_apart() -> None:
    backup = made(options={"type": "backup", "deleteReplicaVolume": True})
    assert [one.code for one in preflight(backup, facts(backup_regions=["kr-south1"]), ABSENT)] == ["REPL-W504"]


def test_every_text_is_used_somewhere_and_whole() -> None:
    assert all(text.summary and text.hint for text in TEXTS.values())
