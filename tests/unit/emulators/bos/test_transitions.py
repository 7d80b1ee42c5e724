"""What becomes of rules: every transition, every delete, and the buckets that they are about."""

import pytest

from tests.lab.bos import Lab, rule
from tests.unit.emulators.bos.answers import refused


@pytest.mark.parametrize(("before", "after"), [(None, "enabled"), (None, "disabled"), ("disabled", "disabled")])
def test_a_transition_that_is_allowed(lab: Lab, before: str | None, after: str) -> None:
    if before is not None:
        lab.put_rule(rule(status=before))
    assert lab.put_rule(rule(status=after, replicateHistory=None)).status_code == 200
    told = lab.get_rule().json()
    assert told["status"] == after
    assert "replicateHistory" not in told
    assert lab.told()["restarts"] == 0


def test_disabled_to_enabled_starts(lab: Lab) -> None:
    lab.put_rule(rule(status="disabled"))
    assert lab.told()["runs"] == 0
    lab.put_rule(rule())
    assert (lab.told()["runs"], lab.told()["restarts"]) == (1, 0)


@pytest.mark.parametrize("status", [400, 409, 403])
def test_enabled_to_disabled_is_refused(lab: Lab, status: int) -> None:
    lab.emulator.switch({"rule_refusal_status": status})
    lab.put_rule(rule())
    assert lab.put_rule(rule(status="disabled")).status_code == status
    assert lab.get_rule().json()["status"] == "enabled"


def test_enabled_to_enabled_restarts_even_without_a_difference(lab: Lab) -> None:
    lab.put_rule(rule())
    for expected in (1, 2):
        assert lab.put_rule(rule()).status_code == 200
        assert lab.told()["restarts"] == expected


def test_delete_and_create_disabled(lab: Lab) -> None:
    lab.put_rule(rule())
    answer = lab.ask("DELETE", "/src-bucket", {"replication": "", "id": "r"})
    assert (answer.status_code, answer.content) == (204, b"")
    refused(lab.get_rule(), 404, "NoReplicationConfiguration")
    assert lab.put_rule(rule(status="disabled")).status_code == 200


def test_a_delete_of_the_older_page(lab: Lab) -> None:
    lab.emulator.switch({"delete_reply": 200})
    lab.put_rule(rule())
    answer = lab.ask("DELETE", "/src-bucket", {"replication": "", "id": "r"})
    assert (answer.status_code, answer.json()) == (200, {})


def test_a_delete_of_nothing(lab: Lab) -> None:
    params = {"replication": "", "id": "r"}
    refused(lab.ask("DELETE", "/src-bucket", params), 404, "NoReplicationConfiguration")
    lab.emulator.switch({"delete_missing": 204})
    assert lab.ask("DELETE", "/src-bucket", params).status_code == 204


def test_a_delete_that_takes_its_time(lab: Lab) -> None:
    lab.clock.freeze()
    lab.emulator.switch({"delete_seconds": 60})
    lab.put_rule(rule())
    for _ in range(2):
        assert lab.ask("DELETE", "/src-bucket", {"replication": "", "id": "r"}).status_code == 204
        assert lab.get_rule().status_code == 200
    refused(lab.put_rule(rule()), 400, "InvalidArgument")
    lab.write("late")
    lab.clock.advance(59)
    assert lab.get_rule().status_code == 200
    lab.clock.advance(1)
    assert lab.get_rule().status_code == 404
    lab.settle()
    assert lab.objects() == {}


def test_a_put_into_a_delete(lab: Lab) -> None:
    lab.emulator.switch({"delete_seconds": 60, "put_while_deleting": "accept"})
    lab.put_rule(rule())
    lab.ask("DELETE", "/src-bucket", {"replication": "", "id": "r"})
    assert lab.put_rule(rule(status="disabled")).status_code == 200
    lab.clock.advance(60)
    assert lab.get_rule().json()["status"] == "disabled"


