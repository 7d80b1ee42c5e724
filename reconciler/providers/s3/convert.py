"""Between a rule's XML and normal form. The only place that knows the wire's names. Pure.

Sources: Amazon S3 API reference, ReplicationConfiguration and all below it; for Ceph, its source rgw_rest_s3.cc.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from reconciler.model.manifest import Deletes
from reconciler.model.relationship import Flow, Settings
from reconciler.model.value import Json
from reconciler.providers.s3.config import Flavour, S3Config, S3Options, Switch
from reconciler.providers.s3.document import plain_text

__all__ = [
    "ROLE_ELEMENT",
    "RULE_ELEMENT",
    "SWITCHES",
    "TEXTS",
    "Dialect",
    "desired_settings",
    "is_legacy",
    "options_part",
    "parse_rule_id",
    "part",
    "prefix_of",
    "priority_of",
    "read_rule",
    "rule_id",
    "rule_id_of",
    "tags_of",
    "text_at",
]

RULE_ELEMENT, ROLE_ELEMENT = "Rule", "Role"
_NAME = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_RULE_ID = re.compile(rf"repl\.({_NAME})\.({_NAME})")
_ARNS = re.compile(r"(?:arn:[a-z-]+:s3:::)+")
_SECOND_SCHEMA = ("Filter", "Priority", "DeleteMarkerReplication")
SWITCHES = {
    "sseKms": "SourceSelectionCriteria/SseKmsEncryptedObjects",
    "replicaModifications": "SourceSelectionCriteria/ReplicaModifications",
    "replicationTime": "Destination/ReplicationTime",
    "metrics": "Destination/Metrics",
}
TEXTS = {"account": "Destination/Account", "kmsKey": "Destination/EncryptionConfiguration/ReplicaKmsKeyID"}


def rule_id(workspace: str, name: str) -> str:
    """Return the id that a replication's rule gets: repl.<workspace>.<name>, at most 132 characters."""
    return f"repl.{workspace}.{name}"


def parse_rule_id(text: str) -> tuple[str, str] | None:
    """Read (workspace, name) from a rule id, or None if it is not one of ours."""
    found = _RULE_ID.fullmatch(text)
    return (found[1], found[2]) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one flavour writes what all mean by the same settings."""

    flavour: Flavour = Flavour.AWS
    partition: str = "aws"
    arns: bool = True

    @classmethod
    def of(cls, config: S3Config) -> "Dialect":
        """Return the dialect of a provider."""
        return cls(flavour=config.flavour, partition=config.partition, arns=config.destination_form == "arn")

    @property
    def is_ceph(self) -> bool:
        """Ceph keeps neither role nor delete markers nor most options, and needs no versioning."""
        return self.flavour is Flavour.RGW

    def written(self, bucket: str) -> str:
        """Write a destination bucket."""
        return f"arn:{self.partition}:s3:::{bucket}" if self.arns else bucket

    def bucket(self, text: str) -> str:
        """Read a destination bucket. Ceph repeats the ARN's head and puts the tenant before the name."""
        bare = text[found.end() :] if (found := _ARNS.match(text)) else text
        return bare.rpartition("/")[2] if self.is_ceph else bare


def part(settings: Mapping[str, Json], key: str) -> dict[str, Json]:
    """Return a mapping within settings; empty if it is not there."""
    value = settings.get(key)
    return value if isinstance(value, dict) else {}


def options_part(flow: Flow) -> S3Options:
    """Return a flow's options of this type; all left out if there are none."""
    return flow.spec.options if isinstance(flow.spec.options, S3Options) else S3Options()


# Reading -----------------------------------------------------------------------------------------------------------


def rule_id_of(rule: Element) -> str:
    """Return the ID of a rule; empty if it has none."""
    return text_at(rule, "ID") or ""


def is_legacy(rule: Element, dialect: Dialect) -> bool:
    """Say whether a rule is of the first schema (V1), which has neither Filter, Priority nor DeleteMarkerReplication.

    A missing filter alone says nothing: some servers leave an empty one out (public issue 23487 of Terraform's AWS
    provider), and Ceph, which knows one schema only, leaves out all three.
    """
    return not dialect.is_ceph and all(rule.find(name) is None for name in _SECOND_SCHEMA)


def priority_of(rule: Element) -> int | None:
    """Return a rule's priority; None if it has none, or none that is a number."""
    text = (text_at(rule, "Priority") or "").strip()
    return int(text) if re.fullmatch(r"-?\d{1,18}", text) else None


