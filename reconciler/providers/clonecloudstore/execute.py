"""Sending one planned write: look first, send only what is still to do.

Nothing here has an idempotency key, and orders cannot be asked for; but each write leaves something that can be looked
at. So a write in doubt is simply executed again. Objects whose state allows no order are never ordered.
"""

import threading
from collections.abc import Callable, Collection, Mapping
from itertools import islice

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.step import Call
from reconciler.model.value import Json
from reconciler.providers.base import CallResult
from reconciler.providers.clonecloudstore.client import SiteClient
from reconciler.providers.clonecloudstore.convert import part
from reconciler.providers.clonecloudstore.presence import held
from reconciler.providers.clonecloudstore.sites import Sites
from reconciler.providers.clonecloudstore.survey import Survey, doomed, survey
from reconciler.providers.clonecloudstore.wire import (
    CREATE,
    DEAD,
    DELETE,
    Listed,
    Order,
    Topology,
    bits,
)

__all__ = ["BATCH", "Executor"]

BATCH = 500
"""Orders in one request: as many as a site's own replicator reads at once."""
_DEAD_HINT = (
    "no call leads out of ERR_UPL and ERR_DEL: the rows must be mended in that site's database; then `repl resync NAME`"
)
_GOING_HINT = (
    "wait until it is DELETED and plan again, it is then ordered anew; if it stays so, have it mended in that site's "
    "database"
)
_INCOMPLETE_HINT = (
    "look whether the destination's consumer of orders runs; objects that differ are only replaced with `conflicts: "
    "replace`; then `repl resync NAME`"
)
_LISTS = threading.Lock()
"""An entry is read and then written whole, and two pairs never share one; but one process may apply twice."""
_RIGHTS = threading.Lock()
"""Rights on a bucket are read and then written, and two pairs share those of a bucket to which both lead."""


