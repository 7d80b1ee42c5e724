"""Replication targets and rules of a bucket: as read, as kept, as shown in JSON and in XML.

Source: Alarik's ReplicationConfiguration.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from typing import Final
from xml.sax.saxutils import escape

from reconciler.emulators.alarik.decode import Value
from reconciler.emulators.alarik.switches import AlarikSwitches
from reconciler.emulators.message import JsonValue

NEW: Final = uuid.UUID(int=0)
MASK: Final = "\N{BULLET}" * 8
MOST: Final = 4


@dataclass(frozen=True, slots=True)
class Target:
    """A bucket elsewhere, with the keys to it."""

    id: uuid.UUID
    endpoint: str
    bucket: str
    access_key: str
    secret_key: str = field(repr=False)
    region: str
    enabled: bool

    @classmethod
    def read(cls, value: Value) -> Target:
        return cls(
            id=value.identity("id"),
            endpoint=value.text("endpoint"),
            bucket=value.text("targetBucket"),
            access_key=value.text("accessKeyId"),
            secret_key=value.text("secretAccessKey"),
            region=value.text("region"),
            enabled=value.flag("enabled"),
        )

    def shown(self, switches: AlarikSwitches) -> dict[str, JsonValue]:
        return {
            "id": shown_id(self.id, switches),
            "endpoint": self.endpoint,
            "targetBucket": self.bucket,
            "accessKeyId": self.access_key,
            "secretAccessKey": MASK if switches.mask and self.secret_key else self.secret_key,
            "region": self.region,
            "enabled": self.enabled,
        }


@dataclass(frozen=True, slots=True)
class Rule:
    """Which keys go to which target."""

    id: uuid.UUID
    target: uuid.UUID
    prefix: str | None
    deletes: bool
    existing: bool
    synchronous: bool
    enabled: bool

    @classmethod
    def read(cls, value: Value) -> Rule:
        return cls(
            id=value.identity("id"),
            target=value.identity("targetId"),
            prefix=value.optional_text("prefix"),
            deletes=value.flag("replicateDeletes"),
            existing=value.flag("replicateExisting"),
            synchronous=value.optional_flag("synchronous") or False,
            enabled=value.flag("enabled"),
        )

    def matches(self, key: str) -> bool:
        return self.enabled and key.startswith(self.prefix or "")

    def shown(self, switches: AlarikSwitches) -> dict[str, JsonValue]:
        prefix: dict[str, JsonValue] = {} if self.prefix is None else {"prefix": self.prefix}
        return {
            "id": shown_id(self.id, switches),
            "targetId": shown_id(self.target, switches),
            **prefix,
            "replicateDeletes": self.deletes,
            "replicateExisting": self.existing,
            "synchronous": self.synchronous,
            "enabled": self.enabled,
        }


@dataclass(frozen=True, slots=True)
class Configuration:
    """Both lists of a bucket, in the order in which they were sent. They are kept, and saved, as one."""

    targets: tuple[Target, ...] = ()
    rules: tuple[Rule, ...] = ()

    def target(self, identity: uuid.UUID) -> Target | None:
        return next((target for target in self.targets if target.id == identity), None)

    def rule(self, identity: uuid.UUID) -> Rule | None:
        return next((rule for rule in self.rules if rule.id == identity), None)

    def with_targets(self, targets: tuple[Target, ...]) -> Configuration:
        """Rules that lose their target are disabled; they keep its id, and nothing ever enables them again."""
        kept = {target.id for target in targets}
        rules = tuple(rule if rule.target in kept else replace(rule, enabled=False) for rule in self.rules)
        return Configuration(targets, rules)

    def xml(self, switches: AlarikSwitches) -> bytes:
        """What GET ?replication tells: rules in force only, and of their targets the id alone."""
        rules = "".join(
            f"<Rule><ID>{shown_id(rule.id, switches)}</ID><Status>Enabled</Status>"
            f"<Filter><Prefix>{escape(rule.prefix or '')}</Prefix></Filter>"
            f"<DeleteMarkerReplication><Status>{'Enabled' if rule.deletes else 'Disabled'}</Status>"
            "</DeleteMarkerReplication><Destination><Bucket>"
            f"arn:alarik:replication:::{shown_id(rule.target, switches)}</Bucket></Destination></Rule>"
            for rule in self.rules
            if rule.enabled and self.target(rule.target) is not None
        )
        head = '<?xml version="1.0" encoding="UTF-8"?>'
        root = "ReplicationConfiguration"
        return f'{head}<{root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{rules}</{root}>'.encode()


def shown_id(identity: uuid.UUID, switches: AlarikSwitches) -> str:
    """A UUID as Swift prints it."""
    text = str(identity)
    return text.upper() if switches.uuid_case == "upper" else text
