"""What a change of a BOS rule does beyond the calls that make it."""

from reconciler.model.finding import Severity
from reconciler.model.step import EffectRule

__all__ = ["ARCHIVE", "EFFECTS", "NO_DISABLE", "RESTART", "UNPROTECTED", "VERSIONED_SOURCE"]

RESTART = EffectRule(
    id="BOS-RESTART",
    provider="bos",
    severity=Severity.WARNING,
    blocks=True,
    when="a rule that is enabled is written, whatever changes in it; a rule is enabled again; a rule is made again"
    " under another id; `repl resync`",
    happens="Replication starts again from nothing. With `existing: copy` everything that the rule covers is copied"
    " again; without, only what is written from then on. What has not been copied by then is not known to the service"
    " any more. `repl resync` and a rule that was disabled do not block: there the start is what was asked for.",
    instead="Collect changes and apply them together, at a time when a full copy does no harm; without `existing: copy`"
    " wait until nothing is left to copy, and look afterwards with `repl verify`. A guard `maxRecopy` refuses it: how"
    " much it is, BOS does not say. `repl` never writes a rule that is as it shall be.",
    source="BOS API, PutBucketReplication: 'resubmitting it as enable will restart the replication'",
    recopies=True,
)
NO_DISABLE = EffectRule(
    id="BOS-NO-DISABLE",
    provider="bos",
    severity=Severity.WARNING,
    blocks=True,
    when="`state` goes from active to paused",
    happens="The service refuses to disable a rule that is enabled. With approval the plan deletes the rule and creates"
    " it again, disabled. Nothing is copied from then on, and when it is resumed replication starts from nothing.",
    instead="Choose one: `--allow BOS-NO-DISABLE@NAME` to delete the rule and create it disabled; or remove the"
    " manifest and apply with --prune, which deletes the rule; or delete the rule in the console.",
    source="BOS API, PutBucketReplication: 'overwriting it to disable is not permitted'",
    loses_protection=True,
)
VERSIONED_SOURCE = EffectRule(
    id="BOS-VERSIONED-SOURCE",
    provider="bos",
    severity=Severity.ERROR,
    blocks=True,
    when="the source bucket has versioning enabled",
    happens="Replication of such a bucket is not supported: the rule is refused, or does not copy. This is the opposite"
    " of S3, where versioning is a condition.",
    instead="Suspend versioning of the source bucket, or replicate from a bucket without it.",
    source="BOS documentation of the Python SDK, 'Data synchronization', June 2026",
)
ARCHIVE = EffectRule(
    id="BOS-ARCHIVE",
    provider="bos",
    severity=Severity.WARNING,
    blocks=False,
    when="a rule starts to copy, and the source may hold objects of the archive class",
    happens="Objects of the archive class are passed over without a word: they are not at the destination, and no error"
    " or count tells.",
    instead="Restore them to another class first, or copy them by other means; count on them being at the source only.",
    source="BOS API, PutBucketReplication: 'archive storage class files ... will be ignored'",
)
UNPROTECTED = EffectRule(
    id="BOS-UNPROTECTED",
    provider="bos",
    severity=Severity.WARNING,
    blocks=False,
    when="a rule that is enabled is deleted",
    happens="Nothing is copied from then on, not even what was written before and is not copied by then. A rule made"
    " again later starts from nothing. Copies that exist stay.",
    instead="Keep the rule; before it goes look with `repl verify` whether all has arrived.",
    source="BOS API, DeleteBucketReplication",
    loses_protection=True,
)

EFFECTS = (RESTART, NO_DISABLE, UNPROTECTED, VERSIONED_SOURCE, ARCHIVE)
