"""The calls and waits of a plan, as data. Pure."""

from collections.abc import Iterator, Sequence

from reconciler.model.step import Await, Call, Step
from reconciler.model.value import Json
from reconciler.providers.clonecloudstore.config import CloneCloudStoreOptions, Conflicts
from reconciler.providers.clonecloudstore.identity import Way
from reconciler.providers.clonecloudstore.wire import DOWN, KNOWN, UP, Topology, bits

__all__ = [
    "BUCKETS_READY", "CLEARED", "COPIED", "LIST_KNOWN", "RIGHTS_KNOWN", "ROUNDS", "bucket_steps", "clone_steps",
    "compare_call", "list_wait", "right_calls", "rights_wait", "topology_call",
]  # fmt: skip

BUCKETS_READY, LIST_KNOWN, RIGHTS_KNOWN = "buckets-ready", "list-known", "rights-known"
COPIED, CLEARED = "copied", "cleared"
ROUNDS = 3
"""How often what is still absent is ordered. An order can be lost; one that was carried out leaves a row."""
_BUCKET_DEADLINE_S = 900
_COPY_DEADLINE_S = 7 * 86_400
_MARGIN_S = 900
_WORDS = {UP: "UP: orders are sent there", DOWN: "DOWN: nothing is sent there", KNOWN: "known, to fetch from"}


def topology_call(site: str, live: Topology | None, wanted: Topology, *, keep_status: bool) -> Call:
    """Return the call that makes another site's entry in a site's list as wanted. `keep_status`: whatever it is then,
    where there is an entry."""
    method = "POST" if live is None else "PUT"
    word = "its state stays" if keep_status and live is not None else _WORDS.get(wanted.status, wanted.status)
    return Call(
        id=f"know-{wanted.id}-at-{site}",
        operation=f"{method} /administration/topologies",
        target=site,
        summary=f"{site} knows {wanted.id} as {wanted.uri}, {word}",
        idempotent=True,
        guarded=True,
        body={"task": "topology", "site": site, "topology": wanted.sent(), "keep_status": keep_status},
    )


def bucket_steps(
    source: str, destination: str, client: str, missing: Sequence[str], awaited: Sequence[str]
) -> Iterator[Step]:
    """Yield the order for the buckets that are missing, and the wait until all that are awaited are READY: those that
    somebody has begun to make, too."""
    place: dict[str, Json] = {"site": destination, "from": source, "client": client}
    if missing:
        several = len(missing) > 1
        what = f"{len(missing)} buckets at {destination}: {', '.join(missing)}"
        yield Call(
            id=f"buckets-{client}-at-{destination}",
            operation=f"POST /replicator/remote/orders{'/multiple' if several else ''}",
            target=destination,
            summary=f"order {what}" if several else f"order bucket {missing[0]} at {destination}",
            idempotent=True,
            guarded=True,
            body={"task": "buckets", **place, "buckets": list(missing)},
        )
    several = len(awaited) > 1
    yield Await(
        id=f"buckets-{client}-ready-at-{destination}",
        condition=BUCKETS_READY,
        target=destination,
        summary=f"wait until {f'{len(awaited)} buckets are' if several else f'{awaited[0]} is'} READY there",
        deadline_s=_BUCKET_DEADLINE_S,
        params={**place, "buckets": list(awaited)},
    )


def right_calls(way: Way, held: str | None, wanted: str) -> Iterator[Call]:
    """Yield the calls that give a client exactly the rights `wanted` at the destination, in place of those `held`.

    Rights are added in one call. To take some away, all have to go before those that stay are given.
    """
    loses = bits(held) & ~bits(wanted)
    if held is not None and loses:
        yield _right("DELETE", way, held, wanted)
        held = None
    yield _right("POST" if held is None else "PUT", way, held, wanted)


