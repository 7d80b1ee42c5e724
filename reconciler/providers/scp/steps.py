"""The calls and waits that make one replication as desired, and why they cannot be. Pure.

A creation goes to the source's region, everything else to the replica's. Policy and schedule are changed by two
requests of different kinds. A deletion needs the replication paused. What was accepted shows later, so each write is
waited for.
Source: SCP API reference, File Storage 1.1; the vendor's Terraform provider; what is refused: seen live.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.model.change import Action, Change, ContainerDiff
from reconciler.model.finding import Finding, Severity
from reconciler.model.manifest import State
from reconciler.model.relationship import Flow, Settings
from reconciler.model.step import Await, Call, Ref, Step, StepPlan
from reconciler.model.value import Json
from reconciler.providers.scp import convert
from reconciler.providers.scp.config import ReplicationType
from reconciler.providers.scp.convert import CREATING, PAUSED, USE, part
from reconciler.providers.scp.findings import found
from reconciler.providers.scp.predict import predicted

__all__ = ["CLEARED", "FREE", "GONE", "IN_USE", "REMOVED", "SCHEDULED", "SETTLED", "STOPPED", "plan_steps"]

IN_USE, STOPPED, SETTLED, SCHEDULED, GONE = "in-use", "paused", "settled", "scheduled", "gone"
FREE, CLEARED, REMOVED = "volume-free", "snapshots-gone", "volume-gone"
_CREATE_DEADLINE_S = 7_200
"""As long as the vendor's Terraform provider waits."""
_CHANGE_DEADLINE_S = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class _Duties:
    """What an action comes to."""

    removes: bool = False
    creates: bool = False
    changes: bool = False


