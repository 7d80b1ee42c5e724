"""What can be said against flows of SCP without asking anybody: each on its own, and those of one volume. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import cast

from reconciler.model.finding import FieldPath, Finding
from reconciler.model.manifest import Deletes, Existing, State
from reconciler.model.relationship import Flow
from reconciler.model.units import format_seconds
from reconciler.model.verification import Level
from reconciler.providers.scp.config import ReplicationType, ScpConfig
from reconciler.providers.scp.convert import DEFAULT_FREQUENCY, FREQUENCIES, identity_of, options_of
from reconciler.providers.scp.findings import found
from reconciler.providers.scp.identity import is_new_name, is_volume

__all__ = ["check", "check_together"]


def check(flow: Flow) -> Iterator[Finding]:
    """Yield every problem of one flow, with its place."""
    for judge in (_unsupported, _schedule, _ends, _volumes, _type, _proof):
        yield from judge(flow)


def check_together(flows: Sequence[Flow]) -> Iterator[Finding]:
    """Yield each problem that the flows of one volume have with each other, once for every flow in it.

    How many replications a volume may have is not documented.
    """
    claims: dict[str, list[str]] = defaultdict(list)
    for flow in flows:
        claims[identity_of(flow)].append(flow.name)
    for identity, names in claims.items():
        for name in names if len(names) > 1 else ():
            others = ", ".join(other for other in names if other != name)
            yield found("REPL-C520", name, ("destination", "volume"), f"{identity} is the replica of {others}, too.")


def _unsupported(flow: Flow) -> Iterator[Finding]:
    spec = flow.spec
    filtered = spec.filter is not None and bool(spec.filter.exclude or spec.filter.tags)
    fields = (
        ("REPL-C501", "filter", filtered),
        ("REPL-C502", "storageClass", spec.storage_class is not None),
        ("REPL-C503", "deletes", spec.deletes is Deletes.KEEP),
        ("REPL-C504", "existing", spec.existing is Existing.IGNORE),
    )
    for code, key, applies in fields:
        if applies:
            yield found(code, flow.name, (key,))


def _schedule(flow: Flow) -> Iterator[Finding]:
    schedule = flow.spec.schedule
    if schedule is None:
        yield found("REPL-C506", flow.name, ("schedule",))
    elif schedule.every not in FREQUENCIES:
        near = min(FREQUENCIES, key=lambda seconds: abs(seconds - schedule.every))
        detail = f"{format_seconds(schedule.every)} is none of {', '.join(map(format_seconds, FREQUENCIES))}."
        hint = f"write {format_seconds(near)}, which is nearest"
        yield found("REPL-C505", flow.name, ("schedule", "every"), detail, hint=hint)


def _ends(flow: Flow) -> Iterator[Finding]:
    own, peer = (cast("ScpConfig", doc.spec.config) for doc in (flow.owner, flow.peer))
    path: FieldPath = ("destination", "provider")
    if own.environment is not peer.environment:
        detail = f"{flow.owner.name} is in environment {own.environment}, {flow.peer.name} in {peer.environment}."
        yield found("REPL-C512", flow.name, path, detail)
    elif own.region == peer.region:
        yield found("REPL-C509", flow.name, path, f"{flow.owner.name} and {flow.peer.name} are both {own.region}.")
    if own.account_id and peer.account_id and own.account_id != peer.account_id:
        detail = f"{flow.owner.name} and {flow.peer.name} name different accounts; a replica is its source's account's."
        yield found("REPL-C512", flow.name, path, detail)


def _volumes(flow: Flow) -> Iterator[Finding]:
    source, there = flow.spec.source.volume or "", flow.spec.destination.volume or ""
    if not is_volume(source):
        yield found("REPL-C511", flow.name, ("source", "volume"), f"{source[:80]!r} is neither a name nor an id.")
    if not is_new_name(there):
        detail = f"{there[:80]!r}: it is the name of the volume that the replication makes."
        yield found("REPL-C510", flow.name, ("destination", "volume"), detail)


def _type(flow: Flow) -> Iterator[Finding]:
    options = options_of(flow)
    if options.type is ReplicationType.BACKUP:
        if not options.delete_replica_volume:
            yield found("REPL-C514", flow.name, ("scp", "type"))
    elif options.retention is not None:
        yield found("REPL-C513", flow.name, ("scp", "retention"))


def _proof(flow: Flow) -> Iterator[Finding]:
    verify = flow.spec.verify
    if verify.level is Level.STATUS or flow.spec.state is State.PAUSED:
        return
    if verify.mounts is None:
        yield found("REPL-C507", flow.name, ("verify",))
        return
    default = next(seconds for seconds, word in FREQUENCIES.items() if word == DEFAULT_FREQUENCY)
    period = flow.spec.schedule.every if flow.spec.schedule else default
    if verify.within <= period:
        detail = (
            f"A canary waits for the next run, up to {format_seconds(period)}, and {format_seconds(verify.within)} is"
            " not longer than that."
        )
        hint = f"write `within: {format_seconds(2 * period)}`, or `verify: {{level: status}}`"
        yield found("REPL-C508", flow.name, ("verify", "within"), detail, hint=hint)
