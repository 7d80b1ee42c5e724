"""SCP as a user meets it: what a change brings about, what stays behind, and whatever the service does in silence."""

import contextlib
from dataclasses import replace
from typing import Any

import pytest

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.change import Action, Reason
from reconciler.model.manifest import Location
from reconciler.model.observation import HealthState
from reconciler.model.plan import Plan
from reconciler.model.receipt import RunOutcome
from reconciler.providers.base import Access
from reconciler.testing.host import Host
from tests.contract.harnesses.scp import ScpHarness
from tests.contract.harnesses.wire import EnvSecrets
from tests.contract.scp_host import harness, host, volume

__all__ = ["harness", "host"]

SILENT: list[tuple[str, Any]] = [
    ("account_header", "required"),
    ("create_s", 600),
    ("change_s", 60),
    ("delete_s", 60),
    ("region_lag_s", 60),
    ("volume_delete_s", 60),
    ("write_status", 200),
    ("echo", "asked"),
    ("policy_while_creating", "use"),
    ("policy_while_creating", "paused"),
    ("settled_status", "in_use"),
    ("settled_status", "running"),
    ("paused_status", "paused"),
    ("busy_status", None),
    ("deleting_status", "use"),
    ("source_access", "ro"),
    ("replica_purpose", "REPLICATION"),
    ("replica_purpose", "none"),
    ("count", "page"),
    ("name_filter", "exact"),
    ("either_id", False),
    ("unknown_volume", "empty"),
    ("blocking_snapshots", "system"),
    ("blocking_snapshots", "none"),
    ("system_snapshots", "deletable"),
]


def effects(plan: Plan) -> dict[str, str]:
    return {effect.rule: effect.text for effect in plan.effects}


@pytest.mark.parametrize(("name", "value"), SILENT, ids=[f"{name}={value!r}" for name, value in SILENT])
def test_whatever_the_service_does(host: Host, harness: ScpHarness, name: str, value: Any) -> None:
    """Create, change all that can be changed, resume, and delete with the volume."""
    harness.switch(**{name: value})
    first = harness.flow("one", scp={"type": "backup", "retention": 2}, schedule={"every": "5m"})
    harness.switch(backup_delete="either")
    second = harness.flow("one", scp={"type": "backup", "retention": 3}, schedule={"every": "7d"}, state="paused")
    for flows in ((first,), (second,), (first,), ()):
        plan = host.plan(*flows, prune=True)
        with host.quiet() as sent:
            receipt = host.apply(plan)
        assert receipt.outcome is RunOutcome.DONE, [(r.code, r.detail) for r in receipt.results]
        assert len([one for one in sent if one.write]) <= plan.summary.calls + 1  # one for each snapshot
        host.settled(*flows, prune=True)
    assert not harness.replications()
    assert not harness.held("r_one")


def test_two_kinds_of_change_are_two_requests_to_the_replicas_region(host: Host, harness: ScpHarness) -> None:
    host.converge(harness.flow("one"))
    changed = harness.flow("one", state="paused", schedule={"every": "1d"})
    plan = host.plan(changed)
    assert [call.operation for call in plan.containers[0].calls] == ["SetVolumeReplication"] * 2
    host.apply(plan)
    host.settled(changed)
    puts = [one for one in harness.wire.recorder.exchanges if one.method == "PUT"]
    east = harness.facts["regions"]["kr-east1"]["https"].rpartition(":")[2]
    assert len(puts) == 2
    assert all(one.status == 202 and f":{east}/" in one.url for one in puts)
    kinds = [b"modify_schedule" in one.request_body for one in puts]
    assert kinds == [True, False]  # while it is in use


