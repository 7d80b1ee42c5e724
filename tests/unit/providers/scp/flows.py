"""Flows that SCP owns, replications as the service shows them, and diffs of both, for tests of the pure parts."""

from collections.abc import Mapping
from typing import Any

from reconciler.engine.diff import differences
from reconciler.model.change import Action, Change, ContainerDiff, Reason
from reconciler.model.manifest import Location, Metadata, ProviderDoc, ProviderSpec, ReplicationSpec
from reconciler.model.observation import ContainerRef, LocationFacts, Observation
from reconciler.model.relationship import Flow, Relationship
from reconciler.model.step import StepPlan
from reconciler.providers.scp import convert
from reconciler.providers.scp.config import ScpConfig, ScpOptions
from reconciler.providers.scp.convert import Shown
from reconciler.providers.scp.steps import plan_steps

KEYS = {"accessKey": "AK", "secretKey": {"env": "SK"}}
SCOPE = convert.scope_of("west", "data")
VOLUME = "bfdbabf2-04d9-4e8b-a205-020f8e6da438"
REPLICA = "0c1d2e3f-0000-4000-8000-00000000000a"
NUMBER = "7d3f1f2e-0000-4000-8000-000000000001"
FIXED = {("source", "volume"), ("destination", "volume"), ("scp", "region"), ("scp", "type")}
"""What no request changes."""


def region(name: str, place: str, **changes: Any) -> ProviderDoc:
    """A Provider document of one region."""
    config = ScpConfig.model_validate({"region": place, "environment": "e", "credentials": KEYS, **changes})
    return ProviderDoc(
        api_version="repl/v1", kind="Provider", metadata=Metadata(name=name),
        spec=ProviderSpec(type="scp", config=config),
    )  # fmt: skip


def flow(
    name: str = "data-dr",
    *,
    volume: str = "data",
    replica: str = "data_dr",
    west: Mapping[str, Any] | None = None,
    east: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    **spec: Any,
) -> Flow:
    """A flow from data in kr-west1 to data_dr in kr-east1. `options` is what stands under `scp:`."""
    whole = {
        "source": Location(provider="west", volume=volume),
        "destination": Location(provider="east", volume=replica),
        "options": None if options is None else ScpOptions.model_validate(options),
        **spec,
    }
    return Flow(
        name=name, workspace="test", spec=ReplicationSpec.model_validate(whole), labels={},
        source=region("west", "kr-west1", **dict(west or {})),
        destination=region("east", "kr-east1", **dict(east or {})), owner_side="source", peer_s3=None,
    )  # fmt: skip


def shown(**changes: Any) -> Shown:
    """The replication of `flow()` as the service shows it."""
    return Shown.model_validate(
        {
            "replication_id": NUMBER,
            "replication_frequency": "hourly",
            "replication_type": "replication",
            "replication_policy": "use",
            "replication_status": "available",
            "backup_retention_count": None,
            "source_volume_id": VOLUME,
            "source_volume_name": "data",
            "source_volume_region": "kr-west1",
            "replication_volume_id": REPLICA,
            "replication_volume_name": "data_dr",
            "replication_volume_region": "kr-east1",
        }
        | changes
    )


def seen(*replications: Shown) -> Observation:
    """The volume with these replications."""
    return convert.observation(SCOPE, replications)


def wanted(desired: Flow) -> Relationship:
    """A flow in normal form."""
    password = convert.options_of(desired).cifs_password
    return Relationship(
        identity=convert.identity_of(desired),
        settings=convert.desired_settings(desired),
        write_only={convert.PASSWORD: password} if password else {},
    )


def planned(
    action: Action,
    desired: Flow | None,
    live: Shown | None,
    *,
    source: Mapping[str, Any] | None = None,
    there: LocationFacts | None = None,
    reaches: bool = True,
    recorded: Mapping[str, Any] | None = None,
) -> StepPlan:
    """What is planned for one change. `recorded` is what a receipt has below `scp`."""
    observation = seen(*([live] if live else ()))
    state = observation.containers[0] if live else None
    before = state.relationships[0] if state else None
    if before is not None and recorded is not None:
        own = {**convert.part(before.settings, "scp"), **recorded}
        before = before.model_copy(update={"settings": {**before.settings, "scp": own}})
    goal = wanted(desired) if desired is not None else None
    container = state.ref if state else None
    if desired is not None:
        container = container_of(convert.identity_of(desired))
    assert container is not None
    name = desired.name if desired else "data-dr"
    found = differences(before.settings, goal.settings) if before and goal else ()
    fields = tuple(one.model_copy(update={"forces_replace": one.path in FIXED}) for one in found)
    change = Change(
        id="c1", replication=name, provider="west", type="scp", title="data -> data_dr", action=action,
        reason=Reason.SETTINGS_DIFFER, container=container, fields=fields, desired=goal, observed=before,
        observed_in=state.ref if state else None,
    )  # fmt: skip
    facts = LocationFacts(exists=True, facts={"id": VOLUME, **(source or {})})
    diff = ContainerDiff(
        container=container,
        state=observation.container(container),
        changes=(change,),
        flows={name: desired} if desired else {},
        facts={name: (facts, there or LocationFacts(exists=False))} if desired else {},
        observation=observation,
    )
    return plan_steps(diff, lambda _region: reaches)


def container_of(key: str) -> ContainerRef:
    """The reference of a container of the volume."""
    return ContainerRef(provider="west", scope=SCOPE.key, key=key)
