"""What the volumes at both ends say about a flow. Pure: the facts are read elsewhere."""

from collections.abc import Iterator

from reconciler.model.finding import Finding
from reconciler.model.observation import LocationFacts
from reconciler.model.relationship import Flow
from reconciler.providers.scp.config import ReplicationType
from reconciler.providers.scp.convert import options_of, region_of
from reconciler.providers.scp.findings import found

__all__ = ["preflight"]

_AVAILABLE = "available"


def preflight(flow: Flow, source: LocationFacts, destination: LocationFacts) -> Iterator[Finding]:
    """Yield what stands in the way. The destination's volume is made by the replication: its absence is no problem."""
    path, volume = ("source", "volume"), flow.spec.source.volume or ""
    if not destination.readable:
        detail = f"{flow.peer.name}: {destination.problem or 'no permission'}."
        yield found("REPL-W502", flow.name, ("destination", "volume"), detail)
    if not source.readable:
        detail = f"{volume} at {flow.owner.name}: {source.problem or 'no permission'}."
        yield found("REPL-W502", flow.name, path, detail)
        return
    if not source.exists:
        yield found("REPL-W501", flow.name, path, f"{flow.owner.name} has no volume {volume}.")
        return
    state = source.facts.get("state")
    if state not in (None, "", _AVAILABLE):
        yield found("REPL-W503", flow.name, path, f"{volume} is {state}.")
    yield from _offer(flow, source)
    if source.facts.get("protocol") == "NFS" and options_of(flow).cifs_password is not None:
        yield found("REPL-W505", flow.name, ("scp", "cifsPassword"))


def _offer(flow: Flow, source: LocationFacts) -> Iterator[Finding]:
    kind = options_of(flow).type or ReplicationType.REPLICATION
    offered = source.facts.get(f"{kind}_regions")
    region = region_of(flow)
    if isinstance(offered, list) and region not in offered:
        names = ", ".join(map(str, offered)) or "none"
        detail = f"From {flow.owner.name} volumes of type {source.facts.get('type_name')} go to: {names}; not {region}."
        yield found("REPL-W504", flow.name, ("destination", "provider"), detail)
