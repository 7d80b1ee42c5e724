"""One site: five services over one database and one storage, and two topics with a reader each."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from reconciler.emulators.clock import Clock
from reconciler.emulators.clonecloudstore import actions
from reconciler.emulators.clonecloudstore.actions import Journal
from reconciler.emulators.clonecloudstore.database import Database, Storage
from reconciler.emulators.clonecloudstore.local import LocalReplicator
from reconciler.emulators.clonecloudstore.peer import Peer
from reconciler.emulators.clonecloudstore.records import Bucket, Object, Order
from reconciler.emulators.clonecloudstore.switches import Switches
from reconciler.emulators.clonecloudstore.topic import Topic
from reconciler.emulators.clonecloudstore.views import Cache, Directory, Rights
from reconciler.emulators.clonecloudstore.wire import digest
from reconciler.emulators.message import JsonValue
from reconciler.emulators.switchboard import Board

T = TypeVar("T")

#: How many orders the replicator reads from its topic at once.
BATCH = 500


class Site:
    """``name`` is its ``ccs.accessor.site``. ``up`` says whether its services run: orders wait while they do not.

    ``rights`` is what the accessor knows of them, ``ordering`` what the process knows that carries out orders.
    """

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        board: Board[Switches],
        authority: Path,
        journal: Journal,
        up: Callable[[], bool],
    ) -> None:
        self.name = name
        self.clock = clock
        self.board = board
        self.journal = journal
        self.database = Database()
        self.storage = Storage()
        self.peer = Peer(authority)
        self.rights = Rights(self.database, self._cache(lambda now: now.ownership_cache_s))
        self.ordering = Rights(self.database, self._cache(lambda now: now.ownership_cache_s))
        self.directory = Directory(self.database, self._cache(lambda now: now.topology_cache_s))
        self.local = LocalReplicator(
            name,
            self.directory,
            self.peer,
            settings=lambda: board.now,
            buckets=self._cache(lambda now: now.bucket_check_cache_s),
            objects=self._cache(lambda now: now.object_check_cache_s),
        )
        #: Orders that could not be given to another site: site, order, why.
        self.unsent: deque[tuple[str, Order, str]] = deque(maxlen=actions.KEPT)
        self._up = up
        self.actions = self._topic("request-action", lambda now: now.paused_consumers, actions.consume, 1)
        self.requests = self._topic("request-replication", lambda now: now.paused_senders, actions.send, BATCH)

    @property
    def settings(self) -> Switches:
        return self.board.now

    def start(self) -> None:
        self.actions.start()
        self.requests.start()

    def stop(self) -> None:
        """After the clock was stopped."""
        self.actions.join()
        self.requests.join()
        self.peer.close()

    def wake(self) -> None:
        self.actions.wake()
        self.requests.wake()

    def replicate(self, order: Order) -> None:
        """Let the other sites know of a change that a client has made here."""
        self.requests.emit(order)

    def repair(self, order: Order) -> None:
        """Order from another site what a client has asked for here, where that is wanted."""
        if self.settings.fix_on_absent:
            self.actions.emit(order)

    def forget(self) -> None:
        """Empty every cache, as a restart does."""
        for view in (self.rights, self.ordering, self.directory, self.local):
            view.forget()

    def frozen(self) -> Site:
        """Answers reads from rows and bytes as they are now; the other sites are asked as ever."""
        taken = copy.copy(self)
        taken.database, taken.storage = self.database.frozen(), self.storage.frozen()
        taken.rights = Rights(taken.database, self._cache(lambda _: 0.0))
        return taken

    def shown(self) -> dict[str, JsonValue]:
        """For ``state()``; see there."""
        with self.database.lock:
            return {
                "up": self._up(),
                "topologies": [one.shown() for one in self.database.topologies.values()],
                "ownerships": [
                    {"client": client, "bucket": bucket, "ownership": held}
                    for (client, bucket), held in self.database.rights.items()
                ],
                "buckets": {name: self._bucket(row) for name, row in self.database.buckets.items()},
                "topics": {"request-action": _topic(self.actions), "request-replication": _topic(self.requests)},
                "unsent": [{"toSite": site, **order.shown(), "why": why} for site, order, why in list(self.unsent)],
            }

    def _bucket(self, bucket: Bucket) -> JsonValue:
        rows = [row for row in self.database.objects.values() if row.bucket == bucket.id]
        return {
            "clientId": bucket.client,
            "status": bucket.status,
            "stored": self.storage.has_bucket(bucket.id),
            "objects": {row.name: self._object(row) for row in rows},
        }

    def _object(self, row: Object) -> JsonValue:
        content = self.storage.read((row.bucket, row.name))
        return {
            "status": row.status,
            "size": row.size,
            "hash": row.hash,
            "stored": content is not None,
            "storedHash": None if content is None else digest(content),
        }

    def _cache(self, seconds: Callable[[Switches], float]) -> Cache[T]:
        return Cache(self.clock, lambda: seconds(self.board.now))

    def _topic(
        self,
        name: str,
        paused: Callable[[Switches], Sequence[str]],
        consume: Callable[[Site, Sequence[Order]], None],
        batch: int,
    ) -> Topic:
        return Topic(
            f"{self.name}-{name}",
            clock=self.clock,
            lag=lambda: self.settings.order_lag_s,
            paused=lambda: not self._up() or self.name in paused(self.settings),
            consume=partial(consume, self),
            batch=batch,
        )


def _topic(topic: Topic) -> JsonValue:
    return {"waiting": [order.shown() for order in topic.waiting], "under_way": topic.under_way}