def _right(method: str, way: Way, held: str | None, wanted: str) -> Call:
    dropped = method == "DELETE"
    verb = "take" if dropped else "give"
    right = f"{held} from" if dropped else f"{wanted} to"
    place = f"/administration/ownerships/{way.client}/{way.bucket}"
    return Call(
        id=f"{verb}-{way.client}-{way.bucket}-at-{way.destination}",
        operation=f"{method} /administration/ownerships",
        target=f"{way.destination} {place}",
        summary=f"{verb} {right} {way.client} on {way.bucket} at {way.destination}",
        idempotent=True,
        guarded=True,
        body={
            "task": "drop-right" if dropped else "give-right",
            "site": way.destination,
            "client": way.client,
            "bucket": way.bucket,
            "right": wanted,
        },
    )


def list_wait(site: str, seconds: int) -> Await:
    """Return the wait until a site has read its list of sites anew."""
    return Await(
        id=f"list-known-at-{site}",
        condition=LIST_KNOWN,
        target=site,
        summary=f"wait until {site} has read its list anew: what is written before may not be sent (CCS-CACHED-LIST)",
        deadline_s=seconds + _MARGIN_S,
        params={"site": site, "seconds": seconds},
    )


def rights_wait(sites: Sequence[str], seconds: int) -> Await:
    """Return the wait until sites have read anew what their clients may do."""
    names = " and ".join(sites)
    return Await(
        id=f"rights-known-at-{'-and-'.join(sites)}",
        condition=RIGHTS_KNOWN,
        target=names,
        summary=f"wait until {names} {'has' if len(sites) == 1 else 'have'} read the rights anew, {seconds:,} s: until "
        "then orders are refused (CCS-CACHED-RIGHTS)",
        deadline_s=seconds + _MARGIN_S,
        params={"sites": list(sites), "seconds": seconds},
    )


def clone_steps(name: str, way: Way, options: CloneCloudStoreOptions) -> Iterator[Step]:
    """Yield the rounds that copy what the destination lacks."""
    doing = _doing(way, options)
    for number in range(1, ROUNDS + 1):
        again = "" if number == 1 else ", if any is left"
        if options != CloneCloudStoreOptions():
            what = " and ".join(["what differs"] * bool(doing["replace"]) + ["what is extra"] * options.prune)
            yield _order(name, f"clear-{number}", way, f"order to delete {what} in {way.bucket}{again}", doing)
            yield _wait(name, number, way, CLEARED, doing)
        yield _order(name, f"order-{number}", way, f"order what {way.bucket} lacks at {way.destination}{again}", doing)
        yield _wait(name, number, way, COPIED, doing)


def compare_call(name: str, way: Way, options: CloneCloudStoreOptions) -> Call:
    """Return what tells in the end whether the destination has all."""
    return Call(
        id=f"compare-{name}",
        operation="PUT /cloudclonestore/{bucket}",
        target=f"{way.source}/{way.bucket}",
        summary=f"compare both lists of {way.bucket}; sends nothing, and fails if anything is still not there",
        idempotent=True,
        guarded=True,
        body={"task": "compare", **_doing(way, options)},
        copies=(name,),
    )


def _doing(way: Way, options: CloneCloudStoreOptions) -> dict[str, Json]:
    place: dict[str, Json] = {
        "from": way.source, "to": way.destination, "client": way.client, "bucket": way.bucket,
    }  # fmt: skip
    return {**place, "replace": options.conflicts is Conflicts.REPLACE, "prune": options.prune}


def _order(name: str, step: str, way: Way, summary: str, body: dict[str, Json]) -> Call:
    return Call(
        id=f"{step}-{name}",
        operation="POST /replicator/remote/orders/multiple",
        target=f"{way.destination}/{way.bucket}",
        summary=summary,
        idempotent=True,
        guarded=True,
        body={"task": step.partition("-")[0], **body},
    )


def _wait(name: str, number: int, way: Way, condition: str, params: dict[str, Json]) -> Await:
    return Await(
        id=f"{condition}-{number}-{name}",
        condition=condition,
        target=f"{way.destination}/{way.bucket}",
        summary="wait until that is deleted" if condition == CLEARED else "wait until nothing more arrives",
        deadline_s=_COPY_DEADLINE_S,
        params=params,
    )
