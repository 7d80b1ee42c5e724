"""Flows between sites, and pairs of sites as read, for tests of the pure parts."""

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.engine.diff import differences, settings_listed
from reconciler.model.change import Action, Change, ContainerDiff, Reason
from reconciler.model.manifest import Metadata, ProviderDoc, ProviderSpec, ReplicationSpec
from reconciler.model.observation import LocationFacts, Observation, ScopeRef
from reconciler.model.relationship import Flow
from reconciler.providers.clonecloudstore import convert
from reconciler.providers.clonecloudstore.config import CloneCloudStoreConfig, CloneCloudStoreOptions
from reconciler.providers.clonecloudstore.convert import Ground, Half
from reconciler.providers.clonecloudstore.identity import container_ref, pair_key, way_of
from reconciler.providers.clonecloudstore.wire import Topology

SCOPE = ScopeRef(provider="ccs-a", key=pair_key("site-a", "site-b"))
PAIR = container_ref(SCOPE.provider, SCOPE.key)


def uri(site: str) -> str:
    return f"https://replicator.{site}.example"


def site(name: str, client: str = "client1", **config: Any) -> ProviderDoc:
    """The Provider document `ccs-a` of `site-a`."""
    given = {
        "site": name, "clientId": client, "accessor": f"https://{name}.example", "replicator": uri(name),
        "administration": f"https://admin.{name}.example",
    }  # fmt: skip
    spec = ProviderSpec(type="clonecloudstore", config=CloneCloudStoreConfig.model_validate(given | config))
    metadata = Metadata(name=name.replace("site", "ccs"))
    return ProviderDoc(api_version="repl/v1", kind="Provider", metadata=metadata, spec=spec)


def flow(
    name: str = "invoices",
    *,
    bucket: str = "invoices",
    to: str | None = None,
    ends: Sequence[ProviderDoc] | None = None,
    options: Mapping[str, Any] | None = None,
    **spec: Any,
) -> Flow:
    """A flow from site-a to site-b."""
    source, destination = ends or (site("site-a"), site("site-b"))
    made = ReplicationSpec.model_validate(
        {
            "source": {"provider": source.name, "bucket": bucket},
            "destination": {"provider": destination.name, "bucket": bucket if to is None else to},
            "options": None if options is None else CloneCloudStoreOptions.model_validate(options),
            **spec,
        }
    )
    return Flow(
        name=name, workspace="test", spec=made, labels={}, source=source, destination=destination,
        owner_side="source", peer_s3=None,
    )  # fmt: skip


def back(name: str = "invoices-back", **more: Any) -> Flow:
    """The same the other way."""
    return flow(name, ends=(site("site-b"), site("site-a")), **more)


def known(name: str, status: str = "UP", /, **changes: Any) -> Topology:
    """A site in another one's list."""
    return Topology.model_validate({"id": name, "name": name, "uri": uri(name), "status": status, **changes})


def ground(
    forth: str | None = "UP", returns: str | None = "UNKNOWN", *, there: Mapping[str, str] | None = None, **buckets: str
) -> Ground:
    """Both sites: how each knows the other (None: not), buckets with their status there, and `there` rights.

    `site-a` has all these buckets; without `there` the client owns at site-b what is READY.
    """
    rights = {name: "OWNER" for name, status in buckets.items() if status == "READY"} if there is None else dict(there)
    here = dict.fromkeys(buckets, "READY")
    return Ground(
        halves={
            "site-a": Half(
                topology=known("site-b", forth) if forth else None,
                buckets={"client1": here},
                rights={"client1": dict.fromkeys(here, "OWNER")},
            ),
            "site-b": Half(
                topology=known("site-a", returns) if returns else None,
                buckets={"client1": {name: status for name, status in buckets.items() if status}},
                rights={"client1": rights},
            ),
        }
    )


def change(subject: Flow | None, observed: Observation, action: Action | None = None, name: str = "") -> Change | None:
    """What the engine finds for a flow; None if nothing differs. Without a flow: a removal of that identity."""
    live = {one.identity: one for state in observed.containers for one in state.relationships}
    base: dict[str, Any] = {
        "id": "c1", "provider": "ccs-a", "type": "clonecloudstore", "title": "t", "container": PAIR,
        "reason": Reason.SETTINGS_DIFFER,
    }  # fmt: skip
    if subject is None:
        found = live[name]
        return Change.model_validate(
            base | {"replication": "gone", "action": Action.DELETE, "observed": found, "observed_in": PAIR}
        )
    desired = convert.normalise(subject)
    there = live.get(way_of(subject).identity)
    fields = differences(there.settings, desired.settings) if there else settings_listed(desired.settings)
    if not fields and action is None:
        return None
    return Change.model_validate(
        base
        | {
            "replication": subject.name,
            "action": action or (Action.UPDATE if there else Action.CREATE),
            "desired": desired,
            "observed": there,
            "observed_in": PAIR if there else None,
            "fields": fields,
        }
    )


def diff(held: Ground, *flows: Flow, gone: Sequence[str] = (), resend: Sequence[str] = ()) -> ContainerDiff:
    """What the engine hands to `steps`."""
    observed = convert.observation(SCOPE, held)
    actions = dict.fromkeys(resend, Action.RESYNC)
    found = [change(one, observed) or change(one, observed, actions.get(one.name)) for one in flows]
    made = [one for one in (*found, *(change(None, observed, name=identity) for identity in gone)) if one is not None]
    facts = (LocationFacts(exists=True), LocationFacts(exists=True))
    return ContainerDiff(
        container=PAIR,
        state=observed.container(PAIR),
        changes=tuple(sorted(made, key=lambda one: one.replication)),
        flows={one.name: one for one in flows},
        facts={one.name: facts for one in flows},
        resend=frozenset(resend),
        observation=observed,
    )
