"""Headers and bodies of objects: BOS's names and the store's, and digests that clients send along.

Source: BOS API reference, "Common request headers", PutObject; python package bce-python-sdk 0.9.79.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import zlib
from collections.abc import Callable, Mapping
from typing import Final

from reconciler.emulators.bos.objects import CLASS_HEADER
from reconciler.emulators.bos.refusal import Refusal
from reconciler.emulators.message import Headers, Request

_META: Final = "x-bce-meta-"
_STORE_META: Final = "x-amz-meta-"

#: Header of BOS: the same in the store.
_NAMES: Final[Mapping[str, str]] = {
    "x-bce-copy-source": "x-amz-copy-source",
    "x-bce-copy-source-if-match": "x-amz-copy-source-if-match",
    "x-bce-copy-source-if-none-match": "x-amz-copy-source-if-none-match",
    "x-bce-metadata-directive": "x-amz-metadata-directive",
    "x-bce-version-id": "x-amz-version-id",
    "x-bce-storage-class": CLASS_HEADER,
}
_BACK: Final = {store: name for name, store in _NAMES.items()}
_SAME: Final = frozenset(
    {
        "accept-ranges", "cache-control", "content-disposition", "content-encoding", "content-length", "content-range",
        "content-type", "etag", "expires", "if-match", "if-modified-since", "if-none-match", "if-unmodified-since",
        "last-modified", "range",
    }
)  # fmt: skip

#: Header with a digest of the body: how it is made.
_DIGESTS: Final[Mapping[str, Callable[[bytes], str]]] = {
    "content-md5": lambda body: base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode(),
    "x-bce-content-sha256": lambda body: hashlib.sha256(body).hexdigest(),
    "x-bce-content-crc32": lambda body: str(zlib.crc32(body)),
}


def check(request: Request) -> None:
    """``Refusal`` (400) if the body is not the one that the client meant."""
    for name, digest in _DIGESTS.items():
        sent = request.header(name)
        if sent is not None and not hmac.compare_digest(sent.strip().encode(), digest(request.body).encode()):
            raise Refusal(400, "BadDigest")


def to_store(headers: Headers) -> Headers:
    """A request's headers as the store knows them; those that it has no use for are left out."""
    kept: list[tuple[str, str]] = []
    for name, value in headers:
        lower = name.lower()
        # The store knows other classes; it is told of those afterwards.
        if lower == "x-bce-storage-class":
            continue
        if lower.startswith(_META):
            kept.append((_STORE_META + lower.removeprefix(_META), value))
        elif lower in _NAMES:
            kept.append((_NAMES[lower], value.upper() if lower == "x-bce-metadata-directive" else value))
        elif lower in _SAME:
            kept.append((name, value))
    return tuple(kept)


def from_store(headers: Headers) -> Headers:
    """The headers of the store's answer in BOS's names; the others are left out."""
    kept: list[tuple[str, str]] = []
    for name, value in headers:
        lower = name.lower()
        if lower.startswith(_STORE_META):
            kept.append((_META + lower.removeprefix(_STORE_META), value))
        elif lower in _BACK:
            kept.append((_BACK[lower], value))
        elif lower in _SAME:
            kept.append((name, value))
    return tuple(kept)
