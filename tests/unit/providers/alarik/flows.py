"""Flows that an Alarik server owns, and a bucket of such a server in memory, for tests of the pure parts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.engine.diff import differences, settings_listed
from reconciler.model.change import Action, Change, ContainerDiff, FieldChange, Reason
from reconciler.model.manifest import Config, Limits, Location, Metadata, ProviderDoc, ProviderSpec, ReplicationSpec
from reconciler.model.observation import ContainerRef, ContainerState, LocationFacts
from reconciler.model.relationship import Flow, S3Endpoint
from reconciler.model.secret import SecretRef
from reconciler.model.step import Call, StepPlan
from reconciler.providers.alarik import convert
from reconciler.providers.alarik.config import AlarikConfig, AlarikOptions
from reconciler.providers.alarik.execute import Executor
from reconciler.providers.alarik.steps import plan_steps
from reconciler.providers.base import Access, Connection

MASK = "\u2022" * 8
SECRET = SecretRef(env="PEER_SECRET")
PEER = S3Endpoint(
    url="https://peer.example:9000", region="eu-9", path_style=True, access_key_id="AKPEER", secret_access_key=SECRET
)
AMAZON = PEER.model_copy(
    update={"url": "https://s3.eu-west-1.amazonaws.com", "region": "eu-west-1", "path_style": False}
)
FOREIGN_TARGET = "6FA459EA-EE8A-4CA4-894E-DB77E160355E"
FOREIGN_RULE = "16FD2706-8BAF-433B-82EB-8C7FADA847DA"
GIVEN = {
    "endpoint": "https://alarik.example:8080",
    "credentials": {"accessKeyId": "AK", "secretAccessKey": {"env": "SK"}},
}
REF = ContainerRef(provider="ala", scope="bucket/photos", key="bucket/photos")


class PeerConfig(Config):
    """Stands for the other end's settings, which this provider never looks at."""


def server(**changes: Any) -> ProviderDoc:
    """A Provider document of a server called ala."""
    return _provider("ala", "alarik", AlarikConfig.model_validate({**GIVEN, **changes}))


def flow(
    name: str = "photos-dr",
    *,
    bucket: str = "photos",
    prefix: str | None = None,
    to: str = "photos-dr",
    to_prefix: str | None = None,
    peer: S3Endpoint | None = PEER,
    peer_type: str = "s3",
    options: Mapping[str, Any] | None = None,
    own: ProviderDoc | None = None,
    **spec: Any,
) -> Flow:
    """A flow from a bucket of the server to another system."""
    return Flow(
        name=name,
        workspace="test",
        spec=ReplicationSpec.model_validate(
            {
                "source": Location(provider="ala", bucket=bucket, prefix=prefix),
                "destination": Location(provider="peer", bucket=to, prefix=to_prefix),
                "options": None if options is None else AlarikOptions.model_validate(options),
                **spec,
            }
        ),
        labels={},
        source=own or server(),
        destination=_provider("peer", peer_type, PeerConfig()),
        owner_side="source",
        peer_s3=peer,
    )


def connection(base: Path, secrets: Any = None, access: Access = Access.READ, **config: Any) -> Connection:
    """What a provider of that server is opened with."""
    return Connection(doc=server(**config), secrets=secrets, access=access, base=base, workspace="test")


def wire_target(**changes: Any) -> dict[str, Any]:
    """A target as the server gives it: made in the console, so with an id of the server's."""
    return {
        "id": FOREIGN_TARGET, "endpoint": "https://other.example", "targetBucket": "other", "accessKeyId": "AKOTHER",
        "secretAccessKey": MASK, "region": "us-east-1", "enabled": True, **changes,
    }  # fmt: skip


def wire_rule(**changes: Any) -> dict[str, Any]:
    """A rule as the server gives it."""
    return {
        "id": FOREIGN_RULE, "targetId": FOREIGN_TARGET, "replicateDeletes": False, "replicateExisting": False,
        "synchronous": False, "enabled": True, **changes,
    }  # fmt: skip