def test_a_replica_that_stays_is_told_with_its_id(host: Host, harness: ScpHarness) -> None:
    harness.way = replace(harness.way, tidy=False)
    host.converge(harness.flow("one"))
    replica = volume(harness, "r_one")
    plan = host.plan(prune=True)
    assert effects(plan).keys() == {"SCP-ORPHAN-VOLUME", "SCP-PAUSE-FIRST"}
    assert replica in effects(plan)["SCP-ORPHAN-VOLUME"]
    assert "r_one" in effects(plan)["SCP-ORPHAN-VOLUME"]
    host.apply(plan)
    assert not harness.replications()
    assert volume(harness, "r_one") == replica
    again = host.plan(harness.flow("one"))
    assert [finding.code for finding in again.findings if "W5" in finding.code] == ["REPL-W507"]
    assert any(replica in finding.detail for finding in again.findings)


def test_a_replica_goes_only_with_consent(host: Host, harness: ScpHarness) -> None:
    """The option is what counts as last applied, for the manifest is gone by then."""
    harness.way = replace(harness.way, tidy=False)
    host.converge(harness.flow("one"))
    plan = host.plan(harness.flow("one", scp={"deleteReplicaVolume": True}))
    assert [(one.action, one.fields[0].before) for one in plan.active_changes] == [(Action.UPDATE, False)]
    assert plan.summary.calls == 0, "no server holds it"
    changed = harness.flow("one", schedule={"every": "1d"}, scp={"deleteReplicaVolume": True})
    host.converge(changed)
    (change,) = host.plan(
        harness.flow("one", schedule={"every": "1d"}, scp={"deleteReplicaVolume": False})
    ).active_changes
    assert [field.dotted for field in change.fields] == ["scp.deleteReplicaVolume"]
    plan = host.plan(prune=True)
    assert "SCP-VOLUME-DELETED" in effects(plan)
    assert "SCP-ORPHAN-VOLUME" not in effects(plan)
    rule = next(rule for rule in host.info.effects if rule.id == "SCP-VOLUME-DELETED")
    assert rule.blocks
    host.converge(prune=True)
    assert not harness.held("r_one")


@pytest.mark.parametrize("ends", ["volume", "replication", "either"])
def test_a_backup_ends_as_the_service_wants(host: Host, harness: ScpHarness, ends: str) -> None:
    harness.switch(backup_delete=ends)
    host.converge(harness.flow("one", scp={"type": "backup", "retention": 2}))
    host.converge(prune=True)
    assert not harness.replications()
    assert not harness.held("r_one")


def test_a_backup_that_shall_leave_its_volume_may_be_refused(host: Host, harness: ScpHarness) -> None:
    harness.way = replace(harness.way, tidy=False)
    harness.switch(backup_delete="volume")
    flow = harness.flow("one", scp={"type": "backup", "retention": 2})
    assert "REPL-C514" in [finding.code for finding in host.reader.check(flow)]
    host.converge(flow)
    receipt = host.apply(host.plan(prune=True))
    (result,) = receipt.results
    assert result.code == "FAILED_PRECONDITION"
    assert "deleteReplicaVolume" in result.hint
    assert harness.held("r_one"), "no volume is deleted that was not to be"


# CIFS ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def cifs(harness: ScpHarness) -> str:
    harness.volumes["shared"] = harness.volume("shared", protocol="CIFS")
    return "shared"


def test_a_cifs_volume_needs_a_password_to_be_made_and_not_afterwards(
    host: Host, harness: ScpHarness, cifs: str
) -> None:
    plain = harness.made("one", cifs, "r_one", {})
    plan = host.plan(plain)
    assert [finding.code for finding in plan.errors] == ["REPL-W506"]
    assert not plan.containers[0].steps
    with_password = harness.made("one", cifs, "r_one", {"scp": {"cifsPassword": {"env": "CIFS_PASSWORD"}}})
    assert "SCP-SECRET-UNREADABLE" in effects(host.plan(with_password))
    host.converge(with_password)
    host.settled(with_password)
    host.settled(plain)


