"""The queue over time: retries, snapshots, order, resync, restarts, and the loop that nobody guards against."""

import uuid
from typing import Any

import pytest

from reconciler.emulators.faults import Fault
from tests.lab.alarik import Lab, Server, eventually, rule, target

WEEK = 7 * 24 * 3600


@pytest.fixture
def bucket(here: Server) -> str:
    return here.bucket()


@pytest.fixture
def copy(there: Server) -> str:
    return there.bucket()


def attempts(server: Server) -> int:
    return server.queue()["attempts"]


def versions(server: Server, bucket: str, key: str = "k") -> list[bytes]:
    """Contents, oldest first."""
    client = server.s3()
    listed = client.list_object_versions(Bucket=bucket, Prefix=key).get("Versions", [])
    return [
        client.get_object(Bucket=bucket, Key=key, VersionId=one["VersionId"])["Body"].read() for one in reversed(listed)
    ]


def test_it_is_tried_again_ever_more_seldom_and_then_no_more(
    lab: Lab, here: Server, there: Server, bucket: str
) -> None:
    lab.clock.freeze()
    here.replicate(bucket, there, "missing-bucket")
    here.s3().put_object(Bucket=bucket, Key="k", Body=b"x")
    for number, wait in enumerate([60, 120, 240, 480, 960, 1920, 3600], start=1):
        eventually(lambda: here.tasks(bucket)[0]["attempts"] == number)  # noqa: B023
        lab.clock.advance(wait - 1)
        eventually(lambda: here.queue()["under_way"] == 0)
        assert (attempts(here), here.tasks(bucket)[0]["state"]) == (number, "pending")
        # The outbox looks every two seconds.
        lab.clock.advance(3)
    task = eventually(lambda: [one for one in here.tasks(bucket) if one["state"] == "failed"])[0]
    assert (task["attempts"], task["lastError"]) == (8, "AccessDenied: Access Denied")
    lab.clock.advance(WEEK - 24 * 3600)
    assert len(here.tasks(bucket)) == 1
    assert attempts(here) == 8
    lab.clock.advance(24 * 3600 + 3600)
    eventually(lambda: here.tasks(bucket) == [])


def test_retry_begins_again_at_once(lab: Lab, here: Server, there: Server, bucket: str, copy: str) -> None:
    lab.clock.freeze()
    here.replicate(bucket, there, copy)
    here.emulator.switch({"fail_next_deliveries": 1})
    here.s3().put_object(Bucket=bucket, Key="k", Body=b"x")
    task = eventually(lambda: [one for one in here.tasks(bucket) if one["attempts"]])[0]
    assert here.emulator.switches()["fail_next_deliveries"] == 0
    lab.clock.advance(1)
    url = f"/api/v1/buckets/{bucket}/replication/tasks/{task['id'].lower()}/retry"
    answer = here.api.post(url)
    assert answer.status_code == 200
    assert (answer.json()["attempts"], answer.json()["state"], "lastError" in answer.json()) == (0, "pending", False)
    eventually(here.quiet)
    assert versions(there, copy) == [b"x"]
    assert here.api.post(url).json()["reason"] == "Replication task not found"


