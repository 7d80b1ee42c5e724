"""What can be changed about running sites from outside, over the control port."""

from __future__ import annotations

import threading
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from reconciler.emulators.switchboard import Board

Seconds = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]


class Switches(BaseModel):
    """The first value of each is what release 0.8.0 does where its source tells. They hold for all sites.

    ``documented``: status codes as in the documents in place of those of the source: 201 and 202 for what is made and
    changed, 204 for HEAD, 400 for bad names, 401 without a client id, 403 for objects of others at the replicator,
    404 for lists of a bucket that is missing, 410 for a deleted bucket at the replicator, 409 for the order of a
    bucket that is there. ``local_bucket``: GET of a bucket at ``/replicator/local``, wrapped as in the source or bare
    as in the documents. ``remote_missing_bucket``: what GET of a missing bucket at ``/replicator/remote`` answers; the
    source throws an exception there that no mapper knows.

    ``remote_read``, ``fix_on_absent``: ``ccs.accessor.remote.read`` and ``.fixOnAbsent``: the public API answers from
    other sites, and orders a repair. ``internal_compression``: sites send each other ZSTD.
    ``compute_hash``: ``ccs.server.computeSha256``; without, an object that came without a hash has none.

    ``topology_cache_s``, ``ownership_cache_s``, ``bucket_check_cache_s``, ``object_check_cache_s``: how long services
    believe what they have read, in seconds of the emulated clock; 0 is no cache.

    ``order_lag_s``: emulated seconds that an order waits in a topic. ``pull_s``: emulated seconds between the moment
    when a pulled object's row says READY and the moment when its bytes are there. ``paused_consumers``: sites whose
    ``request-action`` topic nobody reads. ``paused_senders``: sites whose ``request-replication`` topic nobody reads.

    ``drop_orders``: orders that are lost, by the number that ``state`` counts in ``orders.taken``.
    ``drop_next_orders``: so many are lost. ``fail_next_pulls``: so many pulls fail (ERR_UPL).
    ``stall_next_pulls``: so many pulls never end, as when the consumer dies: the row stays UPLOAD.
    ``fail_next_writes``, ``fail_next_deletes``: so many writes to and deletes from storage fail (ERR_UPL, ERR_DEL).
    These count down.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    documented: bool = False
    local_bucket: Literal["wrapped", "bare"] = "wrapped"
    remote_missing_bucket: Literal[404, 500] = 404
    remote_read: bool = False
    fix_on_absent: bool = False
    internal_compression: bool = False
    compute_hash: bool = True
    topology_cache_s: Seconds = 300.0
    ownership_cache_s: Seconds = 600.0
    bucket_check_cache_s: Seconds = 600.0
    object_check_cache_s: Seconds = 300.0
    order_lag_s: Seconds = 0.05
    pull_s: Seconds = 0.0
    paused_consumers: tuple[str, ...] = ()
    paused_senders: tuple[str, ...] = ()
    drop_orders: tuple[Annotated[int, Field(ge=1)], ...] = ()
    drop_next_orders: Count = 0
    fail_next_pulls: Count = 0
    stall_next_pulls: Count = 0
    fail_next_writes: Count = 0
    fail_next_deletes: Count = 0


Counter = Literal[
    "drop_next_orders", "fail_next_pulls", "stall_next_pulls", "fail_next_writes", "fail_next_deletes"
]  # fmt: skip

_taking = threading.Lock()


def take(board: Board[Switches], counter: Counter) -> bool:
    """Use up one of so many; False if there are none left."""
    with _taking:
        left = int(getattr(board.now, counter))
        if left:
            board.set({counter: left - 1})
        return left > 0