def read_rule(rule: Element, *, bucket: str, role: str, dialect: Dialect) -> Settings:
    """Return a rule of a bucket in normal form, whether it is of the first schema or the second."""
    settings: Settings = {
        "source": {"bucket": bucket, "prefix": prefix_of(rule)},
        "destination": {"bucket": dialect.bucket((text_at(rule, "Destination/Bucket") or "").strip())},
        "state": "active" if _status(rule) == "Enabled" else "paused",
        "filter": {"tags": dict[str, Json](tags_of(rule))},
    }
    if storage_class := (text_at(rule, "Destination/StorageClass") or "").strip():
        settings["storageClass"] = storage_class
    options: dict[str, Json] = {}
    if (priority := priority_of(rule)) is not None:
        options["priority"] = priority
    if not dialect.is_ceph:
        legacy = is_legacy(rule, dialect)
        copied = legacy or text_at(rule, "DeleteMarkerReplication/Status") == "Enabled"
        settings["deletes"] = str(Deletes.REPLICATE if copied else Deletes.KEEP)
        options |= _read_options(rule) | {"schema": "V1" if legacy else "V2"} | ({"role": role} if role else {})
    settings["s3"] = options
    return settings


def _read_options(rule: Element) -> dict[str, Json]:
    found: dict[str, Json] = {key: text_at(rule, path) or "" for key, path in TEXTS.items()}
    found["owner"] = "source" if text_at(rule, "Destination/AccessControlTranslation/Owner") is None else "destination"
    for key, path in SWITCHES.items():
        enabled = text_at(rule, f"{path}/Status") == "Enabled"
        found[key] = str(Switch.ENABLED if enabled else Switch.DISABLED)
    return found


def text_at(parent: Element, path: str) -> str | None:
    """Return the text at a path below an element; None if nothing is there."""
    found = parent.find(path)
    return None if found is None else plain_text(found)


def _status(rule: Element) -> str:
    return (text_at(rule, "Status") or "").strip()


def prefix_of(rule: Element) -> str:
    """Return the key prefix of a rule of either schema; empty for the whole bucket."""
    found = (text_at(rule, path) for path in ("Filter/Prefix", "Filter/And/Prefix", "Prefix"))
    return next((text for text in found if text is not None), "")


def tags_of(rule: Element) -> dict[str, str]:
    """Return the tags that objects must have, sorted by key."""
    tags = [*rule.findall("Filter/Tag"), *rule.findall("Filter/And/Tag")]
    return dict(sorted((text_at(tag, "Key") or "", text_at(tag, "Value") or "") for tag in tags))


# Desired -----------------------------------------------------------------------------------------------------------


def desired_settings(flow: Flow) -> Settings:
    """Return what a flow manages, in normal form. An empty text stands for what is managed to be absent.

    A rule that is adopted by its id shall be of the second schema (`s3.schema`); one of our own always is.
    """
    spec, config = flow.spec, flow.source.spec.config
    ceph = isinstance(config, S3Config) and config.flavour is Flavour.RGW
    plain: dict[str, Json] = {
        "source": {"bucket": spec.source.bucket, "prefix": spec.source.prefix or ""},
        "destination": {"bucket": spec.destination.bucket},
        "state": None if spec.state is None else str(spec.state),
        "deletes": None if ceph or spec.deletes is None else str(spec.deletes),
        "storageClass": spec.storage_class,
    }
    settings: Settings = {key: value for key, value in plain.items() if value is not None}
    if spec.filter is not None and spec.filter.tags is not None:
        settings["filter"] = {"tags": dict[str, Json](sorted(spec.filter.tags.items()))}
    chosen = options_part(flow)
    options: dict[str, Json] = {} if chosen.priority is None else {"priority": chosen.priority}
    if not ceph:
        options |= _desired_options(flow, chosen) | ({} if chosen.id is None else {"schema": "V2"})
    settings["s3"] = options
    return settings


def _desired_options(flow: Flow, chosen: S3Options) -> dict[str, Json]:
    own, peer = flow.source.spec.config, flow.destination.spec.config
    account = chosen.account
    if account is None and chosen.owner == "destination" and isinstance(peer, S3Config):
        account = peer.account
    wanted = {
        "role": chosen.role or (own.role if isinstance(own, S3Config) else None),
        "account": account, "kmsKey": chosen.kms_key, "owner": chosen.owner, "sseKms": chosen.sse_kms,
        "replicaModifications": chosen.replica_modifications, "replicationTime": chosen.replication_time,
        "metrics": chosen.metrics,
    }  # fmt: skip
    return {key: str(value) for key, value in wanted.items() if value is not None}
