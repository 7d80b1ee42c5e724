"""Which Provider document stands for the other end of a live relationship."""

from reconciler.engine.connect import Connections
from reconciler.errors import ErrorCode, ProviderError
from reconciler.manifest.workspace import LoadedWorkspace
from reconciler.model.manifest import Location
from reconciler.model.relationship import S3Endpoint
from reconciler.model.value import Json
from reconciler.providers.address import host_and_port
from reconciler.providers.base import Imported
from reconciler.providers.names import slug, unique
from reconciler.providers.registry import Registry

__all__ = ["PeerFinder"]

_ABOUT_ONE_BUCKET = (ErrorCode.NOT_FOUND, ErrorCode.PERMISSION_DENIED)


class PeerFinder:
    """Finds documents by address and region. Reads each bucket's region at most once, and asks no provider again that
    does not answer."""

    def __init__(self, workspace: LoadedWorkspace, registry: Registry, connections: Connections) -> None:
        self._connections = connections
        self._types = {name: doc.spec.type for name, doc in workspace.providers.items()}
        self._faces: dict[str, S3Endpoint] = {}
        for name, doc in sorted(workspace.providers.items()):
            face = registry.load(doc.spec.type).s3_endpoint(doc.spec.config, workspace.base)
            if face is not None:
                self._faces[name] = face
        self._regions: dict[tuple[str, str], Json] = {}
        self._silent: set[str] = set()

    def find(self, end: Json, owner: str, item: Imported) -> str | None:
        """Return the document at that address, or of the owner's type in that region; None if there is none."""
        if not isinstance(end, dict):
            return None
        if isinstance(end.get("provider"), str):
            return str(end["provider"])
        peer = item.peer
        known = peer or self._faces.get(owner)
        same = [name for name, face in self._faces.items() if known is not None and _at(face) == _at(known)]
        same.sort(key=lambda name: (self._types[name] != self._types[owner], not self._has_key(name, peer)))
        if not same and peer is not None:
            kin = (name for name in self._faces if self._types[name] == self._types[owner])
            same = [name for name in kin if self._faces[name].region == peer.region]
        bucket = end.get("bucket")
        region = self._region(same[0], bucket) if same and isinstance(bucket, str) else None
        wanted = region or (peer.region if peer else None)  # where the bucket says it lies, if it says so
        return next((name for name in same if self._faces[name].region == wanted), same[0] if same else None)

    def placeholder(self, owner: str, item: Imported) -> tuple[str, str]:
        """Return (a name that no document has, what it would have to reach) for an end that none was found for."""
        peer = item.peer
        place = item.beyond or (f"{peer.url}, region {peer.region}" if peer else "the other end")
        words = item.beyond or (_at(peer) if peer else "elsewhere")
        kind = self._types[owner] if item.beyond else "s3"
        return unique(slug(f"{kind}-{words}"), {*self._types}), place

    def other_key(self, found: str, item: Imported) -> str | None:
        """Return the access key that is in use live, where the document found has another one."""
        used = item.peer.access_key_id if item.peer else None
        given = self._faces[found].access_key_id if found in self._faces else None
        return used if isinstance(used, str) and isinstance(given, str) and used != given else None

    def _has_key(self, name: str, peer: S3Endpoint | None) -> bool:
        return peer is not None and self._faces[name].access_key_id == peer.access_key_id

    def _region(self, name: str, bucket: str) -> Json:
        key = (name, bucket)
        if key not in self._regions and name not in self._silent:
            self._regions[key] = None
            place = Location(provider=name, bucket=bucket)
            try:
                self._regions[key] = self._connections.provider(name).inspect(place).facts.get("region")
            except ProviderError as error:
                if error.code not in _ABOUT_ONE_BUCKET:
                    self._silent.add(name)
        return self._regions.get(key)


def _at(face: S3Endpoint) -> str:
    return host_and_port(face.url)