_DUTIES = {
    Action.CREATE: _Duties(creates=True),
    Action.UPDATE: _Duties(changes=True),
    Action.ADOPT: _Duties(changes=True),
    Action.REPLACE: _Duties(removes=True, creates=True),
    Action.DELETE: _Duties(removes=True),
    Action.RESYNC: _Duties(),
    Action.NONE: _Duties(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One change, with what is held of it."""

    diff: ContainerDiff
    change: Change
    duty: _Duties
    held: Mapping[str, Json]
    """The replication as read; empty if there is none."""

    @property
    def flow(self) -> Flow | None:
        return self.diff.flows.get(self.change.replication)

    @property
    def wanted(self) -> Settings:
        return self.change.desired.settings if self.change.desired else {}

    @property
    def live(self) -> Settings:
        return self.change.observed.settings if self.change.observed else {}

    @property
    def deletes_volume(self) -> bool:
        """Whether the old replica goes: as wanted now, or where nothing is wanted any more, as last applied."""
        said = part(self.wanted if self.change.desired else self.live, "scp").get("deleteReplicaVolume")
        return said is True

    @property
    def place(self) -> dict[str, Json]:
        """Where the replication is and how it is addressed: ids, and the replica's region."""
        flow = self.flow
        region = str(self.held.get("region") or "")
        same = flow is not None and convert.region_of(flow) == region
        return {
            "id": self.held.get("id"),
            "source_volume": self.held.get("source_volume"),
            "replica_volume": self.held.get("replica_volume"),
            "region": region,
            "provider": flow.peer.name if flow is not None and same else None,
        }


def plan_steps(diff: ContainerDiff, reaches: Callable[[str], bool]) -> StepPlan:
    """Plan one container. `reaches` says whether a provider document reaches a region."""
    change = diff.changes[0]
    case = _Case(diff=diff, change=change, duty=_DUTIES[change.action], held=_held(diff, change))
    findings = tuple(_findings(case, reaches))
    if any(finding.severity is Severity.ERROR for finding in findings):
        return StepPlan(steps=(), findings=findings)
    steps: list[Step] = []
    if case.duty.removes:
        steps += _removal(case)
    if case.duty.creates and case.flow is not None:
        steps += _creation(case, case.flow)
    if case.duty.changes:
        steps += _update(case)
    found_effects = predicted(
        change, case.held, removes=case.duty.removes, creates=case.duty.creates, deletes_volume=case.deletes_volume
    )
    return StepPlan(steps=tuple(steps), effects=tuple(found_effects), findings=findings)


def _held(diff: ContainerDiff, change: Change) -> Mapping[str, Json]:
    """Return the replication as read, wherever in the scope it was found."""
    if change.observed is None:
        return {}
    at = change.observed_in or diff.container
    state = diff.state if at == diff.container else diff.observation.container(at) if diff.observation else None
    return state.document if state is not None and isinstance(state.document, dict) else {}


# Creating ----------------------------------------------------------------------------------------------------------


def _creation(case: _Case, flow: Flow) -> Iterator[Step]:
    name, region = flow.spec.destination.volume or "", convert.region_of(flow)
    source = case.diff.facts[flow.name][0].facts.get("id") if flow.name in case.diff.facts else None
    known: list[Json] = [
        str(state.document["id"])
        for state in (case.diff.observation.containers if case.diff.observation else ())
        if isinstance(state.document, dict)
    ]
    yield Call(
        id="create",
        operation=convert.CREATE,
        target=f"{region}/{name}",
        summary=f"replicate {flow.spec.source.volume} to a new volume {name} in {region}",
        idempotent=False,
        guarded=True,
        body={
            "source": source or flow.spec.source.volume,
            "known": known,
            "request": convert.create_body(flow),
        },
    )
    made: dict[str, Json] = {
        key: Ref(step="create", field=key).marked() for key in ("id", "source_volume", "replica_volume")
    }
    made |= {"region": region, "provider": flow.peer.name}
    yield _wait("created", IN_USE, made, "wait until the replica is made and in use", _CREATE_DEADLINE_S)
    if flow.spec.state is State.PAUSED:
        yield from _policy(made, PAUSED, "pause")


# Changing ----------------------------------------------------------------------------------------------------------


def _update(case: _Case) -> Iterator[Step]:
    """Change policy and schedule, each only where it differs: the schedule while the replication is in use."""
    paths = {field.path[:2] for field in case.change.fields}
    making, resumes = case.held.get("status") == CREATING, case.wanted.get("state") == State.ACTIVE
    policy: list[Step] = [*_state_steps(case)] if ("state",) in {path[:1] for path in paths} else []
    schedule = []
    if {("schedule", "every"), ("scp", "retention")} & paths:
        schedule = [*_schedule(case)]
    if making and resumes:
        # It comes into use by itself.
        policy = [_wait("created", IN_USE, case.place, "wait until the replica is made and in use", _CREATE_DEADLINE_S)]
    elif making and (policy or schedule):
        yield _wait("settled", SETTLED, case.place, "wait until it is made", _CREATE_DEADLINE_S)
    yield from [*policy, *schedule] if resumes else [*schedule, *policy]


def _state_steps(case: _Case) -> Iterator[Step]:
    paused = case.wanted.get("state") == State.PAUSED
    yield from _policy(case.place, PAUSED if paused else USE, "pause" if paused else "resume")


def _schedule(case: _Case) -> Iterator[Step]:
    body = convert.schedule_body(case.wanted, case.live)
    told = [str(body.get("replication_frequency"))]
    if "backup_retention_count" in body:
        told.append(f"{body['backup_retention_count']} kept")
    yield _set(case.place, "schedule", body, f"run it {', '.join(told)}")
    params = {**case.place, "frequency": body.get("replication_frequency"),
              "retention": body.get("backup_retention_count")}  # fmt: skip
    yield _wait("scheduled", SCHEDULED, params, "wait until that shows", _CHANGE_DEADLINE_S)


def _policy(place: Mapping[str, Json], policy: str, step: str) -> Iterator[Step]:
    condition = STOPPED if policy == PAUSED else IN_USE
    summary = "pause it: nothing is copied from then on" if policy == PAUSED else "set it in use"
    yield _set(place, step, convert.policy_body(policy), summary)
    yield _wait(f"{step}d", condition, place, f"wait until it is {policy}", _CHANGE_DEADLINE_S)


# Removing ----------------------------------------------------------------------------------------------------------


def _removal(case: _Case) -> Iterator[Step]:
    place, region = case.place, case.held.get("region")
    if case.held.get("status") == CREATING:
        yield _wait("settled", SETTLED, place, "wait until it is made", _CREATE_DEADLINE_S)
    # What is being made may show any policy.
    if case.held.get("policy") != PAUSED or case.held.get("status") == CREATING:
        yield from _policy(place, PAUSED, "pause")
    backup = case.held.get("type") == ReplicationType.BACKUP
    stays = "its volume is next" if case.deletes_volume else "its volume stays"
    yield Call(
        id="delete",
        operation=convert.DELETE,
        target=str(case.held.get("id")),
        summary=f"delete the replication, at {region}; {stays}",
        idempotent=True,
        guarded=True,
        body={**place, "with_volume": backup and case.deletes_volume},
    )
    yield _wait("gone", GONE, place, "wait until both regions have forgotten it", _CHANGE_DEADLINE_S)
    if case.deletes_volume:
        yield from _volume_removal(place, str(case.held.get("replica_name")))


def _volume_removal(place: Mapping[str, Json], name: str) -> Iterator[Step]:
    volume = str(place["replica_volume"])
    yield _wait("free", FREE, place, "wait until the volume is free", _CHANGE_DEADLINE_S)
    yield Call(
        id="delete-snapshots",
        operation=convert.DELETE_SNAPSHOTS,
        target=volume,
        summary=f"delete the snapshots of {name}, the replication's own among them",
        idempotent=True,
        guarded=True,
        body=dict(place),
    )
    yield _wait("cleared", CLEARED, place, "wait until they are gone", _CHANGE_DEADLINE_S)
    yield Call(
        id="delete-volume",
        operation=convert.DELETE_VOLUME,
        target=volume,
        summary=f"delete volume {name} ({volume}) with all that is in it",
        idempotent=True,
        guarded=True,
        body=dict(place),
    )
    yield _wait("removed", REMOVED, place, "wait until it is gone", _CHANGE_DEADLINE_S)


def _set(place: Mapping[str, Json], step: str, request: Mapping[str, Json], summary: str) -> Call:
    ids = place.get("id")
    return Call(
        id=step,
        operation=convert.SET,
        target=ids if isinstance(ids, str) else "the new replication",
        summary=f"{summary}, at {place.get('region')}",
        idempotent=True,
        guarded=True,
        body={**place, "request": dict(request)},
    )


def _wait(step: str, condition: str, place: Mapping[str, Json], summary: str, deadline_s: int) -> Await:
    ids = place.get("id")
    return Await(
        id=step,
        condition=condition,
        target=ids if isinstance(ids, str) else "the new replication",
        summary=summary,
        deadline_s=deadline_s,
        params=dict(place),
    )


# What stands against it --------------------------------------------------------------------------------------------


def _findings(case: _Case, reaches: Callable[[str], bool]) -> Iterator[Finding]:
    name = case.change.replication
    if (case.duty.removes or (case.duty.changes and case.change.fields)) and not case.held.get("id"):
        yield found("REPL-W510", name, ("source", "volume"), f"{case.change.title} was not read from the service.")
        return
    region = str(case.held.get("region") or "")
    if region and (case.duty.removes or case.duty.changes) and not reaches(region):
        detail = f"The replica lies in {region}, where the replication must be changed, and no document names it."
        yield found("REPL-W509", name, ("destination", "provider"), detail)
    if case.duty.creates and case.flow is not None:
        yield from _obstacles(case, case.flow)


def _obstacles(case: _Case, flow: Flow) -> Iterator[Finding]:
    """Find what would have a creation refused after the old replication is gone."""
    source, there = case.diff.facts.get(flow.name, (None, None))
    if source and source.facts.get("protocol") == "CIFS" and convert.options_of(flow).cifs_password is None:
        yield found("REPL-W506", flow.name, ("scp",))
    name, kept = flow.spec.destination.volume, case.duty.removes and not case.deletes_volume
    if kept and case.held.get("replica_name") == name and case.held.get("region") == convert.region_of(flow):
        detail = (
            f"The old replica stays, and is called {name}: the service may refuse another volume of that name, when the"
            " replication is deleted already."
        )
        yield found("REPL-W508", flow.name, ("destination", "volume"), detail)
    elif there and there.exists and there.facts.get("id") not in (None, case.held.get("replica_volume")):
        detail = f"{name} at {flow.peer.name} is volume {there.facts.get('id')}. A replication always makes a new one."
        yield found("REPL-W507", flow.name, ("destination", "volume"), detail)
