"""Rules: what a PUT may hold, what it does to the queue, and what S3 tells of them."""

import uuid
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
from botocore.exceptions import ClientError

from tests.lab.alarik import Lab, Server, eventually, keys, rule, target

S3 = "{http://s3.amazonaws.com/doc/2006-03-01/}"
#: As the vendor's page on rules shows one.
EXAMPLE = {
    "id": "00000000-0000-0000-0000-000000000000",
    "prefix": "uploads/",
    "replicateDeletes": False,
    "replicateExisting": False,
    "synchronous": False,
    "enabled": True,
}


@pytest.fixture
def bucket(here: Server) -> str:
    return here.bucket()


@pytest.fixture
def one(here: Server, there: Server, bucket: str) -> dict[str, Any]:
    """A target of the bucket."""
    return here.saved(bucket, "targets", target(there, there.bucket()))[0]


def code(error: pytest.ExceptionInfo[ClientError]) -> tuple[int, str]:
    response = error.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def test_the_example_is_saved(here: Server, bucket: str, one: dict[str, Any]) -> None:
    saved = here.saved(bucket, "rules", {**EXAMPLE, "targetId": one["id"].lower()})[0]
    assert saved == {**EXAMPLE, "id": saved["id"], "targetId": one["id"]}
    assert uuid.UUID(saved["id"]).int != 0
    assert here.get(bucket, "rules") == [saved]


@pytest.mark.parametrize(
    ("sent", "shown"), [({}, None), ({"prefix": None}, None), ({"prefix": ""}, ""), ({"prefix": "a/"}, "a/")]
)
def test_a_prefix_may_be_left_out_and_then_is(
    here: Server, bucket: str, one: dict[str, Any], sent: dict[str, Any], shown: str | None
) -> None:
    saved = here.saved(bucket, "rules", {**rule(one["id"]), **sent})[0]
    assert saved.get("prefix") == shown
    assert ("prefix" in saved) == (shown is not None)
    assert saved["synchronous"] is False


@pytest.mark.parametrize("member", ["id", "targetId", "replicateDeletes", "replicateExisting", "enabled"])
def test_these_are_required(here: Server, bucket: str, one: dict[str, Any], member: str) -> None:
    sent = {key: value for key, value in rule(one["id"]).items() if key != member}
    answer = here.put(bucket, "rules", [sent])
    assert answer.status_code == 400
    assert f"No such key '{member}'" in answer.json()["reason"]


def test_the_order_of_the_checks(lab: Lab, here: Server, there: Server) -> None:
    nobody, other = lab.client(here.facts["http"], {}), lab.client(here.facts["http"], keys(here, "other"))
    plain, versioned = here.bucket(versioned=False), here.bucket()
    unknown = rule(str(uuid.uuid4()))

    def told(client: Any, bucket: str, *sent: dict[str, Any]) -> str:
        url = f"/api/v1/buckets/{bucket}/replication/rules"
        return str(client.put(url, json={"rules": list(sent)}).json()["reason"])

    assert told(nobody, plain, *[{}] * 5) == "Unauthorized"
    assert "No such key" in told(other, plain, *[{}] * 5)
    assert told(other, plain, *[unknown] * 5) == "A bucket may have at most 4 replication rules."
    assert told(other, plain, unknown) == "Bucket not found"
    assert told(here.api, plain, unknown) == "Replication rules require the bucket's versioning to be Enabled."
    assert told(here.api, versioned, unknown) == "Rule references an unknown replication target."
    assert told(here.api, versioned, {**unknown, "enabled": False}) == "Rule references an unknown replication target."
    assert here.put(plain, "rules", []).status_code == 200


def test_a_dangling_rule_makes_every_later_list_that_has_it_fail(
    here: Server, there: Server, bucket: str, one: dict[str, Any]
) -> None:
    dangling = here.saved(bucket, "rules", rule(one["id"]))[0]
    other = here.saved(bucket, "targets", target(there, "b"))[0]
    assert here.get(bucket, "rules") == [{**dangling, "enabled": False}]
    fresh = rule(other["id"])
    answer = here.put(bucket, "rules", [{**dangling, "enabled": False}, fresh])
    assert (answer.status_code, answer.json()["reason"]) == (400, "Rule references an unknown replication target.")
    assert here.get(bucket, "rules") == [{**dangling, "enabled": False}]
    assert len(here.saved(bucket, "rules", fresh)) == 1


def test_suspending_versions_disables_nothing_but_refuses_the_next_list(
    here: Server, bucket: str, one: dict[str, Any]
) -> None:
    saved = here.saved(bucket, "rules", rule(one["id"]))
    assert here.api.put(f"/api/v1/buckets/{bucket}/versioning", json={"status": "Suspended"}).status_code == 200
    assert here.get(bucket, "rules") == saved
    assert here.put(bucket, "rules", saved).status_code == 400
    assert here.put(bucket, "rules", []).status_code == 200


