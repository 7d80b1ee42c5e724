"""Lays what is managed over a rule's XML; everything else in it stays as it is. Pure."""

from collections.abc import Mapping
from copy import deepcopy
from typing import cast
from xml.etree.ElementTree import Element, SubElement

from reconciler.model.manifest import Deletes, State
from reconciler.model.relationship import Settings
from reconciler.model.value import Json
from reconciler.providers.s3.config import Switch
from reconciler.providers.s3.convert import (
    ROLE_ELEMENT,
    RULE_ELEMENT,
    SWITCHES,
    TEXTS,
    Dialect,
    is_legacy,
    part,
    prefix_of,
    priority_of,
    tags_of,
    text_at,
)
from reconciler.providers.s3.document import plain_text

__all__ = ["patched", "role_element"]

_ORDER = {
    "Rule": (
        "ID", "Priority", "Filter", "Status", "SourceSelectionCriteria", "ExistingObjectReplication", "Destination",
        "DeleteMarkerReplication",
    ),
    "Destination": (
        "Bucket", "Account", "StorageClass", "AccessControlTranslation", "EncryptionConfiguration", "ReplicationTime",
        "Metrics",
    ),
}  # fmt: skip
_MINUTES = "15"
"""The only threshold that S3 Replication Time Control has."""


def role_element(role: str) -> Element:
    """Write the role of a configuration."""
    element = Element(ROLE_ELEMENT)
    element.text = role
    return element


def patched(live: Element | None, want: Settings, *, identity: str, priority: int, dialect: Dialect) -> Element:
    """Return a rule of the second schema with what is managed as wanted, and all else as it is in `live`.

    Without `live` a new one: enabled, and delete markers not copied, if nothing else is wanted. `priority` counts where
    neither is said.
    """
    rule = Element(RULE_ELEMENT) if live is None else deepcopy(live)
    options = part(want, "s3")
    legacy = live is not None and is_legacy(rule, dialect)
    _put(rule, "ID", identity)
    known = cast("int | None", options.get("priority")) if "priority" in options else priority_of(rule)
    _put(rule, "Priority", str(priority if known is None else known))
    _put_filter(rule, want)
    state = cast("str | None", want.get("state")) or (State.ACTIVE if live is None else None)
    if state is not None:
        _put(rule, "Status", "Enabled" if state == State.ACTIVE else "Disabled")
    _put_destination(rule, want, dialect)
    _put_encryption(rule, options)
    if "replicaModifications" in options:
        _put(rule, f"{SWITCHES['replicaModifications']}/Status", _capital(options["replicaModifications"]))
    _put_times(rule, options)
    _put_delete_markers(rule, want, legacy=legacy)
    return rule


def _put_filter(rule: Element, want: Settings) -> None:
    live = rule.find("Filter")
    before = (prefix_of(rule), tags_of(rule))
    prefix = str(part(want, "source")["prefix"])
    tags = cast("dict[str, str]", part(want, "filter").get("tags", before[1]))
    if live is not None and before == (prefix, tags):
        return
    for legacy in rule.findall("Prefix"):
        rule.remove(legacy)
    inside = [] if live is None else [*live, *live.findall("And/*")]
    parts = [_leaf("Prefix", prefix)] if prefix else []
    parts += [_tag(key, value) for key, value in sorted(tags.items())]
    parts += [other for other in inside if isinstance(other.tag, str) and other.tag not in ("Prefix", "Tag", "And")]
    holder = _made(rule, "Filter")
    holder[:] = []
    if len(parts) > 1:
        holder = SubElement(holder, "And")
    # An empty filter is sent as an empty prefix: public issue 23487 of Terraform's AWS provider.
    holder.extend(parts or [_leaf("Prefix", "")])


def _put_destination(rule: Element, want: Settings, dialect: Dialect) -> None:
    bucket = str(part(want, "destination")["bucket"])
    if dialect.bucket((text_at(rule, "Destination/Bucket") or "").strip()) != bucket:
        _put(rule, "Destination/Bucket", dialect.written(bucket))
    if "storageClass" in want:
        _put(rule, "Destination/StorageClass", str(want["storageClass"]))
    options = part(want, "s3")
    if "account" in options:
        _put(rule, TEXTS["account"], str(options["account"]) or None)
    if "owner" in options:
        changed = options["owner"] == "destination"
        _put(rule, "Destination/AccessControlTranslation/Owner", "Destination" if changed else None)


