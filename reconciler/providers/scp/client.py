"""The calls of one region's File Storage, one method each: paths, bodies and answers, no decisions.

Source: SCP API reference, File Storage 1.1; the vendor's Go client.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from typing import TypeVar
from urllib.parse import quote, urlencode

from pydantic import SecretStr, TypeAdapter

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.manifest import ProviderDoc
from reconciler.model.secret import SecretRef
from reconciler.model.value import Json
from reconciler.providers.base import Connection
from reconciler.providers.http import Answer, Ask, Endpoint, HttpClient
from reconciler.providers.scp import convert
from reconciler.providers.scp.auth import Keys, ScpAuth
from reconciler.providers.scp.config import ScpConfig
from reconciler.providers.scp.convert import Created, Entry, Shown, Volume
from reconciler.providers.scp.failure import explain

__all__ = ["ScpClient"]

T = TypeVar("T")

_PAGE = 20
"""What the service itself takes for a page; the most that it takes is not documented."""
_REPLICATIONS, _VOLUMES, _SNAPSHOTS = "/v1/replications", "/v1/volumes", "/v1/snapshots"


class ScpClient:
    """One region, as one document reaches it. Safe to use from several threads.

    Opened with the first request, which is when secrets are resolved. Reads are repeated after 429, 5xx and resets;
    writes are sent once. Every method raises ProviderError and nothing else.
    """

    def __init__(self, connection: Connection, doc: ProviderDoc) -> None:
        config = doc.spec.config
        if not isinstance(config, ScpConfig):
            raise TypeError(f"{doc.name} is not configured as `scp`")
        self.name, self.config = doc.name, config
        self._secrets = connection.secrets
        self._lock = threading.Lock()
        self._keys: Keys | None = None
        self._offered: dict[tuple[str, str], tuple[str, ...]] = {}
        self._http = HttpClient(
            Endpoint(
                provider=doc.name,
                url=config.url,
                access=connection.access,
                limits=doc.spec.limits,
                timeout_s=connection.timeout_s,
                ca_file=connection.base / config.ca_file if config.ca_file else None,
                auth=ScpAuth(self._signer, config.account_id),
                explain=explain,
            )
        )

    @property
    def address(self) -> str:
        """Where secrets go that are sent through this client: host and port."""
        return self.config.address

    def conceal(self, secret: str) -> None:
        """Keep a value out of every error from now on."""
        self._http.conceal(secret)

    def refuse_write(self, operation: str) -> None:
        """Raise READ_ONLY if this connection may not write: before a secret is resolved for it."""
        self._http.refuse_write(self._ask("POST", _REPLICATIONS, operation))

    def close(self) -> None:
        """Release connections. May be called twice."""
        self._http.close()

    # Volumes --------------------------------------------------------------------------------------------------

    def volumes(self, name: str | None = None) -> Iterator[Volume]:
        """Read the region's volumes, page by page; with `name`, those that the service finds for it."""
        offset, seen = 0, set[str]()
        while True:
            query = {"offset": str(offset), "limit": str(_PAGE)} | ({"name": name} if name is not None else {})
            page = self._read(self._ask("GET", _VOLUMES, "ListVolumes", query), convert.VOLUMES)
            fresh = [one for one in page.filestorages if one.id not in seen]
            yield from fresh
            seen.update(one.id for one in fresh)
            offset += len(page.filestorages)
            # By what comes: `count` may be that of the page. Of one name there is hardly more than a page.
            if not fresh or (name is not None and len(page.filestorages) < _PAGE and page.count <= offset):
                return

    def volume(self, volume_id: str) -> Volume | None:
        """Read one volume; None if there is none with that id here."""
        return self._read_if_there(self._ask("GET", _volume(volume_id), "ShowVolume"), convert.VOLUME)

    def delete_volume(self, volume_id: str) -> str | None:
        """Ask for a volume's deletion. Returns the request's id. NOT_FOUND if it is not there."""
        return _request_id(self._http.send(self._ask("DELETE", _volume(volume_id), convert.DELETE_VOLUME)))

    def snapshots(self, volume_id: str) -> tuple[str, ...]:
        """Read the ids of a volume's snapshots; none if the volume is gone."""
        ask = self._ask("GET", _SNAPSHOTS, "ListSnapshots", {"volume_id": volume_id})
        found = self._read_if_there(ask, convert.SNAPSHOTS)
        return tuple(one.id for one in found.snapshots) if found else ()

    def delete_snapshot(self, volume_id: str, snapshot_id: str) -> str | None:
        """Ask for a snapshot's deletion. Returns the request's id. NOT_FOUND if it is not there."""
        path = f"{_SNAPSHOTS}/{quote(snapshot_id, safe='')}"
        return _request_id(
            self._http.send(self._ask("DELETE", path, convert.DELETE_SNAPSHOTS, {"volume_id": volume_id}))
        )

    # Replications ---------------------------------------------------------------------------------------------

    def replications(self, volume_id: str) -> list[Entry]:
        """Read what a volume takes part in, at either end; nothing if there is no such volume.

        There is no list of all replications: the service wants a volume.
        """
        ask = self._ask("GET", _REPLICATIONS, "ListVolumeReplications", {"volume_id": volume_id})
        found = self._read_if_there(ask, convert.ENTRIES)
        return found.replications if found else []

    def replication(self, replication_id: str, volume_id: str) -> Shown | None:
        """Read one replication, by the volume of it that lies in this region; None if it is not there."""
        return self._read_if_there(
            self._ask("GET", _replication(replication_id), "ShowVolumeReplication", {"volume_id": volume_id}),
            convert.SHOWN,
        )

    def offered(self, type_name: str, replication_type: str) -> tuple[str, ...]:
        """Read to which regions volumes of a type can be replicated from here. Asked once."""
        key = (type_name, replication_type)
        if key not in self._offered:
            query = {
                "type_name": type_name,
                "source_region_name": self.config.region,
                "replication_type": replication_type,
            }
            ask = self._ask("GET", f"{_REPLICATIONS}/regions", "ListVolumeReplicationRegion", query)
            self._offered[key] = tuple(self._read(ask, convert.REGIONS).regions)
        return self._offered[key]

    def create(self, body: Mapping[str, Json]) -> tuple[Created, str | None]:
        """Ask for a replication, at the source's region. Returns its ids, and the request's.

        Never repeated: there is no idempotency key, so after an ambiguous error only `replications` tells.
        """
        ask = self._ask("POST", _REPLICATIONS, convert.CREATE, body=dict(body))
        answer = self._http.send(ask)
        return self._http.parse(ask, answer, convert.CREATED), _request_id(answer)

    def set_replication(self, replication_id: str, volume_id: str, body: Mapping[str, Json]) -> str | None:
        """Change policy, or frequency and retention; at the replica's region, by the replica's id. Shows later."""
        ask = self._ask(
            "PUT", _replication(replication_id), convert.SET, {"volume_id": volume_id}, dict(body)
        )  # fmt: skip
        return _request_id(self._http.send(ask))

    def delete_replication(self, replication_id: str, volume_id: str) -> str | None:
        """Ask for a paused replication's deletion; at the replica's region, by the replica's id."""
        ask = self._ask("DELETE", _replication(replication_id), convert.DELETE, {"volume_id": volume_id})
        return _request_id(self._http.send(ask))

    # Inside ---------------------------------------------------------------------------------------------------

    def _ask(
        self, method: str, path: str, operation: str, query: Mapping[str, str] | None = None, body: Json = None
    ) -> Ask:
        headers = {"Scp-Api-Version": f"filestorage {self.config.api_version}", "Accept-Language": "en-US"}
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        return Ask(
            method=method,
            path=f"{path}?{urlencode(query, quote_via=quote, safe='')}" if query else path,
            operation=operation,
            headers={**headers, "Content-Type": "application/json"},
            content=content,
        )

    def _read(self, ask: Ask, shape: TypeAdapter[T]) -> T:
        return self._http.parse(ask, self._http.send(ask), shape)

    def _read_if_there(self, ask: Ask, shape: TypeAdapter[T]) -> T | None:
        try:
            return self._read(ask, shape)
        except ProviderError as error:
            if error.code is ErrorCode.NOT_FOUND:
                return None
            raise

    def _signer(self) -> Keys:
        with self._lock:
            if self._keys is None:
                given = self.config.credentials
                access = given.access_key
                name = self._secret(access).get_secret_value() if isinstance(access, SecretRef) else access
                self._keys = Keys(self._checked(name, "accessKey"), self._secret(given.secret_key))
            return self._keys

    def _secret(self, ref: SecretRef) -> SecretStr:
        secret = self._secrets.resolve(ref, send_to=self.config.address)
        self._http.conceal(secret.get_secret_value())
        return secret

    def _checked(self, text: str, what: str) -> str:
        if text and text.isascii() and text.isprintable() and " " not in text:
            return text
        raise ProviderError(
            f"{what} is empty or holds characters that no key has",
            code=ErrorCode.SECRET, provider=self.name, operation="authenticate",
            hint=f"look at `credentials.{what}` of the provider",
        )  # fmt: skip


def _replication(replication_id: str) -> str:
    return f"{_REPLICATIONS}/{quote(replication_id, safe='')}"


def _volume(volume_id: str) -> str:
    return f"{_VOLUMES}/{quote(volume_id, safe='')}"


def _request_id(answer: Answer) -> str | None:
    return answer.headers.get("x-request-id") or answer.headers.get("x-openstack-request-id")
