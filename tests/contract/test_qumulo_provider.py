"""Relationships of the emulated cluster through the provider: made, replaced, deleted, read. Exchanges are judged."""

from dataclasses import replace
from typing import Any

import pytest

from reconciler.emulators.faults import Fault
from reconciler.errors import ErrorCode, ExitCode
from reconciler.model.change import Action
from reconciler.model.manifest import Location
from reconciler.model.observation import ScopeRef
from reconciler.providers.qumulo import convert
from tests.contract.qumulo_host import Host
from tests.contract.qumulo_judged import call, host, keep_running, wait
from tests.lab.provider_error import failed
from tests.lab.world import eventually

__all__ = ["host"]


class TestCreate:
    def test_what_was_created_is_what_was_wanted(self, host: Host) -> None:
        flow = host.flow()
        live = host.create(flow)
        wanted = host.provider.normalise(flow)
        assert (live.identity, live.settings) == (wanted.identity, wanted.settings)
        assert host.writes() == ["POST .../"]
        assert host.objects.client().get_object(Bucket=host.bucket, Key="v1/sub/file.txt")["Body"].read() == b"content"

    def test_the_other_direction(self, host: Host) -> None:
        host.objects.client().put_object(Bucket=host.bucket, Key="v1/a/b.txt", Body=b"from there")
        host.lab.mkdir("/restore")
        flow = host.flow("/restore", side="destination")
        live = host.create(flow)
        assert live.settings == host.provider.normalise(flow).settings
        assert host.lab.read("/restore/a/b.txt") == b"from there"

    @pytest.mark.parametrize("folder_form", ["keep", "strip", "slash"])
    @pytest.mark.parametrize("prefix", ["", "v1", "v1/", "v1/x/"])
    def test_no_form_of_answer_makes_a_difference(self, host: Host, folder_form: str, prefix: str) -> None:
        host.lab.emulator.switch({"folder_form": folder_form})
        flow = host.flow(prefix=prefix)
        assert host.create(flow).settings == host.provider.normalise(flow).settings

    @pytest.mark.parametrize("empty_ca", [None, "", "absent"])
    def test_the_public_authorities(self, host: Host, empty_ca: str | None) -> None:
        host.lab.emulator.switch({"empty_ca": empty_ca, "public_authorities": "world"})
        flow = host.flow()
        assert flow.peer_s3 is not None
        flow = replace(flow, peer_s3=flow.peer_s3.model_copy(update={"ca_file": None}))
        live = host.create(flow)
        assert live.settings == host.provider.normalise(flow).settings
        assert live.settings["qumulo"]["caCertificate"] is None  # type: ignore[index, call-overload]

    def test_odd_paths(self, host: Host) -> None:
        path = "/ my dir/100% #1?/ä+😀"
        host.lab.put(f"{path}/f", "x")
        flow = host.flow(path, prefix="fol der/ü%20/")
        assert host.create(flow).settings == host.provider.normalise(flow).settings

    def test_the_secret_goes_to_the_cluster_and_nowhere_else(self, host: Host) -> None:
        plan = host.plan(Action.CREATE, host.flow())
        assert host.objects.secret_key not in repr(plan)
        host.run(plan)
        assert host.secrets.sent == [
            (ref, f"127.0.0.1:{host.lab.facts['port']}") for ref in ("env:TOKEN", "env:S3_SECRET")
        ]
        assert host.objects.secret_key not in host.observe().model_dump_json()


class TestCreateRefused:
    @pytest.mark.parametrize("status", [400, 409])
    def test_a_key_that_does_not_open_the_bucket(self, host: Host, status: int) -> None:
        host.lab.emulator.switch({"bucket_status": status})
        own = {"accessKeyId": host.objects.access_key, "secretAccessKey": {"env": "WRONG"}}
        error = failed(lambda: host.run(host.plan(Action.CREATE, host.flow(credentials=own))))
        assert error.code in (ErrorCode.INVALID_ARGUMENT, ErrorCode.CONFLICT)
        assert (error.status, error.ambiguous) == (status, False)
        assert "reach the bucket" in (error.hint or "")
        assert ":" in error.message, "error class and description"
        assert "hunter2" not in f"{error}{error!r}"
        assert host.observe().containers == ()

    def test_a_bucket_that_is_not_there(self, host: Host) -> None:
        assert failed(lambda: host.run(host.plan(Action.CREATE, host.flow(bucket="no-such-bucket")))).status == 400

    def test_a_directory_that_is_not_there(self, host: Host) -> None:
        assert failed(lambda: host.run(host.plan(Action.CREATE, host.flow("/no")))).code is ErrorCode.NOT_FOUND

    @pytest.mark.parametrize("status", [400, 409])
    def test_directories_that_overlap(self, host: Host, status: int) -> None:
        host.lab.emulator.switch({"overlap_status": status})
        host.lab.mkdir("/restore/inner")
        host.create(host.flow("/restore", side="destination"))
        error = failed(lambda: host.run(host.plan(Action.CREATE, host.flow("/restore/inner", side="destination"))))
        assert (error.status, error.ambiguous) == (status, False)

    @pytest.mark.parametrize(("status", "code"), [(403, ErrorCode.PERMISSION_DENIED), (401, ErrorCode.UNAUTHENTICATED)])
    def test_a_user_without_the_privilege(self, host: Host, status: int, code: ErrorCode) -> None:
        host.lab.emulator.switch({"privilege_status": status})
        host.provider = host.connect(token={"env": "READER"})
        plan = host.plan(Action.CREATE, host.flow())
        error = failed(lambda: host.run(plan))
        assert (error.code, error.exit_code, error.ambiguous) == (code, ExitCode.AUTH, False)
        assert error.hint


