"""An Alarik server as part of a world."""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Final

from reconciler.emulators.alarik.buckets import Bucket
from reconciler.emulators.alarik.configuration import MASK, Target
from reconciler.emulators.alarik.identity import AccessKey, Identities, User
from reconciler.emulators.alarik.instance import Instance
from reconciler.emulators.alarik.seed import seed
from reconciler.emulators.alarik.switches import DEFAULT_REGION, AlarikSwitches
from reconciler.emulators.emulator import Context, Options
from reconciler.emulators.message import JsonValue
from reconciler.emulators.server import Server
from reconciler.emulators.switchboard import Board

#: Who there is: role, and name to log in with. Only the first of them owns what a seeded server holds.
_USERS: Final = {"owner": "replicator", "admin": "alarik", "other": "guest"}


class AlarikEmulator:
    """One server with an HTTP and an HTTPS endpoint, both of which speak S3 and the JSON API.

    The described user owns buckets and is an administrator, as in a lab of one person: no other could replicate to
    loopback. The switch ``is_admin`` makes an ordinary owner of it. ``admin`` is an administrator who owns nothing of
    its, and so can reach nothing of its; ``other`` is an ordinary user.

    Acts: ``crash``, ``restart`` (connections drop; state, queue and sessions are kept, a resync under way is lost),
    ``expire-sessions``, and ``rotate-key`` ``{"user": owner | admin | other}``, which gives the user's access key
    another secret and answers ``{"access_key", "secret_key"}``.
    """

    kind = "alarik"

    def __init__(self, options: Options) -> None:
        self.name = options.name
        self._options = options
        self._board = Board(AlarikSwitches(region=options.flavour or DEFAULT_REGION), self._changed)
        self._instance: Instance | None = None
        self._servers: dict[str, Server] = {}
        self._users: dict[str, User] = {}
        self._keys: dict[str, AccessKey] = {}
        self._lock = threading.Lock()

    @property
    def instance(self) -> Instance:
        if self._instance is None:
            raise ValueError(f"{self.name} is not running")
        return self._instance

    @property
    def up(self) -> bool:
        return bool(self._servers) and all(server.running for server in self._servers.values())

    def start(self, context: Context) -> None:
        identities = Identities(context.clock)
        for role, username in _USERS.items():
            self._add_user(identities, role, username)
        self._instance = instance = Instance(
            clock=context.clock,
            board=self._board,
            identities=identities,
            authority=context.certificate.ca,
            up=lambda: self.up,
            crash=self._died,
        )
        instance.admins, instance.owner = frozenset({_USERS["admin"]}), _USERS["owner"]
        gate = context.gate(self.name, instance)
        for endpoint, tls in (("http", False), ("https", True)):
            self._servers[endpoint] = context.serve(gate, tls=tls, port=self._options.port(endpoint))
        if self._options.seed:
            seed(instance, self._users["owner"], self._keys["owner"], self._servers["https"].url)
        instance.replication.start()

    def describe(self) -> dict[str, JsonValue]:
        """``http`` and ``https``, ``region``, the owner's keys and login, and the same of ``admin`` and ``other``."""
        return {
            **{endpoint: server.url for endpoint, server in self._servers.items()},
            "region": self._board.now.region,
            **self._credentials("owner"),
            "admin": self._credentials("admin"),
            "other": self._credentials("other"),
        }

    def state(self) -> JsonValue:
        """``buckets`` with owner, versioning, targets, rules, tasks and what was delivered by rule; and the queue.

        A target's secret is told by ``secretSha256``, and by ``secretIsMask``, which is never good news.
        """
        instance = self.instance
        return {
            "region": self._board.now.region,
            "up": self.up,
            "buckets": {bucket.name: self._bucket(bucket) for bucket in instance.buckets.all()},
            "queue": instance.replication.describe(),
        }

    def switches(self) -> dict[str, JsonValue]:
        return self._board.describe()

    def switch(self, values: Mapping[str, JsonValue]) -> None:
        self._board.set(values)

    def act(self, action: str, arguments: Mapping[str, JsonValue]) -> JsonValue:
        known = _ACTS.get(action)
        if known is None:
            raise ValueError(f"no act named {action}; there is {', '.join(sorted(_ACTS))}")
        return known(self, arguments)

    def crash(self, _arguments: Mapping[str, JsonValue]) -> JsonValue:
        for server in self._servers.values():
            server.crash()
        return {"up": self.up}

    def restart(self, arguments: Mapping[str, JsonValue]) -> JsonValue:
        with self._lock:
            self.crash(arguments)
            for server in self._servers.values():
                server.start()
        self.instance.replication.restarted()
        return {"up": self.up}

    def expire_sessions(self, _arguments: Mapping[str, JsonValue]) -> JsonValue:
        self.instance.identities.forget_sessions()
        return {}

    def rotate_key(self, arguments: Mapping[str, JsonValue]) -> JsonValue:
        role = arguments.get("user", "owner")
        if set(arguments) - {"user"} or not isinstance(role, str) or role not in self._users:
            raise ValueError(f"user is one of {', '.join(self._users)}")
        old = self._keys[role]
        self.instance.identities.remove_key(old.access_key)
        self._add_key(self.instance.identities, role, old.access_key, uuid.uuid4().hex)
        return {"access_key": old.access_key, "secret_key": self._keys[role].secret_key}

    def stop(self) -> None:
        for server in self._servers.values():
            server.stop()
        if self._instance is not None:
            self._instance.stop()

    def _died(self) -> None:
        self.crash({})
        if self._board.now.duplicate_ids == "restart":
            self.restart({})

    def _changed(self) -> None:
        if self._instance is not None:
            self._instance.replication.wake()

    def _add_user(self, identities: Identities, role: str, username: str) -> None:
        password = _made_up(self.name, role, "password")[:24]
        user = User(uuid.uuid4(), role.capitalize(), username, password)
        identities.add_user(user)
        self._users[role] = user
        access_key = f"AKIA{_made_up(self.name, role, 'access key')[:16].upper()}"
        self._add_key(identities, role, access_key, _made_up(self.name, role, "secret key")[:40])

    def _add_key(self, identities: Identities, role: str, access_key: str, secret_key: str) -> None:
        key = identities.add_key(self._users[role], access_key, secret_key)
        if key is not None:
            self._keys[role] = key

    def _credentials(self, role: str) -> dict[str, JsonValue]:
        user, key = self._users[role], self._keys[role]
        return {
            "access_key": key.access_key,
            "secret_key": key.secret_key,
            "username": user.username,
            "password": user.password,
        }

    def _bucket(self, bucket: Bucket) -> JsonValue:
        instance, settings = self.instance, self._board.now
        owner = instance.identities.user(bucket.owner)
        configuration = bucket.configuration
        found = instance.store.bucket(bucket.name)
        rules = configuration.rules if configuration is not None else ()
        return {
            "owner": owner.username if owner is not None else None,
            "versioning": instance.buckets.versioning(bucket.name),
            "keys": len(found.keys) if found is not None else 0,
            "targets": [_target(target, settings) for target in (configuration.targets if configuration else ())],
            "rules": [
                {**rule.shown(settings), "delivered": instance.replication.outbox.delivered[rule.id]} for rule in rules
            ],
            "outbox": [task.shown(settings) for task in instance.replication.outbox.of(bucket.name)],
        }


_ACTS: Final[Mapping[str, Callable[[AlarikEmulator, Mapping[str, JsonValue]], JsonValue]]] = {
    "crash": AlarikEmulator.crash,
    "restart": AlarikEmulator.restart,
    "expire-sessions": AlarikEmulator.expire_sessions,
    "rotate-key": AlarikEmulator.rotate_key,
}


def _target(target: Target, settings: AlarikSwitches) -> JsonValue:
    shown = {name: value for name, value in target.shown(settings).items() if name != "secretAccessKey"}
    return {
        **shown,
        "secretSha256": hashlib.sha256(target.secret_key.encode()).hexdigest(),
        "secretIsMask": target.secret_key == MASK,
    }


def _made_up(*parts: str) -> str:
    """The same for the same server every time, another for any other; it opens emulators alone."""
    return hashlib.sha256("/".join(("emulated", *parts)).encode()).hexdigest()
