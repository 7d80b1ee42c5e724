"""Flows that BOS owns, rules as the service gives them, and diffs of both, for tests of the pure parts."""

from collections.abc import Mapping
from typing import Any

from reconciler.engine.diff import differences
from reconciler.model.change import Action, Change, ContainerDiff, Reason
from reconciler.model.manifest import Location, Metadata, ProviderDoc, ProviderSpec, ReplicationSpec
from reconciler.model.observation import ContainerRef, LocationFacts, Observation
from reconciler.model.relationship import Flow, Relationship
from reconciler.providers.bos import convert
from reconciler.providers.bos.config import BosConfig, BosOptions

KEYS = {"accessKeyId": "AK", "secretAccessKey": {"env": "SK"}}
SCOPE = convert.scope_of("bos-bj", "src")


def region(name: str, **changes: Any) -> ProviderDoc:
    """A Provider document of one region: bos-bj."""
    config = BosConfig.model_validate({"region": name, "credentials": KEYS, **changes})
    return ProviderDoc(
        api_version="repl/v1", kind="Provider", metadata=Metadata(name=f"bos-{name}"),
        spec=ProviderSpec(type="bos", config=config),
    )  # fmt: skip


def flow(
    name: str = "logs-to-dr",
    *,
    source: Mapping[str, Any] | None = None,
    destination: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    **spec: Any,
) -> Flow:
    """A flow from src/app/ to dst. `options` is what stands under `bos:`."""
    whole = {
        "source": Location(**{"provider": "bos-bj", "bucket": "src", "prefix": "app/"} | dict(source or {})),
        "destination": Location(**{"provider": "bos-gz", "bucket": "dst"} | dict(destination or {})),
        "options": None if options is None else BosOptions.model_validate(options),
        **spec,
    }
    return Flow(
        name=name, workspace="test", spec=ReplicationSpec.model_validate(whole), labels={}, source=region("bj"),
        destination=region("gz"), owner_side="source", peer_s3=None,
    )  # fmt: skip


def rule(**changes: Any) -> dict[str, Any]:
    """The rule of `flow()` as the service gives it; None leaves a member out."""
    whole = {
        "id": convert.identity_of(flow()), "status": "enabled", "resource": ["src/app/*"],
        "destination": {"bucket": "dst", "storageClass": ""}, "replicateDeletes": "disabled",
        "create_time": 1504448315, "destRegion": "gz", **changes,
    }  # fmt: skip
    return {key: value for key, value in whole.items() if value is not None}


def seen(*rules: Mapping[str, Any]) -> Observation:
    """A bucket with these rules."""
    return convert.observation("bos-bj", "src", rules, "test")


def desired(subject: Flow) -> Relationship:
    """What a flow asks for."""
    return Relationship(identity=convert.identity_of(subject), settings=convert.desired_settings(subject))


def diff(
    subject: Flow,
    held: Observation,
    action: Action | None = None,
    *,
    reason: Reason = Reason.SETTINGS_DIFFER,
    resend: bool = False,
    source: LocationFacts | None = None,
    found_as: str | None = None,
) -> ContainerDiff:
    """What the engine would hand over. `found_as`: the id of the rule that a receipt knows the flow by."""
    want = desired(subject)
    ref = ContainerRef(provider="bos-bj", scope=SCOPE.key, key=want.identity)
    place = ref.model_copy(update={"key": found_as}) if found_as else ref
    state = held.container(place)
    live = state.relationships[0] if state else None
    fields = differences(live.settings, want.settings) if live else ()
    change = Change(
        id="c1", replication=subject.name, provider="bos-bj", type="bos", title="src/app/ -> dst",
        action=action or (Action.UPDATE if live else Action.CREATE), reason=reason, container=ref, fields=fields,
        desired=want, observed=live, observed_in=state.ref if state else None,
    )  # fmt: skip
    there = source or LocationFacts(exists=True)
    return ContainerDiff(
        container=ref, state=held.container(ref), changes=(change,), flows={subject.name: subject},
        facts={subject.name: (there, LocationFacts(exists=True))},
        resend=frozenset({subject.name} if resend else ()), observation=held,
    )  # fmt: skip
