"""What makes a replication of a bucket that one, and how a pair of sites is called. Pure."""

from dataclasses import dataclass

from reconciler.model.observation import ContainerRef, ScopeRef
from reconciler.model.relationship import Flow
from reconciler.providers.clonecloudstore.config import CloneCloudStoreConfig

__all__ = ["GROUND", "Way", "config_of", "container_ref", "pair_key", "sites_of", "way_of"]

_SCOPE = "pair/"
GROUND = "sites"
"""Key of what is read of both sites and holds no relationship: for planning, never written as a whole."""


@dataclass(frozen=True, slots=True, order=True)
class Way:
    """A client's bucket on its way from one site to another. There it has the same name: an order carries only one."""

    source: str
    destination: str
    client: str
    bucket: str

    @property
    def identity(self) -> str:
        """`site-a->site-b/client1/invoices`. No site's name holds `/` or `>`."""
        return f"{self.source}->{self.destination}/{self.client}/{self.bucket}"


def config_of(doc_config: object) -> CloneCloudStoreConfig:
    """Return a provider's settings as those of a site. Raises TypeError."""
    if not isinstance(doc_config, CloneCloudStoreConfig):
        raise TypeError("these are not the settings of a CloneCloudStore site")
    return doc_config


def way_of(flow: Flow) -> Way:
    """Return the way of a flow. The client is the source's."""
    source, destination = config_of(flow.source.spec.config), config_of(flow.destination.spec.config)
    return Way(source.site, destination.site, source.client_id, flow.spec.source.bucket or "")


def pair_key(one: str, other: str) -> str:
    """Return the key of the scope of two sites, in whatever order: `pair/site-a/site-b`."""
    return _SCOPE + "/".join(sorted((one, other)))


def sites_of(key: str) -> tuple[str, str]:
    """Return the two sites of a scope's key, sorted."""
    one, _, other = key.removeprefix(_SCOPE).partition("/")
    return one, other


def container_ref(provider: str, key: str, what: str | None = None) -> ContainerRef:
    """Return a container in the scope of that key: the pair's own, or another part of it."""
    scope = ScopeRef(provider=provider, key=key)
    return ContainerRef(provider=scope.provider, scope=scope.key, key=what or scope.key)
