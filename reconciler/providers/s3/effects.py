"""What S3 replication is known to do beyond the call itself."""

from reconciler.model.finding import Severity
from reconciler.model.step import EffectRule

__all__ = [
    "CHAIN",
    "DELETE_MARKERS",
    "DEST_CHANGE",
    "EFFECTS",
    "NO_RETRO",
    "RGW_DEST_CHANGE",
    "RGW_OTHER_BUCKET",
    "ROLE_CHANGE",
    "UNPROTECTED",
    "VERSIONING",
]

NO_RETRO = EffectRule(
    id="S3-NO-RETRO",
    provider="s3",
    severity=Severity.WARNING,
    blocks=False,
    when="a rule is new, is resumed, or covers more keys than before",
    happens="Only what is written from now on is copied. What is there already, or was written while the rule was "
    "paused, stays where it is, for ever.",
    instead="Copy it once with S3 Batch Replication (operation S3ReplicateObject), or `aws s3 sync` where version ids "
    "need not be kept. `existing: ignore` says that this is known.",
    source="Amazon S3 user guide, 'What does Amazon S3 replicate?'",
)
DEST_CHANGE = EffectRule(
    id="S3-DEST-CHANGE",
    provider="s3",
    severity=Severity.WARNING,
    blocks=False,
    when="the destination bucket of a rule changes",
    happens="New writes go to the new bucket. What was copied to the old one stays there and is not sent again: "
    "neither bucket is complete.",
    instead="Add a second replication to the new bucket, fill it with S3 Batch Replication, then remove the first.",
    source="Amazon S3 user guide, 'What does Amazon S3 replicate?'",
)
DELETE_MARKERS = EffectRule(
    id="S3-DELETE-MARKERS",
    provider="s3",
    severity=Severity.WARNING,
    blocks=False,
    when="`deletes` changes, or a rule of the first schema (V1), which copies delete markers, becomes V2 and shall not",
    happens="A client's delete at the source hides the object at the destination too, or no longer does. Markers from "
    "before the change are neither copied nor taken back.",
    instead="Say what you want: `deletes: keep` or `deletes: replicate` (not together with tags).",
    source="Amazon S3 user guide, 'Replicating delete markers between buckets'; public issue 22007 of Terraform's AWS "
    "provider",
)
CHAIN = EffectRule(
    id="S3-CHAIN",
    provider="s3",
    severity=Severity.WARNING,
    blocks=False,
    when="a flow starts where another S3 flow ends: A -> B -> C",
    happens="Copies are not copied onward: what A sends to B never reaches C. Only what clients write to B does.",
    instead="Replicate from A to both: two rules with the same source and different destinations.",
    source="Amazon S3 user guide, 'What does Amazon S3 replicate?'",
)
VERSIONING = EffectRule(
    id="S3-VERSIONING",
    provider="s3",
    severity=Severity.ERROR,
    blocks=True,
    when="versioning is not enabled on the source or the destination bucket",
    happens="The service refuses the configuration, also for a paused rule. If versioning is suspended at the "
    "destination later, copying stops without an error.",
    instead="aws s3api put-bucket-versioning --bucket BUCKET --versioning-configuration Status=Enabled, on both sides. "
    "It may take some minutes to be seen.",
    source="Amazon S3 user guide, 'Requirements and considerations for replication'; public issues 13179 and 23578 of "
    "Terraform's AWS provider",
)
ROLE_CHANGE = EffectRule(
    id="S3-ROLE-CHANGE",
    provider="s3",
    severity=Severity.WARNING,
    blocks=True,
    when="the role changes and the bucket has other rules",
    happens="A bucket has one role for all its rules: the others are run by the new role too. If that may not write to "
    "their destinations, their objects fail, and AWS does not try them again.",
    instead="Give the new role what the old one may do, or leave `role` as it is.",
    source="Amazon S3 API reference, ReplicationConfiguration; user guide, 'Replication failure reasons'",
)
UNPROTECTED = EffectRule(
    id="S3-UNPROTECTED",
    provider="s3",
    severity=Severity.WARNING,
    blocks=False,
    when="a rule is deleted or paused",
    happens="Nothing that is written from now on is copied, and it is not made up for when the rule comes back. Copies "
    "that exist stay.",
    instead="Keep the rule active; after a pause copy the gap with S3 Batch Replication.",
    source="Amazon S3 user guide, 'Managing replication rules'",
    loses_protection=True,
)
RGW_DEST_CHANGE = EffectRule(
    id="RGW-DEST-CHANGE",
    provider="s3",
    severity=Severity.WARNING,
    blocks=False,
    when="the destination bucket of a rule on Ceph changes",
    happens="radosgw 16.2.15 crashes when it is changed in place (2 of 2 tries). The plan therefore deletes the "
    "bucket's whole configuration and writes it again: for a moment no rule of the bucket is in force.",
    instead="Nothing: the two calls are the way round it. Run it when a short gap is harmless.",
    source="measured on Ceph 16.2.15",
)
RGW_OTHER_BUCKET = EffectRule(
    id="RGW-OTHER-BUCKET",
    provider="s3",
    severity=Severity.WARNING,
    blocks=True,
    when="source and destination bucket of a rule on Ceph have different names",
    happens="The rule is accepted and read back, but objects land in the bucket of the source's name in the other "
    "zone, never in the destination named.",
    instead="Give the destination bucket the source's name; on Ceph a copy in another zone has the same bucket name.",
    source="measured on Ceph 16.2.15 with two zones",
)

EFFECTS = (
    NO_RETRO, DEST_CHANGE, DELETE_MARKERS, CHAIN, VERSIONING, ROLE_CHANGE, UNPROTECTED, RGW_DEST_CHANGE,
    RGW_OTHER_BUCKET,
)  # fmt: skip
