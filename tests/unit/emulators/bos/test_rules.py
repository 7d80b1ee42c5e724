"""Rules as they are written and told: every example that the vendor prints, and every limit."""

from typing import Any

import httpx
import pytest

from tests.lab.bos import Lab, rule
from tests.unit.emulators.bos.answers import refused

EXAMPLE = {
    "status": "enabled",
    "resource": ["src-bucket/abc", "src-bucket/cd*"],
    "notIncludeResource": ["src-bucket/prefix/*", "src-bucket/*.jpeg", "src-bucket/*test*"],
    "destination": {"bucket": "dst-bucket", "storageClass": "COLD"},
    "replicateHistory": {"storageClass": "COLD"},
    "replicateDeletes": "enabled",
    "id": "sample-bucket",
}
SECOND = {
    **EXAMPLE,
    "destination": {"bucket": "dst-bucket", "storageClass": "COLD", "prefix": "dst-file-name/"},
    "id": "sample-bucket-replication-config",
}
FACTS = {
    **EXAMPLE,
    "destination": {"bucket": "dst-bucket", "storageClass": "COLD", "prefix": "dst-dir/"},
    "id": "rule_1-A",
}


def put_as(lab: Lab, in_query: str | None, body: Any) -> httpx.Response:
    params = {"replication": ""} if in_query is None else {"replication": "", "id": in_query}
    return lab.ask("PUT", "/src-bucket", params, body=body)


@pytest.mark.parametrize("body", [EXAMPLE, FACTS], ids=["first", "facts"])
def test_a_printed_example_is_taken_and_given_back(lab: Lab, body: dict[str, Any]) -> None:
    answer = lab.put_rule(body)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["x-bce-request-id"]
    told = lab.get_rule(body["id"]).json()
    assert told.pop("create_time") > 0
    assert told.pop("destRegion") == "gz"
    assert told == body


def test_the_printed_example_with_two_ids(lab: Lab) -> None:
    assert put_as(lab, "sample-bucket", SECOND).status_code == 200
    told = lab.get_rule("sample-bucket").json()
    assert told["destination"]["prefix"] == "dst-file-name/"
    assert lab.get_rule("sample-bucket-replication-config").status_code == 404


@pytest.mark.parametrize("mismatch", ["refuse", "body"])
def test_the_printed_example_with_two_ids_where_that_is_refused(lab: Lab, mismatch: str) -> None:
    lab.emulator.switch({"id_mismatch": mismatch})
    refused(put_as(lab, "sample-bucket", SECOND), 400, "InvalidArgument")


def test_the_id_of_the_body(lab: Lab) -> None:
    lab.emulator.switch({"id_mismatch": "body"})
    assert put_as(lab, "one", rule(id="two")).status_code == 200
    assert lab.get_rule("two").status_code == 200
    assert lab.get_rule("one").status_code == 404


def test_progress_looks_as_printed(lab: Lab) -> None:
    lab.write("a")
    lab.put_rule(rule())
    lab.settle()
    told = lab.progress()
    assert told["status"] == "enabled"
    assert told["historyReplicationPercent"] == 100
    assert isinstance(told["latestReplicationTime"], int)


def test_the_list_looks_as_printed(lab: Lab) -> None:
    lab.put_rule(rule(id="b", status="disabled"))
    lab.put_rule(rule(id="a", status="disabled", replicateDeletes="disabled"))
    told = lab.ask("GET", "/src-bucket", {"replication": "", "list": ""}).json()
    assert [one["id"] for one in told["rules"]] == ["b", "a"]
    assert set(told) == {"rules"}


def test_what_is_read_only_or_unknown_is_ignored(lab: Lab) -> None:
    body = rule(createTime=0, create_time=1, destRegion="", futureField={"a": 1})
    assert lab.put_rule(body).status_code == 200
    told = lab.get_rule().json()
    assert told["create_time"] > 1
    assert told["destRegion"] == "gz"
    assert "futureField" not in told


