"""Ids of rules: made from the names of workspace and replication, and recognised. Pure.

An id is `<readable>-<name><mark>`, 20 characters: up to seven of the replication's name; seven that stand for workspace
and name (35 bits of SHA-256), so that names which begin alike differ; five that stand for the workspace and all before
them, by which a workspace knows its own rules. One in 33 million ids of others bears the mark by chance.
"""

import hashlib
import re
from base64 import b32encode

from reconciler.providers.bos.config import RULE_ID_LENGTH

__all__ = ["is_ours", "is_valid", "rule_id"]

_VALID = re.compile(rf"[0-9A-Za-z_-]{{1,{RULE_ID_LENGTH}}}")
_READABLE, _NAME, _MARK = 7, 7, 5
_OURS = re.compile(rf"[a-z0-9-]{{1,{_READABLE}}}-[a-z2-7]{{{_NAME + _MARK}}}")


def rule_id(workspace: str, name: str) -> str:
    """Return the id that a replication's rule gets. The same for the same names, for ever."""
    readable = name[:_READABLE].rstrip("-")
    stem = f"{readable}-{_digest('name', workspace, name)[:_NAME]}"
    return stem + _mark(workspace, stem)


def is_ours(workspace: str, identity: str) -> bool:
    """Say whether an id bears the mark of this workspace."""
    stem, mark = identity[:-_MARK], identity[-_MARK:]
    return _OURS.fullmatch(identity) is not None and mark == _mark(workspace, stem)


def is_valid(identity: str) -> bool:
    """Say whether BOS takes it. Source: BOS API, PutBucketReplication."""
    return _VALID.fullmatch(identity) is not None


def _mark(workspace: str, stem: str) -> str:
    return _digest("mark", workspace, stem)[:_MARK]


def _digest(*parts: str) -> str:
    hashed = hashlib.sha256("\n".join(("repl/bos", *parts)).encode()).digest()
    return b32encode(hashed).decode().lower()