@dataclass
class Bucket:
    """One bucket as the server keeps it, with the checks and side effects of its two writes."""

    targets_held: list[dict[str, Any]] = field(default_factory=list)
    rules_held: list[dict[str, Any]] = field(default_factory=list)
    masks: bool = True
    name: str = "ala"
    disabled: list[str] = field(default_factory=list)
    """Rules that lost their target."""
    purged: list[str] = field(default_factory=list)
    resynced: list[str] = field(default_factory=list)
    puts: list[str] = field(default_factory=list)

    def targets(self, _bucket: str) -> list[dict[str, Any]]:
        return [{**one, "secretAccessKey": MASK} for one in self.targets_held]

    def rules(self, _bucket: str) -> list[dict[str, Any]]:
        return [dict(one) for one in self.rules_held]

    def refuse_write(self, _operation: str) -> None:
        """It may be written to."""

    def put_targets(
        self, _bucket: str, targets: Sequence[Mapping[str, Any]], secrets: Any, *, expected: Any = None
    ) -> str | None:
        assert expected == self.targets(""), "read again, right before"
        held = {one["id"]: one for one in self.targets_held}
        new = []
        for one in targets:
            entry = {name: self._revealed(value, secrets) for name, value in one.items()}
            if entry.get("secretAccessKey") == MASK:
                entry["secretAccessKey"] = held[entry["id"]]["secretAccessKey"]
            assert entry["secretAccessKey"]
            assert entry["accessKeyId"]
            new.append(entry)
        ids = [one["id"].upper() for one in new]
        assert len(ids) <= 4
        assert len(set(ids)) == len(ids), "the server would crash"
        if new == self.targets_held:
            return None
        self.puts.append("targets")
        for rule in self.rules_held:
            if rule["targetId"] not in ids and rule["targetId"] in held:
                self.disabled.append(rule["id"])
                rule["enabled"] = False
        self.targets_held = new
        return "REQ"

    def put_rules(self, _bucket: str, rules: Sequence[Mapping[str, Any]], *, expected: Any = None) -> str | None:
        assert expected == self.rules("")
        new = [dict(one) for one in rules]
        ids = [one["id"] for one in new]
        assert len(ids) <= 4
        assert len(set(ids)) == len(ids)
        known = {one["id"] for one in self.targets_held}
        assert all(one["targetId"] in known for one in new), "Rule references an unknown replication target."
        if new == self.rules_held:
            return None
        self.puts.append("rules")
        self.purged += [one["id"] for one in self.rules_held if one["id"] not in ids]
        self.rules_held = new
        return "REQ"

    def resync(self, _bucket: str, rule_id: str) -> str | None:
        (rule,) = [one for one in self.rules_held if one["id"] == rule_id]
        assert rule["enabled"]
        assert rule["replicateExisting"]
        assert any(one["id"] == rule["targetId"] and one["enabled"] for one in self.targets_held)
        self.resynced.append(rule_id)
        return "REQ"

    def state(self) -> ContainerState | None:
        """What observing finds."""
        held = convert.read(self.targets(""), self.rules(""))
        found = convert.observation(convert.bucket_scope("ala", "photos"), held)
        return found.container(REF)

    def run(self, plan: StepPlan, secrets: Any = None) -> None:
        """Execute every call of a plan."""
        executor = Executor(self)  # type: ignore[arg-type]  # it stands for the client
        for step in plan.steps:
            assert isinstance(step, Call)
            executor.execute(step, secrets)

    def _revealed(self, value: Any, secrets: Any) -> Any:
        ref = SecretRef.unmarked(value)
        return value if ref is None else (secrets or {}).get(str(ref), f"<{ref}>")


def change(action: Action, subject: Flow | None, state: ContainerState | None, **more: Any) -> Change:
    """One change of a replication's; what is observed is found by the identity unless `observed` is given."""
    desired = convert.normalise(subject) if subject else None
    known = {one.identity: one for one in state.relationships} if state else {}
    observed = more.pop("observed", known.get(desired.identity) if desired else None)
    fields: tuple[FieldChange, ...] = ()
    if desired is not None:
        fields = differences(observed.settings, desired.settings) if observed else settings_listed(desired.settings)
    reason = Reason.NEW_IN_MANIFEST if action is Action.CREATE else Reason.SETTINGS_DIFFER
    settings = {
        "id": "c1", "replication": subject.name if subject else "gone", "provider": "ala", "type": "alarik",
        "title": "photos -> photos-dr", "action": action, "reason": reason, "container": REF, "desired": desired,
        "observed": observed, "observed_in": REF if observed else None, "fields": fields,
    }  # fmt: skip
    return Change.model_validate({**settings, **more})


def changes(flows: Iterable[Flow], bucket: Bucket, recorded: Mapping[str, str] | None = None) -> list[Change]:
    """Every change between flows and a bucket, as the engine finds them; `recorded`: names to ids of an earlier run."""
    state, noted = bucket.state(), dict(recorded or {})
    known = {one.identity: one for one in state.relationships} if state else {}
    made, taken = [], set()
    for subject in sorted(flows, key=lambda one: one.name):
        observed = known.get(convert.identity(subject)) or known.get(noted.get(subject.name, ""))
        if observed is None:
            made.append(change(Action.CREATE, subject, state))
            continue
        taken.add(observed.identity)
        if differences(observed.settings, convert.normalise(subject).settings):
            made.append(change(Action.UPDATE, subject, state, observed=observed))
    for name, identity in sorted(noted.items()):
        if identity in known and identity not in taken:
            made.append(change(Action.DELETE, None, state, observed=known[identity], replication=name))
    return sorted(made, key=lambda one: one.replication)


def diff(
    made: Sequence[Change],
    state: ContainerState | None,
    flows: Iterable[Flow] = (),
    *,
    resend: Iterable[str] = (),
    facts: Mapping[str, Any] | None = None,
) -> ContainerDiff:
    """What the engine hands to `steps`."""
    named = {one.name: one for one in flows}
    ends = (LocationFacts(exists=True, facts=dict(facts or {})), LocationFacts(exists=True))
    return ContainerDiff(
        container=REF,
        state=state,
        changes=tuple(made),
        flows={one.replication: named[one.replication] for one in made if one.replication in named},
        facts={} if facts is None else dict.fromkeys(named, ends),
        resend=frozenset(resend),
    )


def planned(flows: Sequence[Flow], bucket: Bucket, recorded: Mapping[str, str] | None = None, **more: Any) -> StepPlan:
    """Plan what brings a bucket to the flows; nothing if nothing differs."""
    made = changes(flows, bucket, recorded)
    if not made:
        return StepPlan(steps=())
    return plan_steps(diff(made, bucket.state(), flows, **more), "photos", "test")


def _provider(name: str, kind: str, config: Config) -> ProviderDoc:
    return ProviderDoc(
        api_version="repl/v1",
        kind="Provider",
        metadata=Metadata(name=name),
        spec=ProviderSpec(type=kind, config=config, limits=Limits()),
    )
