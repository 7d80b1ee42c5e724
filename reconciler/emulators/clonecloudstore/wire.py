"""Headers, digests and compression, as all services have them.

Source: CloneCloudStore's ApiConstants, AccessorConstants and AccessorHeaderDtoConverter.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Final

import zstandard

from reconciler.emulators.clonecloudstore.moment import shown
from reconciler.emulators.clonecloudstore.records import Object
from reconciler.emulators.message import Headers

PREFIX: Final = "x-clonecloudstore-"
CLIENT: Final = f"{PREFIX}client-id"
OPERATION: Final = f"{PREFIX}op-id"
TARGET: Final = f"{PREFIX}target-id"
TYPE: Final = f"{PREFIX}type"
ERROR: Final = f"{PREFIX}error"
MODULE: Final = f"{PREFIX}module"

OCTETS: Final = "application/octet-stream"
JSON: Final = "application/json"
ZSTD: Final = "zstd"

#: Where a stream may end before its content does: decompressed bytes that are taken from one request.
LIMIT: Final = 1 << 30


def digest(content: bytes) -> str:
    """SHA-256 in base32hex: lower case, no padding, 52 characters."""
    return base64.b32hexencode(hashlib.sha256(content).digest()).decode().rstrip("=").lower()


def compressed(content: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(content)


def decompressed(content: bytes) -> bytes:
    """What frames hold, one after the other. ValueError for what is no whole frame, or is too large."""
    plain = b""
    while content:
        reader = zstandard.ZstdDecompressor().decompressobj()
        try:
            plain += reader.decompress(content)
        except zstandard.ZstdError as error:
            raise ValueError(str(error)) from error
        if not reader.eof or len(plain) > LIMIT:
            raise ValueError("not a whole ZSTD frame")
        content = reader.unused_data
    return plain


def names_zstd(value: str | None) -> bool:
    """Whether a list of encodings has ZSTD in it, in any case; weights are not looked at."""
    return any(one.partition(";")[0].strip().lower() == ZSTD for one in (value or "").split(","))


def object_headers(row: Object) -> Headers:
    """What a stream says about its object. Empty values are left out."""
    values: Mapping[str, str | None] = {
        "id": row.id,
        "site": row.site,
        "bucket": row.bucket,
        "name": row.name,
        "hash": row.hash,
        "creation": shown(row.creation),
        "expires": None if row.expires is None else shown(row.expires),
        "status": row.status,
        "size": str(row.size),
        "metadata": json.dumps(dict(row.metadata), separators=(",", ":")) if row.metadata else None,
    }
    return tuple((PREFIX + name, value) for name, value in values.items() if value)


def asked_headers(site: str, bucket: str, name: str) -> Headers:
    """What a stream that fails says about the object that was asked for."""
    told = {"site": site, "bucket": bucket, "name": name, "status": "UNKNOWN", "size": "0"}
    return tuple((PREFIX + key, value) for key, value in told.items())


def metadata_of(text: str | None) -> dict[str, str]:
    """A JSON map of texts. ValueError for anything else; Jackson makes texts of numbers and booleans."""
    if not (text or "").strip():
        return {}
    read = json.loads(text or "")
    if not isinstance(read, dict):
        raise ValueError("not a map")  # noqa: TRY004  (one class for all bad input)
    return {str(key): _scalar(value) for key, value in read.items()}


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise ValueError("not a text")