def test_a_rule_that_leaves_takes_its_queue_along(here: Server, bucket: str, one: dict[str, Any]) -> None:
    here.emulator.switch({"worker": "stopped"})
    kept, gone = here.saved(bucket, "rules", rule(one["id"], prefix="k"), rule(one["id"], prefix="g"))
    client = here.s3()
    for key in ("k1", "g1", "k2", "g2"):
        client.put_object(Bucket=bucket, Key=key, Body=b"x")
    assert [task["key"] for task in here.tasks(bucket)] == ["g2", "k2", "g1", "k1"]
    here.saved(bucket, "targets")
    assert len(here.tasks(bucket)) == 4, "targets purge nothing"
    here.saved(bucket, "targets", {**one, "secretAccessKey": "x"})
    here.saved(bucket, "rules", {**kept, "enabled": False})
    assert [task["key"] for task in here.tasks(bucket)] == ["k2", "k1"]
    assert all(task["ruleId"] == kept["id"] for task in here.tasks(bucket))
    here.saved(bucket, "rules", {**gone, "id": str(uuid.uuid4())})
    assert here.tasks(bucket) == []


def test_s3_can_read_the_rules_in_force_and_end_them_but_not_write_them(
    here: Server, there: Server, bucket: str, one: dict[str, Any]
) -> None:
    client = here.s3()
    with pytest.raises(ClientError) as caught:
        client.get_bucket_replication(Bucket=bucket + "x")
    assert code(caught) == (404, "NoSuchBucket")
    with pytest.raises(ClientError) as caught:
        client.get_bucket_replication(Bucket=here.bucket())
    assert code(caught) == (404, "ReplicationConfigurationNotFoundError")
    made = here.saved(
        bucket, "rules", rule(one["id"], prefix="a&b/", replicateDeletes=True), rule(one["id"], enabled=False)
    )
    answer = client.get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"]
    assert answer == {
        "Rules": [
            {
                "ID": made[0]["id"],
                "Status": "Enabled",
                "Filter": {"Prefix": "a&b/"},
                "DeleteMarkerReplication": {"Status": "Enabled"},
                "Destination": {"Bucket": f"arn:alarik:replication:::{one['id']}"},
            }
        ]
    }
    with pytest.raises(ClientError) as caught:
        client.put_bucket_replication(Bucket=bucket, ReplicationConfiguration={"Role": "r", "Rules": answer["Rules"]})
    assert code(caught) == (501, "NotImplemented")
    assert caught.value.response["Error"]["Message"] == (
        "Configuring bucket replication via the S3 API is not supported. "
        "Manage replication through the Alarik console or internal API."
    )
    here.emulator.switch({"worker": "stopped"})
    client.put_object(Bucket=bucket, Key="a&b/1", Body=b"x")
    status = client.delete_bucket_replication(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"]
    assert status == 204
    assert (here.get(bucket, "targets"), here.get(bucket, "rules")) == ([], [])
    assert len(here.tasks(bucket)) == 1, "S3 purges nothing"
    with pytest.raises(ClientError) as caught:
        client.get_bucket_replication(Bucket=bucket)
    assert code(caught) == (404, "ReplicationConfigurationNotFoundError")


def test_targets_alone_are_a_configuration_without_rules(here: Server, bucket: str, one: dict[str, Any]) -> None:
    reply = here.emulator.instance.buckets.find(bucket)
    assert reply is not None
    assert reply.configuration is not None
    root = fromstring(reply.configuration.xml(here.emulator.instance.settings))
    assert (root.tag, list(root)) == (f"{S3}ReplicationConfiguration", [])


RESYNC = [
    ({"replicateExisting": True, "enabled": False}, {}, "Cannot resync a disabled replication rule."),
    ({}, {}, "This rule has not opted into existing-object replication (replicateExisting)."),
    ({"replicateExisting": True}, {"enabled": False}, "This rule's replication target is missing or disabled."),
]


@pytest.mark.parametrize("wrong", RESYNC, ids=lambda wrong: wrong[2])
def test_what_cannot_be_resynced(here: Server, there: Server, bucket: str, wrong: tuple[Any, Any, str]) -> None:
    rule_changes, target_changes, reason = wrong
    made = here.replicate(bucket, there, there.bucket(), target=target_changes, **rule_changes)
    answer = here.api.post(f"/api/v1/buckets/{bucket}/replication/rules/{made['id'].lower()}/resync")
    assert (answer.status_code, answer.json()["reason"]) == (400, reason)


def test_resync_and_retry_of_what_is_not_there(lab: Lab, here: Server, there: Server, bucket: str) -> None:
    at, other = f"/api/v1/buckets/{bucket}/replication", lab.client(here.facts["http"], keys(here, "other"))
    missing = str(uuid.uuid4())
    assert here.api.post(f"{at}/rules/{missing}/resync").json()["reason"] == "Replication rule not found"
    assert other.post(f"{at}/rules/{missing}/resync").json()["reason"] == "Bucket not found"
    assert here.api.post(f"{at}/tasks/{missing}/retry").json()["reason"] == "Replication task not found"
    for bad in (f"{at}/rules/first/resync", f"{at}/tasks/first/retry"):
        answer = here.api.post(bad)
        assert (answer.status_code, answer.json()["reason"].startswith("Invalid ")) == (400, True)
    here.replicate(bucket, there, "b")
    assert here.api.post(f"{at}/rules/{missing}/resync").status_code == 404


def test_a_task_of_another_bucket_cannot_be_retried(here: Server, there: Server, bucket: str) -> None:
    here.emulator.switch({"worker": "stopped"})
    here.replicate(bucket, there, there.bucket())
    here.s3().put_object(Bucket=bucket, Key="k", Body=b"x")
    task = eventually(lambda: here.tasks(bucket))[0]
    answer = here.api.post(f"/api/v1/buckets/{here.bucket()}/replication/tasks/{task['id']}/retry")
    assert (answer.status_code, answer.json()["reason"]) == (404, "Replication task not found")