@pytest.mark.parametrize("name", ["one", "renamed"])
def test_another_password_is_another_replica(host: Host, harness: ScpHarness, cifs: str, name: str) -> None:
    """PUT has no field for it: the plan says what it takes, and needs approval."""
    spec = {"scp": {"cifsPassword": {"env": "CIFS_PASSWORD"}}}
    host.converge(harness.made("one", cifs, "r_one", spec))
    flow = harness.made(name, cifs, "r_one", spec)
    before = volume(harness, "r_one")
    harness.secrets = EnvSecrets(SCP_SECRET=str(harness.facts["secret_key"]), CIFS_PASSWORD="an0ther!one")
    host.close()
    plan = host.plan(flow)
    (change,) = plan.active_changes
    assert (change.action, change.reason) == (Action.REPLACE, Reason.CANNOT_CHANGE_IN_PLACE)
    (field,) = change.fields
    assert (field.dotted, field.sensitive, field.before, field.after) == ("scp.cifsPassword", True, None, None)
    assert {"SCP-REPLACE", "SCP-VOLUME-DELETED", "SCP-PAUSE-FIRST"} <= effects(plan).keys()
    assert next(rule for rule in host.info.effects if rule.id == "SCP-REPLACE").blocks
    host.apply(plan)
    host.settled(flow)
    assert volume(harness, "r_one") != before
    state: Any = harness.emulator.state()
    assert len({one["cifs_password_sha256"] for one in state["volumes"].values() if one["region"] == "kr-east1"}) == 1


def test_a_replacement_under_the_same_name_is_not_begun(host: Host, harness: ScpHarness) -> None:
    """The old volume would keep the name, and the service would refuse the new one when the old replication is gone."""
    harness.way = replace(harness.way, tidy=False)
    host.converge(harness.flow("one"))
    plan = host.plan(harness.flow("one", scp={"type": "backup"}))
    assert [finding.code for finding in plan.errors] == ["REPL-W508"]
    renamed = harness.made("one", "src_a", "r_other", {"scp": {"type": "backup"}})
    (change,) = host.plan(renamed).active_changes
    assert change.action is Action.REPLACE
    host.converge(renamed)
    host.settled(renamed)
    assert harness.held("r_one")


@pytest.mark.parametrize("password", ["a1!bc", "a1!" + 6 * "bcd", "12345678!", "letters!!", "letters11", "a1! blank"])
def test_a_password_that_scp_does_not_take_is_not_sent(
    host: Host, harness: ScpHarness, cifs: str, password: str
) -> None:
    harness.secrets = EnvSecrets(SCP_SECRET=str(harness.facts["secret_key"]), CIFS_PASSWORD=password)
    flow = harness.made("one", cifs, "r_one", {"scp": {"cifsPassword": {"env": "CIFS_PASSWORD"}}})
    receipt = host.apply(host.plan(flow))
    (result,) = receipt.results
    assert result.code == "SECRET"
    assert password not in result.detail + result.hint
    assert result.calls == 0


# What goes wrong ----------------------------------------------------------------------------------------------------


def test_a_creation_that_fails_is_told_with_its_ids(host: Host, harness: ScpHarness) -> None:
    harness.switch(create_outcome="error", error_status="failed")
    flow = harness.flow("one")
    (result,) = host.apply(host.plan(flow)).results
    assert result.code == "FAILED_PRECONDITION"
    assert harness.number(flow) in result.detail
    assert volume(harness, "r_one") in result.detail
    assert host.reader.health(host.present(flow)).state is HealthState.FAILED
    (change,) = host.plan(flow).active_changes
    assert [(field.dotted, field.before) for field in change.fields] == [("state", "error")]


def test_errors_say_what_and_with_which_request_id(host: Host, harness: ScpHarness) -> None:
    harness.switch(denied_actions=("filestorage:ListVolumes",))
    with pytest.raises(ProviderError) as raised:
        host.observe(harness.flow("one"))
    assert raised.value.code is ErrorCode.PERMISSION_DENIED
    assert (raised.value.request_id or "").startswith("req-")
    assert raised.value.hint
    harness.switch(denied_actions=(), entitled=False)
    with pytest.raises(ProviderError) as raised:
        host.observe(harness.flow("one"))
    assert raised.value.code is ErrorCode.PERMISSION_DENIED
    assert "order it" in (raised.value.hint or "")
    harness.switch(entitled=True, clock_skew_s=3600)
    with pytest.raises(ProviderError) as raised:
        host.observe(harness.flow("one"))
    assert raised.value.code is ErrorCode.UNAUTHENTICATED
    assert "clock" in (raised.value.hint or "")


