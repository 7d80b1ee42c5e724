"""The calls of a cluster's REST service, one method each: paths, bodies and answers, no decisions."""

import json
from collections.abc import Iterator, Mapping
from typing import BinaryIO, TypeVar
from urllib.parse import quote

from pydantic import TypeAdapter

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.value import Json
from reconciler.providers.base import Connection
from reconciler.providers.http import Answer, Ask, Endpoint, Explanation, HttpClient
from reconciler.providers.qumulo.config import QumuloConfig
from reconciler.providers.qumulo.convert import CREATED, RELATIONSHIPS, STATUS, STATUSES, Created, Status
from reconciler.providers.qumulo.rest import (
    ATTRIBUTES,
    PAGE,
    Attributes,
    entry_body,
    error_message,
    hint_for,
)
from reconciler.providers.qumulo.session import LOGIN_PATH, Session

__all__ = ["QumuloClient"]

T = TypeVar("T")

_READS = frozenset({("POST", LOGIN_PATH), ("POST", "/v1/files/resolve")})
"""Requests that change nothing though they are POSTs."""
_PAGE_ENTRIES = 1000
_CHUNK = 1024 * 1024


class QumuloClient:
    """One cluster. Safe to use from several threads. Every method raises ProviderError and nothing else."""

    def __init__(self, connection: Connection, config: QumuloConfig) -> None:
        self.address = config.address
        self._http = HttpClient(
            Endpoint(
                provider=connection.doc.name,
                url=f"https://{config.address}",
                access=connection.access,
                limits=connection.limits,
                timeout_s=connection.timeout_s,
                verify_tls=config.verify_tls,
                ca_file=None if config.ca_file is None else connection.base / config.ca_file,
                reads=_READS,
                explain=_explain,
            )
        )
        self._session = Session(self._http, config, connection.secrets)

    def conceal(self, secret: str) -> None:
        """Keep a value out of every error from now on."""
        self._http.conceal(secret)

    # Object relationships. Source: Qumulo REST API guide, v3 object-relationships.

    def refuse_create(self) -> None:
        """Raise READ_ONLY if this connection may not create: before a secret is resolved for it."""
        self._http.refuse_write(_ask("POST", RELATIONSHIPS))

    def statuses(self) -> list[Status]:
        """Read all relationships with configuration, path and jobs. The cluster does not page this list."""
        return self._read(f"{RELATIONSHIPS}status/", STATUSES)

    def status(self, relationship_id: str) -> Status | None:
        """Read one relationship; None if there is none with that id."""
        return self._read_if_there(f"{_relationship(relationship_id)}/status", STATUS)

    def create(self, body: Json) -> Created:
        """Create a relationship and start its first job.

        Never repeated: the cluster has no idempotency key, so after an ambiguous error only `statuses` tells.
        """
        ask = _ask("POST", RELATIONSHIPS, body)
        return self._http.parse(ask, self._send(ask), CREATED)

    def delete(self, relationship_id: str) -> None:
        """Delete a relationship. 400 or 409 while a job runs; NOT_FOUND if it is not there."""
        self._send(_ask("DELETE", _relationship(relationship_id)))

    def abort(self, relationship_id: str) -> None:
        """Ask the running job to stop. It may take a moment to end."""
        self._send(_ask("POST", f"{_relationship(relationship_id)}/abort-replication"))

    def replicate(self, relationship_id: str) -> None:
        """Start a job. What a cluster says while one runs is not documented."""
        self._send(_ask("POST", f"{_relationship(relationship_id)}/replicate"))

    # Files. Source: Qumulo REST API guide, files. Paths are absolute, from the root of the file system.

    def attributes(self, path: str) -> Attributes | None:
        """Read what is at a path; None if nothing is."""
        return self._read_if_there(f"{_file(path)}/info/attributes", ATTRIBUTES)

    def entries(self, path: str) -> Iterator[Attributes]:
        """Read a directory's entries, page by page, in the cluster's own order (by a hash of their names)."""
        following, seen = f"{_file(path)}/entries/?limit={_PAGE_ENTRIES}", set[str]()
        while following:
            ask = _ask("GET", following)
            page = self._http.parse(ask, self._send(ask), PAGE)
            yield from page.files
            seen.add(following)
            following = page.paging.next
            if following in seen or (following and not following.startswith("/v1/files/")):
                raise self._http.protocol_error(ask, "the next page leads back, or out of the directory")

    def create_entry(self, directory: str, name: str, *, is_directory: bool) -> None:
        """Create an empty file or directory. CONFLICT if the name is taken, NOT_FOUND without the parent."""
        self._send(_ask("POST", f"{_file(directory)}/entries/", entry_body(name, is_directory=is_directory)))

    def read_file(self, path: str) -> BinaryIO:
        """Open a file's content as a stream, which the caller closes."""
        ask = _ask("GET", f"{_file(path)}/data")
        return self._session.call(ask, lambda bearer: self._http.open(_with(ask, bearer)))

    def write_file(self, path: str, data: BinaryIO, size: int) -> Attributes:
        """Replace an existing file's content by the next `size` bytes of `data`."""
        start = data.tell() if data.seekable() else None
        ask = _ask("PUT", f"{_file(path)}/data")
        length = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}

        def send(bearer: Mapping[str, str]) -> Answer:
            if start is not None:
                data.seek(start)
            return self._http.send(_with(ask, {**length, **bearer}, self._chunks(ask, data, size)))

        return self._http.parse(ask, self._session.call(ask, send), ATTRIBUTES)

    def delete_file(self, path: str) -> None:
        """Delete a file, or a directory that is empty."""
        self._send(_ask("DELETE", _file(path)))

    def close(self) -> None:
        """Release connections. May be called twice."""
        self._http.close()

    def _chunks(self, ask: Ask, data: BinaryIO, size: int) -> Iterator[bytes]:
        left = size
        while left > 0:
            if not (part := data.read(min(left, _CHUNK))):
                # The request breaks off here, and the cluster sees that it is not whole.
                raise ProviderError(
                    f"the data ended after {size - left} of {size} bytes",
                    code=ErrorCode.INVALID_ARGUMENT,
                    provider=self._http.endpoint.provider,
                    operation=ask.operation,
                )
            left -= len(part)
            yield part

    def _send(self, ask: Ask) -> Answer:
        return self._session.call(
            ask, lambda bearer: self._http.send(_with(ask, {**ask.headers, **bearer}, ask.content))
        )

    def _read(self, path: str, shape: TypeAdapter[T]) -> T:
        ask = _ask("GET", path)
        return self._http.parse(ask, self._send(ask), shape)

    def _read_if_there(self, path: str, shape: TypeAdapter[T]) -> T | None:
        try:
            return self._read(path, shape)
        except ProviderError as error:
            if error.code is ErrorCode.NOT_FOUND:
                return None
            raise


def _ask(method: str, path: str, body: Json = None) -> Ask:
    operation = f"{method} {path.partition('?')[0]}"
    if body is None:
        return Ask(method=method, path=path, operation=operation)
    content = json.dumps(body, ensure_ascii=False).encode()
    return Ask(
        method=method, path=path, operation=operation, headers={"Content-Type": "application/json"}, content=content
    )


def _with(ask: Ask, headers: Mapping[str, str | bytes], content: bytes | Iterator[bytes] | None = None) -> Ask:
    return Ask(method=ask.method, path=ask.path, operation=ask.operation, headers=headers, content=content)


def _relationship(relationship_id: str) -> str:
    return f"{RELATIONSHIPS}{quote(relationship_id, safe='')}"


def _file(path: str) -> str:
    # A path stands for a file's id when it is encoded whole, its slashes too.
    return f"/v1/files/{quote(path, safe='')}"


def _explain(answer: Answer) -> Explanation:
    return Explanation(message=error_message(answer.content, answer.status), hint=hint_for(answer.status))
