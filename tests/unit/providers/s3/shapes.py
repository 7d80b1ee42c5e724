"""Short ways to write flows, live configurations and diffs."""

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.engine.diff import differences
from reconciler.model.change import Action, Change, ContainerDiff, Reason
from reconciler.model.manifest import Location, Metadata, ProviderDoc, ProviderSpec, ReplicationSpec
from reconciler.model.observation import ContainerState, LocationFacts
from reconciler.model.relationship import Flow, Relationship
from reconciler.providers.s3.config import S3Config, S3Options
from reconciler.providers.s3.convert import Dialect, desired_settings, rule_id
from reconciler.providers.s3.rules import bucket_scope, observed_container
from reconciler.providers.s3.steps import plan_steps

ROLE = "arn:aws:iam::111122223333:role/replication"
OTHER_ROLE = "arn:aws:iam::111122223333:role/other"
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
READY = LocationFacts(exists=True, facts={"region": "eu-west-1", "versioning": "Enabled", "objectLock": False})
CEPH = {"flavour": "rgw", "endpoint": "https://127.0.0.1:1"}


def provider(name: str = "p", **config: Any) -> ProviderDoc:
    settings = {"region": "eu-west-1", "role": ROLE} | config
    return ProviderDoc(
        api_version="repl/v1",
        kind="Provider",
        metadata=Metadata(name=name),
        spec=ProviderSpec(type="s3", config=S3Config(**settings)),
    )


def flow(
    name: str = "n",
    *,
    own: Mapping[str, Any] | None = None,
    peer: Mapping[str, Any] | None = None,
    source: Mapping[str, Any] | None = None,
    destination: Mapping[str, Any] | None = None,
    s3: Mapping[str, Any] | None = None,
    **spec: Any,
) -> Flow:
    return Flow(
        name=name,
        workspace="default",
        spec=ReplicationSpec(
            source=Location(**({"provider": "p", "bucket": "src"} | dict(source or {}))),
            destination=Location(**({"provider": "q", "bucket": "dst"} | dict(destination or {}))),
            options=None if s3 is None else S3Options(**s3),
            **spec,
        ),
        labels={},
        source=provider("p", **(own or {})),
        destination=provider("q", **(own or {} if peer is None else peer)),
        owner_side="source",
        peer_s3=None,
    )


def configuration(*rules: str, role: str = ROLE) -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<ReplicationConfiguration xmlns="{NAMESPACE}"><Role>{role}</Role>'
        f"{''.join(rules)}</ReplicationConfiguration>"
    )


def v2(
    name: str,
    *,
    priority: int = 1,
    filter_: str = "<Filter><Prefix></Prefix></Filter>",
    to: str = "dst",
    more: str = "",
) -> str:
    return (
        f"<Rule><ID>{name}</ID><Priority>{priority}</Priority>{filter_}<Status>Enabled</Status>"
        f"<Destination><Bucket>arn:aws:s3:::{to}</Bucket></Destination>"
        f"<DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication>{more}</Rule>"
    )


def v1(name: str, prefix: str = "", to: str = "dst") -> str:
    return (
        f"<Rule><ID>{name}</ID><Prefix>{prefix}</Prefix><Status>Enabled</Status>"
        f"<Destination><Bucket>arn:aws:s3:::{to}</Bucket></Destination></Rule>"
    )


def dialect(one: Flow) -> Dialect:
    config = one.source.spec.config
    assert isinstance(config, S3Config)
    return Dialect.of(config)


def desired(one: Flow) -> Relationship:
    options = one.spec.options
    identity = options.id if isinstance(options, S3Options) and options.id else rule_id(one.workspace, one.name)
    return Relationship(identity=identity, settings=desired_settings(one))


def state(text: str, one: Flow | None = None) -> ContainerState | None:
    return observed_container(bucket_scope("p", "src"), text, "default", dialect(one or flow()))


def observed(text: str, identity: str, one: Flow | None = None) -> Relationship:
    found = state(text, one)
    assert found is not None
    return next(known for known in found.relationships if known.identity == identity)


def diff(
    *wanted: Flow, live: str | None = None, gone: Sequence[str] = (), facts: LocationFacts = READY
) -> ContainerDiff:
    """What the engine would hand over: these flows, and these rules to delete, against a live configuration."""
    held = state(live, wanted[0] if wanted else None) if live else None
    scope = bucket_scope("p", "src")
    known = {one.identity: one for one in held.relationships} if held else {}
    changes = [
        _change(one.name, known.get(desired(one).identity), desired(one), scope.key)
        for one in sorted(wanted, key=lambda one: one.name)
    ]
    changes += [_change(name, known[name], None, scope.key) for name in gone]
    return ContainerDiff(
        container=changes[0].container,
        state=held,
        changes=tuple(change.model_copy(update={"id": f"c{n}"}) for n, change in enumerate(changes, start=1)),
        flows={one.name: one for one in wanted},
        facts={one.name: (facts, facts) for one in wanted},
    )


def _change(name: str, live: Relationship | None, want: Relationship | None, key: str) -> Change:
    container = {"provider": "p", "scope": key, "key": key}
    action = Action.DELETE if want is None else Action.CREATE if live is None else Action.UPDATE
    return Change(
        id="",
        replication=name,
        provider="p",
        type="s3",
        title="t",
        action=action,
        reason=Reason.SETTINGS_DIFFER,
        container=container,  # type: ignore[arg-type]  # pydantic makes it one
        desired=want,
        observed=live,
        observed_in=container if live else None,  # type: ignore[arg-type]
    )


def planned(*wanted: Flow, live: str | None = None, gone: Sequence[str] = (), facts: LocationFacts = READY) -> Any:
    one = wanted[0] if wanted else flow()
    return plan_steps(diff(*wanted, live=live, gone=gone, facts=facts), "src", dialect(one))


def written(*wanted: Flow, live: str | None = None, gone: Sequence[str] = ()) -> str:
    """The text that the one PUT would send."""
    answer = planned(*wanted, live=live, gone=gone)
    assert not answer.findings, answer.findings
    (call,) = answer.steps
    assert call.operation == "PutBucketReplication"
    return str(call.body["xml"])


def unequal(text: str, one: Flow) -> list[str]:
    """Paths in which a live configuration differs from what a flow wants, as the engine sees it."""
    want = desired(one)
    return [field.dotted for field in differences(observed(text, want.identity, one).settings, want.settings)]
