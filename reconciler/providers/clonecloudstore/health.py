"""What can be said of one bucket's replication. Pure.

No site says what it has sent, or when: so nothing is ever `ok` here. What failed has left a row at the destination; an
order that was lost has left nothing. Source: CloneCloudStore 0.8.0, RequestActionConsumer.
"""

from collections.abc import Iterable

from reconciler.model.observation import Health, HealthState
from reconciler.providers.clonecloudstore.survey import named
from reconciler.providers.clonecloudstore.wire import DEAD, DOWN, UP, ObjectRow, Topology

__all__ = ["LOOKED_AT", "health_of"]

LOOKED_AT = ("UPLOAD", *sorted(DEAD))
"""Statuses of rows at the destination that tell something."""


def health_of(topology: Topology | None, rows: Iterable[ObjectRow]) -> Health:
    """Judge by the source's list of sites and the destination's rows that are not READY."""
    held = list(rows)
    failed = sorted(row.name for row in held if row.status in DEAD)
    waiting = sum(row.status == "UPLOAD" for row in held)
    if topology is None:
        return Health(state=HealthState.UNKNOWN, detail="the source does not know the destination")
    if topology.status == DOWN:
        return Health(state=HealthState.PAUSED, detail="the destination is DOWN", backlog=waiting, failed=len(failed))
    if topology.status != UP:
        return Health(state=HealthState.UNKNOWN, detail=f"the destination is {topology.status} for the source")
    if failed:
        detail = f"{named(failed)} failed at the destination (ERR_UPL, ERR_DEL), and no call leads out of that"
        return Health(state=HealthState.FAILED, detail=detail, backlog=waiting, failed=len(failed))
    if waiting:
        return Health(state=HealthState.RUNNING, detail=f"{waiting} in UPLOAD", backlog=waiting, failed=0)
    return Health(state=HealthState.UNKNOWN, detail="nothing is under way; what has arrived is not said", failed=0)
