"""S3 providers on the emulated world, and the way of a change through them: observe, plan, execute, observe."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from reconciler.engine.diff import differences
from reconciler.model.change import Action, Change, ContainerDiff, FieldChange, Reason
from reconciler.model.manifest import Location, ReplicationSpec
from reconciler.model.observation import ContainerState
from reconciler.model.relationship import Flow, Relationship
from reconciler.model.step import Call, StepPlan
from reconciler.providers.base import Access
from reconciler.providers.s3.config import S3Options
from reconciler.providers.s3.provider import S3Provider
from tests.lab.world import RunningWorld
from tests.unit.providers.s3.connections import Secrets, document, keys, opened

_numbers = itertools.count()
ENABLED = {"Status": "Enabled"}


@dataclass
class Bench:
    """One system of the world, reached through one provider (`p`), or through one for each zone (`p` and `q`)."""

    world: RunningWorld
    system: str
    stack: ExitStack
    config: dict[str, Any] = field(default_factory=dict)
    zones: tuple[str | None, str | None] = (None, None)

    def __post_init__(self) -> None:
        self.secrets = Secrets({"SECRET": self.world.emulator(self.system)["secret_key"]})
        self.provider = self.open()

    def settings(self, zone: str | None) -> dict[str, Any]:
        described = self.world.emulator(self.system)
        at = described["zones"][zone] if zone else described
        return {
            "endpoint": at["https"], "region": described["region"], "ca_file": self.world.ca,
            "role": described["role"], "credentials": keys(described["access_key"]),
        } | self.config  # fmt: skip

    def open(self, access: Access = Access.WRITE, **changes: Any) -> S3Provider:
        made = opened(access=access, secrets=self.secrets, **(self.settings(self.zones[0]) | changes))
        return self.stack.enter_context(made)

    def client(self, zone: str | None = None) -> Any:
        return self.world.s3(self.system, zone=zone or self.zones[0])

    def bucket(self, *, versioned: bool = True, name: str | None = None, zone: str | None = None) -> str:
        name = name or f"s3-{next(_numbers)}"
        where = {"CreateBucketConfiguration": {"LocationConstraint": self.world.emulator(self.system)["region"]}}
        self.client(zone).create_bucket(Bucket=name, **where)
        if versioned:
            self.client(zone).put_bucket_versioning(Bucket=name, VersioningConfiguration=ENABLED)
        return name

    def flow(
        self,
        source: str,
        destination: str,
        name: str = "n",
        *,
        prefix: str | None = None,
        s3: Mapping[str, Any] | None = None,
        **spec: Any,
    ) -> Flow:
        return Flow(
            name=name,
            workspace="default",
            spec=ReplicationSpec(
                source=Location(provider="p", bucket=source, prefix=prefix),
                destination=Location(provider="q", bucket=destination),
                options=None if s3 is None else S3Options(**s3),
                **spec,
            ),
            labels={},
            source=document("p", **self.settings(self.zones[0])),
            destination=document("q", **self.settings(self.zones[1])),
            owner_side="source",
            peer_s3=None,
        )

    def state(self, flow: Flow) -> ContainerState | None:
        return self.provider.observe(self.provider.scope(flow)).container(self.provider.container(flow))

    def live(self, flow: Flow) -> Relationship | None:
        state, identity = self.state(flow), self.provider.normalise(flow).identity
        known = state.relationships if state else ()
        return next((one for one in known if one.identity == identity), None)

    def differences(self, flow: Flow) -> tuple[FieldChange, ...]:
        """What the next plan would show."""
        live = self.live(flow)
        return differences(live.settings if live else {}, self.provider.normalise(flow).settings)

    def plan(self, *flows: Flow, gone: Sequence[str] = (), at: Flow | None = None) -> StepPlan:
        first = at or flows[0]
        container, state = self.provider.container(first), self.state(first)
        known = {one.identity: one for one in state.relationships} if state else {}
        wanted = [(one.name, self.provider.normalise(one)) for one in flows]
        pairs: list[tuple[str, Relationship | None, Relationship | None]] = [
            (name, known.get(want.identity), want) for name, want in sorted(wanted, key=lambda pair: pair[0])
        ]
        pairs += [(name, known[name], None) for name in gone]
        changes = [
            Change(
                id=f"c{number}", replication=name, provider="p", type="s3", title="t", container=container,
                action=Action.DELETE if want is None else Action.UPDATE if live else Action.CREATE,
                reason=Reason.SETTINGS_DIFFER, desired=want, observed=live, observed_in=container if live else None,
            )
            for number, (name, live, want) in enumerate(pairs, start=1)
        ]  # fmt: skip
        facts = {
            one.name: (self.provider.inspect(one.spec.source), self.provider.inspect(one.spec.destination))
            for one in flows
        }
        diff = ContainerDiff(
            container=container,
            state=state,
            changes=tuple(changes),
            flows={one.name: one for one in flows},
            facts=facts,
        )
        return self.provider.steps(diff)

    def apply(self, *flows: Flow, gone: Sequence[str] = (), at: Flow | None = None) -> StepPlan:
        """Plan and execute. The plan must have no finding."""
        answer = self.plan(*flows, gone=gone, at=at)
        assert answer.findings == ()
        for step in answer.steps:
            assert isinstance(step, Call)
            self.provider.execute(step, self.secrets)
        return answer

    def put(self, bucket: str, key: str, zone: str | None = None) -> None:
        self.client(zone).put_object(Bucket=bucket, Key=key, Body=b"x")

    def keys(self, bucket: str, zone: str | None = None) -> set[str]:
        return {item["Key"] for item in self.client(zone).list_objects_v2(Bucket=bucket).get("Contents", [])}


@contextmanager
def bench(world: RunningWorld, system: str, **settings: Any) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(world, system, stack, **settings)
