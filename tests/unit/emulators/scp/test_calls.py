"""Who may call, with which signature, which version and which form; and what is answered otherwise."""

from typing import Any

import httpx
import pytest

from reconciler.emulators.faults import Fault
from reconciler.emulators.scp.identity import signature
from tests.lab.scp import EAST, WEST, Lab, Signed, error, request

CREATE = "https://filestorage.kr-west1.e.samsungsdscloud.com/v1/replications"
LIST = f"{CREATE}?volume_id=bfdbabf2-04d9-4e8b-a205-020f8e6da438"
VECTORS = [
    ("POST", CREATE, "", "+hanHEOMn9NLIVhxbqYngzTwxJIPc6l0cJ/C/em89Ck="),
    ("POST", CREATE, "acct0001", "qHvPjpBWs+yoXRhI2ZHMZqSCy9WRFTGywf/GIt9Xb2U="),
    ("GET", LIST, "", "neOxrSV2FtkZUjbQZtJZv2o2w9BHhlYeudY7X79FLy8="),
    ("GET", LIST, "acct0001", "3YGt0u3r6PhfpHnZBsgVXfrRnrypkQJJT/I716Moeus="),
]


@pytest.mark.parametrize(("method", "url", "account", "expected"), VECTORS)
def test_signatures(method: str, url: str, account: str, expected: str) -> None:
    made = signature(
        "SKTEST0001",
        method=method,
        url=url,
        timestamp="1605290625682",
        access_key="AKTEST0001",
        account=account,
        client_type="Openapi",
    )
    assert made == expected


def keyed(lab: Lab, **changes: Any) -> httpx.Client:
    facts = lab.facts
    arguments = {"access_key": facts["access_key"], "secret_key": facts["secret_key"], **changes}
    return lab.client(WEST, Signed(**arguments))


def changed(lab: Lab, client: httpx.Client, **headers: str | None) -> httpx.Response:
    """A list of volumes whose headers are changed after they were signed."""

    class Changed(httpx.Auth):
        def auth_flow(self, request: httpx.Request) -> Any:
            yield from ()
            assert isinstance(client.auth, Signed)
            next(client.auth.auth_flow(request))
            for name, value in headers.items():
                request.headers.pop(name.replace("_", "-"), None)
                if value is not None:
                    request.headers[name.replace("_", "-")] = value
            yield request

    return client.get("/v1/volumes", auth=Changed())


def test_the_account_is_signed_where_it_is_sent(lab: Lab) -> None:
    account = lab.facts["account_id"]
    with_account = keyed(lab, account=account)
    assert with_account.get("/v1/volumes").status_code == 200
    assert error(changed(lab, with_account, scp_accountid=None))[:2] == (401, "HmacValidFail")
    assert error(changed(lab, lab.west, scp_accountid=account))[:2] == (401, "HmacValidFail")
    assert error(keyed(lab, account="acct0002").get("/v1/volumes"))[0] == 403
    lab.emulator.switch({"account_header": "required"})
    assert with_account.get("/v1/volumes").status_code == 200
    assert error(lab.west.get("/v1/volumes"))[:2] == (401, "HmacValidFail")
    lab.recorder.clear()


@pytest.mark.parametrize("name", ["Scp-Accesskey", "Scp-Signature", "Scp-Timestamp", "Scp-ClientType"])
def test_a_header_that_is_missing(lab: Lab, name: str) -> None:
    assert error(changed(lab, lab.west, **{name.replace("-", "_"): None}))[:2] == (401, "HmacValidFail")


@pytest.mark.parametrize(
    "headers",
    [
        {"scp_signature": "AAAA"},
        {"scp_clienttype": "Console"},
        {"scp_timestamp": "now"},
        {"scp_timestamp": "1605290625682"},
        {"scp_accesskey": "AKNOBODY"},
        {"host": "filestorage.kr-east1.e.samsungsdscloud.com"},
    ],
)
def test_a_signature_that_is_not_of_this_request(lab: Lab, headers: dict[str, str]) -> None:
    assert error(changed(lab, lab.west, **headers))[:2] == (401, "HmacValidFail")


def test_a_wrong_secret_and_a_key_that_was_changed(lab: Lab) -> None:
    assert error(keyed(lab, secret_key="wrong").get("/v1/volumes"))[:2] == (401, "HmacValidFail")
    new: Any = lab.emulator.act("rotate-key", {})
    assert new["access_key"] == lab.facts["access_key"]
    assert lab.west.get("/v1/volumes").status_code == 401
    assert keyed(lab).get("/v1/volumes").status_code == 200


