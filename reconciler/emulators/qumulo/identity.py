"""Users of a cluster, their privileges, and the two kinds of bearer token."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from reconciler.emulators.clock import Clock
from reconciler.emulators.message import JsonValue
from reconciler.emulators.qumulo import moment
from reconciler.emulators.qumulo.refusal import Refusal

#: Source: Qumulo administrator guide, creating and using bearer tokens.
SESSION_SECONDS: Final = 10 * 3600.0
#: Source: Qumulo administrator guide, creating and using access tokens.
TOKENS_PER_USER: Final = 2

REPLICATION_READ: Final = "PRIVILEGE_REPLICATION_OBJECT_READ"
REPLICATION_WRITE: Final = "PRIVILEGE_REPLICATION_OBJECT_WRITE"
TOKENS_READ: Final = "PRIVILEGE_ACCESS_TOKENS_READ"
TOKENS_WRITE: Final = "PRIVILEGE_ACCESS_TOKENS_WRITE"
FILES_READ: Final = "PRIVILEGE_FILE_READ_ACCESS"
FILES_WRITE: Final = "PRIVILEGE_FILE_FULL_ACCESS"

_READER: Final = (REPLICATION_READ, FILES_READ)
_SERVICE: Final = (*_READER, REPLICATION_WRITE, FILES_WRITE)
_ADMINISTRATOR: Final = (*_SERVICE, TOKENS_READ, TOKENS_WRITE)


@dataclass(frozen=True, slots=True)
class User:
    """A local user. ``auth_id`` is its number in the cluster; 500 is the administrator."""

    name: str
    auth_id: str
    privileges: tuple[str, ...]
    password: str = field(repr=False)

    @property
    def sid(self) -> str:
        return f"S-1-5-21-1111111111-2222222222-3333333333-{self.auth_id}"

    def identity(self) -> dict[str, JsonValue]:
        return {
            "domain": "LOCAL",
            "auth_id": self.auth_id,
            "uid": None,
            "gid": None,
            "sid": self.sid,
            "name": self.name,
        }


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request; ``token_id`` only if it shows an access token."""

    user: User
    token_id: str | None = None

    def describe(self) -> dict[str, JsonValue]:
        told: dict[str, JsonValue] = {
            "id": self.user.auth_id,
            "name": self.user.name,
            "primary_group": "513",
            "sid": self.user.sid,
            "uid": None,
            "home_directory": None,
            "can_change_password": True,
            "privileges": list(self.user.privileges),
        }
        return told if self.token_id is None else {**told, "access_token_id": self.token_id}


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What is kept of an access token: never the token itself, only its digest."""

    id: str
    user: User
    creator: User
    created: int
    digest: str = field(repr=False)
    expires: datetime | None = None
    enabled: bool = True

    def describe(self) -> dict[str, JsonValue]:
        expires = None if self.expires is None else moment.text(moment.nanoseconds(self.expires))
        return {
            "id": self.id,
            "user": self.user.identity(),
            "creator": self.creator.identity(),
            "creation_time": moment.text(self.created),
            "expiration_time": expires,
            "enabled": self.enabled,
        }


class Identities:
    """Accounts and tokens of one cluster. Not thread-safe: the caller holds the cluster's lock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sessions: dict[str, tuple[User, float]] = {}
        self._tokens: dict[str, AccessToken] = {}
        self.users = tuple(
            User(name, auth_id, privileges, secrets.token_urlsafe(12))
            for name, auth_id, privileges in (
                ("admin", "500", _ADMINISTRATOR),
                ("service", "1001", _SERVICE),
                ("reader", "1002", _READER),
            )
        )

    @property
    def tokens(self) -> list[AccessToken]:
        """All access tokens in the order of their ids."""
        return sorted(self._tokens.values(), key=lambda token: token.id)

    def named(self, name: str) -> User:
        return next(user for user in self.users if user.name == name)

    def login(self, username: str, password: str) -> str:
        """A session token. ``Refusal`` (401) that does not say which of the two was wrong."""
        user = next((user for user in self.users if user.name == username), None)
        expected = user.password if user else secrets.token_urlsafe(12)
        if not hmac.compare_digest(expected.encode(), password.encode("utf-8", "surrogatepass")) or user is None:
            raise Refusal(401, "Incorrect username or password.")
        token = "1:" + base64.b64encode(secrets.token_bytes(48)).decode()
        self._sessions[_digest(token)] = (user, self._clock.monotonic() + SESSION_SECONDS)
        return token

    def caller(self, authorization: str | None) -> Caller | None:
        """Who shows this Authorization header; None for a token that is missing, unknown, expired or disabled."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return None
        digest = _digest(token.strip())
        user, until = self._sessions.get(digest, (None, 0.0))
        if user is not None:
            return Caller(user) if self._clock.monotonic() < until else None
        found = next((kept for kept in self._tokens.values() if kept.digest == digest), None)
        if found is None or not found.enabled or (found.expires is not None and found.expires <= self._clock.now()):
            return None
        return Caller(found.user, found.id)

    def forget_sessions(self) -> None:
        self._sessions.clear()

    def find(self, identity: Mapping[str, JsonValue]) -> User:
        """The user that a partial identity means: every member given must agree."""
        given = {key: value for key, value in identity.items() if value is not None}
        for user in self.users:
            if given and all(user.identity().get(key) == value for key, value in given.items()):
                return user
        raise Refusal(404, "No such user.", "auth_no_such_user_error")

    def issue(self, user: User, creator: User, expires: datetime | None) -> tuple[AccessToken, str]:
        """A new access token and its text, which is not kept."""
        if sum(token.user == user for token in self._tokens.values()) >= TOKENS_PER_USER:
            raise Refusal(400, f"The user already has {TOKENS_PER_USER} access tokens.")
        text = "access-v1:" + base64.b64encode(secrets.token_bytes(60)).decode()
        number = str(secrets.randbelow(10**22)).zfill(22)
        created = moment.nanoseconds(self._clock.now())
        self._tokens[number] = AccessToken(number, user, creator, created, _digest(text), expires)
        return self._tokens[number], text

    def token(self, number: str) -> AccessToken:
        if number not in self._tokens:
            raise Refusal(404, "No such access token.")
        return self._tokens[number]

    def change(self, number: str, *, expires: datetime | None, enabled: bool | None) -> AccessToken:
        """Change what is not None."""
        token = self.token(number)
        if expires is not None:
            token = replace(token, expires=expires)
        if enabled is not None:
            token = replace(token, enabled=enabled)
        self._tokens[number] = token
        return token

    def revoke(self, number: str) -> None:
        self.token(number)
        del self._tokens[number]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def parse_time(text: str) -> datetime:
    """An RFC 3339 time with its zone. ``Refusal`` (400) otherwise."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        parsed = None
    if parsed is None or parsed.utcoffset() is None:
        raise Refusal(400, "Not an RFC 3339 time with a time zone.", "decode_error")
    return parsed
