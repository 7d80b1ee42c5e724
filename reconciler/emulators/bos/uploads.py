"""Multipart uploads that are under way on BOS's own face.

Source: BOS API reference, "Multipart upload" (parts 1 to 10000, each but the last of at least 100 KB).
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import uuid4

from reconciler.emulators.bos.refusal import Refusal, inappropriate, invalid
from reconciler.emulators.clock import Clock
from reconciler.emulators.message import Headers, JsonValue

SMALLEST_PART: Final = 100 * 1024
MOST_PARTS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Part:
    """One part as it was sent. ``etag`` is without quotes."""

    number: int
    body: bytes = field(repr=False)
    etag: str
    sent: datetime


@dataclass(frozen=True, slots=True)
class Upload:
    """An object that is being put in parts. ``headers`` are those of the object, in the store's names."""

    id: str
    bucket: str
    key: str
    headers: Headers
    storage_class: str | None
    begun: datetime
    parts: Mapping[int, Part] = field(default_factory=dict)


class Uploads:
    """All uploads that were begun and neither completed nor aborted. Thread-safe."""

    def __init__(self, clock: Clock, uploads: Mapping[str, Upload] = MappingProxyType({})) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._uploads = dict(uploads)

    def begin(self, bucket: str, key: str, headers: Headers, storage_class: str | None) -> Upload:
        made = Upload(uuid4().hex, bucket, key, headers, storage_class, self._clock.now())
        with self._lock:
            self._uploads[made.id] = made
        return made

    def find(self, upload_id: str, bucket: str, key: str) -> Upload:
        with self._lock:
            found = self._uploads.get(upload_id)
        if found is None or (found.bucket, found.key) != (bucket, key):
            raise Refusal(404, "NoSuchUpload")
        return found

    def add(self, upload: Upload, number: int, body: bytes) -> Part:
        """Keep a part, in place of an earlier one of that number."""
        if not 1 <= number <= MOST_PARTS:
            raise invalid(f"partNumber must be from 1 to {MOST_PARTS}.")
        part = Part(number, body, hashlib.md5(body, usedforsecurity=False).hexdigest(), self._clock.now())
        with self._lock:
            present = self._uploads.get(upload.id)
            if present is None:
                raise Refusal(404, "NoSuchUpload")
            self._uploads[upload.id] = replace(present, parts={**present.parts, number: part})
        return part

    def end(self, upload: Upload) -> None:
        with self._lock:
            self._uploads.pop(upload.id, None)

    def of_bucket(self, bucket: str) -> list[Upload]:
        """By key, then by age."""
        with self._lock:
            found = [upload for upload in self._uploads.values() if upload.bucket == bucket]
        return sorted(found, key=lambda upload: (upload.key.encode(), upload.begun))

    def forget(self, bucket: str) -> None:
        """The bucket is gone."""
        for upload in self.of_bucket(bucket):
            self.end(upload)

    def frozen(self) -> Uploads:
        """The uploads as they are now, for reading."""
        with self._lock:
            return Uploads(self._clock, self._uploads)


def chosen_parts(upload: Upload, body: JsonValue) -> Sequence[Part]:
    """The parts that a completion names, in order. ``Refusal`` unless they were sent, and are big enough."""
    entries = body.get("parts") if isinstance(body, Mapping) else None
    if not isinstance(entries, list) or not entries:
        raise inappropriate("Missing: parts")
    parts = [_part(upload, entry) for entry in entries]
    if [part.number for part in parts] != sorted({part.number for part in parts}):
        raise Refusal(400, "InvalidPartOrder", "The parts must be named in ascending order.")
    if any(len(part.body) < SMALLEST_PART for part in parts[:-1]):
        raise Refusal(400, "EntityTooSmall")
    return parts


def _part(upload: Upload, entry: JsonValue) -> Part:
    number = entry.get("partNumber") if isinstance(entry, Mapping) else None
    etag = entry.get("eTag") if isinstance(entry, Mapping) else None
    if not isinstance(number, int) or not isinstance(etag, str):
        raise inappropriate("A part needs partNumber and eTag.")
    found = upload.parts.get(number)
    if found is None or found.etag != etag.strip('"'):
        raise Refusal(400, "InvalidPart", "A part could not be found, or its eTag is another one.")
    return found