def test_a_bucket_that_is_not_there(lab: Lab) -> None:
    for method, params in (("GET", {"replication": "", "id": "r"}), ("GET", {"replication": "", "list": ""})):
        refused(lab.ask(method, "/no-such-bucket", params), 404, "NoSuchBucket")
    refused(lab.put_rule(rule(resource=["no-such-bucket/*"]), bucket="no-such-bucket"), 404, "NoSuchBucket")


def test_a_destination_that_is_not_there(lab: Lab) -> None:
    body = rule(destination={"bucket": "no-such-bucket"})
    refused(lab.put_rule(body), 404, "NoSuchBucket")
    lab.emulator.switch({"target_missing": "invalid_argument"})
    refused(lab.put_rule(body), 400, "InvalidArgument")


def test_a_destination_of_another_account(lab: Lab) -> None:
    lab.emulator.act("create-bucket", {"bucket": "their-bucket", "region": "bj", "account": "other"})
    body = rule(destination={"bucket": "their-bucket"})
    refused(lab.put_rule(body), 403, "AccessDenied")
    lab.emulator.act("set-acl", {"bucket": "their-bucket", "acl": "public-read"})
    refused(lab.put_rule(body), 403, "AccessDenied")
    lab.emulator.act("set-acl", {"bucket": "their-bucket", "acl": "public-read-write"})
    lab.write("a")
    assert lab.put_rule(body).status_code == 200
    assert lab.get_rule().json()["destRegion"] == "bj"
    lab.settle()
    assert set(lab.objects("their-bucket")) == {"a"}


def test_a_source_of_another_account(lab: Lab) -> None:
    lab.emulator.act("set-acl", {"bucket": "src-bucket", "acl": "public-read-write"})
    refused(lab.put_rule(rule(), keys=lab.other), 403, "AccessDenied")
    refused(lab.ask("GET", "/src-bucket", {"replication": "", "id": "r"}, keys=lab.other), 403, "AccessDenied")


def test_multi_az(lab: Lab) -> None:
    lab.emulator.act("create-bucket", {"bucket": "maz-bucket", "region": "gz", "multi_az": True})
    target = {"bucket": "maz-bucket", "storageClass": "MAZ_STANDARD_IA"}
    lab.write("a")
    assert lab.put_rule(rule(destination=target)).status_code == 200
    refused(lab.put_rule(rule(destination={**target, "storageClass": "STANDARD_IA"})), 400, "InvalidArgument")
    refused(lab.put_rule(rule(destination=target, replicateHistory={"storageClass": "COLD"})), 400, "InvalidArgument")
    lab.settle()
    assert lab.objects("maz-bucket")["a"]["storage_class"] == "MAZ_STANDARD"


def test_versioning_on_the_source(lab: Lab) -> None:
    lab.emulator.act("versioning", {"bucket": "src-bucket", "status": "Enabled"})
    refused(lab.put_rule(rule()), 400, "InvalidArgument")
    lab.write("a")
    lab.emulator.switch({"versioned_source": "ignore"})
    assert lab.put_rule(rule()).status_code == 200
    lab.write("b")
    lab.settle()
    assert lab.objects() == {}
    assert lab.progress()["historyReplicationPercent"] == 0


def test_versioning_after_the_rule(lab: Lab) -> None:
    lab.put_rule(rule())
    on = {"body": {"status": "enabled"}}
    lab.emulator.switch({"versioning_with_rules": "refuse"})
    refused(lab.ask("PUT", "/src-bucket", {"versioning": ""}, **on), 400, "InvalidArgument")
    lab.emulator.switch({"versioning_with_rules": "allow"})
    assert lab.ask("PUT", "/src-bucket", {"versioning": ""}, **on).status_code == 200
    lab.write("a")
    lab.settle()
    assert lab.objects() == {}


@pytest.mark.parametrize("status", [409, 403, 400])
def test_a_bucket_with_a_rule_stays(lab: Lab, status: int) -> None:
    lab.emulator.switch({"bucket_in_use_status": status})
    lab.put_rule(rule())
    refused(lab.ask("DELETE", "/src-bucket"), status, "ReplicationStatusNotEmpty")
    lab.ask("DELETE", "/src-bucket", {"replication": "", "id": "r"})
    assert lab.ask("DELETE", "/src-bucket").status_code == 204
