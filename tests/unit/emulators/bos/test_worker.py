"""What rules really copy, when, and how far they say they are."""

from typing import Any

import pytest

from tests.lab.bos import Lab, rule


def test_existing_objects(lab: Lab) -> None:
    lab.write("a", "one")
    lab.write("b", "two", storage_class="STANDARD_IA")
    lab.put_rule(rule())
    lab.settle()
    assert lab.objects() == lab.objects("src-bucket")
    assert lab.told()["copied"] == {"existing": 2, "new": 0, "deleted": 0, "skipped_archive": 0}


def test_existing_objects_stay_where_that_is_off(lab: Lab) -> None:
    lab.write("a")
    lab.put_rule(rule(replicateHistory=None))
    lab.write("b")
    lab.settle()
    assert set(lab.objects()) == {"b"}
    assert lab.progress()["historyReplicationPercent"] == 0


def test_new_objects_overwritten_ones_and_their_metadata(lab: Lab) -> None:
    lab.put_rule(rule())
    headers = {"x-bce-meta-colour": "blue", "Content-Type": "text/x-poem"}
    lab.ask("PUT", "/src-bucket/a b/c+d", body=b"one", headers=headers)
    lab.settle()
    copied = lab.ask("GET", "/dst-bucket/a b/c+d", region="gz")
    assert copied.text == "one"
    assert (copied.headers["x-bce-meta-colour"], copied.headers["Content-Type"]) == ("blue", "text/x-poem")
    lab.write("a b/c+d", "two")
    lab.settle()
    assert lab.objects() == lab.objects("src-bucket")


@pytest.mark.parametrize(("deletes", "left"), [("enabled", {"b"}), ("disabled", {"a", "b"})])
def test_deletes(lab: Lab, deletes: str, left: set[str]) -> None:
    lab.put_rule(rule(replicateDeletes=deletes))
    lab.write("a")
    lab.write("b")
    lab.settle()
    lab.ask("DELETE", "/src-bucket/a")
    lab.settle()
    assert set(lab.objects()) == left


def test_a_disabled_rule_copies_nothing(lab: Lab) -> None:
    lab.write("a")
    lab.put_rule(rule(status="disabled"))
    lab.write("b")
    lab.settle()
    assert lab.objects() == {}
    assert lab.progress() == {"status": "disabled", "historyReplicationPercent": 0, "latestReplicationTime": 0}


def test_storage_classes_of_existing_and_new_objects(lab: Lab) -> None:
    lab.write("old")
    target = {"bucket": "dst-bucket", "storageClass": "STANDARD_IA"}
    lab.put_rule(rule(destination=target, replicateHistory={"storageClass": "COLD"}))
    lab.write("new")
    lab.settle()
    assert {key: one["storage_class"] for key, one in lab.objects().items()} == {"old": "COLD", "new": "STANDARD_IA"}


def test_archived_objects_are_left_out_without_a_word(lab: Lab) -> None:
    lab.write("a", storage_class="ARCHIVE")
    lab.write("b")
    lab.put_rule(rule())
    lab.write("c", storage_class="ARCHIVE")
    lab.settle()
    assert set(lab.objects()) == {"b"}
    assert lab.told()["copied"]["skipped_archive"] == 2
    assert lab.progress()["historyReplicationPercent"] == 100


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"resource": ["src-bucket/ab*"]}, {"abc", "abcd", "ab/x.jpeg", "ab/test1"}),
        ({"resource": ["src-bucket/abc"]}, {"abc", "abcd"}),
        ({"resource": ["src-bucket/abc", "src-bucket/z*"]}, {"abc", "abcd", "z"}),
        ({"notIncludeResource": ["src-bucket/ab/*"]}, {"abc", "abcd", "z", "x.jpeg.bak"}),
        ({"notIncludeResource": ["src-bucket/*.jpeg"]}, {"abc", "abcd", "z", "x.jpeg.bak", "ab/test1"}),
        ({"notIncludeResource": ["src-bucket/*jpe*", "src-bucket/*test*"]}, {"abc", "abcd", "z"}),
    ],
)
def test_what_a_rule_is_about(lab: Lab, changes: dict[str, Any], expected: set[str]) -> None:
    keys = ("abc", "abcd", "ab/x.jpeg", "ab/test1", "z", "x.jpeg.bak")
    for key in keys[:3]:
        lab.write(key)
    lab.put_rule(rule(**changes))
    for key in keys[3:]:
        lab.write(key)
    lab.settle()
    assert set(lab.objects()) == expected


