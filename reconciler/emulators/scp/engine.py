"""What happens by itself: states that settle, changes that take hold, transfers, and records that disappear."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from reconciler.emulators.clock import Alarm
from reconciler.emulators.scp import folder, moment
from reconciler.emulators.scp.cloud import Cloud
from reconciler.emulators.scp.records import Change, Phase, Replication, Tally, Volume

#: How many due transfers of one replication are really made: those that leave a trace, and one.
_FEWEST: Final = 1


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is to happen at a moment of the clock's ``monotonic()``."""

    due: float
    act: Callable[[], None]


class Engine:
    """Brings the records up to the clock. ``settle`` does whatever has come due, in order of time.

    It is called before every request is answered, so that a clock that jumps is seen at once, and by a thread of its
    own, so that files move without anybody asking.
    """

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._alarm: Alarm = cloud.clock.alarm()
        self._thread = threading.Thread(target=self._run, name="scp-engine", daemon=True)
        self._stopped = threading.Event()

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        self._alarm.ring()

    def stop(self) -> None:
        self._stopped.set()
        self._alarm.ring()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def settle(self) -> float | None:
        """When the next thing is due; None if nothing is."""
        with self._cloud.lock:
            now = self._cloud.clock.monotonic()
            while True:
                step = min(self._steps(now), key=lambda step: step.due, default=None)
                if step is None or step.due > now:
                    return None if step is None else step.due
                step.act()

    def transfer(self, replication_id: str) -> tuple[int, int]:
        """Copy now, whatever the schedule says; files and bytes moved. The schedule goes on as it was."""
        with self._cloud.lock:
            found = self._cloud.replications[replication_id]
            moved = self._copy(found)
            return moved if moved is not None else (0, 0)

    def _run(self) -> None:
        while not self._stopped.is_set():
            if not self._alarm.wait(self.settle()):
                return

    def _steps(self, now: float) -> Iterator[Step]:
        for volume in self._cloud.volumes.values():
            if volume.due is not None:
                yield Step(volume.due, lambda volume=volume: self._volume_due(volume))  # type: ignore[misc]
        running = self._cloud.settings.worker == "running"
        for one in self._cloud.replications.values():
            if one.due is not None:
                yield Step(one.due, lambda one=one: self._phase_due(one))  # type: ignore[misc]
            if one.changes:
                yield Step(one.changes[0].due, lambda one=one: self._change_due(one))  # type: ignore[misc]
            if running and one.transfers and one.next is not None:
                yield Step(one.next, lambda one=one: self._transfer_due(one, now))  # type: ignore[misc]

    def _save(self, replication: Replication) -> Replication:
        self._cloud.replications[replication.id] = replication
        return replication

    def _volume_due(self, volume: Volume) -> None:
        if volume.state == "deleting":
            self._cloud.drop(volume.id)
        else:
            self._cloud.update(volume, state="available", due=None)

    def _phase_due(self, one: Replication) -> None:
        settings, due = self._cloud.settings, one.due or 0.0
        if one.phase is Phase.CREATING:
            failed = settings.create_outcome == "error"
            self._cloud.ready(one.replica)
            self._save(
                replace(one, phase=Phase.ERROR if failed else Phase.SETTLED, due=None, next=due + settings.baseline_s)
            )
        elif one.phase is Phase.DELETING:
            self._save(replace(one, phase=Phase.LEFT, due=due + settings.region_lag_s, changes=(), next=None))
        else:
            del self._cloud.replications[one.id]

    def _change_due(self, one: Replication) -> None:
        change: Change = one.changes[0]
        changed = replace(
            one,
            changes=one.changes[1:],
            policy=change.policy or one.policy,
            frequency=change.frequency or one.frequency,
            retention=one.retention if change.retention is None else change.retention,
        )
        if (changed.policy, changed.frequency) != (one.policy, one.frequency):
            changed = replace(changed, next=change.due + self._cloud.period(changed))
        self._save(changed)

    def _transfer_due(self, one: Replication, now: float) -> None:
        due, period = one.next or 0.0, self._cloud.period(one)
        # A clock that jumped a year must not cost a hundred thousand copies of the same bytes.
        keep = max(_FEWEST, one.retention or 0) if one.type == "backup" else _FEWEST
        behind = int((now - due) // period)
        due += max(0, behind - keep + 1) * period
        one = self._save(replace(one, next=due + period))
        self._copy(one)

    def _copy(self, one: Replication) -> tuple[int, int] | None:
        """None if an end is not there or cannot be read or written: an error until somebody repairs it."""
        cloud = self._cloud
        source, replica = cloud.volumes.get(one.source), cloud.volumes.get(one.replica)
        try:
            if source is None or replica is None or not cloud.mount(source.id).is_dir():
                raise FileNotFoundError(one.source)
            moved = folder.mirror(cloud.mount(source.id), cloud.mount(replica.id), cloud.scratch)
            now = cloud.clock.now()
            tally = Tally(one.tally.transfers + 1, one.tally.files + moved[0], one.tally.bytes + moved[1], now)
            self._mark(replace(one, tally=tally), source, replica)
        except OSError:
            self._save(replace(one, phase=Phase.ERROR))
            return None
        self._save(replace(one, tally=tally))
        return moved

    def _mark(self, one: Replication, source: Volume, replica: Volume) -> None:
        """Snapshots of the transfer that was just made, in place of those of earlier ones."""
        now = one.tally.last or self._cloud.clock.now()
        name = f"snapmirror.{one.id}_{one.tally.transfers:010d}.{moment.stamp(now)}"
        for volume in (source, replica):
            backup = one.type == "backup" and volume.id == replica.id
            self._cloud.take_snapshot(volume, name, now, one.id, keep=backup)
            self._trim(volume.id, one.id, (one.retention or _FEWEST) if backup else _FEWEST)

    def _trim(self, volume_id: str, owner: str, keep: int) -> None:
        made = [one for one in self._cloud.snapshots_of(volume_id) if one.replication == owner]
        for snapshot in made[:-keep]:
            self._cloud.drop_snapshot(snapshot.id)
