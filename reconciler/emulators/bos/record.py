"""What the cloud keeps about one rule beside the rule itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.emulators.bos.rule import Rule
from reconciler.emulators.message import JsonValue


@dataclass(frozen=True, slots=True)
class Counts:
    """What a rule has done since it was created; restarts add up."""

    existing: int = 0
    new: int = 0
    deleted: int = 0
    skipped_archive: int = 0

    def wire(self) -> dict[str, JsonValue]:
        return {
            "existing": self.existing,
            "new": self.new,
            "deleted": self.deleted,
            "skipped_archive": self.skipped_archive,
        }


@dataclass(frozen=True, slots=True)
class Record:
    """A rule in force, as it is at one moment. Never changed, only replaced.

    ``created`` and ``latest`` are UNIX seconds. ``number`` orders rules by age. ``run`` counts the times it started
    (0: never); every start after the first by a PUT on an enabled rule is a restart. ``gone_at`` is the moment of the
    clock at which a deleted rule ends, None for one that was not deleted.
    """

    rule: Rule
    created: int
    number: int
    run: int = 0
    restarts: int = 0
    history_total: int = 0
    history_done: int = 0
    latest: int | None = None
    gone_at: float | None = None
    counts: Counts = field(default_factory=Counts)

    @property
    def active(self) -> bool:
        """Whether it copies."""
        return self.rule.enabled and self.gone_at is None

    def wire(self) -> dict[str, JsonValue]:
        """For a reader of the emulator's state."""
        return {
            "status": "enabled" if self.rule.enabled else "disabled",
            "destination": self.rule.destination,
            "created": self.created,
            "runs": self.run,
            "restarts": self.restarts,
            "history": {"total": self.history_total, "done": self.history_done},
            "copied": self.counts.wire(),
            "latest": self.latest,
            "deleting": self.gone_at is not None,
        }