def test_a_resource_that_is_one_key(lab: Lab) -> None:
    lab.emulator.switch({"bare_resource": "exact"})
    lab.put_rule(rule(resource=["src-bucket/abc", "src-bucket/cd*"]))
    for key in ("abc", "abcd", "cde"):
        lab.write(key)
    lab.settle()
    assert set(lab.objects()) == {"abc", "cde"}


def test_a_prefix_at_the_destination(lab: Lab) -> None:
    lab.put_rule(rule(destination={"bucket": "dst-bucket", "prefix": "copy/"}))
    lab.write("a/b")
    lab.settle()
    assert set(lab.objects()) == {"copy/a/b"}
    lab.ask("DELETE", "/src-bucket/a/b")
    lab.settle()
    assert lab.objects() == {}


def test_a_restart_copies_everything_again(lab: Lab) -> None:
    for key in "abc":
        lab.write(key)
    lab.put_rule(rule())
    lab.settle()
    lab.ask("DELETE", "/dst-bucket/a", region="gz")
    lab.put_rule(rule())
    lab.settle()
    assert set(lab.objects()) == {"a", "b", "c"}
    told = lab.told()
    assert (told["runs"], told["restarts"], told["copied"]["existing"]) == (2, 1, 6)
    starts = [(one["reason"], one["existing"]) for one in lab.state["replication"]["starts"]]
    assert starts == [("created", 3), ("restarted", 3)]


def test_a_restart_in_the_middle_begins_again(lab: Lab) -> None:
    for number in range(4):
        lab.write(str(number))
    lab.clock.freeze()
    lab.emulator.switch({"history_seconds": 100})
    lab.put_rule(rule())
    percents = [lab.progress()["historyReplicationPercent"]]
    for _ in range(2):
        lab.clock.advance(25)
        lab.until(lambda: lab.told()["history"]["done"] >= len(percents))
        percents.append(lab.progress()["historyReplicationPercent"])
    assert percents == [0, 25, 50]
    lab.put_rule(rule())
    assert lab.progress()["historyReplicationPercent"] == 0
    lab.clock.advance(1000)
    lab.settle()
    assert lab.told()["copied"]["existing"] == 6
    assert lab.progress()["historyReplicationPercent"] == 100


def test_a_write_takes_its_time(lab: Lab) -> None:
    lab.clock.freeze()
    lab.emulator.switch({"lag_seconds": 30})
    lab.put_rule(rule())
    lab.write("a")
    lab.clock.advance(29)
    assert lab.objects() == {}
    lab.clock.advance(1)
    lab.settle()
    assert set(lab.objects()) == {"a"}


def test_a_worker_that_stands_still(lab: Lab) -> None:
    lab.emulator.switch({"worker": "stopped"})
    lab.put_rule(rule())
    lab.write("a")
    assert lab.state["replication"]["queued"] == 1
    lab.emulator.switch({"worker": "running"})
    lab.settle()
    assert set(lab.objects()) == {"a"}


@pytest.mark.parametrize(
    ("switches", "expected"),
    [
        ({}, (100, int, int)),
        ({"percent_when_done": 0}, (0, int, int)),
        ({"percent_form": "float"}, (100.0, float, int)),
        ({"latest_time_form": "string"}, (100, int, str)),
    ],
)
def test_how_progress_is_told(lab: Lab, switches: dict[str, Any], expected: tuple[float, type, type]) -> None:
    lab.emulator.switch(switches)
    lab.write("a")
    lab.put_rule(rule())
    lab.settle()
    told = lab.progress()
    percent = told["historyReplicationPercent"]
    assert (percent, type(percent), type(told["latestReplicationTime"])) == expected
    assert int(told["latestReplicationTime"]) == lab.told()["latest"]


def test_progress_before_anything_was_copied(lab: Lab) -> None:
    lab.put_rule(rule())
    assert lab.progress()["latestReplicationTime"] == 0
    lab.emulator.switch({"latest_time_never": "absent"})
    assert "latestReplicationTime" not in lab.progress()


@pytest.mark.parametrize("copies", [False, True])
def test_a_chain(lab: Lab, copies: bool) -> None:
    lab.emulator.switch({"copy_replicas": copies})
    lab.emulator.act("create-bucket", {"bucket": "end-bucket", "region": "bj"})
    body = rule(resource=["dst-bucket/*"], destination={"bucket": "end-bucket"})
    assert lab.put_rule(body, bucket="dst-bucket", region="gz").status_code == 200
    lab.put_rule(rule())
    lab.write("a")
    lab.settle()
    assert set(lab.objects("end-bucket")) == ({"a"} if copies else set())