def test_the_url_is_signed_as_it_goes_over_the_wire(lab: Lab) -> None:
    assert lab.west.get("/v1/volumes?name=a%2Bb%20c&sort=name:asc").status_code == 200
    assert lab.west.get("/v1/volumes", params={"name": "é ü"}).status_code == 200

    class Escaped(Signed):
        def auth_flow(self, request: httpx.Request) -> Any:
            wire, request.url = request.url, httpx.URL(str(request.url).replace("%20", "%2520"))
            next(super().auth_flow(request))
            request.url = wire
            yield request

    facts = lab.facts
    escaped = Escaped(facts["access_key"], facts["secret_key"])
    assert lab.west.get("/v1/volumes?name=a%20b", auth=escaped).status_code == 401


def test_a_timestamp_may_be_off_by_so_much(lab: Lab) -> None:
    late, later = keyed(lab, skew=-250), keyed(lab, skew=400)
    assert [client.get("/v1/volumes").status_code for client in (late, later)] == [200, 401]
    lab.emulator.switch({"skew_s": 500})
    assert later.get("/v1/volumes").status_code == 200
    lab.emulator.switch({"skew_s": 300, "clock_skew_s": 900})
    assert [client.get("/v1/volumes").status_code for client in (lab.west, keyed(lab, skew=900))] == [401, 200]
    lab.emulator.switch({"skew_s": None})
    assert keyed(lab, skew=86_400).get("/v1/volumes").status_code == 200
    # The emulated clock has no say in it.
    lab.emulator.switch({"skew_s": 300, "clock_skew_s": 0})
    lab.clock.advance(86_400)
    assert lab.west.get("/v1/volumes").status_code == 200


def test_a_version_that_ended_and_one_that_never_was(lab: Lab) -> None:
    answer = changed(lab, lab.west, scp_api_version="filestorage 1.0")
    status, code, detail = error(answer)
    assert (status, code) == (400, "InvalidApiVersion")
    assert "20251231" in detail
    assert "filestorage 1.1" in detail
    for wrong in ("filestorage 2.0", "virtualserver 1.1", "1.1"):
        assert error(changed(lab, lab.west, scp_api_version=wrong))[:2] == (400, "InvalidApiVersion")
    assert changed(lab, lab.west, scp_api_version=None).status_code == 200
    lab.recorder.clear()


def test_whoever_may_only_look(lab: Lab) -> None:
    source, reader = lab.volume(), lab.facts["reader"]
    client = lab.client(WEST, Signed(reader["access_key"], reader["secret_key"]))
    assert client.get(f"/v1/volumes/{source}").status_code == 200
    answer = client.post("/v1/replications", json=request(source))
    assert error(answer)[:2] == (403, "Forbidden")
    (one,) = answer.json()["errors"]
    assert one["response"] == {"access_level": "Create", "action_name": "filestorage:CreateVolumeReplication"}
    assert one["detail"].startswith("You do not have permission to Create.")
    lab.emulator.switch({"denied_actions": ["filestorage:ListVolumes"]})
    assert lab.west.get("/v1/volumes").status_code == 403
    assert lab.east.get(f"/v1/replications/x?volume_id={source}").status_code == 404


def test_an_account_without_the_service(lab: Lab) -> None:
    lab.emulator.switch({"entitled": False})
    status, code, detail = error(lab.west.get("/v1/volumes"))
    assert (status, code) == (401, "Unauthorized")
    assert "rejected by gateway" in detail


def test_an_error_has_ids_of_its_own(lab: Lab) -> None:
    answers = [lab.west.get("/v1/volumes/not-there").json()["errors"][0] for _ in range(2)]
    ids = {one[key] for one in answers for key in ("request_id", "global_request_id")}
    assert len(ids) == 4
    assert all(one.startswith("req-") for one in ids)
    assert all(isinstance(one["detail"], str) for one in answers)


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ({}, ["Field required"] * 5),
        (b"", ["Field required"]),
        (b"{", ["JSON decode error"]),
        (b"[" * 100_000, ["JSON decode error"]),
        ([], ["Input should be a valid dictionary or instance of ReplicationCreate"]),
        (request("v", name="A"), ["String should match pattern '^[a-z]([a-z0-9_]){2,20}$'"]),
        (request("v", name="a" * 22), ["String should match pattern '^[a-z]([a-z0-9_]){2,20}$'"]),
        (
            request("v", replication_frequency="10min"),
            ["String should match pattern '^(5min|hourly|daily|weekly|monthly)$'"],
        ),
        (request("v", replication_type="mirror"), ["String should match pattern '^(replication|backup)$'"]),
        (request("v", backup_retention_count=0), ["Input should be greater than or equal to 1"]),
        (request("v", backup_retention_count=129), ["Input should be less than or equal to 128"]),
        (request("v", region=7), ["Input should be a valid string"]),
        ({**request("v"), "volume_id": None}, ["Input should be a valid string"]),
    ],
)
def test_a_body_that_has_not_the_form(lab: Lab, body: Any, details: list[str]) -> None:
    sent: dict[str, Any] = {"content": body, "headers": {"Content-Type": "application/json"}}
    answer = lab.west.post("/v1/replications", **(sent if isinstance(body, bytes) else {"json": body}))
    assert error(answer) == (400, "ValidationError", details)


