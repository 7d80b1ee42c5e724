"""What can be said against flows without asking anybody. Pure.

Source, unless said otherwise: CloneCloudStore 0.8.0, Administration / Configuration (what is replicated) and
ReplicatorOrder (what an order can say).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from reconciler.model.finding import FieldPath, Finding
from reconciler.model.manifest import Deletes, Existing, State
from reconciler.model.relationship import Flow
from reconciler.model.units import format_seconds
from reconciler.model.verification import Level
from reconciler.providers.clonecloudstore.config import CloneCloudStoreOptions, Conflicts
from reconciler.providers.clonecloudstore.convert import options_of
from reconciler.providers.clonecloudstore.findings import found
from reconciler.providers.clonecloudstore.identity import config_of, way_of
from reconciler.providers.clonecloudstore.names import bucket_problem, key_problem, sanitised

__all__ = ["check", "check_together"]


def check(flow: Flow) -> Iterator[Finding]:
    """Yield every problem of one flow, with its place."""
    yield from _held(flow)
    yield from _places(flow)
    yield from _proof(flow)
    yield from _copying(flow)


def check_together(flows: Sequence[Flow]) -> Iterator[Finding]:
    """Yield where flows of one pair of sites contradict each other."""
    by_direction: dict[tuple[str, str], list[Flow]] = defaultdict(list)
    by_identity: dict[str, list[Flow]] = defaultdict(list)
    for flow in flows:
        way = way_of(flow)
        by_direction[way.source, way.destination].append(flow)
        by_identity[way.identity].append(flow)
    for same in by_identity.values():
        for flow in same[1:]:
            yield found("REPL-C621", flow.name, ("source", "bucket"), f"{same[0].name} and {flow.name} are one.")
    for together in by_direction.values():
        yield from _states(together)
    yield from _addresses(flows)


def _held(flow: Flow) -> Iterator[Finding]:
    spec = flow.spec
    chosen = spec.filter
    fields: tuple[tuple[str, FieldPath, bool], ...] = (
        ("REPL-C601", ("storageClass",), spec.storage_class is not None),
        ("REPL-C602", ("filter",), chosen is not None and bool(chosen.exclude or chosen.tags)),
        ("REPL-C603", ("schedule",), spec.schedule is not None),
    )
    for code, path, applies in fields:
        if applies:
            yield found(code, flow.name, path)


def _places(flow: Flow) -> Iterator[Finding]:
    source, destination = flow.spec.source.bucket or "", flow.spec.destination.bucket or ""
    for side, bucket in (("source", source), ("destination", destination)):
        if problem := bucket_problem(bucket):
            made = sanitised(bucket)
            usable = made != bucket and not bucket_problem(made)
            hint = f"write {made!r}" if usable else ""
            yield found("REPL-C604", flow.name, (side, "bucket"), f"{bucket!r}: {problem}.", hint=hint)
    if source != destination:
        yield found("REPL-C605", flow.name, ("destination", "bucket"), hint=f"write `destination.bucket: {source}`")
    here, there = config_of(flow.source.spec.config), config_of(flow.destination.spec.config)
    if here.site == there.site:
        detail = f"{flow.source.name} and {flow.destination.name} are both {here.site}."
        yield found("REPL-C606", flow.name, ("destination", "provider"), detail)
    if here.client_id != there.client_id:
        detail = f"{flow.source.name} is for {here.client_id}, {flow.destination.name} for {there.client_id}."
        yield found("REPL-C607", flow.name, ("destination", "provider"), detail)


def _proof(flow: Flow) -> Iterator[Finding]:
    verify = flow.spec.verify
    if verify.level is Level.STATUS or flow.spec.state is State.PAUSED:
        return
    if flow.spec.deletes is Deletes.KEEP:
        yield found("REPL-C608", flow.name, ("deletes",))
    if problem := key_problem(flow.name):
        yield found("REPL-C609", flow.name, ("verify", "level"), f"A canary is named after {flow.name}: {problem}.")
    believed = config_of(flow.source.spec.config).topology_cache
    if verify.within <= believed:
        detail = f"{format_seconds(verify.within)} are not more than the {format_seconds(believed)} of the cache."
        yield found("REPL-C611", flow.name, ("verify", "within"), detail)


def _copying(flow: Flow) -> Iterator[Finding]:
    options = options_of(flow)
    if options == CloneCloudStoreOptions():
        return
    path = ("clonecloudstore", "prune" if options.conflicts is Conflicts.KEEP else "conflicts")
    if flow.spec.deletes is Deletes.KEEP:
        yield found("REPL-C610", flow.name, path)
    if flow.spec.existing is not Existing.COPY:
        yield found("REPL-C612", flow.name, path)


def _states(flows: Sequence[Flow]) -> Iterator[Finding]:
    managed = [flow for flow in flows if flow.spec.state is not None]
    for one, other in pairwise(managed):
        if one.spec.state is not other.spec.state:
            detail = f"{one.name} is {one.spec.state}, {other.name} is {other.spec.state}."
            yield found("REPL-C620", other.name, ("state",), detail)


def _addresses(flows: Sequence[Flow]) -> Iterator[Finding]:
    uris: dict[str, tuple[str, str]] = {}
    for flow in flows:
        for side, doc in (("source", flow.source), ("destination", flow.destination)):
            config = config_of(doc.spec.config)
            name, uri = uris.setdefault(config.site, (doc.name, config.uri))
            if uri != config.uri:
                detail = f"{config.site} is {uri} to {name} and {config.uri} to {doc.name}."
                yield found("REPL-C622", flow.name, (side, "provider"), detail)