def test_what_is_queued_keeps_the_credentials_it_was_queued_with(
    lab: Lab, here: Server, there: Server, bucket: str, copy: str
) -> None:
    made = here.replicate(bucket, there, copy)
    there.emulator.act("rotate-key", {})
    here.s3().put_object(Bucket=bucket, Key="old", Body=b"x")
    eventually(lambda: [one for one in here.tasks(bucket) if one["attempts"]])
    right = target(there, copy, id=made["targetId"])
    here.saved(bucket, "targets", right)
    here.s3().put_object(Bucket=bucket, Key="new", Body=b"x")
    eventually(lambda: versions(there, copy, "new") == [b"x"])
    task = here.tasks(bucket)[0]
    here.api.post(f"/api/v1/buckets/{bucket}/replication/tasks/{task['id']}/retry")
    stale = eventually(lambda: [one for one in here.tasks(bucket) if one["attempts"] == 1])[0]
    assert stale["lastError"].startswith("SignatureDoesNotMatch: ")
    here.saved(bucket, "targets")
    assert [one["key"] for one in here.tasks(bucket)] == ["old"], "nor does it mind that its target is gone"
    # The cure: a rule with another id, and everything once more.
    here.saved(bucket, "targets", right)
    fresh = here.saved(bucket, "rules", rule(right["id"], id=str(uuid.uuid4()), replicateExisting=True))[0]
    assert here.tasks(bucket) == []
    assert here.api.post(f"/api/v1/buckets/{bucket}/replication/rules/{fresh['id']}/resync").status_code == 202
    eventually(lambda: versions(there, copy, "old") == [b"x"])
    eventually(here.quiet)
    assert versions(there, copy, "new") == [b"x", b"x"]


def test_keys_keep_their_order_while_nothing_fails(
    lab: Lab, here: Server, there: Server, bucket: str, copy: str
) -> None:
    here.emulator.switch({"worker": "stopped", "pace_s": 0})
    here.replicate(bucket, there, copy)
    for number in range(8):
        for key in ("k", "l"):
            here.s3().put_object(Bucket=bucket, Key=key, Body=str(number).encode())
    here.emulator.switch({"worker": "running"})
    eventually(here.quiet)
    wanted = [str(number).encode() for number in range(8)]
    assert versions(there, copy, "k") == versions(there, copy, "l") == wanted


def test_what_failed_once_may_overtake_what_came_later(
    lab: Lab, here: Server, there: Server, bucket: str, copy: str
) -> None:
    here.replicate(bucket, there, copy)
    here.emulator.switch({"fail_next_deliveries": 1})
    here.s3().put_object(Bucket=bucket, Key="k", Body=b"old")
    eventually(lambda: [one for one in here.tasks(bucket) if one["attempts"]])
    here.s3().put_object(Bucket=bucket, Key="k", Body=b"new")
    eventually(lambda: versions(there, copy) == [b"new"])
    lab.clock.advance(62)
    eventually(lambda: versions(there, copy) == [b"new", b"old"])


def test_resync_sends_everything_below_the_prefix_whether_it_is_there_or_not(
    here: Server, there: Server, bucket: str, copy: str
) -> None:
    client = here.s3()
    for key in ("a/1", "a/2", "a/gone", "b/1"):
        client.put_object(Bucket=bucket, Key=key, Body=key.encode())
    client.delete_object(Bucket=bucket, Key="a/gone")
    made = here.replicate(bucket, there, copy, prefix="a/", replicateExisting=True)
    assert here.quiet(), "nothing is copied by saying that it may be"
    url = f"/api/v1/buckets/{bucket}/replication/rules/{made['id']}/resync"
    for times in (1, 2):
        answer = here.api.post(url)
        assert (answer.status_code, answer.content) == (202, b"")
        eventually(here.quiet)
        assert [versions(there, copy, key) for key in ("a/1", "a/2")] == [[b"a/1"] * times, [b"a/2"] * times]
    listed = there.s3().list_objects_v2(Bucket=copy)["Contents"]
    assert [one["Key"] for one in listed] == ["a/1", "a/2"]


def test_the_newest_hundred_tasks_are_shown(here: Server, there: Server, bucket: str, copy: str) -> None:
    here.emulator.switch({"worker": "stopped"})
    here.replicate(bucket, there, copy)
    client = here.s3()
    for number in range(103):
        client.put_object(Bucket=bucket, Key=f"k{number:03}", Body=b"")
    shown = [one["key"] for one in here.tasks(bucket)]
    assert shown == [f"k{number:03}" for number in range(102, 2, -1)]
    assert here.queue()["pending"] == 103


