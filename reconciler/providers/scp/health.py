"""What the service says about a replication's data plane. Pure.

It has no times, no lag and no counts: `use` says that copying is switched on, not that anything was copied. So nothing
is ever `ok` here; what is known to be bad is told. Source: SCP API reference, ReplicationShowResponse.
"""

from reconciler.model.observation import Health, HealthState
from reconciler.providers.scp.convert import CREATING, PAUSED, USE, Shown, Volume, failed, going

__all__ = ["health_of"]

_AVAILABLE = "available"


def health_of(shown: Shown | None, source: Volume | None, replica: Volume | None) -> Health:
    """Judge a replication and the volumes at its ends; None for what is not there."""
    if shown is None:
        return Health(state=HealthState.UNKNOWN, detail="the replication is not there")
    status = shown.replication_status
    if failed(status):
        return Health(state=HealthState.FAILED, detail=f"its status is {status}")
    if going(status):
        return Health(state=HealthState.FAILED, detail=f"somebody deletes it: its status is {status}")
    if status == CREATING:
        return Health(state=HealthState.RUNNING, detail="the replica is being made")
    for what, volume in (("source", source), ("replica", replica)):
        if volume is None:
            return Health(state=HealthState.FAILED, detail=f"the {what}'s volume is not there")
        if failed(volume.state):
            return Health(state=HealthState.FAILED, detail=f"the {what}'s volume is {volume.state}")
    if shown.replication_policy == PAUSED:
        return Health(state=HealthState.PAUSED, detail="its policy is paused")
    if shown.replication_policy != USE:
        return Health(state=HealthState.UNKNOWN, detail=f"its policy is {shown.replication_policy or 'not said'}")
    return Health(state=HealthState.UNKNOWN, detail=_silent(status, source, replica))


def _silent(status: str, *volumes: Volume | None) -> str:
    states = sorted({volume.state or "not said" for volume in volumes if volume is not None} - {_AVAILABLE})
    odd = f"; a volume is {', '.join(states)}" if states else ""
    return f"in use, status {status or 'not said'}{odd}; SCP does not say when it last copied"