class TestLostAnswers:
    """A create has no idempotency key: it is sent once, and what came of it is seen by looking."""

    @pytest.mark.parametrize(("kind", "happened"), [("drop_before", 0), ("drop_after", 1)])
    def test_a_create_is_not_repeated(self, host: Host, kind: Any, happened: int) -> None:
        flow = host.flow()
        plan = host.plan(Action.CREATE, flow)
        host.lab.faults.add(Fault(kind=kind, method="POST"))
        assert failed(lambda: host.run(plan)).ambiguous
        assert host.writes() == ["POST .../"]
        live = host.live(flow)
        assert (live is not None) == bool(happened)
        if live:
            assert live.relationships[0].settings == host.provider.normalise(flow).settings

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    def test_trouble_of_the_server(self, host: Host, status: int) -> None:
        plan = host.plan(Action.CREATE, host.flow())
        host.lab.faults.add(Fault(kind="status", status=status, method="POST", times=None))
        error = failed(lambda: host.run(plan))
        assert (error.ambiguous, error.status, host.writes()) == (True, status, ["POST .../"])

    def test_no_answer_in_time(self, host: Host) -> None:
        host.provider = host.connect(timeout_s=1.5)
        plan = host.plan(Action.CREATE, host.flow())
        host.lab.faults.add(Fault(kind="timeout", seconds=5, commit=True, method="POST"))
        assert failed(lambda: host.run(plan)).ambiguous
        eventually(lambda: len(host.observe().containers) == 1)

    @pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
    def test_a_delete_may_be_sent_again(self, host: Host, kind: Any) -> None:
        live = host.create(host.flow())
        plan = host.plan(Action.DELETE, host.flow())
        host.lab.faults.add(Fault(kind=kind, method="DELETE"))
        assert failed(lambda: host.run(plan)).ambiguous
        host.run(plan)
        assert host.observe().containers == ()
        assert live.provider_id

    def test_reads_are_repeated(self, host: Host) -> None:
        host.create(host.flow())
        host.lab.faults.add(Fault(kind="drop_before", method="GET"))
        host.lab.faults.add(Fault(kind="status", status=429, retry_after=0, method="GET"))
        assert len(host.observe().containers) == 1


class TestReplace:
    def test_without_a_job_nothing_is_aborted(self, host: Host) -> None:
        old = host.create(host.flow())
        flow = host.flow(region="eu-west-9")
        results = host.run(host.plan(Action.REPLACE, flow))
        assert results["abort"].skipped == "no job runs"
        assert host.writes()[1:] == ["DELETE .../id", "POST .../"]
        host.finished(str(results["create"].returned["id"]))
        state = host.live(flow)
        assert state is not None
        assert state.relationships[0].provider_id != old.provider_id
        assert state.relationships[0].settings == host.provider.normalise(flow).settings
        assert len(host.observe().containers) == 1

    def test_a_running_job_is_stopped_first(self, host: Host) -> None:
        flow = host.flow(region="eu-west-9")
        keep_running(host.lab)
        host.run(host.plan(Action.CREATE, host.flow()))
        plan = host.plan(Action.REPLACE, flow)
        assert plan.effects[0].rule == "QUMULO-REPLACE"
        assert plan.effects[0].estimate is not None
        results = host.run(plan)
        assert not results["abort"].skipped
        assert host.writes()[1:] == ["POST .../abort-replication", "DELETE .../id", "POST .../"]
        assert len(host.observe().containers) == 1

    def test_another_place(self, host: Host) -> None:
        """The identity changes, so that the old relationship lies in another container."""
        host.create(host.flow())
        old = host.live(host.flow())
        host.run(host.plan(Action.REPLACE, host.flow(prefix="v2/"), observed=old))
        assert [state.ref for state in host.observe().containers] == [host.provider.container(host.flow(prefix="v2/"))]

    def test_waiting_for_the_end_of_a_job(self, host: Host) -> None:
        host.lab.emulator.switch({"job_seconds": 1000, "abort_seconds": 50})
        host.lab.clock.freeze()
        number = str(host.run(host.plan(Action.CREATE, host.flow()))["create"].returned["id"])
        assert not host.provider.execute(call(convert.ABORT, number), host.secrets).skipped
        assert not host.provider.poll(wait("job-not-running", number)).done
        host.lab.clock.resume()
        host.lab.emulator.switch({"abort_seconds": 0})
        eventually(lambda: host.lab.clock.advance(60) or host.provider.poll(wait("job-not-running", number)).done)


