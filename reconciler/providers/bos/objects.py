"""Shapes of the calls about objects: listings, uploads, and headers. Pure.

Sources: BOS API, ListObjects, GetObjectMeta and the multipart calls; the vendor's Python SDK, bos_client.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

__all__ = [
    "BEGUN",
    "DONE",
    "META",
    "PAGE",
    "UPLOADS",
    "Done",
    "ListedObject",
    "body_headers",
    "checksums",
    "description",
    "lowered",
    "moment",
    "unquoted",
]

META = "x-bce-meta-"
_BYTES = "application/octet-stream"
_MD5_BYTES = 16


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class ListedObject(_Wire):
    """An object, or one of its versions or delete markers, in a listing."""

    key: str
    size: int = 0
    modified: datetime | None = Field(default=None, alias="lastModified")
    etag: str | None = Field(default=None, alias="eTag")
    storage_class: str | None = Field(default=None, alias="storageClass")
    version: str | None = Field(default=None, alias="versionId")


class _Page(_Wire):
    truncated: bool = Field(alias="isTruncated")
    contents: list[ListedObject] = []
    marker: str | None = Field(default=None, alias="nextMarker")
    version_marker: str | None = Field(default=None, alias="nextVersionIdMarker")


class _Begun(_Wire):
    upload: str = Field(alias="uploadId", min_length=1)


class Done(_Wire):
    """Parts have become an object."""

    etag: str | None = Field(default=None, alias="eTag")


class _Upload(_Wire):
    key: str
    upload: str = Field(alias="uploadId", min_length=1)


class _Uploads(_Wire):
    truncated: bool = Field(alias="isTruncated")
    uploads: list[_Upload] = []
    marker: str | None = Field(default=None, alias="nextKeyMarker")


PAGE: TypeAdapter[_Page] = TypeAdapter(_Page)
BEGUN: TypeAdapter[_Begun] = TypeAdapter(_Begun)
DONE: TypeAdapter[Done] = TypeAdapter(Done)
UPLOADS: TypeAdapter[_Uploads] = TypeAdapter(_Uploads)


def description(metadata: Mapping[str, str], tags: Mapping[str, str]) -> dict[str, str | bytes]:
    """Return the headers that go with an object: values in UTF-8, as the vendor's SDK sends them."""
    headers: dict[str, str | bytes] = {"Content-Type": _BYTES}
    headers |= {META + name.lower(): value.encode() for name, value in metadata.items()}
    if tags:
        headers["x-bce-tagging"] = urlencode(tags, quote_via=quote)
    return headers


def body_headers(content: bytes) -> dict[str, str | bytes]:
    """Return the headers that go with bytes, by one of which the service checks that it got these."""
    digest = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
    return {"Content-Type": _BYTES, "Content-MD5": digest}


def checksums(headers: Mapping[str, str]) -> dict[str, str]:
    """Return what the service says of the whole object's bytes.

    Source: BOS API, GetObjectMeta (Content-MD5, x-bce-content-crc32 as a decimal number).
    """
    found: dict[str, str] = {}
    with suppress(binascii.Error):
        digest = base64.b64decode(headers.get("content-md5", ""), validate=True)
        if len(digest) == _MD5_BYTES:
            found["md5"] = digest.hex()
    crc = headers.get("x-bce-content-crc32", "")
    if crc.isascii() and crc.isdecimal() and int(crc) < 1 << 32:
        found["crc32"] = f"{int(crc):08x}"
    return found


def lowered(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return metadata as a header gives it back: names in lower case."""
    return {name.lower(): value for name, value in metadata.items()}


def unquoted(etag: str | None) -> str | None:
    """Return an ETag without its quotes, which only some answers have."""
    return etag.strip('"') if etag else None


def moment(text: str) -> datetime | None:
    """Read a header's date; None if it is none."""
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except ValueError:
        return None
