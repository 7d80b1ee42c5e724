"""Takes resolved secrets out of text, in the forms in which programs write them."""

import base64
import html
import json
import re
import threading
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

__all__ = ["MASK", "SHORTEST", "Redactor"]

MASK = "***"
SHORTEST = 4
"""Values below this length cannot be taken out of text without spoiling it; they are refused as secrets."""

_LINE = 8


class Redactor:
    """Remembers values and replaces each of their forms by `***`. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def add(self, value: str) -> None:
        """Remember a value of at least `SHORTEST` characters."""
        with self._lock:
            new = {form for form in _forms(value) if len(form) >= SHORTEST} - self._forms
            if new:
                self._forms |= new
                # The longest first: one secret may be the beginning of another.
                longest_first = sorted(self._forms, key=len, reverse=True)
                self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def redact(self, text: str) -> str:
        """Return the text with every form of every value replaced."""
        pattern = self._pattern
        return text if pattern is None else pattern.sub(MASK, text)


def _forms(value: str) -> Iterator[str]:
    for plain in (value, *(line.strip() for line in value.splitlines() if len(line.strip()) >= _LINE)):
        yield plain
        yield plain.strip()
        yield quote(plain, safe="")
        yield quote(plain)
        yield quote_plus(plain)
        yield quote(plain, safe="").replace("%", "%25")
        yield html.escape(plain)
        yield html.escape(plain, quote=False)
        yield json.dumps(plain)[1:-1]
        yield json.dumps(plain, ensure_ascii=False)[1:-1]
        yield repr(plain)[1:-1]
        yield repr(plain.encode())[2:-1]
        yield plain.encode().hex()
    yield from _base64_forms(value)


def _base64_forms(value: str) -> Iterator[str]:
    """Yield what base64 makes of the value alone, and of the value in the middle of something, as in basic auth."""
    raw = value.encode()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(raw).decode()
        yield whole
        yield whole.rstrip("=")
        for before in range(3):
            first = -(-before * 8 // 6)
            last = (before + len(raw)) * 8 // 6
            inner = encode(b"\0" * before + raw).decode()[first:last]
            if len(inner) >= _LINE:
                yield inner
