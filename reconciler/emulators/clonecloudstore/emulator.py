"""CloneCloudStore sites as part of a world."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from reconciler.emulators.arguments import content, text
from reconciler.emulators.clonecloudstore.actions import Journal
from reconciler.emulators.clonecloudstore.call import SERVICES
from reconciler.emulators.clonecloudstore.records import STATUSES
from reconciler.emulators.clonecloudstore.seed import CLIENT, introduce, seed
from reconciler.emulators.clonecloudstore.service import Service
from reconciler.emulators.clonecloudstore.site import Site
from reconciler.emulators.clonecloudstore.switches import Switches
from reconciler.emulators.emulator import Context, Options
from reconciler.emulators.message import JsonValue
from reconciler.emulators.server import Server
from reconciler.emulators.switchboard import Board

#: Names of sites, and whether they know each other when they start with data, by flavour.
FLAVOURS: Final[Mapping[str, tuple[tuple[str, ...], bool]]] = {
    "2": (("site-a", "site-b"), True),
    "3": (("site-a", "site-b", "site-c"), True),
    "2-strangers": (("site-a", "site-b"), False),
    "3-strangers": (("site-a", "site-b", "site-c"), False),
}


class CloneCloudStoreEmulator:
    """Two or three sites, each with five services on ports of their own. Fixed ports: ``site-a-accessor``,
    ``site-a-accessor-https`` and so on. Source of the behaviour: ``specs/clonecloudstore/SOURCE.md``.

    Without data the sites are empty and know nothing of each other. Acts, for what no client could do:

    =================  ===============================================================================================
    ``introduce``      every site has every other one in its topology as UP, both ways
    ``crash``          close all ports of ``{"site"}``, or of all; orders wait
    ``restart``        crash and come back on the same ports; rows, bytes and topics are kept, caches are not
    ``expire-caches``  empty the caches of ``{"site"}``, or of all
    ``set-status``     ``{"site", "bucket", "object"?, "status"}``: what only the database can do, such as healing
    ``lose-bytes``     ``{"site", "bucket", "object"}``: the storage has it no more, the row stays
    ``replace-bytes``  ``{"site", "bucket", "object", "text" | "base64"}``: other bytes under the same row
    ``forget-row``     ``{"site", "bucket", "object"?}``: the row goes, and with it what was stored
    =================  ===============================================================================================
    """

    kind = "clonecloudstore"

    def __init__(self, options: Options) -> None:
        flavour = options.flavour or "2"
        if flavour not in FLAVOURS:
            raise ValueError(f"no flavour {flavour} of CloneCloudStore; there is {', '.join(FLAVOURS)}")
        self.name = options.name
        self._options = options
        self._names, self._introduced = FLAVOURS[flavour]
        self._board = Board(Switches(), self._changed)
        self._journal = Journal()
        self._sites: dict[str, Site] = {}
        self._servers: dict[str, dict[str, Server]] = {}
        self._lock = threading.Lock()

    @property
    def sites(self) -> Mapping[str, Site]:
        return self._sites

    def start(self, context: Context) -> None:
        for name in self._names:
            self._sites[name] = site = Site(
                name,
                clock=context.clock,
                board=self._board,
                authority=context.certificate.ca,
                journal=self._journal,
                up=partial(self._up, name),
            )
            servers = self._servers.setdefault(name, {})
            for service in SERVICES:
                gate = context.gate(self.name, Service(site, service), f"{name}-{service}")
                for endpoint, tls in ((service, False), (f"{service}-https", True)):
                    port = self._options.port(f"{name}-{endpoint}")
                    servers[endpoint] = context.serve(gate, tls=tls, port=port)
        if self._options.seed:
            seed(list(self._sites.values()))
            if self._introduced:
                self.introduce({})
        for site in self._sites.values():
            site.start()

    def describe(self) -> dict[str, JsonValue]:
        """``sites``: per site the URL of each service over HTTP, and over HTTPS below ``https``; ``client_id``."""
        return {
            "sites": {
                name: {
                    **{service: servers[service].url for service in SERVICES},
                    "https": {service: servers[f"{service}-https"].url for service in SERVICES},
                }
                for name, servers in self._servers.items()
            },
            "client_id": CLIENT,
        }

    def state(self) -> JsonValue:
        """``sites`` and ``orders``; ``quiet`` when no order waits or is under way anywhere.

        Per site: ``up``, ``topologies``, ``ownerships``, ``buckets`` (``clientId``, ``status``, ``stored``, and per
        object ``status``, ``size``, ``hash``, ``stored``, ``storedHash``), ``topics`` with what is ``waiting`` and
        ``under_way``, and ``unsent``: orders for others that were lost. ``orders``: how many were ``taken``,
        ``counts`` by outcome, and ``done``: each with ``number``, ``site``, ``outcome`` and ``why``.
        """
        return {
            "sites": {name: site.shown() for name, site in self._sites.items()},
            "orders": self._journal.shown(),
            "quiet": all(
                not (topic.waiting or topic.under_way)
                for site in self._sites.values()
                for topic in (site.requests, site.actions)
            ),
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

    def introduce(self, _arguments: Mapping[str, JsonValue]) -> JsonValue:
        introduce(list(self._sites.values()), {name: found["replicator"].url for name, found in self._servers.items()})
        return {}

    def crash(self, arguments: Mapping[str, JsonValue]) -> JsonValue:
        for site in self._chosen(arguments):
            for server in self._servers[site.name].values():
                server.crash()
        return {}

    def restart(self, arguments: Mapping[str, JsonValue]) -> JsonValue:
        with self._lock:
            self.crash(arguments)
            for site in self._chosen(arguments):
                site.forget()
                for server in self._servers[site.name].values():
                    server.start()
                site.wake()
        return {}

    def expire_caches(self, arguments: Mapping[str, JsonValue]) -> JsonValue:
        for site in self._chosen(arguments):
            site.forget()
        return {}

    def set_status(self, arguments: Mapping[str, JsonValue]) -> JsonValue:
        site, key, status = self._site(arguments), _key(arguments), text(arguments, "status")
        wanted = next((one for one in STATUSES if one == status), None)
        if wanted is None:
            raise ValueError(f"status is one of {', '.join(STATUSES)}")
        with site.database.lock:
            _there(site, key)
            if key[1]:
                site.database.set_object(key, wanted)
            else:
                site.database.set_bucket(key[0], wanted)
        return {}

    def lose_bytes(self, arguments: Mapping[str, JsonValue]) -> JsonValue:
        self._site(arguments).storage.delete((text(arguments, "bucket"), text(arguments, "object")))
        return {}

    def replace_bytes(self, arguments: Mapping[str, JsonValue]) -> JsonValue:
        site, key = self._site(arguments), (text(arguments, "bucket"), text(arguments, "object"))
        _there(site, key)
        site.storage.write(key, content(arguments))
        return {}

    def forget_row(self, arguments: Mapping[str, JsonValue]) -> JsonValue:
        site, (bucket, name) = self._site(arguments), _key(arguments)
        with site.database.lock:
            _there(site, (bucket, name))
            for key in [key for key in site.database.objects if key[0] == bucket and name in ("", key[1])]:
                del site.database.objects[key]
                site.storage.delete(key)
            if not name:
                del site.database.buckets[bucket]
                site.storage.drop_bucket(bucket)
        return {}

    def stop(self) -> None:
        for servers in self._servers.values():
            for server in servers.values():
                server.stop()
        for site in self._sites.values():
            site.stop()

    def _up(self, name: str) -> bool:
        servers = self._servers.get(name, {})
        return bool(servers) and all(server.running for server in servers.values())

    def _changed(self) -> None:
        for site in self._sites.values():
            site.wake()

    def _site(self, arguments: Mapping[str, JsonValue]) -> Site:
        name = text(arguments, "site")
        if name not in self._sites:
            raise ValueError(f"no site {name}; there is {', '.join(self._sites)}")
        return self._sites[name]

    def _chosen(self, arguments: Mapping[str, JsonValue]) -> list[Site]:
        return [self._site(arguments)] if "site" in arguments else list(self._sites.values())


_ACTS: Final[Mapping[str, Callable[[CloneCloudStoreEmulator, Mapping[str, JsonValue]], JsonValue]]] = {
    "introduce": CloneCloudStoreEmulator.introduce,
    "crash": CloneCloudStoreEmulator.crash,
    "restart": CloneCloudStoreEmulator.restart,
    "expire-caches": CloneCloudStoreEmulator.expire_caches,
    "set-status": CloneCloudStoreEmulator.set_status,
    "lose-bytes": CloneCloudStoreEmulator.lose_bytes,
    "replace-bytes": CloneCloudStoreEmulator.replace_bytes,
    "forget-row": CloneCloudStoreEmulator.forget_row,
}


def _key(arguments: Mapping[str, JsonValue]) -> tuple[str, str]:
    return text(arguments, "bucket"), text(arguments, "object") if "object" in arguments else ""


def _there(site: Site, key: tuple[str, str]) -> None:
    if not (key in site.database.objects if key[1] else key[0] in site.database.buckets):
        raise ValueError("no such row")
