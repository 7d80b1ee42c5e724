"""Names and ids of volumes. Pure.

The console says that a new volume is called by the name asked for and six characters of a UUID behind it; the API
reference shows names without. Both are taken: a name that ends so may have been asked for without the end.
Source: SCP user guide, File Storage, *Creating a file storage*; SCP API reference, CreateVolumeReplication.
"""

import re
from uuid import UUID

__all__ = ["answers_to", "is_id", "is_new_name", "is_volume", "stems"]

_NEW = re.compile(r"[a-z][a-z0-9_]{2,20}")
"""Source: SCP API reference, ReplicationCreateRequest: 3 to 21 characters."""
_NAME = re.compile(r"[a-z][a-z0-9_-]{2,62}")
_SUFFIX_LENGTH = 6
_SUFFIX = re.compile(r"[0-9a-f]{6}|(?=.*[0-9])[0-9a-z]{6}")


def is_new_name(name: str) -> bool:
    """Say whether a volume to be made may have this name."""
    return _NEW.fullmatch(name) is not None


def is_id(text: str) -> bool:
    """Say whether a text is the id of a volume. No name is: names have no hyphens at these places, or begin with a
    letter and are shorter."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def is_volume(text: str) -> bool:
    """Say whether a text may name a volume that exists, by name or by id."""
    return is_id(text) or _NAME.fullmatch(text) is not None


def stems(name: str) -> tuple[str, ...]:
    """Return the names that may have been asked for where a volume is called `name`, other than that one."""
    head, tail = name[:-_SUFFIX_LENGTH], name[-_SUFFIX_LENGTH:]
    if _SUFFIX.fullmatch(tail) is None:
        return ()
    found = dict.fromkeys((head, head.rstrip("_-")))
    return tuple(one for one in found if is_new_name(one))


def answers_to(name: str, asked: str) -> bool:
    """Say whether a volume called `name` may be the one that was asked for."""
    return name == asked or asked in stems(name)
