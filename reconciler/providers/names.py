"""Names for documents that are made from what is live. Pure."""

import re
from collections.abc import MutableSet

__all__ = ["slug", "unique"]

_LONGEST = 63
_OTHER = re.compile(r"[^a-z0-9]+")


def slug(text: str) -> str:
    """Return a text as a document may be named: lower-case letters, digits and inner hyphens, at most 63 characters.

    Empty where nothing of it can stay.
    """
    return _OTHER.sub("-", text.lower()).strip("-")[:_LONGEST].strip("-")


def unique(name: str, taken: MutableSet[str]) -> str:
    """Return the name, with the first free number behind it if it is taken, and note it as taken."""
    found, number = name, 1
    while found in taken:
        number += 1
        tail = f"-{number}"
        found = name[: _LONGEST - len(tail)].rstrip("-") + tail
    taken.add(found)
    return found
