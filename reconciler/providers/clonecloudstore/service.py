"""One service of a site: how requests to it look, whoever sends them."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, TypeVar

from pydantic import TypeAdapter, ValidationError

from reconciler.errors import ErrorCode, ProviderError
from reconciler.providers.base import Connection
from reconciler.providers.clonecloudstore.config import CloneCloudStoreConfig
from reconciler.providers.clonecloudstore.failure import CLIENT, OPERATION, explain
from reconciler.providers.clonecloudstore.streams import ZSTD, plain
from reconciler.providers.http import Answer, Ask, Endpoint, HttpClient

__all__ = ["Opened", "Service", "operation_id"]

T = TypeVar("T")

_LONGEST_LINE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A stream that a service has begun to send. The caller closes `body`."""

    headers: Mapping[str, str]
    """In lower case; an object's own begin with `x-clonecloudstore-`."""
    body: BinaryIO


def operation_id() -> str:
    """Make an id that a service gives back, and writes into its log."""
    return str(uuid.uuid4())


class Service:
    """Sends requests to one service in the name of a client. Raises ProviderError and nothing else."""

    def __init__(
        self,
        connection: Connection,
        config: CloneCloudStoreConfig,
        provider: str,
        url: str,
        *,
        read_methods: frozenset[str] = frozenset(),
    ) -> None:
        self._client = config.client_id
        self._http = HttpClient(
            Endpoint(
                provider=provider,
                url=url,
                access=connection.access,
                limits=connection.limits,
                timeout_s=connection.timeout_s,
                ca_file=connection.base / config.ca_file if config.ca_file else None,
                read_methods=read_methods,
                explain=explain,
            )
        )

    @property
    def provider(self) -> str:
        """Name of the Provider document, for errors."""
        return self._http.endpoint.provider

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | Iterator[bytes] | None = None,
    ) -> Ask:
        """Make a request. `path` may carry a query."""
        said = {CLIENT: self._client, OPERATION: operation_id()}
        return Ask(
            method=method,
            path=path,
            operation=f"{method} {path.partition('?')[0]}",
            headers={**said, **(headers or {})},
            content=content,
        )

    def send(self, ask: Ask) -> Answer:
        """Send it and return the whole answer."""
        return self._http.send(ask)

    def read(self, ask: Ask, shape: TypeAdapter[T]) -> T:
        """Send it and read the JSON of the answer."""
        return self._http.parse(ask, self._http.send(ask), shape)

    def read_if_there(self, ask: Ask, shape: TypeAdapter[T]) -> T | None:
        """Read as `read` does; None for what is not there."""
        try:
            return self.read(ask, shape)
        except ProviderError as error:
            if error.code is ErrorCode.NOT_FOUND:
                return None
            raise

    def found(self, ask: Ask) -> Answer | None:
        """Send a HEAD; None for what is not there."""
        try:
            return self._http.send(ask)
        except ProviderError as error:
            if error.code is ErrorCode.NOT_FOUND:
                return None
            raise

    def open(self, ask: Ask) -> Opened:
        """Open a stream, compressed on its way if the service likes."""
        wanted = Ask(
            method=ask.method, path=ask.path, operation=ask.operation, content=ask.content,
            headers={**ask.headers, "Accept-Encoding": f"{ZSTD}, identity;q=0.5"},
        )  # fmt: skip
        head, body = self._http.opened(wanted)
        stream = plain(body, head.headers, provider=self.provider, operation=ask.operation)
        return Opened(headers=head.headers, body=stream)

    def lines(self, ask: Ask, shape: TypeAdapter[T]) -> Iterator[T]:
        """Read a stream of JSON lines. Raises PROTOCOL for a line that is none, the last one included, and for a stream
        that ends wherever the connection does: nobody could tell whether it is whole."""
        opened = self.open(ask)
        with opened.body as stream:
            if not {"content-length", "transfer-encoding"} & opened.headers.keys():
                raise self._http.protocol_error(ask, "the answer does not say where it ends: is the list whole?")
            while line := stream.readline(_LONGEST_LINE):
                if not line.strip():
                    continue
                try:
                    yield shape.validate_json(line)
                except ValidationError as error:
                    wrong = ", ".join(f"{'.'.join(map(str, one['loc'])) or 'line'} ({one['type']})"
                                      for one in error.errors()[:5])  # fmt: skip
                    raise self._http.protocol_error(ask, f"a line is not as documented: {wrong}") from None

    def protocol_error(self, ask: Ask, message: str) -> ProviderError:
        """Make the error for an answer that makes no sense."""
        return self._http.protocol_error(ask, message)

    def refuse_write(self, method: str, path: str) -> None:
        """Raise READ_ONLY on a connection that may only read."""
        self._http.refuse_write(self.ask(method, path))

    def close(self) -> None:
        """Release connections. May be called twice."""
        self._http.close()
