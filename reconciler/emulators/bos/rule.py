"""Synchronisation rules as values: parsed from what clients PUT, and which keys they are about.

Source: BOS API reference, PutBucketReplication (2025-11-03).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from reconciler.emulators.bos.refusal import Refusal, inappropriate, invalid
from reconciler.emulators.message import JsonValue

ID: Final = re.compile(r"[0-9A-Za-z_-]{1,20}")
MOST_RESOURCES: Final = 20
MOST_EXCLUSIONS: Final = 20
MOST_RULES: Final = 10
RULE_BYTES: Final = 128 * 1024
ALL_RULES_BYTES: Final = 200 * 1024

#: Storage class of the source, in the words of an answer.
REMAIN: Final = "REMAIN"
CLASSES: Final = frozenset({"STANDARD", "STANDARD_IA", "COLD"})
MULTI_AZ_CLASSES: Final = frozenset({"MAZ_STANDARD", "MAZ_STANDARD_IA"})

_STATUS: Final[Mapping[str, bool]] = {"enabled": True, "disabled": False}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Patterns are as given, with the source bucket in front; a storage class of None keeps the source's.

    ``history`` says whether existing objects are copied too, in ``history_class``.
    """

    id: str
    enabled: bool
    resources: tuple[str, ...]
    exclusions: tuple[str, ...]
    destination: str
    storage_class: str | None
    prefix: str
    history: bool
    history_class: str | None
    deletes: bool
    #: Bytes of the body that it came in, which is what counts against the limit of all rules.
    size: int = field(default=0, compare=False)

    @property
    def configuration(self) -> Rule:
        """All but the id: no two rules of a bucket may agree in it."""
        return replace(self, id="")

    def covers(self, bucket: str, key: str, *, exact: bool) -> bool:
        """Whether a key is in the rule's scope. ``exact``: a resource without a star is that key alone."""
        name = f"{bucket}/{key}"
        wanted = any(_selects(pattern, name, exact) for pattern in self.resources)
        return wanted and not any(_excludes(pattern, bucket, key) for pattern in self.exclusions)

    def classes(self) -> frozenset[str]:
        """The storage classes that the rule names."""
        return frozenset(name for name in (self.storage_class, self.history_class) if name is not None)


def check_id(text: str) -> None:
    if not ID.fullmatch(text):
        raise invalid("id must be 1 to 20 of digits, letters, hyphen and underscore.")


def decode(body: bytes) -> Mapping[str, JsonValue]:
    """The body of a PUT as an object. ``Refusal`` if it is too big, or no JSON object."""
    if len(body) > RULE_BYTES:
        raise Refusal(400, "EntityTooLarge", "A replication configuration has at most 128 KB.")
    try:
        value: JsonValue = json.loads(body)
    except ValueError:
        raise Refusal(400, "MalformedJSON") from None
    if not isinstance(value, dict):
        raise inappropriate("The body must be a JSON object.")
    return value


def parse(rule_id: str, bucket: str, body: Mapping[str, JsonValue], size: int = 0) -> Rule:
    """The rule that a body of so many bytes describes. Members that are not known are ignored, also read-only ones."""
    destination = _member(body, "destination")
    history = body.get("replicateHistory")
    if history is not None and not isinstance(history, dict):
        raise inappropriate("replicateHistory must be an object.")
    target = _text(destination, "bucket")
    if history is not None and history.get("bucket", target) != target:
        raise invalid("replicateHistory.bucket must be destination.bucket.")
    if target == bucket:
        raise invalid("Source and destination must be two buckets.")
    return Rule(
        id=rule_id,
        enabled=_switch(body, "status"),
        resources=_resources(bucket, _texts(body, "resource")),
        exclusions=_exclusions(bucket, _texts(body, "notIncludeResource", needed=False)),
        destination=target,
        storage_class=_storage_class(destination),
        prefix=_text(destination, "prefix", needed=False),
        history=history is not None,
        history_class=_storage_class(history or {}),
        deletes=_switch(body, "replicateDeletes"),
        size=size,
    )


def _resources(bucket: str, patterns: tuple[str, ...]) -> tuple[str, ...]:
    if not 1 <= len(patterns) <= MOST_RESOURCES:
        raise invalid(f"resource must have 1 to {MOST_RESOURCES} items.")
    for pattern in patterns:
        if not pattern.startswith(f"{bucket}/") or "*" in pattern[:-1]:
            raise invalid("resource must be the source bucket, a slash and a prefix; a star may only end it.")
    return patterns


def _exclusions(bucket: str, patterns: tuple[str, ...]) -> tuple[str, ...]:
    if len(patterns) > MOST_EXCLUSIONS:
        raise invalid(f"notIncludeResource must have at most {MOST_EXCLUSIONS} items.")
    for pattern in patterns:
        start, slash, rest = pattern.partition("/")
        bare = rest.removeprefix("*").removesuffix("*")
        if start != bucket or not slash or not bare or "*" in bare or bare == rest:
            raise invalid("notIncludeResource must be one of bucket/<prefix>*, bucket/*<suffix> and bucket/*<infix>*.")
    return patterns


def _selects(pattern: str, name: str, exact: bool) -> bool:
    if pattern.endswith("*"):
        return name.startswith(pattern[:-1])
    return name == pattern if exact else name.startswith(pattern)


def _excludes(pattern: str, bucket: str, key: str) -> bool:
    rest = pattern.removeprefix(f"{bucket}/")
    bare = rest.removeprefix("*").removesuffix("*")
    match rest.startswith("*"), rest.endswith("*"):
        case True, True:
            return bare in key
        case True, False:
            return key.endswith(bare)
        case _:
            return key.startswith(bare)


def _member(body: Mapping[str, JsonValue], name: str) -> Mapping[str, JsonValue]:
    value = body.get(name)
    if value is None:
        raise inappropriate(f"Missing: {name}")
    if not isinstance(value, dict):
        raise inappropriate(f"Wrong type: {name}")
    return value


def _text(body: Mapping[str, JsonValue], name: str, *, needed: bool = True) -> str:
    value = body.get(name)
    if value is None or (needed and value == ""):
        if needed:
            raise inappropriate(f"Missing: {name}")
        return ""
    if not isinstance(value, str):
        raise inappropriate(f"Wrong type: {name}")
    return value


def _texts(body: Mapping[str, JsonValue], name: str, *, needed: bool = True) -> tuple[str, ...]:
    value = body.get(name)
    if value is None:
        if needed:
            raise inappropriate(f"Missing: {name}")
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise inappropriate(f"Wrong type: {name}")
    return tuple(str(item) for item in value)


def _switch(body: Mapping[str, JsonValue], name: str) -> bool:
    text = _text(body, name)
    if text not in _STATUS:
        raise invalid(f"{name} must be enabled or disabled.")
    return _STATUS[text]


def _storage_class(body: Mapping[str, JsonValue]) -> str | None:
    text = _text(body, "storageClass", needed=False)
    if text in {"", REMAIN}:
        return None
    if text not in CLASSES | MULTI_AZ_CLASSES:
        raise invalid("storageClass is not one of those that data synchronisation can write.")
    return text
