"""Data for a world that should not start empty."""

from __future__ import annotations

from urllib.parse import quote

from reconciler.emulators.message import Request
from reconciler.emulators.s3.store import Store

#: Buckets with their regions.
BUCKETS = {
    "logs": "eu-west-1",
    "logs-dr": "us-east-1",
    "media": "eu-west-1",
    "media-dr": "us-east-1",
    "proj": "eu-west-1",
    "uploads-dr": "us-east-1",
}

#: What was there before any rule, by bucket and key.
OBJECTS = {
    "logs": {f"app/2026/11/{day:02}.log": f"day {day}\n".encode() * 200 for day in range(1, 11)},
    "media": {"raw/clip-1.bin": bytes(range(256)) * 64, "raw/clip-2.bin": b"\0" * 4096, "index.json": b"{}\n"},
}

_LOCATION = (
    b'<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    b"<LocationConstraint>%s</LocationConstraint></CreateBucketConfiguration>"
)
_VERSIONING = (
    b'<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    b"<Status>Enabled</Status></VersioningConfiguration>"
)


def seed(store: Store, *, versioned: bool) -> None:
    """Make the buckets, switch their versioning on if asked, and put the objects."""
    for bucket, region in BUCKETS.items():
        _put(store, f"/{bucket}", region, b"" if region == "us-east-1" else _LOCATION % region.encode())
        if versioned:
            _put(store, f"/{bucket}", region, _VERSIONING, query="versioning")
        for key, body in OBJECTS.get(bucket, {}).items():
            _put(store, f"/{bucket}/{quote(key)}", region, body)


def _put(store: Store, path: str, region: str, body: bytes, query: str = "") -> None:
    store.answer(Request("PUT", path, query, (), body), region)
