"""What becomes of an order: it is carried out, or it is lost. Nobody is told, and nothing is tried twice.

Source: CloneCloudStore's RequestActionConsumer and RequestActionService.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from reconciler.emulators.clonecloudstore import buckets, moment, names, objects
from reconciler.emulators.clonecloudstore.database import Key
from reconciler.emulators.clonecloudstore.objects import Upload
from reconciler.emulators.clonecloudstore.peer import Fetched, Who
from reconciler.emulators.clonecloudstore.records import Object, Order
from reconciler.emulators.clonecloudstore.refusal import Refusal
from reconciler.emulators.clonecloudstore.switches import take
from reconciler.emulators.message import JsonValue

if TYPE_CHECKING:
    from reconciler.emulators.clonecloudstore.site import Site

#: ``refused``: dropped with a warning, nothing changed. ``failed``: dropped, and a row is in error. ``stalled``: begun
#: and never ended. ``lost``: dropped by a switch. ``ignored``: an action that nobody knows.
Outcome = Literal["applied", "refused", "failed", "stalled", "lost", "ignored"]

KEPT: Final = 2000


@dataclass(frozen=True, slots=True)
class Done:
    """An order with what became of it; ``number`` counts over all sites, from 1."""

    number: int
    site: str
    order: Order
    outcome: Outcome
    why: str = ""

    def shown(self) -> dict[str, JsonValue]:
        return {
            "number": self.number, "site": self.site, **self.order.shown(), "outcome": self.outcome, "why": self.why,
        }  # fmt: skip


class Journal:
    """What became of the orders of all sites, the last ``KEPT`` of them. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = 0
        self._counts: Counter[Outcome] = Counter()
        self._done: deque[Done] = deque(maxlen=KEPT)

    def number(self) -> int:
        with self._lock:
            self._taken += 1
            return self._taken

    def add(self, done: Done) -> None:
        with self._lock:
            self._counts[done.outcome] += 1
            self._done.append(done)

    def shown(self) -> dict[str, JsonValue]:
        with self._lock:
            return {
                "taken": self._taken,
                "counts": {str(outcome): count for outcome, count in self._counts.items()},
                "done": [done.shown() for done in self._done],
            }


def consume(site: Site, orders: Sequence[Order]) -> None:
    for order in orders:
        number = site.journal.number()
        outcome, why = _carried_out(site, order, number)
        site.journal.add(Done(number, site.name, order, outcome, why))


def _carried_out(site: Site, order: Order, number: int) -> tuple[Outcome, str]:
    if number in site.settings.drop_orders or take(site.board, "drop_next_orders"):
        return "lost", ""
    if order.action not in ("CREATE", "DELETE"):
        return ("refused", "no action") if order.action is None else ("ignored", f"Unknown order: {order.action}")
    try:
        names.check_bucket(order.bucket or "")
        about_object = bool((order.object or "").strip())
        if about_object:
            names.check_object(order.object or "")
        match order.action, about_object:
            case "CREATE", False:
                buckets.create(site, order.bucket or "", order.client or "", site.ordering, ordered=True)
            case "DELETE", False:
                buckets.delete(site, order.bucket or "", order.client or "", site.ordering)
            case "DELETE", True:
                objects.delete(site, (order.bucket or "", order.object or ""), order.client, site.ordering)
            case _:
                return _pull(site, order)
    except names.BadName:
        return "refused", "a name is invalid"
    except Refusal as refusal:
        return "refused", refusal.reason
    return "applied", ""


def _pull(site: Site, order: Order) -> tuple[Outcome, str]:
    """Make the row, fetch the bytes from the site that the order names, and store them.

    Between the second and the third step the row says READY: it has taken the source's status over.
    """
    key = (order.bucket or "", order.object or "")
    with site.database.lock:
        if not site.ordering.allow(order.client, key[0], "WRITE"):
            raise Refusal(403, "WRITE not allowed")
        bucket = site.database.buckets.get(key[0])
        if bucket is None or bucket.status != "READY":
            raise Refusal(404, "Bucket does not exists")
        row = objects.begin(site, Upload(*key, b"", hash=order.hash or None, size=max(order.size, 0)))
    if take(site.board, "stall_next_pulls"):
        return "stalled", ""
    try:
        _store(site, row, _fetch(site, order, key))
    except Refusal as refusal:
        site.database.set_object(key, "ERR_UPL", moment.now_ms(site.clock.now()))
        return "failed", f"{refusal.status} {refusal.reason}"
    return "applied", ""


def _fetch(site: Site, order: Order, key: Key) -> Fetched:
    if take(site.board, "fail_next_pulls"):
        raise Refusal(500, "the pull failed")
    return site.local.read(*key, Who(order.client, order.op_id), order.from_site)


def _store(site: Site, row: Object, fetched: Fetched) -> None:
    key = (row.bucket, row.name)
    taken = replace(fetched.row, id=row.id, site=row.site)
    with site.database.lock:
        site.database.objects[key] = taken
    site.clock.wait(site.settings.pull_s)
    if take(site.board, "fail_next_writes"):
        raise Refusal(500, "the storage driver failed")
    with site.database.lock:
        site.storage.write(key, fetched.content)
        site.database.objects[key] = replace(taken, status="READY")


def send(site: Site, orders: Sequence[Order]) -> None:
    """Give a site's own changes to every site that is UP in its list. What cannot be given is lost.

    Source: CloneCloudStore's LocalReplicatorRequestTopicConsumer.
    """
    for topology in site.directory.up():
        if topology.id == site.name:
            continue
        copies = [replace(order, to_site=topology.id) for order in orders]
        try:
            site.peer.order(topology.uri, copies)
        except Refusal as refusal:
            site.unsent.extend((topology.id, order, refusal.reason) for order in copies)