def test_the_order_of_the_query_does_not_matter(lab: Lab) -> None:
    lab.put_rule(rule())
    for params in ({"id": "r", "replication": ""}, {"replication": "", "id": "r"}):
        assert lab.ask("GET", "/src-bucket", params).status_code == 200


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"status": None}, "InappropriateJSON"),
        ({"resource": None}, "InappropriateJSON"),
        ({"destination": None}, "InappropriateJSON"),
        ({"destination": {}}, "InappropriateJSON"),
        ({"replicateDeletes": None}, "InappropriateJSON"),
        ({"status": True}, "InappropriateJSON"),
        ({"resource": "src-bucket/*"}, "InappropriateJSON"),
        ({"resource": [1]}, "InappropriateJSON"),
        ({"destination": "dst-bucket"}, "InappropriateJSON"),
        ({"replicateHistory": "enabled"}, "InappropriateJSON"),
        ({"notIncludeResource": "x"}, "InappropriateJSON"),
        ({"destination": {"bucket": "dst-bucket", "prefix": 1}}, "InappropriateJSON"),
        ({"status": "Enabled"}, "InvalidArgument"),
        ({"replicateDeletes": "yes"}, "InvalidArgument"),
        ({"resource": []}, "InvalidArgument"),
        ({"resource": [f"src-bucket/{n}" for n in range(21)]}, "InvalidArgument"),
        ({"resource": ["other-bucket/*"]}, "InvalidArgument"),
        ({"resource": ["src-bucket"]}, "InvalidArgument"),
        ({"resource": ["src-bucket/a*b"]}, "InvalidArgument"),
        ({"resource": ["src-bucket/**"]}, "InvalidArgument"),
        ({"notIncludeResource": [f"src-bucket/{n}*" for n in range(21)]}, "InvalidArgument"),
        ({"notIncludeResource": ["src-bucket/abc"]}, "InvalidArgument"),
        ({"notIncludeResource": ["src-bucket/*"]}, "InvalidArgument"),
        ({"notIncludeResource": ["src-bucket/a*b"]}, "InvalidArgument"),
        ({"notIncludeResource": ["src-bucket/*a*b*"]}, "InvalidArgument"),
        ({"notIncludeResource": ["dst-bucket/a*"]}, "InvalidArgument"),
        ({"destination": {"bucket": "src-bucket"}}, "InvalidArgument"),
        ({"destination": {"bucket": "dst-bucket", "storageClass": "ARCHIVE"}}, "InvalidArgument"),
        ({"destination": {"bucket": "dst-bucket", "storageClass": "MAZ_STANDARD"}}, "InvalidArgument"),
        ({"replicateHistory": {"storageClass": "GLACIER"}}, "InvalidArgument"),
        ({"replicateHistory": {"bucket": "src-bucket"}}, "InvalidArgument"),
    ],
)
def test_a_wrong_member(lab: Lab, changes: dict[str, Any], code: str) -> None:
    refused(lab.put_rule(rule(**changes)), 400, code)
    assert lab.get_rule().status_code == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"resource": [f"src-bucket/{n}" for n in range(20)]},
        {"notIncludeResource": [f"src-bucket/{n}*" for n in range(20)]},
        {"notIncludeResource": []},
        {"replicateHistory": None},
        {"replicateHistory": {"bucket": "dst-bucket"}},
        {"replicateHistory": {"storageClass": "REMAIN"}},
        {"destination": {"bucket": "dst-bucket", "storageClass": ""}},
        {"id": "A-b_0123456789012345"},
    ],
)
def test_what_is_just_allowed(lab: Lab, changes: dict[str, Any]) -> None:
    assert lab.put_rule(rule(**changes)).status_code == 200


@pytest.mark.parametrize("wrong", ["", "a b", "a.b", "é", "x" * 21])
def test_a_wrong_id(lab: Lab, wrong: str) -> None:
    refused(put_as(lab, wrong, rule(id=wrong)), 400, "InvalidArgument")


def test_no_id(lab: Lab) -> None:
    refused(put_as(lab, None, rule()), 400, "InvalidArgument")
    refused(put_as(lab, "r", rule(id=None)), 400, "InappropriateJSON")
    refused(put_as(lab, "r", rule(id=1)), 400, "InappropriateJSON")
    refused(lab.ask("GET", "/src-bucket", {"replication": ""}), 404, "NoReplicationConfiguration")
    refused(lab.ask("GET", "/src-bucket", {"replicationProgress": ""}), 404, "NoReplicationConfiguration")


def test_no_json(lab: Lab) -> None:
    refused(put_as(lab, "r", b"{"), 400, "MalformedJSON")
    refused(put_as(lab, "r", b""), 400, "MalformedJSON")
    refused(put_as(lab, "r", b"[]"), 400, "InappropriateJSON")


def test_a_configuration_of_128_kb(lab: Lab) -> None:
    def sized(size: int) -> dict[str, Any]:
        body = rule(padding="")
        return {**body, "padding": "x" * (size - len(httpx.Request("PUT", "http://x", json=body).content))}

    refused(lab.put_rule(sized(128 * 1024 + 1)), 400, "EntityTooLarge")
    assert lab.put_rule(sized(128 * 1024)).status_code == 200


