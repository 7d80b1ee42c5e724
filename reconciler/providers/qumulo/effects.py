"""What a change on a Qumulo cluster does beyond the calls that make it."""

from reconciler.model.finding import Severity
from reconciler.model.step import EffectRule

__all__ = ["ONE_SHOT", "READ_ONLY", "REPLACE", "RULES"]

REPLACE = EffectRule(
    id="QUMULO-REPLACE",
    provider="qumulo",
    severity=Severity.WARNING,
    blocks=True,
    when="Any setting of a relationship changes, its access key or the secret behind it included.",
    happens=(
        "A cluster cannot change a relationship. The running job is stopped, the relationship is deleted, and"
        " one with the new settings is created. Files and objects stay where they are, but what the cluster"
        " knew about objects already copied is lost. The first job of the new relationship goes through"
        " everything: copies to a bucket skip objects whose Qumulo hash matches, copies from a bucket are"
        " downloaded again. From the deletion until that job has ended, the copy falls behind; if the creation"
        " fails, there is no relationship at all until the next apply."
    ),
    instead=(
        "Collect changes and apply them together, at a time when a full copy does no harm. To stay safe while"
        " it runs, write a second replication to another prefix and remove the old one when the new one is"
        " complete."
    ),
    source=(
        "Qumulo REST API guide, v3 object-relationships (no PUT, no PATCH); Qumulo administrator guide, Using"
        " Qumulo Shift-From: a new relationship 'doesn't share any tracking information'."
    ),
    loses_protection=True,
    recopies=True,
)

ONE_SHOT = EffectRule(
    id="QUMULO-ONE-SHOT",
    provider="qumulo",
    severity=Severity.INFO,
    blocks=False,
    when="A relationship is created.",
    happens=(
        "One job starts at once and copies all there is. When it has ended nothing more is copied: a cluster"
        " has no schedule for copies to or from a bucket, and does not follow changes."
    ),
    instead="Run `repl resync NAME` as often as the copy shall be brought up to date, for example from cron.",
    source="Qumulo administrator guide, Using Qumulo Shift-From and Using Qumulo Shift-To.",
)

READ_ONLY = EffectRule(
    id="QUMULO-READ-ONLY",
    provider="qumulo",
    severity=Severity.WARNING,
    blocks=False,
    when="A job that copies from a bucket starts: by a creation, a replacement or a resync.",
    happens=(
        "While the job runs the local directory and all below it are read-only for every client, and writes"
        " fail. They are writable again when the job has ended or was stopped."
    ),
    instead="Run it when nobody writes there, or copy into a directory that nobody uses yet.",
    source="Qumulo administrator guide, Using Qumulo Shift-From.",
)

RULES = (REPLACE, ONE_SHOT, READ_ONLY)
