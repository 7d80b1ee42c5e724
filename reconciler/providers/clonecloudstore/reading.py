"""Reading a pair of sites, and what one bucket looks like. Never writes."""

from reconciler.model.observation import LocationFacts
from reconciler.model.value import Json
from reconciler.providers.clonecloudstore.client import SiteClient
from reconciler.providers.clonecloudstore.convert import Ground, Half
from reconciler.providers.clonecloudstore.identity import sites_of
from reconciler.providers.clonecloudstore.names import bucket_problem
from reconciler.providers.clonecloudstore.sites import Sites
from reconciler.providers.clonecloudstore.wire import READY

__all__ = ["bucket_facts", "read_pair"]


def read_pair(sites: Sites, key: str) -> Ground:
    """Read both sites of a scope's key: each one's list of sites, and each known client's buckets and rights.

    One request for the list, two for each client, at each site. Raises ProviderError.
    """
    one, other = sites_of(key)
    return Ground(halves={one: _half(sites, one, other), other: _half(sites, other, one)})


def bucket_facts(client: SiteClient, bucket: str) -> LocationFacts:
    """Look at a bucket. Facts: see `preflight`. Another client's is seen only while it is READY."""
    facts: dict[str, Json] = {"clientId": client.client, "status": None}
    if bucket_problem(bucket):
        return LocationFacts(exists=False, facts=facts, problem=bucket_problem(bucket))
    status = client.buckets().get(bucket)
    facts["status"] = status
    if status is None and client.replicator.has_bucket(bucket, full=False):
        return LocationFacts(exists=True, facts=facts | {"foreign": True}, problem="another client's")
    if status != READY:
        return LocationFacts(exists=False, facts=facts)
    return LocationFacts(exists=True, facts=facts | {"right": client.right(bucket)})


def _half(sites: Sites, site: str, other: str) -> Half:
    known = {one.id: one for one in sites.at(site).topologies()}
    clients = tuple(sites.all_at(site))
    return Half(
        topology=known.get(other),
        buckets={one.client: one.buckets() for one in clients},
        rights={one.client: {row.bucket: row.ownership for row in one.rights()} for one in clients},
    )
