"""BOS as part of a world: two regions, each with its own face and an S3 face, over HTTP and HTTPS."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from moto.s3.models import FakeKey

from reconciler.emulators.arguments import content, text
from reconciler.emulators.bos.bucket import canned
from reconciler.emulators.bos.cloud import REGIONS, Cloud
from reconciler.emulators.bos.identity import FOREIGN, OTHER, OWNER, PERMANENT, SESSION, Account, Credential
from reconciler.emulators.bos.objects import storage_class
from reconciler.emulators.bos.refusal import Refusal
from reconciler.emulators.bos.s3_face import S3Face
from reconciler.emulators.bos.seed import seed
from reconciler.emulators.bos.service import BosService
from reconciler.emulators.emulator import Context, Options
from reconciler.emulators.message import JsonValue
from reconciler.emulators.server import Server

_ACCOUNTS: Final[Mapping[str, Account]] = {"owner": OWNER, "other": OTHER}


class BosEmulator:
    """One cloud. Source of its behaviour: ``specs/bos/SOURCE.md``. Fixed ports: ``bj-http``, ``bj-s3_https``, ...

    Acts, for what no client of these accounts could do or to save signing:

    ===================  ==========================================================================================
    ``crash``            close all endpoints, or those of ``{"region"}``, as a dying process does
    ``restart``          crash and come back on the same ports; everything is kept
    ``expire-sessions``  end every temporary credential
    ``set-overdue``      ``{"overdue": true | false, "account"?: "owner" | "other"}``: nothing works until it is paid
    ``create-bucket``    ``{"bucket", "region"?, "multi_az"?, "account"?: "owner" | "other"}``
    ``set-acl``          ``{"bucket", "acl": "private" | "public-read" | "public-read-write"}``
    ``versioning``       ``{"bucket", "status": "Enabled" | "Suspended"}``
    ``write``            ``{"bucket", "key", "text" | "base64", "storage_class"?}``
    ``delete``           ``{"bucket", "key"}``
    ===================  ==========================================================================================
    """

    kind = "bos"

    def __init__(self, options: Options) -> None:
        if options.flavour is not None:
            raise ValueError(f"the BOS emulator has no flavours, and so not {options.flavour}")
        self.name = options.name
        self._options = options
        self._cloud: Cloud | None = None
        self._servers: dict[str, dict[str, Server]] = {}

    @property
    def cloud(self) -> Cloud:
        if self._cloud is None:
            raise ValueError(f"{self.name} is not running")
        return self._cloud

    def start(self, context: Context) -> None:
        self._cloud = cloud = Cloud(context.clock)
        if self._options.seed:
            seed(cloud)
        for region in REGIONS:
            servers = self._servers.setdefault(region, {})
            own = context.gate(self.name, BosService(cloud, region), region)
            s3 = context.gate(self.name, S3Face(cloud, region), f"{region}-s3")
            for endpoint, gate in (("http", own), ("https", own), ("s3_http", s3), ("s3_https", s3)):
                port = self._options.port(f"{region}-{endpoint}")
                servers[endpoint] = context.serve(gate, tls=endpoint.endswith("https"), port=port)
        cloud.worker.start()

    def describe(self) -> dict[str, JsonValue]:
        """``access_key`` opens the owner's account; ``session`` too, for a while; ``other_account`` another one."""
        return {
            "regions": {
                region: {endpoint: server.url for endpoint, server in servers.items()}
                for region, servers in self._servers.items()
            },
            **_keys(PERMANENT),
            "account": OWNER.id,
            "other_account": {**_keys(FOREIGN), "account": OTHER.id},
            "session": {**_keys(SESSION), "token": SESSION.token},
        }

    def state(self) -> JsonValue:
        """``buckets`` with their objects and rules; ``replication``: ``queued`` tasks, all ``starts`` of rules with
        how many existing objects each had to copy, and the ``failures``.

        Per rule: ``runs`` and ``restarts``, ``history`` of the present run, ``copied`` since it was created
        (``existing``, ``new``, ``deleted``, ``skipped_archive``), and ``progress`` as the API tells it.
        """
        cloud = self.cloud
        with cloud.lock:
            return {
                "up": {region: all(one.running for one in found.values()) for region, found in self._servers.items()},
                "buckets": {name: self._bucket(name) for name in sorted(cloud.buckets)},
                "replication": {
                    "queued": cloud.worker.queued,
                    "starts": cloud.replication.starts(),
                    "failures": cloud.carrier.failures(),
                },
            }

    def switches(self) -> dict[str, JsonValue]:
        return self.cloud.switches.all()

    def switch(self, values: Mapping[str, JsonValue]) -> None:
        self.cloud.switches.set(values)
        self.cloud.worker.wake()

    def act(self, action: str, arguments: Mapping[str, JsonValue]) -> JsonValue:
        known = _ACTS.get(action)
        if known is None:
            raise ValueError(f"no act named {action}; there is {', '.join(sorted(_ACTS))}")
        try:
            with self.cloud.lock:
                return known(self, arguments)
        except Refusal as refusal:
            raise ValueError(str(refusal)) from refusal

    def crash(self, arguments: Mapping[str, JsonValue]) -> JsonValue:
        for server in self._chosen(arguments):
            server.crash()
        return {}

    def restart(self, arguments: Mapping[str, JsonValue]) -> JsonValue:
        for server in self._chosen(arguments):
            server.crash()
            server.start()
        return {}

    def expire_sessions(self, _arguments: Mapping[str, JsonValue]) -> JsonValue:
        self.cloud.identities.expire_sessions()
        return {}

    def set_overdue(self, arguments: Mapping[str, JsonValue]) -> JsonValue:
        account = _ACCOUNTS.get(str(arguments.get("account", "owner")))
        if account is None:
            raise ValueError(f"account must be one of {', '.join(_ACCOUNTS)}")
        self.cloud.identities.set_overdue(account, overdue=arguments.get("overdue") is True)
        return {}

    def create_bucket(self, arguments: Mapping[str, JsonValue]) -> JsonValue:
        region, account = arguments.get("region", REGIONS[0]), arguments.get("account", "owner")
        if region not in REGIONS or account not in _ACCOUNTS:
            raise ValueError(f"region must be one of {', '.join(REGIONS)}, account one of {', '.join(_ACCOUNTS)}")
        multi_az = arguments.get("multi_az", False) is True
        self.cloud.create_bucket(text(arguments, "bucket"), _ACCOUNTS[str(account)], str(region), multi_az=multi_az)
        return {}

    def set_acl(self, arguments: Mapping[str, JsonValue]) -> JsonValue:
        bucket = self.cloud.buckets.get(text(arguments, "bucket"))
        if bucket is None:
            raise ValueError("no such bucket")
        granted = canned(text(arguments, "acl"), bucket.owner)
        self.cloud.buckets[bucket.name] = replace(bucket, grants=granted)
        return {}

    def versioning(self, arguments: Mapping[str, JsonValue]) -> JsonValue:
        status = text(arguments, "status")
        if status not in {"Enabled", "Suspended"}:
            raise ValueError("status must be Enabled or Suspended")
        self.cloud.objects.set_versioning(text(arguments, "bucket"), status)
        return {}

    def write(self, arguments: Mapping[str, JsonValue]) -> JsonValue:
        bucket = self.cloud.buckets.get(text(arguments, "bucket"))
        if bucket is None:
            raise ValueError("no such bucket")
        chosen = text(arguments, "storage_class") if "storage_class" in arguments else None
        made = self.cloud.objects.write(bucket, text(arguments, "key"), content(arguments), (), chosen)
        return {"eTag": made.etag.strip('"')}

    def delete(self, arguments: Mapping[str, JsonValue]) -> JsonValue:
        self.cloud.objects.delete(text(arguments, "bucket"), text(arguments, "key"))
        return {}

    def stop(self) -> None:
        for servers in self._servers.values():
            for server in servers.values():
                server.stop()
        if self._cloud is not None:
            self._cloud.stop()

    def _chosen(self, arguments: Mapping[str, JsonValue]) -> list[Server]:
        region = arguments.get("region")
        if region is not None and region not in self._servers:
            raise ValueError(f"no region {region}; there is {', '.join(REGIONS)}")
        return [
            server for name, servers in self._servers.items() if region in (None, name) for server in servers.values()
        ]

    def _bucket(self, name: str) -> JsonValue:
        cloud, bucket = self.cloud, self.cloud.buckets[name]
        found = {key: cloud.objects.current(name, key) for key in cloud.objects.keys(name)}
        return {
            "region": bucket.region,
            "account": next(key for key, account in _ACCOUNTS.items() if account == bucket.owner),
            "multi_az": bucket.multi_az,
            "versioning": cloud.objects.versioning(name),
            "objects": {key: _summary(version) for key, version in found.items() if version is not None},
            "rules": cloud.replication.describe(name),
        }


_ACTS: Final[Mapping[str, Callable[[BosEmulator, Mapping[str, JsonValue]], JsonValue]]] = {
    "crash": BosEmulator.crash,
    "restart": BosEmulator.restart,
    "expire-sessions": BosEmulator.expire_sessions,
    "set-overdue": BosEmulator.set_overdue,
    "create-bucket": BosEmulator.create_bucket,
    "set-acl": BosEmulator.set_acl,
    "versioning": BosEmulator.versioning,
    "write": BosEmulator.write,
    "delete": BosEmulator.delete,
}


def _keys(credential: Credential) -> dict[str, JsonValue]:
    return {"access_key": credential.access_key, "secret_key": credential.secret_key}


def _summary(version: FakeKey) -> JsonValue:
    digest = hashlib.sha256(version.value).hexdigest()
    return {"size": version.size, "sha256": digest, "storage_class": storage_class(version)}
