"""A replication configuration as the emulator understands it: parsed once, then matched against objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from reconciler.emulators.s3.document import flag, text

#: An element that the service may have one day, and that no client knows yet.
FUTURE_FIELD = "FutureField"

ARN = "arn:aws:s3:::"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. ``destination`` is a bucket name; ``legacy`` tells the first schema (V1), which has no Filter."""

    id: str
    enabled: bool
    legacy: bool
    priority: int
    prefix: str
    tags: tuple[tuple[str, str], ...]
    delete_markers: bool
    destination: str
    storage_class: str | None = None
    kms_key: str | None = None
    kms_objects: bool = False

    def matches(self, key: str, tags: Mapping[str, str]) -> bool:
        return (
            self.enabled and key.startswith(self.prefix) and all(tags.get(name) == value for name, value in self.tags)
        )


def read_rules(root: Element) -> tuple[Rule, ...]:
    """The rules of a configuration that has been validated."""
    return tuple(_read_rule(element) for element in root.findall("Rule"))


def by_destination(rules: Iterable[Rule], key: str, tags: Mapping[str, str]) -> dict[str, Rule]:
    """For an object, the rule that counts per destination: of several the one with the highest priority."""
    chosen: dict[str, Rule] = {}
    for rule in sorted(rules, key=lambda rule: rule.priority):
        if rule.matches(key, tags):
            chosen[rule.destination] = rule
    return chosen


def bucket_of(arn: str) -> str:
    """The bucket name in an ARN, or in a bare name; some servers repeat the ARN's head."""
    while arn.startswith(ARN):
        arn = arn[len(ARN) :]
    return arn


def tag_elements(rule: Element) -> list[Element]:
    return rule.findall("Filter/Tag") + rule.findall("Filter/And/Tag")


def prefix_of(rule: Element) -> str:
    for path in ("Filter/Prefix", "Filter/And/Prefix", "Prefix"):
        found = rule.find(path)
        if found is not None:
            return found.text or ""
    return ""


def _read_rule(rule: Element) -> Rule:
    legacy = rule.find("Filter") is None
    return Rule(
        id=text(rule, "ID") or "",
        enabled=flag(rule, "Status"),
        legacy=legacy,
        priority=int(text(rule, "Priority") or 0),
        prefix=prefix_of(rule),
        tags=tuple((text(tag, "Key") or "", text(tag, "Value") or "") for tag in tag_elements(rule)),
        delete_markers=legacy or flag(rule, "DeleteMarkerReplication/Status"),
        destination=bucket_of(text(rule, "Destination/Bucket") or ""),
        storage_class=text(rule, "Destination/StorageClass"),
        kms_key=text(rule, "Destination/EncryptionConfiguration/ReplicaKmsKeyID"),
        kms_objects=flag(rule, "SourceSelectionCriteria/SseKmsEncryptedObjects/Status"),
    )
