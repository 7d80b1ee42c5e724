"""Which provider owns each replication, and what the other end looks like to it."""

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.errors import ReplError
from reconciler.manifest.workspace import LoadedWorkspace
from reconciler.model.finding import FieldPath, Finding, Severity
from reconciler.model.manifest import Location, ProviderDoc, ReplicationDoc
from reconciler.model.relationship import Flow, Side
from reconciler.providers.base import ProviderInfo, ProviderType
from reconciler.providers.registry import Registry

__all__ = ["Resolved", "resolve_flows"]

_LOCATION_KEYS = ("bucket", "prefix", "path", "volume")

_SUMMARIES = {
    "REPL-C001": "No system can own this flow",
    "REPL-C002": "Options of a provider that does not own the flow",
    "REPL-C003": "Location key does not apply",
    "REPL-C004": "Location is incomplete",
    "REPL-C005": "Provider settings cannot be used",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """All flows that make sense, by name, and findings about those that do not."""

    flows: tuple[Flow, ...]
    findings: tuple[Finding, ...]


def resolve_flows(workspace: LoadedWorkspace, registry: Registry) -> Resolved:
    """Find the owner of every replication. No network."""
    flows: list[Flow] = []
    findings: list[Finding] = []
    for name, doc in sorted(workspace.replications.items()):
        source = workspace.providers.get(doc.spec.source.provider)
        destination = workspace.providers.get(doc.spec.destination.provider)
        if source is None or destination is None:
            continue  # the manifest room has said so, with the place
        types = (registry.load(source.spec.type), registry.load(destination.spec.type))
        side = _owner_side(types[0].info, types[1].info)
        problems = list(_location_findings(doc, types))
        if side is None:
            problems.append(_unowned(doc, types))
        else:
            problems += _option_findings(doc, types[0 if side == "source" else 1].info)
        findings += [finding.at(workspace.locate("Replication", name, finding.path)) for finding in problems]
        if side is not None and not problems:
            try:
                flows.append(_flow(workspace, doc, (source, destination), types, side))
            except (OSError, ReplError) as error:
                findings.append(_no_face(name, error).at(workspace.locate("Replication", name, ("spec",))))
    return Resolved(flows=tuple(flows), findings=tuple(findings))


def _owner_side(source: ProviderInfo, destination: ProviderInfo) -> Side | None:
    if source.sends_to & destination.speaks:
        return "source"
    if destination.pulls_from & source.speaks:
        return "destination"
    return None


def _flow(
    workspace: LoadedWorkspace,
    doc: ReplicationDoc,
    ends: tuple[ProviderDoc, ProviderDoc],
    types: tuple[ProviderType, ProviderType],
    side: Side,
) -> Flow:
    peer = 1 if side == "source" else 0
    return Flow(
        name=doc.name,
        workspace=workspace.name,
        spec=doc.spec,
        labels=doc.metadata.labels,
        source=ends[0],
        destination=ends[1],
        owner_side=side,
        peer_s3=types[peer].s3_endpoint(ends[peer].spec.config, workspace.base),
    )


def _location_findings(doc: ReplicationDoc, types: tuple[ProviderType, ProviderType]) -> Iterator[Finding]:
    ends: tuple[tuple[str, Location, ProviderInfo], ...] = (
        ("source", doc.spec.source, types[0].info),
        ("destination", doc.spec.destination, types[1].info),
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


def _option_findings(doc: ReplicationDoc, owner: ProviderInfo) -> Iterator[Finding]:
    options = doc.spec.options
    if options is not None and not isinstance(options, owner.options):
        yield _finding(
            doc.name, "REPL-C002", ("spec",),
            f"This flow is owned by {owner.title}: only the key `{owner.type}` is accepted for options.",
            f"remove the other type's key, or use `{owner.type}:`",
        )  # fmt: skip


def _unowned(doc: ReplicationDoc, types: tuple[ProviderType, ProviderType]) -> Finding:
    source, destination = types[0].info, types[1].info
    return _finding(
        doc.name, "REPL-C001", ("spec", "source"),
        f"{source.title} cannot send to {destination.title}, and {destination.title} cannot pull from {source.title}.",
        "choose ends of which one can drive the other; see `repl providers`",
    )  # fmt: skip


def _no_face(name: str, error: Exception) -> Finding:
    return _finding(name, "REPL-C005", ("spec",), str(error), None)


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
