"""From what is live to manifests: new documents for what nobody has written down, new values for what has moved."""

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.engine.connect import Connections
from reconciler.engine.diff import shown_differences
from reconciler.engine.match import Desired, Recorded
from reconciler.errors import ProviderError
from reconciler.manifest.template import literal
from reconciler.manifest.workspace import LoadedWorkspace
from reconciler.model.manifest import API_VERSION, Location
from reconciler.model.receipt import Receipt
from reconciler.model.relationship import S3Endpoint
from reconciler.model.value import Json
from reconciler.providers.address import host_and_port
from reconciler.providers.base import Imported
from reconciler.providers.names import unique
from reconciler.providers.registry import Registry

__all__ = ["Import", "MovedValue", "import_from"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedValue:
    """A setting of a written replication that is another one live."""

    replication: str
    path: tuple[str, ...]
    """From the document's root: ("spec", "state")."""
    value: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """What an import found."""

    documents: tuple[dict[str, Json], ...]
    """Replication documents for what is live and not written down, ordered by name."""
    moved: tuple[MovedValue, ...]
    known: int
    """Live relationships that a manifest describes already."""


def import_from(
    provider_name: str,
    workspace: LoadedWorkspace,
    registry: Registry,
    connections: Connections,
    *,
    desired: tuple[Desired, ...],
    receipt: Receipt | None,
) -> Import:
    """Read every scope of one provider. Never writes. Raises ProviderError if it cannot be read."""
    provider = connections.provider(provider_name)
    recorded = Recorded(receipt.replications if receipt else {})
    by_name = {want.flow.name: want for want in desired}
    written = {(want.container.scope_ref, want.relationship.identity): want for want in desired}
    taken = set(workspace.replications)
    documents: list[dict[str, Json]] = []
    moved: list[MovedValue] = []
    known = 0
    finder = _PeerFinder(workspace, registry, connections)
    for observation in provider.discover():
        for item in provider.imported(observation):
            scope = item.container.scope_ref
            want = written.get((scope, item.relationship.identity))
            if want is None and recorded.name(scope, item.relationship) in by_name:
                known += 1  # written down with another identity: a replacement is pending
                continue
            if want is None:
                documents.append(_document(item, provider_name, unique(item.suggested_name, taken), finder))
                continue
            known += 1
            moved += _moved(want, item)
    return Import(documents=tuple(sorted(documents, key=_name)), moved=tuple(moved), known=known)


def _moved(want: Desired, item: Imported) -> Iterator[MovedValue]:
    for field in shown_differences(item.relationship, want.relationship.settings):
        yield MovedValue(replication=want.flow.name, path=("spec", *field.path), value=_literal(field.before))


def _document(item: Imported, provider_name: str, name: str, finder: "_PeerFinder") -> dict[str, Json]:
    source, destination = (_end(end, provider_name, item.peer, finder) for end in (item.source, item.destination))
    return {
        "apiVersion": API_VERSION,
        "kind": "Replication",
        "metadata": {"name": name},
        "spec": _literal({"source": source, "destination": destination, **item.spec}),
    }


def _literal(value: Json) -> Json:
    """Return a value with its texts written so that none is taken for a template."""
    if isinstance(value, dict):
        return {key: _literal(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_literal(inner) for inner in value]
    return literal(value) if isinstance(value, str) else value


def _end(end: Json, provider_name: str, peer: S3Endpoint | None, finder: "_PeerFinder") -> Json:
    if not isinstance(end, dict) or "provider" in end:
        return end
    return {"provider": finder.find(end, provider_name, peer), **end}


class _PeerFinder:
    """Finds the Provider document for the other end of a live relationship."""

    def __init__(self, workspace: LoadedWorkspace, registry: Registry, connections: Connections) -> None:
        self._connections = connections
        self._types = {name: doc.spec.type for name, doc in workspace.providers.items()}
        self._faces: dict[str, S3Endpoint] = {}
        for name, doc in sorted(workspace.providers.items()):
            face = registry.load(doc.spec.type).s3_endpoint(doc.spec.config, workspace.base)
            if face is not None:
                self._faces[name] = face

    def find(self, end: dict[str, Json], owner: str, peer: S3Endpoint | None) -> str:
        """Return the best provider: at that address, or of the owner's type in that region; else the owner itself."""
        known = peer or self._faces.get(owner)
        address = host_and_port(known.url) if known else None
        same = [name for name, face in self._faces.items() if host_and_port(face.url) == address]
        same.sort(key=lambda name: self._types[name] != self._types[owner])
        if not same and peer is not None:
            kin = (name for name in self._faces if self._types[name] == self._types[owner])
            same = [name for name in kin if self._faces[name].region == peer.region]
        bucket = end.get("bucket")
        region = self._region(same[0], bucket) if same and isinstance(bucket, str) else None
        wanted = region or (peer.region if peer else None)  # where the bucket says it lies, if it says so
        return next((name for name in same if self._faces[name].region == wanted), same[0] if same else owner)

    def _region(self, name: str, bucket: str) -> Json:
        try:
            return self._connections.provider(name).inspect(Location(provider=name, bucket=bucket)).facts.get("region")
        except ProviderError:
            return None


def _name(document: dict[str, Json]) -> str:
    metadata = document["metadata"]
    return str(metadata["name"]) if isinstance(metadata, dict) else ""