class TestDelete:
    def test_deleting_twice(self, host: Host) -> None:
        number = str(host.create(host.flow()).provider_id)
        for _ in range(2):
            host.provider.execute(call(convert.DELETE, number), host.secrets)
        assert host.provider.poll(wait("gone", number)).done
        assert host.provider.poll(wait("job-not-running", number)).done
        assert (
            host.provider.execute(call(convert.ABORT, number), host.secrets).skipped == "the relationship is not there"
        )

    @pytest.mark.parametrize("status", [400, 409])
    def test_while_a_job_runs(self, host: Host, status: int) -> None:
        host.lab.emulator.switch({"delete_running_status": status})
        keep_running(host.lab)
        number = str(host.run(host.plan(Action.CREATE, host.flow()))["create"].returned["id"])
        error = failed(lambda: host.provider.execute(call(convert.DELETE, number), host.secrets))
        assert (error.code, error.status, error.ambiguous) == (ErrorCode.FAILED_PRECONDITION, status, False)
        assert not host.provider.poll(wait("gone", number)).done

    def test_data_stays(self, host: Host) -> None:
        host.create(host.flow())
        host.run(host.plan(Action.DELETE, host.flow()))
        assert host.lab.read("/my-dir/sub/file.txt") == b"content"
        assert host.objects.client().head_object(Bucket=host.bucket, Key="v1/sub/file.txt")


class TestObserve:
    def test_one_request(self, host: Host) -> None:
        host.create(host.flow())
        before = len(host.lab.recorder.exchanges)
        host.provider.observe(ScopeRef(provider="nas-1", key="cluster"))
        assert len(host.lab.recorder.exchanges) - before == 1

    def test_an_empty_cluster(self, host: Host) -> None:
        assert host.observe().containers == ()

    def test_the_same_twice(self, host: Host) -> None:
        plan = host.plan(Action.CREATE, host.flow())
        host.run(plan)
        host.run(plan)
        first, second = host.observe().containers
        assert first.ref == host.provider.container(host.flow())
        assert second.ref.key == f"{first.ref.key}#{second.relationships[0].provider_id}"
        assert str(first.relationships[0].provider_id) < str(second.relationships[0].provider_id)

    @pytest.mark.parametrize("missing", ["empty", "absent"])
    def test_a_directory_that_is_gone(self, host: Host, missing: str) -> None:
        host.lab.emulator.switch({"status_missing_path": missing})
        host.create(host.flow())
        host.lab.emulator.act("delete", {"path": "/my-dir"})
        (state,) = host.observe().containers
        assert "<gone:" in state.ref.key
        assert list(host.provider.imported(host.observe())) == []

    def test_a_fingerprint_moves_only_with_the_configuration(self, host: Host) -> None:
        live = host.create(host.flow())
        ref = host.provider.container(host.flow())
        before = host.observe().fingerprint(ref)
        host.provider.execute(call(convert.REPLICATE, str(live.provider_id)), host.secrets)
        assert host.observe().fingerprint(ref) == before
        host.run(host.plan(Action.REPLACE, host.flow()))
        assert host.observe().fingerprint(ref) != before

    def test_import(self, host: Host) -> None:
        live = host.create(host.flow())
        (one,) = host.provider.imported(host.observe())
        assert one.relationship == live
        assert one.source == {"provider": "nas-1", "path": "/my-dir"}
        assert one.destination == {"bucket": host.bucket, "prefix": "v1/"}

    def test_inspect(self, host: Host) -> None:
        def look(path: str) -> Any:
            return host.provider.inspect(Location(provider="nas-1", path=path))

        assert look("/my-dir/").facts["type"] == "FS_FILE_TYPE_DIRECTORY"
        assert look("/my-dir").facts == look("/my-dir/").facts
        assert look("/my-dir/sub/file.txt").facts["type"] == "FS_FILE_TYPE_FILE"
        assert look("/").exists
        assert not look("/no").exists

    def test_what_may_not_be_looked_at(self, host: Host) -> None:
        host.observe()
        host.lab.faults.add(Fault(kind="status", status=403, path="/v1/files/"))
        found = host.provider.inspect(Location(provider="nas-1", path="/my-dir"))
        assert (found.exists, found.readable, bool(found.problem)) == (False, False, True)
        host.lab.faults.add(Fault(kind="status", status=401, path="/v1/files/"))
        look = Location(provider="nas-1", path="/my-dir")
        assert failed(lambda: host.provider.inspect(look)).code is ErrorCode.UNAUTHENTICATED
        # The document has no 403 for this call, a cluster may well.
        host.lab.recorder.clear()
        host.observe()
