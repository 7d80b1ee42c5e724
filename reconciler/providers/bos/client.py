"""The calls of one region of BOS, one method each: hosts, paths, bodies and answers, no decisions.

Sources: BOS API, PutBucketReplication and its neighbours; the vendor's Python SDK, baidubce.services.bos.bos_client.
"""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.observation import LocationFacts
from reconciler.model.secret import SecretRef
from reconciler.model.value import Json
from reconciler.providers.base import Connection
from reconciler.providers.bos.auth import BceAuth, Keys
from reconciler.providers.bos.config import BUCKET, BosConfig
from reconciler.providers.bos.failure import explain
from reconciler.providers.http import Answer, Ask, Endpoint, HttpClient

__all__ = ["BosClient"]

T = TypeVar("T")
JSON = {"Content-Type": "application/json; charset=utf-8"}
_VERSIONING = {"enabled": "Enabled", "suspended": "Suspended"}
_NOT_TOLD = frozenset({ErrorCode.UNIMPLEMENTED, ErrorCode.INVALID_ARGUMENT, ErrorCode.NOT_FOUND})


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class _Rules(_Wire):
    rules: list[dict[str, Json]] | None


class _Bucket(_Wire):
    name: str
    location: str | None = None
    multi_az: bool | None = Field(default=None, alias="enableMultiAz")


class _Buckets(_Wire):
    buckets: list[_Bucket]


_OBJECT: TypeAdapter[dict[str, Json]] = TypeAdapter(dict[str, Json])
_RULES: TypeAdapter[_Rules] = TypeAdapter(_Rules)
_BUCKETS: TypeAdapter[_Buckets] = TypeAdapter(_Buckets)


