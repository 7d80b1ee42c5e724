"""Jobs of the emulated cluster through the provider: started, stopped, waited for. Exchanges are judged."""

import pytest

from reconciler.emulators.faults import Fault
from reconciler.errors import ErrorCode
from reconciler.model.change import Action
from reconciler.model.observation import HealthState
from reconciler.model.relationship import Relationship
from reconciler.providers.qumulo import convert
from tests.contract.qumulo_host import Host
from tests.contract.qumulo_judged import call, host, keep_running, wait
from tests.lab.provider_error import failed
from tests.lab.qumulo import RELATIONSHIPS
from tests.lab.world import eventually

__all__ = ["host"]


@pytest.mark.parametrize("body", ["monitor_uri", "empty"])
def test_resync_brings_what_is_new(host: Host, body: str) -> None:
    host.lab.emulator.switch({"replicate_body": body})
    live = host.create(host.flow())
    host.lab.put("/my-dir/new.txt", "new")
    started = host.run(host.plan(Action.RESYNC, host.flow()))["replicate"]
    host.finished(str(live.provider_id), after=str(started.returned["after"]))
    assert host.objects.client().get_object(Bucket=host.bucket, Key="v1/new.txt")["Body"].read() == b"new"


def test_starting_by_identity(host: Host) -> None:
    live = host.create(host.flow())
    start = host.provider.start(Relationship(identity=live.identity, settings={}))
    assert start is not None
    assert host.provider.execute(start, host.secrets).returned["id"] == live.provider_id


def test_one_that_runs_already_is_left_alone(host: Host) -> None:
    live = host.create(host.flow())
    start = host.provider.start(live)
    assert start is not None
    keep_running(host.lab)
    assert not host.provider.execute(start, host.secrets).skipped
    assert host.provider.execute(start, host.secrets).skipped == "a job runs already"
    assert host.writes()[1:] == ["POST .../replicate"]


def test_one_that_started_after_the_look(host: Host) -> None:
    """The cluster refuses a second job; that is as good as having started it."""
    live = host.create(host.flow())
    keep_running(host.lab)
    host.lab.faults.add(Fault(kind="stale_read", method="GET", path="/status"))
    host.lab.api.post(f"{RELATIONSHIPS}{live.provider_id}/replicate").raise_for_status()
    assert host.provider.execute(call(convert.REPLICATE, str(live.provider_id)), host.secrets).skipped


def test_one_that_ended_after_the_look(host: Host) -> None:
    """The cluster has nothing to stop any more; that is as good as having stopped it."""
    host.lab.emulator.switch({"abort_idle": "conflict"})
    keep_running(host.lab)
    number = str(host.run(host.plan(Action.CREATE, host.flow()))["create"].returned["id"])
    host.lab.faults.add(Fault(kind="stale_read", method="GET", path="/status"))
    host.lab.api.post(f"{RELATIONSHIPS}{number}/abort-replication").raise_for_status()
    host.lab.clock.resume()
    eventually(host.lab.jobs)
    assert not host.provider.execute(call(convert.ABORT, number), host.secrets).skipped
    assert host.writes()[1:] == ["POST .../abort-replication"] * 2


def test_one_that_may_not_be_stopped(host: Host) -> None:
    keep_running(host.lab)
    number = str(host.run(host.plan(Action.CREATE, host.flow()))["create"].returned["id"])
    for status, code in ((403, ErrorCode.PERMISSION_DENIED), (409, ErrorCode.CONFLICT)):
        host.lab.faults.add(Fault(kind="status", status=status, method="POST"))
        assert failed(lambda: host.provider.execute(call(convert.ABORT, number), host.secrets)).code is code


def test_one_that_does_not_exist(host: Host) -> None:
    host.create(host.flow())
    number = "00000000-0000-0000-0000-000000000000"
    error = failed(lambda: host.provider.execute(call(convert.REPLICATE, number), host.secrets))
    assert error.code is ErrorCode.NOT_FOUND
    assert host.provider.poll(wait("job-finished", number)).failed


def test_a_job_that_fails_says_why(host: Host) -> None:
    live = host.create(host.flow())
    keep_running(host.lab)
    started = host.provider.execute(call(convert.REPLICATE, str(live.provider_id)), host.secrets)
    looked = host.provider.poll(wait("job-finished", str(live.provider_id)))
    assert (looked.done, looked.failed) == (False, "")
    host.provider.execute(call(convert.ABORT, str(live.provider_id)), host.secrets)
    host.lab.clock.resume()
    host.wait(wait("job-not-running", str(live.provider_id)))
    ended = host.provider.poll(wait("job-finished", str(live.provider_id), after=started.returned["after"]))
    assert ended.failed
    assert host.provider.health(live).state is HealthState.FAILED


def test_nothing_is_finished_before_it_began(host: Host) -> None:
    live = host.create(host.flow())
    status = host.lab.status(str(live.provider_id))
    after = convert.STATUS.validate_python(status).last_job.end_time.isoformat()  # type: ignore[union-attr]
    assert not host.provider.poll(wait("job-finished", str(live.provider_id), after=after)).done


@pytest.mark.parametrize("scale", [1, 100])
@pytest.mark.parametrize("estimating", ["None", None])
def test_health_of_a_running_job(host: Host, scale: int, estimating: str | None) -> None:
    host.lab.emulator.switch({"percent_scale": scale, "percent_estimating": estimating, "estimate_seconds": 500})
    keep_running(host.lab)
    number = str(host.run(host.plan(Action.CREATE, host.flow()))["create"].returned["id"])
    state = host.live(host.flow())
    assert state is not None
    live = state.relationships[0]
    assert host.provider.health(live).state is HealthState.RUNNING
    host.lab.clock.advance(600)
    progress = host.provider.poll(wait("job-not-running", number))
    assert progress.percent is None or 0 <= progress.percent <= 100


def test_health_afterwards(host: Host) -> None:
    live = host.create(host.flow())
    found = host.provider.health(live)
    assert (found.state, found.last_success_at is not None) == (HealthState.OK, True)
    by_identity = live.model_copy(update={"provider_id": None})
    assert host.provider.health(by_identity) == found
    gone = live.model_copy(update={"provider_id": "00000000-0000-0000-0000-000000000000"})
    assert host.provider.health(gone).state is HealthState.UNKNOWN


def test_words_of_another_version(host: Host) -> None:
    host.observe()
    assert failed(lambda: host.provider.poll(wait("sunny", "x"))).code is ErrorCode.UNIMPLEMENTED
    assert failed(lambda: host.provider.execute(call("PATCH", "x"), host.secrets)).code is ErrorCode.UNIMPLEMENTED
