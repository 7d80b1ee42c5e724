"""What the numbers of a comparison prove, and in words what they say nothing about."""

from collections.abc import Iterator, Sequence

from reconciler.model.manifest import Deletes
from reconciler.model.observation import HealthState
from reconciler.model.relationship import Relationship
from reconciler.model.units import format_bytes, format_seconds
from reconciler.model.verification import Comparison, Level, Outcome, Verdict
from reconciler.verify.job import Job, NotJudged, NotProved, Record
from reconciler.verify.status import describe

__all__ = ["conclude"]

_NAMED = 3
_AGAINST = (Verdict.MISSING, Verdict.DIFFERS, Verdict.ERROR)
_BEYOND = {
    Level.PRESENCE: "sizes and content of what is at both ends",
    Level.SIZE: "content of what is as large at both ends",
    Level.HASH: "metadata and tags of the objects compared",
    Level.BYTES: "metadata and tags of the objects compared",
}
"""What a comparison that found nothing says nothing about."""


def conclude(job: Job, relationship: Relationship, record: Record, found: Comparison, told: Sequence[str]) -> None:
    """Draw the conclusion from a comparison that came to its end. `told` is what it did not judge, in words.

    Raises:
        NotProved: something is missing, differs or could not be read, or the owner says that it has failed.
        NotJudged: nothing was found equal, and nothing to be wrong.
    """
    record.not_checked += [*_apart(job, record, found), *told]
    if found.missing or found.differs or found.error:
        raise NotProved(_against(found))
    equal = found.match + found.weaker
    if not equal and (found.pending or not record.arrived):
        raise NotJudged(_nothing_equal(found))
    if equal:
        level = (found.reached or record.level).value
        read = f", {format_bytes(found.bytes_compared)} read at each end" if found.bytes_compared else ""
        record.note("objects", Verdict.MATCH, f"{equal:,} equal by {level}{read}")
        record.not_checked.append(_BEYOND[record.level])
    if not record.canary:
        record.not_checked.append("whether new objects arrive")
        _ask_health(job, relationship, record)
    record.conclude(Outcome.PROVED)


def _against(found: Comparison) -> str:
    counts = {Verdict.MISSING: found.missing, Verdict.DIFFERS: found.differs, Verdict.ERROR: found.error}
    words = {Verdict.MISSING: "missing at the destination", Verdict.DIFFERS: "different", Verdict.ERROR: "not readable"}
    parts = [f"{count:,} {words[verdict]}" for verdict, count in counts.items() if count]
    first = [repr(one.key) for one in found.differences if one.verdict in _AGAINST][:_NAMED]
    return f"of {found.source_objects:,} objects at the source {', '.join(parts)}; first: {', '.join(first)}"


def _nothing_equal(found: Comparison) -> str:
    if found.pending:
        return f"nothing to judge by: {found.pending:,} objects are too new, and none was found equal"
    if found.not_judged:
        return f"nothing to judge by: of {found.not_judged:,} objects that are missing none is known to belong there"
    if found.excluded:
        return f"nothing to compare: the filter leaves out all {found.excluded:,} objects"
    return "nothing to compare: the source has no objects"


def _apart(job: Job, record: Record, found: Comparison) -> Iterator[str]:
    """Yield in words, with numbers, what is neither equal nor wrong."""
    spec = job.flow.spec
    if found.pending:
        within = format_seconds(spec.verify.within)
        yield f"{found.pending:,} objects too new to judge, which may take {within} or are being copied"
    if found.weaker:
        why = "the ends have no checksum in common, and they are equal by size"
        yield f"{found.weaker:,} objects by {record.level.value}: {why}"
    if found.extra:
        stays = spec.deletes is not Deletes.REPLICATE
        why = "deletions at the source leave them there" if stays else "deleted at the source a while ago, or others'"
        yield f"{found.extra:,} objects that only the destination has: {why}"
    if found.excluded:
        yield f"{found.excluded:,} objects that the filter leaves out"
    if found.folders:
        yield f"{found.folders:,} empty objects that stand for folders"
    if found.gone:
        yield f"{found.gone:,} objects that were gone at both ends when they were looked at again"
    if not found.source_objects:
        yield "objects, of which the source has none to compare"


def _ask_health(job: Job, relationship: Relationship, record: Record) -> None:
    """Ask the provider too: equal data does not outweigh what it says has failed."""
    record.stage = "health"
    health = job.provider.health(relationship)
    if health.state is HealthState.OK:
        record.note("health", Verdict.MATCH, describe(health))
    if health.state is HealthState.FAILED:
        record.note("health", Verdict.ERROR, describe(health))
        raise NotProved(f"all that was compared is equal, but {job.flow.owner.name} says {describe(health)}")
