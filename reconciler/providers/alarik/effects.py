"""What a change on an Alarik server does beyond the calls that make it."""

from reconciler.model.finding import Severity
from reconciler.model.step import EffectRule

__all__ = [
    "DEST_CHANGE", "EFFECTS", "NO_RETRO", "QUEUE_PURGED", "RESYNC", "RULE_DISABLED", "STALE_CREDENTIALS",
    "UNPROTECTED",
]  # fmt: skip

_SERVER = "Alarik 1.0.0-beta-13, InternalBucketController and ReplicationService"

RULE_DISABLED = EffectRule(
    id="ALARIK-RULE-DISABLED",
    provider="alarik",
    severity=Severity.WARNING,
    blocks=False,
    when="a target leaves the list while a rule refers to it, or has left it before",
    happens="The server disables every rule of that target. Bringing the target back does not enable them, and until "
    "they are gone or mended it refuses every list of rules that has them in it.",
    instead="Nothing: `repl` moves or removes rules before it takes their target away, keeps targets that others' "
    "rules need, mends its own rules, and drops others' dead rules from the list, saying which.",
    source=f"{_SERVER}; Alarik documentation, 'Set Replication Targets'",
)
QUEUE_PURGED = EffectRule(
    id="ALARIK-QUEUE-PURGED",
    provider="alarik",
    severity=Severity.WARNING,
    blocks=True,
    when="a rule is removed, or made again under a new id because `alarik.generation` was raised",
    happens="What waits in the old rule's queue, and what has failed there and could be tried again by hand, is thrown "
    "away: these objects and deletions do not reach the destination, and nothing remembers them.",
    instead="Wait until the queue is empty, or have `existing: copy`: then everything is sent again behind it, and "
    "this does not block. A removal with `--prune` does not block either.",
    source=_SERVER,
)
STALE_CREDENTIALS = EffectRule(
    id="ALARIK-STALE-CREDENTIALS",
    provider="alarik",
    severity=Severity.WARNING,
    blocks=False,
    when="the key, its secret, the region or the endpoint of a target changes",
    happens="What waits already was queued with the old ones and keeps them, however often it is tried. If the old "
    "ones no longer work these objects fail after 8 attempts, about two hours, and never arrive.",
    instead="Let old and new credentials work side by side until the queue is empty. Too late for that: raise "
    "`alarik.generation`, which throws the queue away, and have `existing: copy`, which sends everything again.",
    source=f"{_SERVER} (a task holds a snapshot of its target), ReplicationTask and GenericOutboxDispatcher",
)
DEST_CHANGE = EffectRule(
    id="ALARIK-DEST-CHANGE",
    provider="alarik",
    severity=Severity.WARNING,
    blocks=False,
    when="the endpoint or the bucket that a rule leads to changes",
    happens="New writes go to the new place. What waits already still goes to the old one, and what is there stays. "
    "Without `existing: copy` nothing of it is sent to the new place.",
    instead="Write `existing: copy`, or a second replication, and remove the first when the second is complete.",
    source=f"{_SERVER}; its test 'a task survives its target's deletion'",
)
RESYNC = EffectRule(
    id="ALARIK-RESYNC",
    provider="alarik",
    severity=Severity.WARNING,
    blocks=False,
    when="`existing: copy` and a rule is new, resumed, covers other keys or leads elsewhere; or `repl resync NAME`",
    happens="Every object below the prefix is sent, whether or not the destination has it, and becomes a new version "
    "there. There is no progress, no way to stop it, and a restart of the server on the way ends it unfinished. A new "
    "destination gets everything for the first time; all others get everything again, which the guard `maxRecopy` "
    "counts.",
    instead="`existing: ignore` where the destination has it all. Look with `repl verify` whether all has arrived.",
    source=f"{_SERVER} (resync)",
    recopies=True,
)
NO_RETRO = EffectRule(
    id="ALARIK-NO-RETRO",
    provider="alarik",
    severity=Severity.WARNING,
    blocks=False,
    when="a rule is new, is resumed, or covers other keys, without `existing: copy`",
    happens="Only what is written from now on is copied. What is there already, or was written while the rule was "
    "paused, stays where it is.",
    instead="Write `existing: copy`. `existing: ignore` says that this is known.",
    source=_SERVER,
)
UNPROTECTED = EffectRule(
    id="ALARIK-UNPROTECTED",
    provider="alarik",
    severity=Severity.WARNING,
    blocks=False,
    when="a rule is removed or paused",
    happens="Nothing that is written from now on is copied, and it is not made up for by itself when the rule comes "
    "back. A paused rule still delivers what waits already. Copies that exist stay.",
    instead="Keep the rule active; after a pause have `existing: copy`, which sends everything again.",
    source=_SERVER,
    loses_protection=True,
)

EFFECTS = (RULE_DISABLED, QUEUE_PURGED, STALE_CREDENTIALS, DEST_CHANGE, RESYNC, NO_RETRO, UNPROTECTED)
