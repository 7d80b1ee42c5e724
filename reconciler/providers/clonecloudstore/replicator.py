"""A site's replicator: what it answers for its own site (`/remote`), what it finds at others (`/local`), and orders.

Answers of `/local` may be minutes old, whatever is asked: they are remembered by host, port and name alone. They prove
nothing, and nothing here relies on them.
Source: CloneCloudStore 0.8.0, RemoteReplicatorResource, LocalReplicatorResource, RemoteReplicatorApiKeyGenerator.
"""

import json
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from reconciler.providers.clonecloudstore.failure import OPERATION, TARGET, TYPE
from reconciler.providers.clonecloudstore.service import Opened, Service, operation_id
from reconciler.providers.clonecloudstore.wire import BUCKET, BucketRow, Order
from reconciler.providers.http import Answer

__all__ = ["ORDER", "ORDERS", "Replicator"]

_LOCAL, _REMOTE = "/replicator/local/buckets", "/replicator/remote/buckets"
ORDER, ORDERS = "POST /replicator/remote/orders", "POST /replicator/remote/orders/multiple"
_OCTETS = {"Accept": "application/octet-stream"}
_JSON = {"Content-Type": "application/json"}
_OBJECT = "OBJECT"


class _Wrapped(BaseModel):
    """The source wraps what it found; the documents show it bare."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    response: BucketRow
    target: str | None = Field(default=None, validation_alias="targetId")


_FOUND: TypeAdapter[_Wrapped | BucketRow] = TypeAdapter(_Wrapped | BucketRow)


class Replicator:
    """Every call of the replicator. Raises ProviderError and nothing else."""

    def __init__(self, service: Service) -> None:
        self._service = service

    # Its own site ---------------------------------------------------------------------------------------------

    def has_bucket(self, bucket: str, *, full: bool = True) -> bool:
        """Say whether the site has a READY bucket, of whatever client; with `full`, in its storage too."""
        return self._service.found(self._service.ask("HEAD", _path(_REMOTE, bucket, full=full))) is not None

    def bucket(self, bucket: str) -> BucketRow | None:
        """Read the row of a READY bucket, of whatever client; None without one. Of others the answer is an error."""
        return self._service.read_if_there(self._service.ask("GET", _path(_REMOTE, bucket)), BUCKET)

    def has_object(self, bucket: str, name: str, *, full: bool = True) -> bool:
        """Say whether the site has a READY object that the client may read; with `full`, in its storage too."""
        return self.kind(bucket, name, full=full) == _OBJECT

    def kind(self, bucket: str, name: str, *, full: bool = True) -> str | None:
        """Return OBJECT, DIRECTORY where READY names begin so, or None."""
        return _kind(self._service.found(self._service.ask("HEAD", _path(_REMOTE, bucket, name, full=full))))

    def open(self, bucket: str, name: str) -> Opened:
        """Open an object's bytes as the site has them. Raises NOT_FOUND."""
        return self._service.open(self._service.ask("GET", _path(_REMOTE, bucket, name), headers=_OCTETS))

    # Other sites ----------------------------------------------------------------------------------------------

    def local_has_bucket(self, bucket: str, *, target: str | None = None, full: bool = False) -> str | None:
        """Return the site that has a bucket, as this one believes: the first that is UP, or none but `target`."""
        ask = self._service.ask("HEAD", _path(_LOCAL, bucket, full=full), headers=_targeted(target))
        return _site(self._service.found(ask))

    def local_bucket(self, bucket: str, *, target: str | None = None) -> tuple[BucketRow, str | None] | None:
        """Return another site's row of a bucket, and that site where it is said."""
        ask = self._service.ask("GET", _path(_LOCAL, bucket), headers=_targeted(target))
        found = self._service.read_if_there(ask, _FOUND)
        if found is None:
            return None
        return (found.response, found.target) if isinstance(found, _Wrapped) else (found, None)

    def local_has_object(self, bucket: str, name: str, *, target: str | None = None, full: bool = False) -> str | None:
        """Return the site that has an object, as this one believes. A directory is none."""
        ask = self._service.ask("HEAD", _path(_LOCAL, bucket, name, full=full), headers=_targeted(target))
        answer = self._service.found(ask)
        return _site(answer) if _kind(answer) == _OBJECT else None

    def local_open(self, bucket: str, name: str, *, target: str | None = None) -> Opened:
        """Open an object's bytes as another site has them. Raises NOT_FOUND, also for what is remembered as such."""
        ask = self._service.ask("GET", _path(_LOCAL, bucket, name), headers={**_OCTETS, **_targeted(target)})
        return self._service.open(ask)

    # Orders ---------------------------------------------------------------------------------------------------

    def order(self, order: Order) -> str | None:
        """Hand in one order. 201 says that it was taken in, and nothing of what becomes of it. Returns its id."""
        operation = operation_id()
        return self._post("orders", json.dumps(order.sent(operation)), operation)

    def orders(self, orders: Sequence[Order]) -> str | None:
        """Hand in several at once. They may be carried out in part. Returns their id."""
        operation = operation_id()
        return self._post("orders/multiple", json.dumps([one.sent(operation) for one in orders]), operation)

    def _post(self, what: str, body: str, operation: str) -> str | None:
        ask = self._service.ask(
            "POST", f"/replicator/remote/{what}", headers={**_JSON, OPERATION: operation}, content=body.encode()
        )
        return self._service.send(ask).headers.get(OPERATION)


def _path(base: str, *names: str, full: bool | None = None) -> str:
    query = "" if full is None else f"?fullCheck={str(full).lower()}"
    return "/".join((base, *names)) + query


def _targeted(target: str | None) -> dict[str, str]:
    return {} if target is None else {TARGET: target}


def _kind(answer: Answer | None) -> str | None:
    return answer.headers.get(TYPE) if answer is not None else None


def _site(answer: Answer | None) -> str | None:
    return answer.headers.get(TARGET) if answer is not None else None
