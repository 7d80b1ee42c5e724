"""Who may call: login, sessions of ten hours, access tokens, privileges."""

import httpx
import pytest

from tests.lab.qumulo import RELATIONSHIPS, Lab

WHO = "/v1/session/who-am-i"
TOKENS = "/v1/auth/access-tokens/"


def login(lab: Lab, username: str, password: str) -> httpx.Response:
    return lab.client(None).post("/v1/session/login", json={"username": username, "password": password})


def administrator(lab: Lab) -> httpx.Client:
    answer = login(lab, lab.facts["username"], lab.facts["password"])
    return lab.client(answer.json()["bearer_token"])


def test_a_login_gives_a_token_that_says_who_calls(lab: Lab) -> None:
    token = login(lab, lab.facts["username"], lab.facts["password"]).json()["bearer_token"]
    assert token.startswith("1:")
    answer = lab.client(token).get(WHO).json()
    assert answer["name"] == "admin"
    assert "access_token_id" not in answer


@pytest.mark.parametrize(("username", "password"), [("admin", "wrong"), ("nobody", "wrong"), ("admin", ""), ("", "")])
def test_a_wrong_login_does_not_say_what_was_wrong(lab: Lab, username: str, password: str) -> None:
    answer = login(lab, username, password)
    assert answer.status_code == 401
    assert answer.json()["description"] == login(lab, "nobody", "x").json()["description"]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"not json", b'{"username": 1, "password": "x"}', b'{"username": "a"}']
)
def test_a_login_that_makes_no_sense_is_400(lab: Lab, body: bytes) -> None:
    assert lab.client(None).post("/v1/session/login", content=body).status_code == 400


def test_a_session_ends_after_ten_hours_of_the_emulated_clock(lab: Lab) -> None:
    client = administrator(lab)
    lab.clock.advance(10 * 3600 - 60)
    assert client.get(WHO).status_code == 200
    lab.clock.advance(61)
    assert client.get(WHO).status_code == 401


def test_sessions_can_be_ended_from_outside(lab: Lab) -> None:
    client = administrator(lab)
    lab.emulator.act("expire-sessions", {})
    assert client.get(WHO).status_code == 401
    assert lab.api.get(WHO).status_code == 200, "access tokens are no sessions"


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer 1:nonsense", "Basic YTpi", "bearer access-v1:x"])
def test_without_a_good_token_everything_but_version_is_401(lab: Lab, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    client = lab.client(None)
    for path in (WHO, RELATIONSHIPS, f"{RELATIONSHIPS}status/", "/v1/files/2/info/attributes"):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 401
        assert answer.json()["error_class"] == "http_unauthorized_error"
    assert client.get("/v1/version", headers=headers).json()["revision_id"] == "Qumulo Core 7.10.2.1"


def test_the_scheme_of_the_header_has_no_case(lab: Lab) -> None:
    headers = {"Authorization": f"bEaReR {lab.facts['token']}"}
    assert lab.client(None).get(WHO, headers=headers).status_code == 200


def test_an_access_token_names_itself(lab: Lab) -> None:
    answer = lab.api.get(WHO).json()
    assert answer["name"] == "service"
    assert answer["access_token_id"].isdecimal()


def test_access_tokens_are_made_listed_changed_and_revoked(lab: Lab) -> None:
    admin = administrator(lab)
    made = admin.post(TOKENS, json={"user": {"name": "admin"}}).json()
    assert made["bearer_token"].startswith("access-v1:")
    holder = lab.client(made["bearer_token"])
    assert holder.get(WHO).json()["access_token_id"] == made["id"]

    listed = {entry["id"]: entry for entry in admin.get(TOKENS).json()["entries"]}
    assert listed[made["id"]]["user"]["name"] == "admin"
    assert "bearer_token" not in listed[made["id"]]
    assert made["bearer_token"] not in admin.get(TOKENS).text

    assert admin.patch(TOKENS + made["id"], json={"enabled": False}).json()["enabled"] is False
    assert holder.get(WHO).status_code == 401
    admin.patch(TOKENS + made["id"], json={"enabled": True})
    assert holder.get(WHO).status_code == 200

    assert admin.delete(TOKENS + made["id"]).content == b""
    assert holder.get(WHO).status_code == 401
    assert admin.get(TOKENS + made["id"]).status_code == 404


def test_an_access_token_expires(lab: Lab) -> None:
    admin = administrator(lab)
    soon = lab.clock.now().replace(microsecond=0).isoformat()
    made = admin.post(TOKENS, json={"user": {"auth_id": "500"}, "expiration_time": soon}).json()
    holder = lab.client(made["bearer_token"])
    lab.clock.advance(2)
    assert holder.get(WHO).status_code == 401
    admin.patch(TOKENS + made["id"], json={"expiration_time": "2999-01-01T00:00:00Z"})
    assert holder.get(WHO).status_code == 200
    assert admin.get(TOKENS + made["id"]).json()["expiration_time"].startswith("2999-01-01T00:00:00")


def test_a_user_has_two_access_tokens_at_most(lab: Lab) -> None:
    admin = administrator(lab)
    made = [admin.post(TOKENS, json={"user": {"name": "admin"}}) for _ in range(3)]
    assert [answer.status_code for answer in made] == [200, 200, 400]
    admin.delete(TOKENS + made[0].json()["id"])
    assert admin.post(TOKENS, json={"user": {"name": "admin"}}).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"user": "admin"}, 400),
        ({"user": {}}, 404),
        ({"user": {"name": "nobody"}}, 404),
        ({"user": {"name": "admin", "auth_id": "1001"}}, 404),
        ({"user": {"name": "admin"}, "expiration_time": "tomorrow"}, 400),
        ({"user": {"name": "admin"}, "expiration_time": "2030-01-01T00:00:00"}, 400),
        ({"user": {"name": "admin"}, "more": 1}, 400),
    ],
)
def test_an_access_token_that_cannot_be(lab: Lab, body: dict[str, object], status: int) -> None:
    assert administrator(lab).post(TOKENS, json=body).status_code == status


