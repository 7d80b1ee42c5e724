"""Who may come in: sessions, keys, and what the two of them are worth over time."""

import base64
import json
from typing import Any

import pytest

from tests.lab.alarik import Lab, Server, keys

USERS = "/api/v1/users"
DAY = 24 * 3600


def login(lab: Lab, server: Server, **changes: str) -> Any:
    facts = server.facts
    body = {"username": facts["username"], "password": facts["password"], **changes}
    return lab.client(facts["http"], {}).post(f"{USERS}/login", json=body)


def session(lab: Lab, server: Server) -> dict[str, str]:
    return {"Authorization": f"Bearer {login(lab, server).json()['token']}"}


def test_a_session_lasts_a_day(lab: Lab, here: Server) -> None:
    client = lab.client(here.facts["http"], session(lab, here))
    answer = client.post(f"{USERS}/auth")
    assert (answer.status_code, answer.json()["username"], answer.json()["isAdmin"]) == (200, "replicator", True)
    lab.clock.advance(DAY - 60)
    assert client.post(f"{USERS}/auth").status_code == 200
    lab.clock.advance(61)
    assert client.post(f"{USERS}/auth").status_code == 401


def test_the_token_is_a_jwt_with_the_claims_of_the_product(lab: Lab, here: Server) -> None:
    head, claims, _ = login(lab, here).json()["token"].split(".")
    read = lambda part: json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))  # noqa: E731
    assert read(head)["alg"] == "HS256"
    assert set(read(claims)) == {"expirationTime", "expiration", "userId"}


@pytest.mark.parametrize("changes", [{"password": "wrong"}, {"username": "nobody"}])
def test_a_wrong_login_is_unauthorized(lab: Lab, here: Server, changes: dict[str, str]) -> None:
    answer = login(lab, here, **changes)
    assert (answer.status_code, answer.json()) == (401, {"error": True, "reason": "Unauthorized"})


def test_a_login_that_cannot_be_read_is_unauthorized_too(lab: Lab, here: Server) -> None:
    client = lab.client(here.facts["http"], {})
    assert client.post(f"{USERS}/login", json={"username": "replicator"}).status_code == 401
    assert client.post(f"{USERS}/login", content=b"{", headers={"Content-Type": "application/json"}).status_code == 401
    assert client.post(f"{USERS}/login").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer x.y.z"},
        {"Authorization": "Bearer x"},
        {"X-Access-Key": "AKIA", "X-Secret-Key": "no"},
        {"X-Secret-Key": "no"},
    ],
)
def test_nobody_gets_nothing(lab: Lab, here: Server, headers: dict[str, str]) -> None:
    answer = lab.client(here.facts["http"], headers).get("/api/v1/buckets")
    assert (answer.status_code, answer.json()["reason"]) == (401, "Unauthorized")
    assert "x-amz-request-id" not in answer.headers


def test_keys_are_asked_where_the_session_is_void(lab: Lab, here: Server) -> None:
    client = lab.client(here.facts["http"], {"Authorization": "Bearer x.y.z", **keys(here)})
    answer = client.get("/api/v1/buckets")
    assert answer.status_code == 200
    assert answer.headers["x-amz-request-id"]


def test_a_token_of_another_server_is_void(lab: Lab, here: Server, there: Server) -> None:
    assert lab.client(here.facts["http"], session(lab, there)).post(f"{USERS}/auth").status_code == 401


def test_sessions_end_when_the_signing_secret_changes(lab: Lab, here: Server) -> None:
    client = lab.client(here.facts["http"], session(lab, here))
    here.emulator.act("expire-sessions", {})
    assert client.post(f"{USERS}/auth").status_code == 401


def test_a_session_whose_user_cannot_be_read_is_a_matter_of_waiting(lab: Lab, here: Server) -> None:
    here.emulator.switch({"sessions_unavailable": True})
    answer = lab.client(here.facts["http"], session(lab, here)).post(f"{USERS}/auth")
    assert (answer.status_code, answer.json()["reason"]) == (
        503,
        "Could not verify this session right now - please retry.",
    )
    assert here.api.get("/api/v1/buckets").status_code == 200


def test_administrators_reach_no_bucket_of_others(lab: Lab, here: Server) -> None:
    bucket = here.bucket()
    for role in ("admin", "other"):
        answer = lab.client(here.facts["http"], keys(here, role)).get(f"/api/v1/buckets/{bucket}/replication/targets")
        assert (answer.status_code, answer.json()["reason"]) == (404, "Bucket not found")


def test_access_keys_come_and_go(lab: Lab, here: Server) -> None:
    made = here.api.post(f"{USERS}/accessKeys", json={"accessKey": "AKIAMINE", "secretKey": "mine"})
    assert made.json()["accessKey"] == "AKIAMINE"
    assert "mine" not in here.api.get(f"{USERS}/accessKeys").text
    own = lab.client(here.facts["http"], {"X-Access-Key": "AKIAMINE", "X-Secret-Key": "mine"})
    assert own.get("/api/v1/buckets").status_code == 200
    again = here.api.post(f"{USERS}/accessKeys", json={"accessKey": "AKIAMINE", "secretKey": "other"})
    assert (again.status_code, again.json()["reason"]) == (409, "Access key already exists.")
    assert here.api.delete(f"{USERS}/accessKeys/{made.json()['id']}").status_code == 204
    assert own.get("/api/v1/buckets").status_code == 401
    assert here.api.delete(f"{USERS}/accessKeys/{made.json()['id']}").status_code == 404
    assert here.api.delete(f"{USERS}/accessKeys/no-id").json()["reason"] == "Invalid access key ID."
    assert here.api.post(f"{USERS}/accessKeys", json={}).status_code == 400


def test_a_key_may_expire(lab: Lab, here: Server) -> None:
    ends = lab.clock.now().replace(microsecond=0).isoformat().replace("+00:00", "Z")
    body = {"accessKey": "AKIASHORT", "secretKey": "short", "expirationDate": ends}
    lab.clock.advance(1)
    assert here.api.post(f"{USERS}/accessKeys", json=body).json()["expirationDate"] == ends
    headers = {"X-Access-Key": "AKIASHORT", "X-Secret-Key": "short"}
    assert lab.client(here.facts["http"], headers).get("/api/v1/buckets").status_code == 401
    refused = here.api.post(f"{USERS}/accessKeys", json={**body, "accessKey": "B", "expirationDate": "soon"})
    assert refused.status_code == 400


def test_a_rotated_key_has_another_secret(lab: Lab, here: Server) -> None:
    before = keys(here)
    made = here.emulator.act("rotate-key", {})
    assert keys(here) == {"X-Access-Key": made["access_key"], "X-Secret-Key": made["secret_key"]}  # type: ignore[index, call-overload]
    assert lab.client(here.facts["http"], before).get("/api/v1/buckets").status_code == 401
    assert lab.client(here.facts["http"], keys(here)).get("/api/v1/buckets").status_code == 200
    with pytest.raises(ValueError, match="user is one of"):
        here.emulator.act("rotate-key", {"user": "nobody"})
    with pytest.raises(ValueError, match="no act named"):
        here.emulator.act("explode", {})
