"""Accounts and the keys that open them. All made up; they open this emulator alone."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Account:
    """Who owns buckets. ``id`` is what access control lists name."""

    id: str
    display_name: str


@dataclass(frozen=True, slots=True)
class Credential:
    """A key pair. One with a ``token`` is temporary and good only together with it."""

    account: Account
    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


OWNER: Final = Account("10eb6f5ff6ff4605bf044313e8f3ffa5", "BosUser")
OTHER: Final = Account("6a7d0b1f24a24a63a3b8b4bb6bb3ca10", "OtherUser")

PERMANENT: Final = Credential(OWNER, "ALTAKemulatedowner0001", "emulated-owner-secret-that-opens-nothing")
FOREIGN: Final = Credential(OTHER, "ALTAKemulatedother0002", "emulated-other-secret-that-opens-nothing")
SESSION: Final = Credential(
    OWNER, "ALTAKemulatedsession03", "emulated-session-secret-that-opens-nothing", "emulated-session-token-Zx9=="
)


class Identities:
    """The credentials in force. Thread-safe."""

    def __init__(self, credentials: Iterable[Credential] = (PERMANENT, FOREIGN, SESSION)) -> None:
        self._lock = threading.Lock()
        self._by_key = {credential.access_key: credential for credential in credentials}
        self._expired: frozenset[str] = frozenset()
        self._overdue: frozenset[Account] = frozenset()

    def find(self, access_key: str) -> Credential | None:
        with self._lock:
            return self._by_key.get(access_key)

    def permanent(self) -> dict[str, str]:
        """Secret keys by access key, of the credentials that need no token."""
        with self._lock:
            return {key: one.secret_key for key, one in self._by_key.items() if one.token is None}

    def token_holds(self, credential: Credential, token: str | None) -> bool:
        """Whether a request with that key may come with that security token, or without one."""
        with self._lock:
            return token == credential.token and credential.access_key not in self._expired

    def expire_sessions(self) -> None:
        """End every temporary credential."""
        with self._lock:
            self._expired = frozenset(key for key, one in self._by_key.items() if one.token is not None)

    def set_overdue(self, account: Account, *, overdue: bool) -> None:
        """Let an account owe money, or have paid."""
        with self._lock:
            self._overdue = self._overdue | {account} if overdue else self._overdue - {account}

    def is_overdue(self, account: Account) -> bool:
        """Whether nothing is done for that account until it has paid."""
        with self._lock:
            return account in self._overdue