def test_a_schedule_that_a_paused_one_does_not_take(host: Host, harness: ScpHarness) -> None:
    harness.switch(schedule_needs_use=True)
    host.converge(harness.flow("one", state="paused"))
    (result,) = host.apply(host.plan(harness.flow("one", state="paused", schedule={"every": "1d"}))).results
    assert result.code == "FAILED_PRECONDITION"
    assert "resume" in result.hint
    host.converge(harness.flow("one", schedule={"every": "1d"}))
    host.settled(harness.flow("one", schedule={"every": "1d"}))


def test_without_a_document_for_the_replicas_region_nothing_is_deleted(host: Host, harness: ScpHarness) -> None:
    host.converge(harness.flow("one"))
    del harness.docs["east"]
    host.close()
    plan = host.plan(prune=True)
    assert [finding.code for finding in plan.errors] == ["REPL-W509"]
    assert not plan.containers[0].steps


def test_several_volumes_of_one_name_are_not_guessed_at(host: Host, harness: ScpHarness) -> None:
    """Names that differ in what the service puts behind them answer to the same name."""
    for tail in ("a1b2c3", "d4e5f6"):
        harness.volume(f"shared{tail}")
    flow = harness.made("one", "shared", "r_one", {})
    with pytest.raises(ProviderError) as raised:
        host.observe(flow)
    assert raised.value.code is ErrorCode.FAILED_PRECONDITION
    assert "write the id" in (raised.value.hint or "")
    assert host.reader.observe(host.reader.scope(harness.made("one", "shareda1b2c3", "r_one", {}))).containers == ()


@pytest.mark.parametrize("count", ["total", "page"])
def test_a_name_that_many_hold_is_found_on_a_later_page(harness: ScpHarness, count: str) -> None:
    """The service finds whatever holds the text, a page at a time, and does not say what it counts."""
    for number in range(25):
        harness.volume(f"a{number:02}_held")
    wanted = harness.volume("held")
    for number in range(25):
        harness.volume(f"z{number:02}_held")
    harness.switch(count=count)
    with contextlib.closing(harness.connect(Access.READ)) as reader:
        assert reader.inspect(Location(provider="west", volume="held")).facts["id"] == wanted
        assert not reader.inspect(Location(provider="west", volume="hel")).exists


def test_a_name_that_one_page_answers_is_asked_for_once(harness: ScpHarness) -> None:
    harness.volume("alone")
    with contextlib.closing(harness.connect(Access.READ)) as reader:
        assert reader.inspect(Location(provider="west", volume="alone")).exists
    asked = [one for one in harness.wire.recorder.exchanges if "/v1/volumes?" in one.url and "name=alone" in one.url]
    assert len(asked) == 1


def test_a_volume_by_another_name_is_the_same_volume(host: Host, harness: ScpHarness) -> None:
    """Written by its id from now on, its replication is neither made again nor pruned."""
    by_name = harness.flow("one")
    host.converge(by_name)
    source = by_name.spec.source.model_copy(update={"volume": harness.volumes["src_a"]})
    by_id = replace(by_name, spec=by_name.spec.model_copy(update={"source": source}))
    host.settled(by_id, prune=True)
    assert len(harness.replications()) == 1


def test_a_reading_connection_reaches_the_other_region_for_reading_only(host: Host, harness: ScpHarness) -> None:
    host.converge(harness.flow("one"))
    calls = host.plan(prune=True).containers[0].calls
    reader = harness.connect(Access.READ)
    with host.quiet() as sent:
        for call in calls:
            with pytest.raises(ProviderError) as raised:
                reader.execute(call, harness.secrets)
            assert raised.value.code is ErrorCode.READ_ONLY
    reader.close()
    assert not sent