class BosClient:
    """One region. Safe to use from several threads. Every method raises ProviderError and nothing else.

    Opened with the first request, which is when secrets are resolved. Reads are repeated after 429, 5xx and resets;
    writes of rules are sent once, for each of them may start a whole copy again.
    """

    def __init__(self, connection: Connection) -> None:
        config = connection.doc.spec.config
        if not isinstance(config, BosConfig):
            raise TypeError(f"{connection.doc.name} is not configured as `bos`")
        self.config = config
        self.name = connection.doc.name
        self._secrets = connection.secrets
        self._lock = threading.Lock()
        self._keys: Keys | None = None
        self._listing = threading.Lock()
        self._zones: dict[str, bool | None] = {}
        self.http = HttpClient(
            Endpoint(
                provider=self.name,
                url=config.url,
                access=connection.access,
                limits=connection.limits,
                timeout_s=connection.timeout_s,
                ca_file=connection.base / config.ca_file if config.ca_file else None,
                auth=BceAuth(self._signer),
                explain=explain,
            )
        )

    # Rules ----------------------------------------------------------------------------------------------------

    def rules(self, bucket: str) -> list[dict[str, Json]]:
        """Read all rules of a bucket, as the service gives them; none if there are none, or no bucket.

        Source: ListBucketReplication, which does not page.
        """
        found = self._read_if_there(self.ask("GET", bucket, query={"replication": "", "list": ""}), _RULES)
        return list(found.rules or ()) if found else []

    def rule(self, bucket: str, rule_id: str) -> dict[str, Json] | None:
        """Read one rule; None if there is none with that id, or no bucket."""
        ask = self.ask("GET", bucket, query={"replication": "", "id": rule_id})
        found = self._read_if_there(ask, _OBJECT)
        return {"id": rule_id, **found} if found else None

    def put_rule(self, bucket: str, rule_id: str, body: Mapping[str, Json]) -> str:
        """Create a rule, or replace it whole. Returns the request's id. Never repeated.

        The id goes into query and body alike. On an enabled rule this starts replication again from nothing, even if
        nothing differs. Source: BOS API, PutBucketReplication.
        """
        query = {"replication": "", "id": rule_id}
        return self._request_id(self.http.send(self.ask("PUT", bucket, query=query, body={**body, "id": rule_id})))

    def delete_rule(self, bucket: str, rule_id: str) -> str:
        """Remove a rule. Returns the request's id. May raise NOT_FOUND if it is not there: the vendor does not say."""
        return self._request_id(self.http.send(self.ask("DELETE", bucket, query={"replication": "", "id": rule_id})))

    def progress(self, bucket: str, rule_id: str) -> dict[str, Json] | None:
        """Read how far a rule has come; None if there is none. Numbers may come as text.

        Source: BOS API, GetBucketReplicationProgress; the vendor's Go SDK.
        """
        return self._read_if_there(self.ask("GET", bucket, query={"replicationProgress": "", "id": rule_id}), _OBJECT)

    # Buckets --------------------------------------------------------------------------------------------------

    def buckets(self) -> list[str]:
        """Return the account's buckets in this region, by name, and those whose region the service does not say."""
        here = (one.name for one in self._buckets() if one.location in (None, "", self.config.region))
        return sorted(here)

    def bucket_facts(self, bucket: str) -> LocationFacts:
        """Read what a bucket looks like. Facts that the service does not tell are left out:

        `region`; `versioning`: "Enabled", "Suspended" or None; `storage_class` of new objects; `multi_az`;
        `archive_objects`: how many of the first 1000 objects are archived, which replication passes over.
        """
        try:
            self.http.send(self.ask("HEAD", bucket))
        except ProviderError as error:
            if error.code is ErrorCode.NOT_FOUND:
                return LocationFacts(exists=False)
            if error.code is not ErrorCode.PERMISSION_DENIED:
                raise
            return LocationFacts(exists=True, readable=False, problem=error.message)
        facts: dict[str, Json] = {}
        looks: dict[str, Callable[[], Json]] = {
            "region": lambda: self._text(bucket, "location", "locationConstraint"),
            "versioning": lambda: self.versioning(bucket),
            "storage_class": lambda: self._text(bucket, "storageClass", "storageClass"),
            "multi_az": lambda: self._multi_az(bucket),
            "archive_objects": lambda: self._archived(bucket),
        }
        refused = [name for name, look in looks.items() if not _looked(facts, name, look)]
        if facts.get("multi_az") is None:
            facts.pop("multi_az", None)
        if str(facts.get("storage_class") or "").startswith("MAZ_"):
            facts["multi_az"] = True
        problem = f"the keys may not read: {', '.join(refused)}" if refused else ""
        return LocationFacts(exists=True, facts=facts, problem=problem)

    def versioning(self, bucket: str) -> str | None:
        """Return `Enabled` or `Suspended`; None if versioning was never enabled."""
        return _VERSIONING.get(str(self._text(bucket, "versioning", "status") or "").lower())

    # For the objects ------------------------------------------------------------------------------------------

    def ask(
        self,
        method: str,
        bucket: str | None = None,
        key: str = "",
        *,
        query: Mapping[str, str] | None = None,
        body: Json = None,
        headers: Mapping[str, str | bytes] | None = None,
        content: bytes | None = None,
        repeatable: bool = False,
    ) -> Ask:
        """Make a request about the service, a bucket or an object. Raises INVALID_ARGUMENT for what is no bucket."""
        base, path = self._place(bucket, key)
        what = f"/{bucket or ''}{'/' if key else ''}{key}{'?' + next(iter(query)) if query else ''}"
        if body is not None:
            headers, content = {**JSON, **(headers or {})}, json.dumps(body, ensure_ascii=False).encode()
        return Ask(
            method=method,
            path=f"{path}?{urlencode(query, quote_via=quote, safe='')}" if query else path,
            operation=f"{method} {what[:200]}",
            headers=headers or {},
            content=content,
            base=base,
            repeatable=repeatable,
        )

    def read(self, ask: Ask, shape: TypeAdapter[T]) -> T:
        """Send a request and read the JSON of its answer."""
        return self.http.parse(ask, self.http.send(ask), shape)

    def open(self, ask: Ask) -> BinaryIO:
        """Open the answer to a read as a stream, which the caller closes."""
        return self.http.open(ask)

    def close(self) -> None:
        """Release connections. May be called twice."""
        self.http.close()

    # Inside ---------------------------------------------------------------------------------------------------

    def _place(self, bucket: str | None, key: str) -> tuple[str, str]:
        """Return where a request goes instead of the endpoint, if so, and its path."""
        if bucket is None:
            return "", "/"
        if not BUCKET.fullmatch(bucket):  # it stands before the host: another name could lead elsewhere
            raise ProviderError(
                f"{bucket!r} is no bucket of BOS: 3 to 63 lower-case letters, digits and inner hyphens",
                code=ErrorCode.INVALID_ARGUMENT, provider=self.name, operation="address a bucket",
            )  # fmt: skip
        encoded = quote(key, safe="/")
        if self.config.in_path:
            return "", f"/{bucket}/{encoded}" if key else f"/{bucket}"
        parts = urlsplit(self.config.url)
        return f"{parts.scheme}://{bucket}.{parts.netloc}", f"/{encoded}"

    def _read_if_there(self, ask: Ask, shape: TypeAdapter[T]) -> T | None:
        try:
            return self.read(ask, shape)
        except ProviderError as error:
            if error.code is ErrorCode.NOT_FOUND:
                return None
            raise

    def _request_id(self, answer: Answer) -> str:
        return answer.headers.get("x-bce-request-id", "")

    def _buckets(self) -> Sequence[_Bucket]:
        return self.read(self.ask("GET"), _BUCKETS).buckets

    def _multi_az(self, bucket: str) -> bool | None:
        """Say what the list of buckets says of one. It is read once for all that it holds: the kind stays as made."""
        with self._listing:
            if bucket not in self._zones:
                self._zones = {one.name: one.multi_az for one in self._buckets()}
            return self._zones.get(bucket)

    def _archived(self, bucket: str) -> Json:
        listed = self.read(self.ask("GET", bucket, query={"maxKeys": "1000"}), _OBJECT).get("contents")
        classes = (
            [one.get("storageClass") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        )
        return classes.count("ARCHIVE")

    def _text(self, bucket: str, what: str, member: str) -> Json:
        return self.read(self.ask("GET", bucket, query={what: ""}), _OBJECT).get(member)

    def _signer(self) -> Keys:
        with self._lock:
            if self._keys is None:
                self._keys = self._resolved()
            return self._keys

    def _resolved(self) -> Keys:
        given = self.config.credentials
        name, token = given.access_key_id, given.session_token
        return Keys(
            self._secret(name, "accessKeyId").get_secret_value() if isinstance(name, SecretRef) else name,
            self._secret(given.secret_access_key, "secretAccessKey"),
            self._secret(token, "sessionToken") if token else None,
        )

    def _secret(self, ref: SecretRef, what: str) -> SecretStr:
        value = self._secrets.resolve(ref, send_to=self.config.address).get_secret_value().strip()
        self.http.conceal(value)
        if not value or not value.isascii() or not value.isprintable() or " " in value:
            raise ProviderError(
                f"{what} is empty or holds characters that no key has",
                code=ErrorCode.SECRET, provider=self.name, operation="authenticate",
                hint=f"look at {ref}: it must hold the key and nothing else",
            )  # fmt: skip
        return SecretStr(value)


def _looked(facts: dict[str, Json], name: str, look: Callable[[], Json]) -> bool:
    """Note one fact. False if it may not be read; a service without the call leaves it out too."""
    try:
        facts[name] = look()
    except ProviderError as error:
        if error.code is ErrorCode.PERMISSION_DENIED:
            return False
        if error.code not in _NOT_TOLD:
            raise
    return True
