"""Login, who am I, version, access tokens."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from reconciler.emulators.message import JsonValue, Reply
from reconciler.emulators.qumulo.call import Call, Route, done, found
from reconciler.emulators.qumulo.identity import TOKENS_READ, TOKENS_WRITE, parse_time
from reconciler.emulators.qumulo.refusal import Refusal

_TOKENS: Final = "/v1/auth/access-tokens/"
_TOKEN: Final = "/v1/auth/access-tokens/{id}"  # noqa: S105  (a path)
_VERSION: Final = {
    "revision_id": "Qumulo Core 7.10.2.1",
    "build_id": "264209.1.22",
    "flavor": "release",
    "build_date": "2026-09-01T10:00:00Z",
}


def version(_call: Call) -> Reply:
    return Reply.of_json(200, _VERSION)


def login(call: Call) -> Reply:
    body = call.members(username=str, password=str)
    if set(body) != {"username", "password"}:
        raise Refusal(400, "Give username and password.", "decode_error")
    with call.cluster.lock:
        token = call.cluster.identities.login(str(body["username"]), str(body["password"]))
    return Reply.of_json(200, {"bearer_token": token})


def who_am_i(call: Call) -> Reply:
    return found(call.user.describe())


def list_tokens(call: Call) -> Reply:
    call.check_parameters("user", "limit", "after")
    limit = min(call.number("limit") or 100, call.request.page_size or 100, 100)
    after, wanted = call.request.params.get("after", ""), call.request.params.get("user")
    with call.cluster.lock:
        tokens = [
            token
            for token in call.cluster.identities.tokens
            if token.id > after and wanted in (None, token.user.name, token.user.auth_id)
        ]
    page = tokens[:limit]
    following: JsonValue = None
    if len(tokens) > limit:
        query = {"after": page[-1].id, "limit": limit, **({} if wanted is None else {"user": wanted})}
        following = f"{_TOKENS}?{urlencode(query)}"
    return Reply.of_json(200, {"entries": [token.describe() for token in page], "paging": {"next": following}})


def create_token(call: Call) -> Reply:
    body = call.members(user=dict, expiration_time=str)
    identity = body.get("user")
    if not isinstance(identity, dict):
        raise Refusal(400, "Missing: user", "decode_error")
    expires = parse_time(str(body["expiration_time"])) if "expiration_time" in body else None
    with call.cluster.lock:
        identities = call.cluster.identities
        token, text = identities.issue(identities.find(identity), call.user.user, expires)
    return Reply.of_json(200, {"id": token.id, "bearer_token": text})


def get_token(call: Call) -> Reply:
    with call.cluster.lock:
        return Reply.of_json(200, call.cluster.identities.token(call.parts["id"]).describe())


def modify_token(call: Call) -> Reply:
    body = call.members(expiration_time=str, enabled=bool)
    expires = parse_time(str(body["expiration_time"])) if "expiration_time" in body else None
    enabled = body.get("enabled")
    with call.cluster.lock:
        token = call.cluster.identities.change(
            call.parts["id"], expires=expires, enabled=enabled if isinstance(enabled, bool) else None
        )
    return Reply.of_json(200, token.describe())


def delete_token(call: Call) -> Reply:
    with call.cluster.lock:
        call.cluster.identities.revoke(call.parts["id"])
    return done()


ROUTES: Final = (
    Route("GET", "/v1/version", "getVersion", version, public=True),
    Route("POST", "/v1/session/login", "login", login, public=True),
    Route("GET", "/v1/session/who-am-i", "whoAmI", who_am_i),
    Route("GET", _TOKENS, "listAccessTokens", list_tokens, privilege=TOKENS_READ),
    Route("POST", _TOKENS, "createAccessToken", create_token, write=True, privilege=TOKENS_WRITE),
    Route("GET", _TOKEN, "getAccessToken", get_token, privilege=TOKENS_READ),
    Route("PATCH", _TOKEN, "modifyAccessToken", modify_token, write=True, privilege=TOKENS_WRITE),
    Route("DELETE", _TOKEN, "deleteAccessToken", delete_token, write=True, privilege=TOKENS_WRITE),
)
