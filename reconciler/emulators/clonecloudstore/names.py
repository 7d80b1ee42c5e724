"""Names: what the server makes of one in a path, and which it takes at all.

Source: CloneCloudStore's ParametersChecker.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote_plus, urlsplit

_BUCKET: Final = re.compile(r"[0-9a-z\-]{3,63}")
_OBJECT: Final = re.compile(r"[0-9a-zA-Z_./\-]{1,1024}")
_KEY: Final = re.compile(r"[a-zA-Z_][0-9a-zA-Z_]*")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_FORBIDDEN: Final = ("<![CDATA[", "&lt;![CDATA[", "<!ENTITY", "&lt;!ENTITY", "<script>", "&lt;script&gt;", ";")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_GAP: Final = re.compile(r"[\s_]+", re.ASCII)
_ODD: Final = re.compile(r"[^a-zA-Z0-9/_ .\-]")
_DASHES: Final = re.compile(r"-+")
_STROKES: Final = str.maketrans({"\u0141": "L", "\u0142": "l"})


class BadName(ValueError):
    """A name that the server does not take."""


def bucket(text: str) -> str:
    """The bucket that is meant by this part of a path, which was decoded once. ``BadName`` if none can be."""
    return check_bucket(_sanitised(text))


def object_name(text: str) -> str:
    """As ``bucket``, for objects and directories."""
    return check_object(_sanitised(text))


def check_bucket(name: str) -> str:
    return _checked(name, _BUCKET)


def check_object(name: str) -> str:
    return _checked(name, _OBJECT)


def check_printable(text: str) -> str:
    """Any text without control characters, and without what the server takes for an attack."""
    if _CONTROL.search(text) or any(one in text for one in _FORBIDDEN):
        raise BadName("Invalid input")
    return text


def check_metadata(metadata: Mapping[str, str]) -> None:
    for key, value in metadata.items():
        _checked(key, _KEY)
        check_printable(value)


def check_uri(text: str) -> str:
    """Java's ``new URI``: almost anything without blanks is one."""
    try:
        urlsplit(text)
    except ValueError:
        raise BadName("Invalid uri") from None
    if not text.isascii() or re.search(r'[\s<>"{}|\\^`]', text) or _BAD_ESCAPE.search(text):
        raise BadName("Invalid uri")
    return text


def _checked(name: str, pattern: re.Pattern[str]) -> str:
    if pattern.fullmatch(name) is None:
        raise BadName("Invalid input")
    return name


def _sanitised(text: str) -> str:
    """Decoded once more, with ``+`` for a blank; then everything that is not in the alphabet goes or is replaced."""
    if not text.strip() or _BAD_ESCAPE.search(text):
        raise BadName("Invalid input")
    check_printable(text)
    name = unquote_plus(text).replace("\\", "/").replace("//", "/")
    name = "".join(one for one in unicodedata.normalize("NFD", name) if not unicodedata.combining(one))
    name = _GAP.sub(" ", name.translate(_STROKES))
    name = _DASHES.sub("-", _ODD.sub("", name)).strip()
    return _GAP.sub("_", name).removeprefix("/")
