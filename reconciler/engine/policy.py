"""Policies: where data may go, and how much one apply may lose or copy again. Pure.

Codes: P001 flow denied, P002 denied by way of others, P003 denied and goes along, P010 `maxLost`, P011 `maxRecopy`.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from reconciler.engine.graph_rules import route
from reconciler.engine.topology import Link, Place, Reached, Topology
from reconciler.model.change import Action, Change
from reconciler.model.finding import Finding, Severity
from reconciler.model.manifest import Existing, FlowRule, PolicySpec, ProviderDoc
from reconciler.model.step import Effect
from reconciler.model.units import format_bytes

__all__ = ["check_guards", "check_policies"]

_NAMED = 5
"""How many replications a finding names."""


def check_policies(
    policies: Iterable[PolicySpec], topology: Topology, providers: Iterable[ProviderDoc] = ()
) -> tuple[Finding, ...]:
    """Hold every flow, and every way over several flows, against the rules. `providers` are all of the workspace.

    A paused flow is judged as if it ran: it is written down, and one word starts it. A way whose hops do not carry on
    by themselves what replication brought is a warning, since a resync would.
    """
    rules = [rule for policy in policies for rule in policy.flows]
    docs: dict[str, list[ProviderDoc]] = {}
    for doc in sorted(providers, key=lambda doc: doc.name):
        docs.setdefault(doc.spec.config.system(), []).append(doc)
    # What goes along does so with all flows of one direction: the first by name stands for them.
    standing = {
        (link.flow.source.name, link.destination.system): link for link in reversed(topology.links) if link.whole
    }
    found = [finding for rule in rules for link in topology.links for finding in _judge(rule, link, topology, standing)]
    found += [finding for rule in rules for link in standing.values() for finding in _judge_along(rule, link, docs)]
    return tuple(found)


def _judge_along(rule: FlowRule, link: Link, docs: Mapping[str, Sequence[ProviderDoc]]) -> Iterator[Finding]:
    """Judge what goes along with a flow from its source's system, in the name of other documents of it."""
    own = rule.deny.source.accepts(link.flow.source.metadata.labels)
    if own and rule.deny.destination.accepts(link.flow.destination.metadata.labels):
        return  # denied itself
    sources = {doc.name: doc for doc in docs.get(link.source.system, ()) if doc.name != link.flow.source.name}
    denied = [name for name, doc in sources.items() if rule.deny.source.accepts(doc.metadata.labels)]
    there = [link.flow.destination, *docs.get(link.destination.system, ())]
    ends = [doc.name for doc in there if rule.deny.destination.accepts(doc.metadata.labels)]
    if denied and ends:
        yield Finding(
            code="REPL-P003",
            severity=Severity.ERROR,
            summary="Data that is denied would go along",
            detail=f"{link.name} makes everything go from {link.flow.source.name} to {ends[0]}, and so what is of"
            f" {_listed(denied)}, which is the same system: {rule.reason}.",
            hint="choose another destination, or have the policy changed",
            replication=link.name,
            path=("spec", "destination", "provider"),
        )


def _judge(
    rule: FlowRule, link: Link, topology: Topology, standing: Mapping[tuple[str, str], Link]
) -> Iterator[Finding]:
    if not rule.deny.source.accepts(link.flow.source.metadata.labels):
        return
    if rule.deny.destination.accepts(link.flow.destination.metadata.labels):
        yield _denied(rule, [link])
        return
    along = standing.get((link.flow.source.name, link.destination.system)) is link
    for way in _ways(rule, link, topology, along=along):
        yield _denied(rule, way)


def _ways(rule: FlowRule, start: Link, topology: Topology, *, along: bool) -> Iterator[tuple[Link, ...]]:
    """Yield one way to each denied end that no shorter part of the way is denied for already: the shortest of those
    that carry on by themselves, else the shortest of all.

    `along`: begin also with what goes along with the first link, in whatever bucket.
    """
    told: set[str] = set()
    for alone in (True, False):
        for way in _search(rule, start, topology, along=along, alone=alone):
            if way[-1].name not in told:
                told.add(way[-1].name)
                yield way


def _search(rule: FlowRule, start: Link, topology: Topology, *, along: bool, alone: bool) -> Iterator[tuple[Link, ...]]:
    """Search breadth first. `alone`: only by links that carry on by themselves what the one before brought."""
    queue: deque[tuple[tuple[Link, ...], Place]] = deque([((start,), start.destination)])
    reached = Reached()
    reached.add(start, start.destination)
    while queue:
        way, region = queue.popleft()
        for link, end in _onward(way[-1], region, topology, along=along and len(way) == 1):
            if rule.deny.source.accepts(link.flow.source.metadata.labels) or (alone and not _carries(way[-1], link)):
                continue
            if rule.deny.destination.accepts(link.flow.destination.metadata.labels):
                yield (*way, link)
            elif (further := reached.add(link, end)) is not None:
                queue.append(((*way, link), further))