def test_query_and_body_are_told_at_once_and_in_english(lab: Lab) -> None:
    answer = lab.west.put("/v1/replications/x", json={}, headers={"Accept-Language": "ko-KR"})
    assert error(answer) == (400, "ValidationError", ["Field required", "Field required"])
    assert error(lab.west.get("/v1/replications")) == (400, "ValidationError", ["Field required"])
    assert error(lab.west.get("/v1/snapshots")) == (400, "ValidationError", ["Field required"])
    assert error(lab.west.get("/v1/volumes?limit=x&offset=-1"))[1] == "ValidationError"
    assert error(lab.west.post("/v1/replications", content=b"name=x"))[1] == "ValidationError"


@pytest.mark.parametrize("odd", ["%7Bid%7D", "a%20b", "%00", "a" * 129, "%C3%A9"])
def test_an_id_that_can_be_none(lab: Lab, odd: str) -> None:
    for path in (f"/v1/volumes/{odd}", f"/v1/volumes/{odd}/access-rules", f"/v1/replications/{odd}?volume_id=x"):
        assert error(lab.west.get(path))[1] == "ValidationError"


def test_a_path_or_method_that_is_not_there(lab: Lab) -> None:
    assert lab.west.get("/v1/nothing").status_code == 404
    assert lab.west.patch("/v1/volumes").status_code == 405
    lab.recorder.clear()


def test_both_endpoints_of_both_hosts(lab: Lab) -> None:
    lab.volume("here", WEST)
    lab.volume("there", EAST)
    for region, name in ((WEST, "here"), (EAST, "there")):
        for scheme in ("http", "https"):
            found = lab.client(region, scheme=scheme).get("/v1/volumes").json()["filestorages"]
            assert [one["name"] for one in found] == [name]


def test_the_gateway_fails_now_and_then(lab: Lab) -> None:
    for status in (502, 503, 504, 500, 429):
        lab.faults.add(Fault(kind="status", status=status, part=EAST))
        answer = lab.east.get("/v1/volumes")
        assert answer.status_code == status
        assert answer.headers["Content-Type"] == ("text/plain" if status in {502, 503, 504} else "application/json")
        assert lab.west.get("/v1/volumes").status_code == 200
    lab.faults.add(Fault(kind="status", status=500))
    assert error(lab.west.get("/v1/volumes"))[1] == "ContactAdminForAssistance"


def test_an_answer_that_is_lost_is_committed(lab: Lab) -> None:
    source = lab.volume()
    lab.faults.add(Fault(kind="drop_after", operation="createVolumeReplication"))
    with pytest.raises(httpx.RemoteProtocolError):
        lab.west.post("/v1/replications", json=request(source))
    assert len(lab.listed(source)) == 1


def test_a_stale_read_knows_nothing_of_the_last_write(lab: Lab) -> None:
    source = lab.volume()
    lab.faults.add(Fault(kind="stale_read", operation="listVolumeReplications"))
    lab.create(source)
    assert lab.listed(source) == []
    assert len(lab.listed(source)) == 1


def test_the_log_names_hosts_and_operations_and_no_secret(lab: Lab) -> None:
    lab.used(lab.volume())
    rows: Any = lab.log.since()["requests"]
    told = [(row["part"], row["operation"], row["write"], row["status"]) for row in rows]
    assert told == [
        (WEST, "createVolume", True, 202),
        (WEST, "createVolumeReplication", True, 202),
        (WEST, "ShowVolumeReplication", False, 200),
    ]
    secret = lab.facts["secret_key"]
    assert secret not in str(rows)
    assert secret not in str(lab.state)
    assert secret not in repr(lab.emulator._keys)
