"""Looking once whether an awaited condition holds. Reads only.

What waits to be changed is looked at in the replica's region, by the replica's id: there it shows first.
Source: the vendor's Terraform provider, which polls for the policy and not for a status; only the status `creating` is
documented, so that no other word is waited for.
"""

from collections.abc import Callable

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.step import Await
from reconciler.model.value import Json
from reconciler.providers.base import Progress
from reconciler.providers.scp.convert import CREATING, PAUSED, USE, Shown, failed, going
from reconciler.providers.scp.reading import Place
from reconciler.providers.scp.regions import Regions
from reconciler.providers.scp.steps import CLEARED, FREE, GONE, IN_USE, REMOVED, SCHEDULED, SETTLED, STOPPED

__all__ = ["Waits"]

_FREE = ("none", "")
"""Purposes of a volume that no replication holds. Source: seen live."""
_GONE = "the replication is not there"
"""Nothing is waited for then: a run that was cut off waits again, and what it did since may have been the deletion."""


class Waits:
    """Polls waits. Every method raises ProviderError and nothing else."""

    def __init__(self, regions: Regions) -> None:
        self._regions = regions

    def poll(self, wait: Await) -> Progress:
        """Look once."""
        looks: dict[str, Callable[[Place, Json], Progress]] = {
            IN_USE: self._in_use,
            SETTLED: self._settled,
            STOPPED: self._stopped,
            SCHEDULED: self._scheduled,
            GONE: self._gone,
            FREE: self._free,
            CLEARED: self._cleared,
            REMOVED: self._removed,
        }
        look = looks.get(wait.condition)
        if look is None:
            raise ProviderError(
                f"nothing here is called {wait.condition!r}",
                code=ErrorCode.UNIMPLEMENTED, provider=self._regions.own.name, operation=wait.condition,
                hint="the plan was made by another version: plan again",
            )  # fmt: skip
        return look(Place.read(wait.params), wait.params)

    def _in_use(self, place: Place, _params: Json) -> Progress:
        # At the source: a replica that is being made may not be known at its own region yet.
        shown = self._regions.own.replication(place.id, place.source_volume)
        if shown is None:
            return Progress(done=False, detail="not shown yet")
        if failed(shown.replication_status):
            return Progress(done=False, detail=_told(shown), failed=_broken(shown))
        if going(shown.replication_status):
            return Progress(done=False, detail=_told(shown), failed=f"somebody deletes the replication: {_told(shown)}")
        done = shown.replication_policy == USE and shown.replication_status != CREATING
        return Progress(done=done, detail=_told(shown))

    def _settled(self, place: Place, _params: Json) -> Progress:
        shown = self._regions.own.replication(place.id, place.source_volume)
        done = shown is None or shown.replication_status != CREATING
        return Progress(done=done, detail=_told(shown) if shown else _GONE)

    def _stopped(self, place: Place, _params: Json) -> Progress:
        shown = self._at_replica(place)
        if shown is None:
            return Progress(done=True, detail=_GONE)
        return Progress(done=shown.replication_policy == PAUSED, detail=_told(shown))

    def _scheduled(self, place: Place, params: Json) -> Progress:
        shown = self._at_replica(place)
        if shown is None:
            return Progress(done=True, detail=_GONE)
        given = params if isinstance(params, dict) else {}
        wanted = (given.get("frequency"), given.get("retention"))
        held = (shown.replication_frequency, shown.backup_retention_count)
        done = all(value in (None, now) for value, now in zip(wanted, held, strict=True))
        return Progress(done=done, detail=f"it runs {shown.replication_frequency}")

    def _gone(self, place: Place, _params: Json) -> Progress:
        ends = ((self._regions.own, place.source_volume),
                (self._regions.at(place.region, place.provider), place.replica_volume))  # fmt: skip
        lists = [any(one.replication_id == place.id for one in client.replications(volume)) for client, volume in ends]
        if lists == [True, False]:
            # For a moment that is so of each; for long where the other document is not the same account's.
            return Progress(done=False, detail=f"{ends[0][0].config.region} still lists it, {place.region} does not")
        if any(lists):
            return Progress(done=False, detail=f"{place.region} still lists it")
        return Progress(done=True, detail="gone")

    def _free(self, place: Place, _params: Json) -> Progress:
        volume = self._regions.at(place.region, place.provider).volume(place.replica_volume)
        purpose = volume.purpose.lower() if volume else ""
        return Progress(done=purpose in _FREE, detail=f"its purpose is {purpose or 'none'}")

    def _cleared(self, place: Place, _params: Json) -> Progress:
        left = len(self._regions.at(place.region, place.provider).snapshots(place.replica_volume))
        return Progress(done=not left, detail=f"{left} snapshots left")

    def _removed(self, place: Place, _params: Json) -> Progress:
        volume = self._regions.at(place.region, place.provider).volume(place.replica_volume)
        if volume is not None and failed(volume.state):
            return Progress(done=False, failed=f"the volume is {volume.state}")
        return Progress(done=volume is None, detail=f"the volume is {volume.state}" if volume else "gone")

    def _at_replica(self, place: Place) -> Shown | None:
        return self._regions.at(place.region, place.provider).replication(place.id, place.replica_volume)


def _told(shown: Shown) -> str:
    return f"status {shown.replication_status or 'not said'}, policy {shown.replication_policy or 'not said'}"


def _broken(shown: Shown) -> str:
    return (
        f"the replication is there and does not work: {_told(shown)}, id {shown.replication_id}, volume"
        f" {shown.replication_volume_id} in {shown.replication_volume_region}. Look at it in the console. To make it"
        " anew, pause and delete it and its volume there, and apply again; or apply `state: paused` with `scp:"
        " {deleteReplicaVolume: true}`, which makes it one of this workspace, then remove its manifest, apply with"
        " --prune, and put it back"
    )