def test_the_queue_outlives_the_process(lab: Lab, here: Server, there: Server, bucket: str, copy: str) -> None:
    made = here.replicate(bucket, there, copy)
    here.emulator.switch({"fail_next_deliveries": 1})
    here.s3().put_object(Bucket=bucket, Key="k", Body=b"x")
    eventually(lambda: here.state["buckets"][bucket]["outbox"][0]["attempts"])
    assert here.emulator.act("crash", {}) == {"up": False}
    lab.clock.advance(3600)
    assert here.queue()["delivered"] == 0
    assert here.emulator.act("restart", {}) == {"up": True}
    eventually(lambda: versions(there, copy) == [b"x"])
    assert here.get(bucket, "rules") == [made]


def test_a_target_that_is_down_is_waited_for(lab: Lab, here: Server, there: Server, bucket: str, copy: str) -> None:
    here.replicate(bucket, there, copy)
    there.emulator.act("crash", {})
    here.s3().put_object(Bucket=bucket, Key="k", Body=b"x")
    eventually(lambda: [one for one in here.tasks(bucket) if one["attempts"]])
    there.emulator.act("restart", {})
    lab.clock.advance(62)
    eventually(lambda: versions(there, copy) == [b"x"])


def loop(here: Server, there: Server, bucket: str, copy: str) -> None:
    here.replicate(bucket, there, copy)
    there.replicate(copy, here, bucket)


def test_two_servers_that_replicate_to_each_other_never_stop(
    lab: Lab, here: Server, there: Server, bucket: str, copy: str
) -> None:
    loop(here, there, bucket, copy)
    here.s3().put_object(Bucket=bucket, Key="k", Body=b"x")
    eventually(lambda: len(versions(here, bucket)) > 3 and len(versions(there, copy)) > 3)
    before = attempts(here)
    eventually(lambda: attempts(here) > before + 2)


def test_the_loop_goes_at_the_pace_of_the_clock(lab: Lab, here: Server, there: Server, bucket: str, copy: str) -> None:
    for server in (here, there):
        server.emulator.switch({"pace_s": 10})
    loop(here, there, bucket, copy)
    lab.clock.freeze()
    here.s3().put_object(Bucket=bucket, Key="k", Body=b"x")
    for hops in (1, 2, 3):
        eventually(lambda: attempts(here) == attempts(there) == hops)  # noqa: B023
        eventually(lambda: here.queue()["under_way"] == there.queue()["under_way"] == 0)
        assert (here.queue()["pending"], there.queue()["pending"]) == (1, 0)
        lab.clock.advance(10)


def test_the_loop_stops_when_a_rule_goes(lab: Lab, here: Server, there: Server, bucket: str, copy: str) -> None:
    loop(here, there, bucket, copy)
    here.s3().put_object(Bucket=bucket, Key="k", Body=b"x")
    eventually(lambda: len(versions(there, copy)) > 2)
    here.saved(bucket, "rules")
    eventually(lambda: here.quiet() and there.quiet())


def test_a_broken_connection_is_a_failure_like_any_other(
    lab: Lab, here: Server, there: Server, bucket: str, copy: str
) -> None:
    here.replicate(bucket, there, copy)
    lab.faults.add(Fault(kind="drop_after", emulator="there", operation="PutObject"))
    here.s3().put_object(Bucket=bucket, Key="k", Body=b"x")
    task = eventually(lambda: [one for one in here.tasks(bucket) if one["attempts"]])[0]
    assert task["lastError"]
    lab.clock.advance(62)
    eventually(here.quiet)
    assert versions(there, copy) == [b"x", b"x"], "it had arrived all the same"


def test_state_tells_of_secrets_by_their_digest(here: Server, there: Server, bucket: str, copy: str) -> None:
    here.replicate(bucket, there, copy)
    here.s3().put_object(Bucket=bucket, Key="k", Body=b"x")
    eventually(lambda: here.queue()["delivered"] == 1)
    state: dict[str, Any] = here.state
    assert there.facts["secret_key"] not in str(state)
    assert state["buckets"][bucket]["rules"][0]["delivered"] == 1
    assert state["buckets"][bucket]["owner"] == "replicator"
