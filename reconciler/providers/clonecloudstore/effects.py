"""What a change between sites does beyond the calls that make it."""

from reconciler.model.finding import Severity
from reconciler.model.step import EffectRule

__all__ = [
    "ALL_BUCKETS", "CACHED_LIST", "CACHED_RIGHTS", "CLONE", "DELETES", "EFFECTS", "NO_BACKFILL", "OVERWRITE", "PAUSE",
    "PRUNE", "RIGHTS", "UNPROTECTED",
]  # fmt: skip

_SOURCE = "CloneCloudStore 0.8.0"
_TYPE = "clonecloudstore"

ALL_BUCKETS = EffectRule(
    id="CCS-ALL-BUCKETS",
    provider=_TYPE,
    severity=Severity.WARNING,
    blocks=False,
    when="a site becomes UP in another one's list",
    happens="Everything that any client creates or deletes at the one goes to the other from then on: buckets and "
    "objects, of all clients, whether or not a manifest names them. Objects in buckets that the other does not have "
    "are ordered in vain.",
    instead="CloneCloudStore has no choice by bucket. Take away the client's right to write to a bucket at the "
    "destination (that is what removing a replication does), or give data that may not go there a site of its own.",
    source=f"{_SOURCE}, Administration / Configuration; LocalReplicatorRequestTopicConsumer",
)
NO_BACKFILL = EffectRule(
    id="CCS-NO-BACKFILL",
    provider=_TYPE,
    severity=Severity.WARNING,
    blocks=False,
    when="a replication begins or is resumed without `existing: copy`",
    happens="What was there before, or was written while the pair was DOWN, is never sent. An order that is lost on "
    "the way is lost too: nothing tries it again.",
    instead="Write `existing: copy`: what the destination lacks is ordered. `repl resync NAME` does so again at any "
    "time. `existing: ignore` says that this is known.",
    source=f"{_SOURCE}, LocalReplicatorRequestTopicConsumer, RequestActionConsumer (errors are logged and dropped)",
)
CLONE = EffectRule(
    id="CCS-CLONE",
    provider=_TYPE,
    severity=Severity.INFO,
    blocks=False,
    when="`existing: copy` and a replication begins or is resumed; or `repl resync NAME`",
    happens="Both sites' lists are compared, and what the destination lacks is ordered there, in batches and in three "
    "rounds at most. What it has already is not sent again. What failed there before (ERR_UPL, ERR_DEL) is reported "
    "and not ordered: no order leads out of that.",
    instead="`existing: ignore` where the destination has it all.",
    source=f"{_SOURCE}, RemoteReplicatorResource, RequestActionService",
)
PAUSE = EffectRule(
    id="CCS-PAUSE",
    provider=_TYPE,
    severity=Severity.WARNING,
    blocks=False,
    when="`state: paused`: the destination becomes DOWN in the source's list",
    happens="All buckets of the pair stop, those of other clients too. What is created and deleted meanwhile is not "
    "kept for later: it is never sent. For up to five minutes changes may still be sent.",
    instead="Have `existing: copy`: resuming then orders what was created meanwhile. What was deleted meanwhile stays "
    "at the destination, unless `prune: true` under `clonecloudstore` deletes it.",
    source=f"{_SOURCE}, LocalReplicatorRequestTopicConsumer (only sites that are UP), TopologyApiClient (cache)",
    loses_protection=True,
)
CACHED_LIST = EffectRule(
    id="CCS-CACHED-LIST",
    provider=_TYPE,
    severity=Severity.INFO,
    blocks=False,
    when="a site's list of sites changes",
    happens="The replicator goes on with the list that it has read for up to five minutes (`topologyCache`): what is "
    "written in that time may not be sent, and a canary may have to wait as long.",
    instead="Nothing: copying of existing objects waits for it, and canaries are written again.",
    source=f"{_SOURCE}, TopologyApiClient, ccs-administration-client's application.yaml",
)
CACHED_RIGHTS = EffectRule(
    id="CCS-CACHED-RIGHTS",
    provider=_TYPE,
    severity=Severity.INFO,
    blocks=False,
    when="a client gets a right on a bucket that the destination has already",
    happens="The site's services go on with the rights that they have read for up to ten minutes (`ownershipCache`): "
    "orders that need the new right are refused in that time, and lost.",
    instead="Nothing: copying of existing objects waits for it, and canaries are written again.",
    source=f"{_SOURCE}, OwnershipApiClient, ccs-administration-client's application.yaml",
)
RIGHTS = EffectRule(
    id="CCS-RIGHTS",
    provider=_TYPE,
    severity=Severity.WARNING,
    blocks=True,
    when="a client loses a right on a bucket at the destination: for `deletes: keep`, or because its replication is "
    "removed",
    happens="Orders need the client's rights there, so these no longer get through; and no more does the client "
    "itself, when it works at that site. Services believe what they have read of rights for ten minutes. Orders that "
    "come between taking away the old right and giving the new one may be lost.",
    instead="Blocks only where the same bucket is replicated back from there, so that somebody writes to it there: "
    "remove that replication too.",
    source=f"{_SOURCE}, RequestActionService (checkOwnership), OwnershipResource, OwnershipApiClient (cache)",
)
DELETES = EffectRule(
    id="CCS-DELETES",
    provider=_TYPE,
    severity=Severity.WARNING,
    blocks=False,
    when="a replication begins, and `deletes` is left out",
    happens="What is deleted at the source is deleted at the destination: that is what the server does by itself.",
    instead="Write `deletes: replicate` if that is meant, `deletes: keep` if not.",
    source=f"{_SOURCE}, AccessorObjectService (every deletion is ordered everywhere)",
)
OVERWRITE = EffectRule(
    id="CCS-OVERWRITE",
    provider=_TYPE,
    severity=Severity.WARNING,
    blocks=True,
    when="existing objects are copied with `conflicts: replace` under `clonecloudstore`",
    happens="Objects are immutable. Those that differ at the destination are deleted there and fetched anew; in "
    "between, and if the fetch fails, the destination has none.",
    instead="Leave `conflicts` out: then they are reported, and nothing is done to them.",
    source=f"{_SOURCE}, AccessorObjectService, RequestActionService",
    recopies=True,
)
PRUNE = EffectRule(
    id="CCS-PRUNE",
    provider=_TYPE,
    severity=Severity.WARNING,
    blocks=True,
    when="existing objects are copied with `prune: true` under `clonecloudstore`",
    happens="Objects that only the destination has are deleted there, whoever wrote them.",
    instead="Leave `prune` out: then they stay.",
    source=f"{_SOURCE}, RequestActionService",
)
UNPROTECTED = EffectRule(
    id="CCS-UNPROTECTED",
    provider=_TYPE,
    severity=Severity.WARNING,
    blocks=False,
    when="a replication is removed",
    happens="The client loses its right to write to the bucket at the destination, so that orders for it are refused. "
    "Copies that are there stay, and can be read. Both sites go on knowing each other: clients that nobody here knows "
    "may rely on it.",
    instead="To end all replication between two sites, remove them from each other's list by hand.",
    source=f"{_SOURCE}, RequestActionService (checkOwnership)",
    loses_protection=True,
)

EFFECTS = (
    ALL_BUCKETS, NO_BACKFILL, CLONE, PAUSE, CACHED_LIST, CACHED_RIGHTS, RIGHTS, DELETES, OVERWRITE, PRUNE, UNPROTECTED,
)  # fmt: skip
