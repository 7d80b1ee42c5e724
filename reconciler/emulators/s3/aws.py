"""The ?replication sub-resource as AWS serves it: the document is kept as it was put."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Protocol
from xml.etree.ElementTree import Element

from reconciler.emulators.message import Reply, Request
from reconciler.emulators.s3.document import parse
from reconciler.emulators.s3.errors import S3Error, invalid_request
from reconciler.emulators.s3.payload import has_integrity_header
from reconciler.emulators.s3.presentation import changed, is_faithful, migrated, with_ids
from reconciler.emulators.s3.rules import Rule, read_rules
from reconciler.emulators.s3.store import Store
from reconciler.emulators.s3.switches import AwsSwitches
from reconciler.emulators.s3.validation import Place, validate
from reconciler.emulators.switchboard import Board


class Resource(Protocol):
    """A flavour's ?replication sub-resource. The bucket named in each call exists."""

    def put(self, bucket: str, request: Request) -> Reply: ...

    def get(self, bucket: str) -> Reply: ...

    def delete(self, bucket: str) -> Reply: ...

    def forget(self, bucket: str) -> None:
        """The bucket is gone, and its configuration with it."""
        ...

    def rules(self, bucket: str) -> tuple[Rule, ...]:
        """The rules in force; empty without a configuration."""
        ...

    def locks_versioning(self, bucket: str) -> bool:
        """Whether versioning may not be suspended now."""
        ...

    def frozen(self) -> Resource:
        """A copy as it is now, for reading."""
        ...


@dataclass(frozen=True, slots=True)
class _Stored:
    body: bytes
    root: Element


class AwsReplication:
    """See ``validation`` for what is accepted and ``AwsSwitches`` for what comes back."""

    def __init__(self, store: Store, board: Board[AwsSwitches]) -> None:
        self._store = store
        self._board = board
        self._lock = threading.Lock()
        self._stored: dict[str, _Stored] = {}

    def put(self, bucket: str, request: Request) -> Reply:
        if not has_integrity_header(request):
            raise invalid_request("Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
        with self._store.lock:
            validate(request.body, Place(bucket, self._versioning), future=self._board.now.add_unknown_field)
            body = with_ids(request.body)
            with self._lock:
                self._stored[bucket] = _Stored(body, parse(body, "ReplicationConfiguration"))
        return Reply(200)

    def get(self, bucket: str) -> Reply:
        stored = self._stored.get(bucket)
        if stored is None:
            raise S3Error(
                404,
                "ReplicationConfigurationNotFoundError",
                "The replication configuration was not found",
                BucketName=bucket,
            )
        switches = self._board.now
        body = stored.body if is_faithful(switches) else changed(self._effective(stored), switches)
        return Reply(200, (("Content-Type", "application/xml"),), body)

    def delete(self, bucket: str) -> Reply:
        self.forget(bucket)
        return Reply(204)

    def forget(self, bucket: str) -> None:
        with self._lock:
            self._stored.pop(bucket, None)

    def rules(self, bucket: str) -> tuple[Rule, ...]:
        stored = self._stored.get(bucket)
        return () if stored is None else read_rules(self._effective(stored))

    def locks_versioning(self, bucket: str) -> bool:
        return bucket in self._stored

    def frozen(self) -> AwsReplication:
        taken = AwsReplication(self._store, self._board)
        with self._lock:
            taken._stored = dict(self._stored)
        return taken

    def _effective(self, stored: _Stored) -> Element:
        return migrated(stored.root) if self._board.now.echo_v1 else stored.root

    def _versioning(self, bucket: str) -> str | None:
        found = self._store.bucket(bucket)
        return None if found is None else found.versioning_status or ""