def test_all_rules_of_200_kb(lab: Lab) -> None:
    big = {"padding": "x" * 90_000, "status": "disabled"}
    assert lab.put_rule(rule(id="a", **big)).status_code == 200
    assert lab.put_rule(rule(id="b", replicateDeletes="disabled", **big)).status_code == 200
    third = rule(id="c", replicateHistory=None, **big)
    refused(lab.put_rule(third), 400, "EntityTooLarge")
    assert lab.put_rule({**third, "padding": ""}).status_code == 200


@pytest.mark.parametrize("status", [400, 409, 403])
def test_ten_rules(lab: Lab, status: int) -> None:
    lab.emulator.switch({"rule_refusal_status": status})
    for number in range(10):
        assert lab.put_rule(rule(id=f"r{number}", resource=[f"src-bucket/{number}/*"])).status_code == 200
    assert lab.put_rule(rule(id="r10", resource=["src-bucket/10/*"])).status_code == status
    assert lab.put_rule(rule(id="r9", resource=["src-bucket/9*"])).status_code == 200


@pytest.mark.parametrize("status", [400, 409, 403])
def test_two_rules_that_differ_in_the_id_alone(lab: Lab, status: int) -> None:
    lab.emulator.switch({"rule_refusal_status": status})
    lab.put_rule(rule(id="a"))
    assert lab.put_rule(rule(id="b")).status_code == status
    assert lab.put_rule(rule(id="b", replicateHistory={"storageClass": "REMAIN"})).status_code == status
    assert lab.put_rule(rule(id="b", replicateHistory=None)).status_code == 200


def _list(lab: Lab) -> httpx.Response:
    return lab.ask("GET", "/src-bucket", {"replication": "", "list": ""})


@pytest.mark.parametrize(
    ("switches", "body", "expected", "absent"),
    [
        ({"echo_not_include_resource": False}, FACTS, {}, ["notIncludeResource"]),
        (
            {"echo_destination_prefix": False},
            FACTS,
            {"destination": {"bucket": "dst-bucket", "storageClass": "COLD"}},
            [],
        ),
        ({"echo_dest_region": False}, FACTS, {}, ["destRegion"]),
        ({"create_time_name": "createTime"}, FACTS, {}, ["create_time"]),
        ({}, rule(id="rule_1-A"), {"destination": {"bucket": "dst-bucket", "storageClass": ""}}, []),
        ({"destination_storage_class": "absent"}, rule(id="rule_1-A"), {"destination": {"bucket": "dst-bucket"}}, []),
        (
            {"destination_storage_class": "REMAIN"},
            rule(id="rule_1-A"),
            {"destination": {"bucket": "dst-bucket", "storageClass": "REMAIN"}},
            [],
        ),
        ({}, rule(id="rule_1-A"), {"replicateHistory": {"storageClass": "REMAIN"}}, []),
        ({"history_storage_class": "absent"}, rule(id="rule_1-A"), {"replicateHistory": {}}, []),
        ({"history_storage_class": "empty"}, rule(id="rule_1-A"), {"replicateHistory": {"storageClass": ""}}, []),
        ({}, rule(id="rule_1-A", replicateHistory=None), {}, ["replicateHistory", "notIncludeResource"]),
        ({"history_off": "null"}, rule(id="rule_1-A", replicateHistory=None), {"replicateHistory": None}, []),
    ],
)
def test_how_a_rule_is_told(
    lab: Lab, switches: dict[str, Any], body: dict[str, Any], expected: dict[str, Any], absent: list[str]
) -> None:
    lab.emulator.switch(switches)
    assert lab.put_rule(body).status_code == 200
    told = lab.get_rule("rule_1-A").json()
    assert {name: told[name] for name in expected} == expected
    assert told.keys().isdisjoint(absent)
    assert _list(lab).json() == {"rules": [told]}


def test_what_is_not_told_is_followed_all_the_same(lab: Lab) -> None:
    lab.emulator.switch({"echo_not_include_resource": False, "echo_destination_prefix": False})
    for key in ("abc", "abc.jpeg"):
        lab.write(key)
    lab.put_rule(FACTS)
    lab.settle()
    assert set(lab.objects()) == {"dst-dir/abc"}


@pytest.mark.parametrize(("order", "expected"), [("created", "bca"), ("id", "abc"), ("newest", "acb")])
def test_the_order_of_the_list(lab: Lab, order: str, expected: str) -> None:
    lab.emulator.switch({"list_order": order})
    for rule_id in "bca":
        lab.put_rule(rule(id=rule_id, resource=[f"src-bucket/{rule_id}"]))
    assert "".join(one["id"] for one in _list(lab).json()["rules"]) == expected


def test_a_list_of_nothing(lab: Lab) -> None:
    assert _list(lab).json() == {"rules": []}
    lab.emulator.switch({"empty_list": "not_found"})
    refused(_list(lab), 404, "NoReplicationConfiguration")
