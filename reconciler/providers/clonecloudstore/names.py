"""Names as the server takes them, and digests as it writes them. Pure.

A name in a path is changed without a word before it is looked at, so that two names may be one object. Nothing that
would be changed is ever sent. Source: CloneCloudStore 0.8.0, ParametersChecker (getSanitizedName) and
MultipleActionsInputStream (getDigest).
"""

import base64
import re
import unicodedata
from urllib.parse import unquote_plus

__all__ = ["base32hex", "bucket_problem", "key_problem", "metadata_held", "sanitised"]

_BUCKET = re.compile(r"[0-9a-z\-]{3,63}")
_OBJECT = re.compile(r"[0-9a-zA-Z_./\-]{1,1024}")
_METADATA_KEY = re.compile(r"[a-zA-Z_][0-9a-zA-Z_]*")
_GAPS = re.compile(r"[ \t\n\x0b\f\r_]+")
_REMOVED = re.compile(r"[^a-zA-Z0-9/_ .\-]")
_MINUSES = re.compile(r"-+")
_TRIMMED = "".join(map(chr, range(0x21)))
_BARRED_L = str.maketrans("\u0141\u0142", "Ll")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOSTILE = re.compile(r"[\x00-\x1f\x7f;]|<!\[CDATA\[|<!ENTITY|<script>", re.IGNORECASE)


def sanitised(name: str) -> str:
    """Return what the server makes of a name in a path. It may be one that it does not take, and it may be empty."""
    plain = unquote_plus(name, errors="replace").replace("\\", "/").replace("//", "/")
    decomposed = unicodedata.normalize("NFD", plain)
    plain = "".join(one for one in decomposed if not unicodedata.combining(one)).translate(_BARRED_L)
    plain = _REMOVED.sub("", _GAPS.sub(" ", plain))
    return _GAPS.sub("_", _MINUSES.sub("-", plain).strip(_TRIMMED)).removeprefix("/")


def bucket_problem(name: str) -> str:
    """Say why a bucket cannot have this name; empty if it can."""
    if problem := _changed(name):
        return problem
    return "" if _BUCKET.fullmatch(name) else "a bucket's name has 3 to 63 lower-case letters, digits and `-`"


def key_problem(name: str) -> str:
    """Say why an object cannot have this name; empty if it can."""
    if problem := _changed(name):
        return problem
    if not _OBJECT.fullmatch(name):
        return "an object's name has 1 to 1,024 letters, digits, `_`, `.`, `/` and `-`"
    # Not refused by the server, but anything on the way may resolve them.
    return "a part of a path cannot be `.` or `..`" if {".", ".."} & set(name.split("/")) else ""


def metadata_held(metadata: dict[str, str]) -> dict[str, str]:
    """Return those entries that can be stored: of others the server takes neither key nor object."""
    return {
        key: value for key, value in metadata.items() if _METADATA_KEY.fullmatch(key) and not _HOSTILE.search(value)
    }


def base32hex(digest: bytes) -> str:
    """Write a digest as the server does: RFC 4648's extended hex alphabet, lower case, no padding; 52 characters."""
    return base64.b32hexencode(digest).decode().rstrip("=").lower()


def _changed(name: str) -> str:
    if _HOSTILE.search(name) or _BAD_ESCAPE.search(name):
        return "the server refuses control characters, `;`, tags, and `%` that escapes nothing"
    made = sanitised(name)
    if made == name:
        return ""
    return f"the server would make {made!r} of it" if made else "the server would leave nothing of it"
