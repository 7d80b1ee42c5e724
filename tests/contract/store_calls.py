"""Keys that any object may have, and calls to the store of any provider."""

import io
from collections.abc import Iterable
from typing import Any

from reconciler.providers.base import Store

KEYS = (
    " lead", "#?&=", "%20", "%2F", "&", "'\"", "+", "/lead", "<x>", "A", "a", "a ", "a b", "a!", "a-b", "a//b", "a/b",
    "a/b/c", "a0", "aa", "b\\c", "dir/", "dots..", "new\nline", "tab\there", "tilde~", "ä", "ﬀ", "\uffee", "😀", "😀/x",
    "trailing.", "{}[]|^`*$@,;:()!",
)  # fmt: skip
"""No order is meant; every one of them is a key like others."""


def put(store: Store, key: str, content: bytes = b"x", **more: Any) -> None:
    store.write(key, io.BytesIO(content), len(content), **more)


def listed(store: Store, prefix: str = "") -> list[str]:
    return [facts.key for facts in store.list(prefix)]


def in_order(keys: Iterable[str]) -> list[str]:
    """As a store lists them: by their bytes in UTF-8."""
    return sorted(keys, key=str.encode)