def _put_encryption(rule: Element, options: Mapping[str, Json]) -> None:
    """Write KMS settings. The service takes the key and the selection together or not at all."""
    selection = SWITCHES["sseKms"]
    if "kmsKey" in options:
        _put(rule, TEXTS["kmsKey"], str(options["kmsKey"]) or None)
    if "sseKms" in options:
        _put(rule, f"{selection}/Status", _capital(options["sseKms"]))
    key = text_at(rule, TEXTS["kmsKey"])
    if not key and text_at(rule, f"{selection}/Status") != "Enabled":
        _put(rule, f"{selection}/Status", None)
    elif key and rule.find(selection) is None:
        _put(rule, f"{selection}/Status", "Disabled")


def _put_times(rule: Element, options: Mapping[str, Json]) -> None:
    """Write Replication Time Control and metrics: the former needs the latter, with a threshold; alone it has none."""
    time, metrics = SWITCHES["replicationTime"], SWITCHES["metrics"]
    asked = options.get("replicationTime")
    if asked == Switch.ENABLED:
        _put(rule, f"{time}/Status", "Enabled")
        _put(rule, f"{time}/Time/Minutes", _MINUTES)
    elif asked == Switch.DISABLED:
        _drop(rule, time)
    timed = text_at(rule, f"{time}/Status") == "Enabled"
    if options.get("metrics") == Switch.ENABLED or (asked == Switch.ENABLED and "metrics" not in options):
        _put(rule, f"{metrics}/Status", "Enabled")
        if timed:
            _put(rule, f"{metrics}/EventThreshold/Minutes", _MINUTES)
    elif options.get("metrics") == Switch.DISABLED:
        _drop(rule, metrics)
    if asked == Switch.DISABLED and rule.find(metrics) is not None:
        _drop(rule, f"{metrics}/EventThreshold")


def _put_delete_markers(rule: Element, want: Settings, *, legacy: bool) -> None:
    """Say always what happens with delete markers: the first schema copies them, the second has no default."""
    path = "DeleteMarkerReplication/Status"
    if "deletes" in want:
        copied = want["deletes"] == Deletes.REPLICATE
    else:
        # The service refuses to copy markers where tags choose the objects.
        copied = (legacy or text_at(rule, path) == "Enabled") and not tags_of(rule)
    _put(rule, path, "Enabled" if copied else "Disabled")


def _put(parent: Element, path: str, text: str | None) -> None:
    """Set the text at a path, making what is missing in the documented order; None takes it out."""
    if text is None:
        _drop(parent, path)
        return
    for name in path.split("/"):
        parent = _made(parent, name)
    if plain_text(parent) != text:
        parent[:] = []
        parent.text = text


def _drop(rule: Element, path: str) -> None:
    """Take elements out, and what held them too if nothing is left in it."""
    head, _, leaf = path.rpartition("/")
    parent = rule.find(head) if head else rule
    if parent is None:
        return
    for found in parent.findall(leaf):
        parent.remove(found)
    if head and not len(parent):
        _drop(rule, head)


def _made(parent: Element, name: str) -> Element:
    found = parent.find(name)
    if found is not None:
        return found
    made = Element(name)
    order = _ORDER.get(str(parent.tag), ())
    later = set(order[order.index(name) + 1 :]) if name in order else set()
    place = next((number for number, child in enumerate(parent) if child.tag in later), len(parent))
    parent.insert(place, made)
    return made


def _capital(switch: Json) -> str:
    return "Enabled" if switch == Switch.ENABLED else "Disabled"


def _leaf(name: str, text: str) -> Element:
    element = Element(name)
    element.text = text
    return element


def _tag(key: str, value: str) -> Element:
    element = Element("Tag")
    element.extend([_leaf("Key", key), _leaf("Value", value)])
    return element