class Executor:
    """Executes calls. Every method raises ProviderError and nothing else."""

    def __init__(self, sites: Sites, ordered: Callable[[str, str, Collection[str]], None]) -> None:
        """`ordered` is told the site, the bucket and the names of objects that it was ordered to fetch."""
        self._sites = sites
        self._ordered = ordered

    def execute(self, call: Call) -> CallResult:
        """Send one write, or say why nothing needs to be sent."""
        tasks: dict[str, Callable[[Call, dict[str, Json]], CallResult]] = {
            "topology": self._topology,
            "buckets": self._buckets,
            "give-right": self._give_right,
            "drop-right": self._drop_right,
            "order": self._order,
            "clear": self._clear,
            "compare": self._compare,
        }
        body = call.body if isinstance(call.body, dict) else {}
        task = tasks.get(str(body.get("task")))
        if task is None:
            raise self._error(
                call, ErrorCode.UNIMPLEMENTED, f"nothing here is called {call.operation!r}",
                "the plan was made by another version: plan again",
            )  # fmt: skip
        self._sites.own.refuse_write(call.operation)
        return task(call, body)

    # Sites and rights -----------------------------------------------------------------------------------------

    def _topology(self, _call: Call, body: dict[str, Json]) -> CallResult:
        client = self._sites.at(str(body.get("site")))
        wanted = Topology.model_validate(part(body, "topology"))
        keeps = body.get("keep_status") is True
        with _LISTS:
            live = client.topology(wanted.id)
            if live is None:
                try:
                    return CallResult(request_id=client.add_topology(wanted))
                except ProviderError as error:
                    if error.code is not ErrorCode.CONFLICT or (live := client.topology(wanted.id)) is None:
                        raise
            made = wanted.model_copy(update={"status": live.status}) if keeps else wanted
            if made.model_copy(update={"uri": live.uri}) == live and live.uri.rstrip("/") == made.uri.rstrip("/"):
                return CallResult(skipped="it is so already")
            return CallResult(request_id=client.set_topology(made))

    def _give_right(self, call: Call, body: dict[str, Json]) -> CallResult:
        client, bucket, wanted = self._at(body, "site"), str(body.get("bucket")), str(body.get("right"))
        with _RIGHTS:
            held = client.right(bucket)
            if bits(held) == bits(wanted):
                return CallResult(skipped="it has these rights already")
            if held is None:
                return CallResult(request_id=client.add_right(bucket, wanted))
            if bits(held) & ~bits(wanted):
                message = f"{client.client} has {held} on {bucket} at {client.site}, which is not as planned"
                raise self._error(call, ErrorCode.CONFLICT, f"{message}; nothing was sent", "plan again")
            return CallResult(request_id=client.raise_right(bucket, wanted))

    def _drop_right(self, _call: Call, body: dict[str, Json]) -> CallResult:
        client, bucket, wanted = self._at(body, "site"), str(body.get("bucket")), str(body.get("right"))
        with _RIGHTS:
            held = client.right(bucket)
            if not bits(held) & ~bits(wanted):
                return CallResult(skipped="it has no more rights than it shall have")
            return CallResult(request_id=client.drop_right(bucket))

    # Orders ---------------------------------------------------------------------------------------------------

    def _buckets(self, call: Call, body: dict[str, Json]) -> CallResult:
        client = self._at(body, "site")
        listed = body.get("buckets")
        names = [str(one) for one in listed] if isinstance(listed, list) else []
        held = client.buckets()
        if dead := [name for name in names if held.get(name) in DEAD]:
            message = f"{', '.join(f'{name} is {held[name]}' for name in dead)} at {client.site}"
            raise self._error(call, ErrorCode.FAILED_PRECONDITION, f"{message}; nothing was sent", _DEAD_HINT)
        if going := [name for name in names if held.get(name) == "DELETING"]:
            message = f"{', '.join(going)} at {client.site} is DELETING: somebody deletes it"
            raise self._error(call, ErrorCode.FAILED_PRECONDITION, f"{message}; nothing was sent", _GOING_HINT)
        missing = [name for name in names if held.get(name) in (None, "DELETED")]
        if not missing:
            return CallResult(skipped="they are there already" if len(names) > 1 else "it is there already")
        origin = str(body.get("from"))
        orders = [
            Order(from_site=origin, to_site=client.site, client=client.client, bucket=name, action=CREATE)
            for name in missing
        ]
        send = client.replicator
        return CallResult(request_id=send.order(orders[0]) if len(names) == 1 else send.orders(orders))

    def _order(self, _call: Call, body: dict[str, Json]) -> CallResult:
        found = self._survey(body)
        self._ordered(str(body.get("to")), str(body.get("bucket")), found.absent)
        return self._sent(body, found.absent, CREATE) or CallResult(skipped=str(found))

    def _clear(self, _call: Call, body: dict[str, Json]) -> CallResult:
        found = self._survey(body)
        # A list that is not whole makes copies look like extras: what the source has is never deleted for that.
        source, bucket = self._at(body, "from"), str(body.get("bucket"))
        asked = sorted(found.extra) if body.get("prune") is True else []
        for name in tuple(held(source, bucket, asked, full=False)):
            del found.extra[name]
        rows = doomed(found, body)
        return self._sent(body, rows, DELETE) or CallResult(skipped="nothing is to be deleted")

    def _compare(self, call: Call, body: dict[str, Json]) -> CallResult:
        found = self._survey(body)
        if found.complete:
            return CallResult(skipped=str(found))
        message = f"{body.get('bucket')} at {body.get('to')} does not have all: {found}"
        hint = _DEAD_HINT if found.dead else _INCOMPLETE_HINT
        raise self._error(call, ErrorCode.FAILED_PRECONDITION, message, hint)

    def _sent(self, body: dict[str, Json], rows: Mapping[str, Listed], action: str) -> CallResult | None:
        """Order in batches. Returns None if there was nothing to order."""
        destination, origin = self._at(body, "to"), str(body.get("from"))
        orders = (
            Order(
                from_site=origin, to_site=destination.site, client=destination.client, bucket=str(body.get("bucket")),
                action=action, object=row.name, size=row.size, hash=row.hash,
            )
            for row in rows.values()
        )  # fmt: skip
        last, count = None, 0
        while batch := list(islice(orders, BATCH)):
            last = destination.replicator.orders(batch)
            count += len(batch)
        return CallResult(request_id=last, returned={"ordered": count}) if count else None

    def _survey(self, body: dict[str, Json]) -> Survey:
        return survey(self._at(body, "from"), self._at(body, "to"), str(body.get("bucket")))

    def _at(self, body: dict[str, Json], key: str) -> SiteClient:
        return self._sites.at(str(body.get(key)), str(body.get("client")))

    def _error(self, call: Call, code: ErrorCode, message: str, hint: str) -> ProviderError:
        return ProviderError(message, code=code, provider=self._sites.own.name, operation=call.operation, hint=hint)