def test_access_tokens_come_in_pages(lab: Lab) -> None:
    admin = administrator(lab)
    admin.post(TOKENS, json={"user": {"name": "admin"}})
    seen, path, pages = [], f"{TOKENS}?limit=1", 0
    while path:
        page = admin.get(path).json()
        seen += [entry["id"] for entry in page["entries"]]
        path, pages = page["paging"]["next"], pages + 1
    assert (len(seen), len(set(seen)), pages) == (3, 3, 3)
    assert [entry["user"]["name"] for entry in admin.get(TOKENS, params={"user": "reader"}).json()["entries"]] == [
        "reader"
    ]


def test_a_reader_may_look_and_nothing_else(lab: Lab) -> None:
    reader = lab.client(lab.facts["reader"]["token"])
    for path in (RELATIONSHIPS, f"{RELATIONSHIPS}status/", "/v1/files/2/entries/"):
        assert reader.get(path).status_code == 200
    refused = [
        reader.post(RELATIONSHIPS, json={}),
        reader.delete(f"{RELATIONSHIPS}x"),
        reader.post(f"{RELATIONSHIPS}x/replicate"),
        reader.post(f"{RELATIONSHIPS}x/abort-replication"),
        reader.post("/v1/files/2/entries/", json={"name": "a", "action": "CREATE_FILE"}),
        reader.get(TOKENS),
        reader.post(TOKENS, json={"user": {"name": "reader"}}),
    ]
    assert {answer.status_code for answer in refused} == {403}


def test_switch_privilege_status(lab: Lab) -> None:
    reader = lab.client(lab.facts["reader"]["token"])
    lab.emulator.switch({"privilege_status": 401})
    assert reader.post(RELATIONSHIPS, json={}).status_code == 401


def test_switch_unauthorized_body(lab: Lab) -> None:
    lab.emulator.switch({"unauthorized_body": "empty"})
    answer = lab.client(None).get(WHO)
    assert (answer.status_code, answer.json()) == (401, {})


def test_only_tls_is_spoken(lab: Lab) -> None:
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{lab.facts['port']}/v1/version", trust_env=False)
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"https://127.0.0.1:{lab.facts['port']}/v1/version", trust_env=False)


def test_no_secret_is_in_the_log_or_the_state(lab: Lab) -> None:
    login(lab, lab.facts["username"], lab.facts["password"])
    told = repr(lab.log.since()) + repr(lab.emulator.state()) + repr(lab.emulator.cluster.identities.users)
    for secret in (lab.facts["password"], lab.facts["token"], lab.facts["reader"]["password"]):
        assert secret not in told
