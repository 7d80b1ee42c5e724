"""Which provider owns each replication, and what the other end looks like to it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from reconciler.manifest.workspace import LoadedWorkspace
from reconciler.model.finding import FieldPath, Finding, Severity
from reconciler.model.manifest import Location, ProviderDoc, ReplicationDoc
from reconciler.model.relationship import Flow, S3Endpoint, Side
from reconciler.providers.address import host_and_port
from reconciler.providers.base import Capability, ProviderInfo
from reconciler.providers.registry import Registry

__all__ = ["Resolved", "owner_side", "resolve_flows"]

_LOCATION_KEYS = ("bucket", "prefix", "path", "volume")

_SUMMARIES = {
    "REPL-C001": "No system can own this flow",
    "REPL-C002": "Options of a provider that does not own the flow",
    "REPL-C003": "Location key does not apply",
    "REPL-C004": "Location is incomplete",
    "REPL-C006": "Replication is not configured through S3 there",
    "REPL-C007": "Mounts where none are needed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """All flows that make sense, by name, and findings about those that do not."""

    flows: tuple[Flow, ...]
    findings: tuple[Finding, ...]


def resolve_flows(workspace: LoadedWorkspace, registry: Registry) -> Resolved:
    """Find the owner of every replication. No network."""
    ends = {name: _end(doc, workspace.base, registry) for name, doc in workspace.providers.items()}
    flows: list[Flow] = []
    findings: list[Finding] = []
    for name, doc in sorted(workspace.replications.items()):
        source, destination = ends.get(doc.spec.source.provider), ends.get(doc.spec.destination.provider)
        if source is None or destination is None:
            continue  # the manifest room has said so, with the place
        side = owner_side(source.info, destination.info)
        problems = [*_location_findings(doc, source.info, destination.info)]
        problems += _mount_findings(doc, source.info, destination.info)
        if side is None:
            problems.append(_unowned(doc, source.info, destination.info))
        else:
            owner = source if side == "source" else destination
            problems += [*_option_findings(doc, owner.info), *_other_way(doc, owner, side, ends.values())]
        findings += [finding.at(workspace.locate("Replication", name, finding.path)) for finding in problems]
        if side is not None and not problems:
            flows.append(_flow(workspace.name, doc, source, destination, side))
    return Resolved(flows=tuple(flows), findings=tuple(findings))


@dataclass(frozen=True, slots=True)
class _End:
    """A provider as an end of flows."""

    doc: ProviderDoc
    info: ProviderInfo
    face: S3Endpoint | None


def _end(doc: ProviderDoc, base: Path, registry: Registry) -> _End:
    loaded = registry.load(doc.spec.type)
    return _End(doc, loaded.info, loaded.s3_endpoint(doc.spec.config, base))


def owner_side(source: ProviderInfo, destination: ProviderInfo) -> Side | None:
    """Return which end can own a flow between two types; None if neither can."""
    if source.sends_to & destination.speaks:
        return "source"
    if destination.pulls_from & source.speaks:
        return "destination"
    return None


def _flow(workspace: str, doc: ReplicationDoc, source: _End, destination: _End, side: Side) -> Flow:
    return Flow(
        name=doc.name,
        workspace=workspace,
        spec=doc.spec,
        labels=doc.metadata.labels,
        source=source.doc,
        destination=destination.doc,
        owner_side=side,
        peer_s3=(destination if side == "source" else source).face,
    )


def _location_findings(doc: ReplicationDoc, source: ProviderInfo, destination: ProviderInfo) -> Iterator[Finding]:
    ends: tuple[tuple[str, Location, ProviderInfo], ...] = (
        ("source", doc.spec.source, source),
        ("destination", doc.spec.destination, destination),
    )
    for side, location, info in ends:
        given = {key for key in _LOCATION_KEYS if getattr(location, key) is not None}
        for key in sorted(given - info.location_keys):
            yield _finding(
                doc.name, "REPL-C003", ("spec", side, key),
                f"{info.title} has no `{key}`; a location there has {_names(info.location_keys)}.",
                f"remove `{key}`, or name another provider",
            )  # fmt: skip
        for key in sorted(info.required_location_keys - given):
            yield _finding(
                doc.name, "REPL-C004", ("spec", side),
                f"A location on {info.title} needs `{key}`.", f"add `{key}: ...` under `{side}`",
            )  # fmt: skip


def _mount_findings(doc: ReplicationDoc, source: ProviderInfo, destination: ProviderInfo) -> Iterator[Finding]:
    own = [info.title for info in (source, destination) if Capability.STORE in info.capabilities]
    if doc.spec.verify.mounts is not None and own:
        yield _finding(
            doc.name, "REPL-C007", ("spec", "verify", "mounts"),
            f"Objects of {' and of '.join(dict.fromkeys(own))} are read and written through the service itself.",
            "remove `mounts`",
        )  # fmt: skip


def _option_findings(doc: ReplicationDoc, owner: ProviderInfo) -> Iterator[Finding]:
    options = doc.spec.options
    if options is not None and not isinstance(options, owner.options):
        yield _finding(
            doc.name, "REPL-C002", ("spec",),
            f"This flow is owned by {owner.title}: only the key `{owner.type}` is accepted for options.",
            f"remove the other type's key, or use `{owner.type}:`",
        )  # fmt: skip


def _other_way(doc: ReplicationDoc, owner: _End, side: Side, ends: Iterable[_End]) -> Iterator[Finding]:
    """Find another document that knows the same system better: S3 is not what holds its replication."""
    if owner.face is None or not owner.face.holds_rules:
        return
    address = host_and_port(owner.face.url)
    for other in ends:
        if other.face is not None and host_and_port(other.face.url) == address and not other.face.holds_rules:
            yield _finding(
                doc.name, "REPL-C006", ("spec", side, "provider"),
                f"{owner.doc.name} and {other.doc.name} are one system, {owner.face.url}: {other.info.title} keeps its "
                f"replication behind an interface of its own, and not behind S3's PutBucketReplication.",
                f"write `provider: {other.doc.name}`",
            )  # fmt: skip


def _unowned(doc: ReplicationDoc, source: ProviderInfo, destination: ProviderInfo) -> Finding:
    return _finding(
        doc.name, "REPL-C001", ("spec", "source"),
        f"{source.title} cannot send to {destination.title}: {source.reach}. "
        f"And {destination.title} cannot pull from {source.title}: {destination.reach}.",
        _way_out(source, destination),
    )  # fmt: skip


def _way_out(source: ProviderInfo, destination: ProviderInfo) -> str:
    """Say what could be done about a flow that neither end can own."""
    ways = []
    if owner_side(destination, source) is not None:
        ways.append(
            f"let the data be written on {destination.title}, and turn the flow round: that way it can be owned"
        )
    if destination.speaks & source.speaks:
        ways.append("copy with a tool that reads one and writes the other, outside of repl")
    ways.append("replicate into a system that the source can reach; `repl providers` shows which")
    return "; or ".join(ways)


def _finding(name: str, code: str, path: FieldPath, detail: str, hint: str | None) -> Finding:
    return Finding(
        code=code,
        severity=Severity.ERROR,
        summary=_SUMMARIES[code],
        detail=detail,
        hint=hint,
        replication=name,
        path=path,
    )


def _names(keys: frozenset[str]) -> str:
    return ", ".join(f"`{key}`" for key in sorted(keys))