def _onward(link: Link, region: Place, topology: Topology, *, along: bool) -> Iterator[tuple[Link, Place]]:
    """Yield what takes data on; with `along` also what reads another bucket there."""
    yield from topology.onward(link, region)
    for following in topology.leaving(link.destination.system) if along else ():
        if not following.source.overlaps(region):
            yield following, following.destination


def _carries(earlier: Link, later: Link) -> bool:
    return later.forwards(earlier) or later.flow.spec.existing is Existing.COPY


def _denied(rule: FlowRule, way: Sequence[Link]) -> Finding:
    gaps = [later.name for earlier, later in pairwise(way) if not _carries(earlier, later)]
    note = f" {', '.join(gaps)} does not carry it on by itself, but a resync would." if gaps else ""
    names = ", ".join(link.name for link in way)
    return Finding(
        code="REPL-P001" if len(way) == 1 else "REPL-P002",
        severity=Severity.WARNING if gaps else Severity.ERROR,
        summary="Flow is denied by policy" if len(way) == 1 else "Data would reach a denied place by way of others",
        detail=f"{names}: {route(way)} is denied: {rule.reason}.{note}",
        hint="choose another destination, or have the policy changed",
        replication=way[-1].name,
        path=("spec", "destination", "provider"),
    )


def check_guards(
    policies: Iterable[PolicySpec], changes: Iterable[Change], effects: Iterable[Effect]
) -> tuple[Finding, ...]:
    """Count what a plan would lose and copy again against the strictest limits of all policies.

    Effects count whether allowed or not: an approval is for one effect, a guard is for all together.
    """
    guards = [policy.guards for policy in policies]
    effects = tuple(effects)
    lost_limit = min((guard.max_lost for guard in guards if guard.max_lost is not None), default=None)
    recopy_limit = min((guard.max_recopy for guard in guards if guard.max_recopy is not None), default=None)
    found: list[Finding] = []
    if lost_limit is not None:
        found += _judge_lost(lost_limit, changes, effects)
    if recopy_limit is not None:
        found += _judge_recopy(recopy_limit, effects)
    return tuple(found)


def _judge_lost(limit: int, changes: Iterable[Change], effects: Sequence[Effect]) -> Iterator[Finding]:
    lost = sorted(
        {change.replication for change in changes if _loses(change)}
        | {effect.replication for effect in effects if effect.loses_protection}
    )
    if len(lost) > limit:
        yield _over(
            "REPL-P010", "Too many replications would lose protection",
            f"{len(lost)} would be deleted, replaced or paused ({_listed(lost)}); the guard maxLost allows {limit}.",
            lost,
        )  # fmt: skip


def _loses(change: Change) -> bool:
    if change.action in (Action.DELETE, Action.REPLACE):
        return True
    paused = any(field.path == ("state",) and field.after == "paused" for field in change.fields)
    return paused and change.action in (Action.UPDATE, Action.ADOPT)


def _judge_recopy(limit: int, effects: Sequence[Effect]) -> Iterator[Finding]:
    amounts: dict[str, int | None] = {}
    for effect in effects:
        if effect.recopies:
            amount = effect.estimate.bytes if effect.estimate else None
            before = amounts.get(effect.replication, 0)
            # Two effects on one replication tell of the same data.
            amounts[effect.replication] = None if amount is None or before is None else max(amount, before)
    unknown = sorted(name for name, amount in amounts.items() if amount is None)
    total = sum(amount for amount in amounts.values() if amount is not None)
    if unknown:
        known = f", {format_bytes(total)} for the others" if total else ""
        yield _over(
            "REPL-P011", "An unknown amount would be copied again",
            f"For {_listed(unknown)} the amount is not known{known}; the guard maxRecopy allows {format_bytes(limit)}, "
            "and what is not known counts as more.",
            unknown,
        )  # fmt: skip
    elif total > limit:
        yield _over(
            "REPL-P011", "Too much would be copied again",
            f"{format_bytes(total)} would be copied again ({_listed(sorted(amounts))}); "
            f"the guard maxRecopy allows {format_bytes(limit)}.",
            sorted(amounts),
        )  # fmt: skip


def _over(code: str, summary: str, detail: str, names: Sequence[str]) -> Finding:
    return Finding(
        code=code,
        severity=Severity.ERROR,
        summary=summary,
        detail=detail,
        hint="apply in parts with --select, or have the guard in the Policy changed",
        replication=names[0] if len(names) == 1 else None,
    )


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