def test_two_rules_there_and_back(lab: Lab) -> None:
    lab.put_rule(rule())
    back = rule(resource=["dst-bucket/*"], destination={"bucket": "src-bucket"})
    lab.put_rule(back, bucket="dst-bucket", region="gz")
    lab.write("a")
    lab.settle()
    counts = [lab.told()["copied"]["new"], lab.told(bucket="dst-bucket")["copied"]["new"]]
    assert counts == [1, 0]


def _copied(lab: Lab) -> int:
    return sum(lab.told(bucket=name)["copied"]["new"] for name in ("src-bucket", "dst-bucket"))


def test_two_rules_there_and_back_and_there(lab: Lab) -> None:
    lab.clock.freeze()
    lab.emulator.switch({"copy_replicas": True, "lag_seconds": 1})
    lab.put_rule(rule())
    back = rule(resource=["dst-bucket/*"], destination={"bucket": "src-bucket"})
    lab.put_rule(back, bucket="dst-bucket", region="gz")
    lab.write("a")
    for turn in range(1, 7):
        lab.clock.advance(1)
        lab.until(lambda turn=turn: _copied(lab) == turn)
    assert lab.state["replication"]["queued"] == 1


def _failures(lab: Lab) -> list[dict[str, Any]]:
    return list(lab.state["replication"]["failures"])


def test_a_copy_that_fails_is_tried_again(lab: Lab) -> None:
    lab.emulator.switch({"retry_seconds": 0.1})
    lab.emulator.act("create-bucket", {"bucket": "their-bucket", "account": "other"})
    lab.emulator.act("set-acl", {"bucket": "their-bucket", "acl": "public-read-write"})
    lab.put_rule(rule(destination={"bucket": "their-bucket"}))
    lab.emulator.act("set-acl", {"bucket": "their-bucket", "acl": "private"})
    lab.write("a")
    lab.until(lambda: _failures(lab))
    assert _failures(lab)[0] == {"bucket": "src-bucket", "rule": "r", "key": "a", "reason": "AccessDenied"}
    lab.emulator.act("set-acl", {"bucket": "their-bucket", "acl": "public-read-write"})
    lab.settle()
    assert set(lab.objects("their-bucket")) == {"a"}


def test_a_destination_that_went_away(lab: Lab) -> None:
    lab.put_rule(rule())
    assert lab.ask("DELETE", "/dst-bucket", region="gz").status_code == 204
    lab.write("a")
    lab.until(lambda: _failures(lab))
    assert _failures(lab)[0]["reason"] == "NoSuchBucket"
    assert lab.get_rule().json()["destRegion"] == ""


def test_a_versioned_destination_keeps_what_was_there(lab: Lab) -> None:
    lab.put_rule(rule())
    for text in ("one", "two", "three"):
        lab.write("a", text)
        lab.settle()
        lab.ask("PUT", "/dst-bucket", {"versioning": ""}, body={"status": "enabled"}, region="gz")
    versions = lab.s3("gz").list_object_versions(Bucket="dst-bucket")["Versions"]
    assert len({one["VersionId"] for one in versions}) == 3
    lab.ask("PUT", "/dst-bucket", {"versioning": ""}, body={"status": "suspended"}, region="gz")
    lab.write("a", "four")
    lab.settle()
    assert len(lab.s3("gz").list_object_versions(Bucket="dst-bucket")["Versions"]) == 3
    assert lab.ask("GET", "/dst-bucket/a", region="gz").text == "four"


def test_a_delete_that_was_taken_back(lab: Lab) -> None:
    lab.put_rule(rule())
    lab.write("a", "one")
    lab.settle()
    lab.emulator.switch({"worker": "stopped"})
    lab.ask("DELETE", "/src-bucket/a")
    lab.write("a", "two")
    lab.emulator.switch({"worker": "running"})
    lab.settle()
    assert lab.objects() == lab.objects("src-bucket")
    assert lab.told()["copied"]["deleted"] == 0


def test_versioning_stops_what_was_still_to_be_copied(lab: Lab) -> None:
    lab.emulator.switch({"worker": "stopped"})
    lab.write("a")
    lab.put_rule(rule())
    lab.emulator.act("versioning", {"bucket": "src-bucket", "status": "Enabled"})
    lab.emulator.switch({"worker": "running"})
    lab.settle()
    assert lab.objects() == {}
    assert lab.progress()["historyReplicationPercent"] == 0


def test_deletes_of_a_rule_end_its_copying(lab: Lab) -> None:
    lab.emulator.switch({"worker": "stopped"})
    lab.write("a")
    lab.put_rule(rule())
    lab.write("b")
    lab.ask("DELETE", "/src-bucket", {"replication": "", "id": "r"})
    lab.emulator.switch({"worker": "running"})
    lab.settle()
    assert lab.objects() == {}
