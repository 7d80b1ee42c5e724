"""Users, their access keys, and session tokens.

Source: Alarik's InternalAuthenticator, InternalUserController, SessionToken and AccessKey.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, cast

from reconciler.emulators.clock import Clock

SESSION_SECONDS: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who owns buckets."""

    id: uuid.UUID
    name: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A key pair for S3 and for the headers of the JSON API."""

    id: uuid.UUID
    user: uuid.UUID
    access_key: str
    secret_key: str = field(repr=False)
    created: datetime
    expires: datetime | None = None


class Identities:
    """Who may come in. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._users: dict[uuid.UUID, User] = {}
        self._keys: dict[str, AccessKey] = {}
        self._secret = secrets.token_bytes(32)

    def add_user(self, user: User) -> None:
        with self._lock:
            self._users[user.id] = user

    def named(self, username: str) -> User | None:
        with self._lock:
            return next((user for user in self._users.values() if user.username == username), None)

    def user(self, identity: uuid.UUID) -> User | None:
        with self._lock:
            return self._users.get(identity)

    def add_key(
        self, user: User, access_key: str, secret_key: str, expires: datetime | None = None
    ) -> AccessKey | None:
        """None if there is such an access key already."""
        with self._lock:
            if access_key in self._keys:
                return None
            key = AccessKey(uuid.uuid4(), user.id, access_key, secret_key, self._clock.now(), expires)
            self._keys[access_key] = key
            return key

    def remove_key(self, access_key: str) -> None:
        with self._lock:
            self._keys.pop(access_key, None)

    def keys_of(self, user: User) -> list[AccessKey]:
        """Newest first, the expired ones too."""
        with self._lock:
            found = [key for key in self._keys.values() if key.user == user.id]
        return sorted(found, key=lambda key: key.created, reverse=True)

    def valid_keys(self) -> dict[str, str]:
        """Secrets by access key, without those that have expired."""
        now = self._clock.now()
        with self._lock:
            return {
                key.access_key: key.secret_key
                for key in self._keys.values()
                if key.expires is None or key.expires >= now
            }

    def owner_of(self, access_key: str) -> User | None:
        with self._lock:
            key = self._keys.get(access_key)
            return None if key is None else self._users.get(key.user)

    def by_key(self, access_key: str | None, secret_key: str | None) -> User | None:
        """Who these two headers are."""
        known = self.valid_keys().get(access_key or "")
        if known is None or not hmac.compare_digest(known.encode(), (secret_key or "").encode()):
            return None
        return self.owner_of(access_key or "")

    def by_password(self, username: str, password: str) -> User | None:
        user = self.named(username)
        if user is None or not hmac.compare_digest(user.password.encode(), password.encode()):
            return None
        return user

    def token(self, user: User) -> str:
        """A session: a JWT signed with HS256 that holds for a day of the world's clock. There is no refresh."""
        ends = self._clock.now().timestamp() + SESSION_SECONDS
        head = _encode({"alg": "HS256", "typ": "JWT"})
        claims = _encode({"expirationTime": SESSION_SECONDS, "expiration": ends, "userId": str(user.id).upper()})
        return f"{head}.{claims}.{self._sign(f'{head}.{claims}')}"

    def by_token(self, token: str) -> User | None:
        """Whose session it is; None for one that has ended or was never given out."""
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(self._sign(signed).encode(), signature.encode("utf-8", "replace")):
            return None
        claims = _decode(signed.partition(".")[2])
        if float(cast("float", claims["expiration"])) <= self._clock.now().timestamp():
            return None
        return self.user(uuid.UUID(str(claims["userId"])))

    def forget_sessions(self) -> None:
        """Every token given out so far is void, as after a change of the server's signing secret."""
        self._secret = secrets.token_bytes(32)

    def _sign(self, text: str) -> str:
        return _base64(hmac.new(self._secret, text.encode(), hashlib.sha256).digest())


def _encode(value: Mapping[str, object]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _decode(text: str) -> dict[str, object]:
    try:
        found: dict[str, object] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error):
        return {"expiration": 0}
    return found


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
