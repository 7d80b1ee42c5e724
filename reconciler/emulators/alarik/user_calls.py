"""Logging in, and access keys. Source: Alarik's InternalUserController."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from reconciler.emulators.alarik.call import Call, Route
from reconciler.emulators.alarik.configuration import shown_id
from reconciler.emulators.alarik.decode import Value
from reconciler.emulators.alarik.identity import AccessKey
from reconciler.emulators.alarik.moment import shown
from reconciler.emulators.alarik.refusal import Refusal, answer
from reconciler.emulators.message import JsonValue, Reply


def login(call: Call) -> Reply:
    try:
        sent = call.body()
        username, password = sent.text("username"), sent.text("password")
    except Refusal:
        raise Refusal(401) from None
    user = call.instance.identities.by_password(username, password)
    if user is None:
        raise Refusal(401)
    return answer({"token": call.instance.identities.token(user)})


def authenticate(call: Call) -> Reply:
    user = call.user
    return answer(
        {
            "id": shown_id(user.id, call.instance.settings),
            "name": user.name,
            "username": user.username,
            "isAdmin": call.is_admin,
        }
    )


def list_access_keys(call: Call) -> Reply:
    return answer(call.page([_shown(call, key) for key in call.instance.identities.keys_of(call.user)]))


def create_access_key(call: Call) -> Reply:
    user, sent = call.user, call.body()
    members = sent.value if isinstance(sent.value, dict) else {}
    wrong = [
        f"{name} is {'empty' if members.get(name) == '' else 'required'}"
        for name in ("accessKey", "secretKey")
        if not members.get(name)
    ]
    if wrong:
        raise Refusal(400, ", ".join(wrong))
    key = call.instance.identities.add_key(user, sent.text("accessKey"), sent.text("secretKey"), _expiration(sent))
    if key is None:
        raise Refusal(409, "Access key already exists.")
    return answer(_shown(call, key))


def delete_access_key(call: Call) -> Reply:
    identity = call.identity("accessKeyId", "Invalid access key ID.")
    found = next((key for key in call.instance.identities.keys_of(call.user) if key.id == identity), None)
    if found is None:
        raise Refusal(404, "Access key not found.")
    call.instance.identities.remove_key(found.access_key)
    return Reply(204)


def _expiration(sent: Value) -> datetime | None:
    text = sent.optional_text("expirationDate")
    if text is None:
        return None
    try:
        # Foundation's ISO 8601 takes no fraction of a second.
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        raise Refusal(
            400, "Data corrupted at path 'expirationDate'. Expected date string to be ISO8601-formatted."
        ) from None


def _shown(call: Call, key: AccessKey) -> dict[str, JsonValue]:
    settings = call.instance.settings
    expires: dict[str, JsonValue] = {} if key.expires is None else {"expirationDate": shown(key.expires, settings)}
    return {
        "id": shown_id(key.id, settings),
        "accessKey": key.access_key,
        "createdAt": shown(key.created, settings),
        **expires,
    }


ROUTES: Final = (
    Route("POST", "/users/login", "login", login, public=True),
    Route("POST", "/users/auth", "authenticate", authenticate),
    Route("GET", "/users/accessKeys", "listAccessKeys", list_access_keys),
    Route("POST", "/users/accessKeys", "createAccessKey", create_access_key, write=True),
    Route("DELETE", "/users/accessKeys/{accessKeyId}", "deleteAccessKey", delete_access_key, write=True),
)
