"""Verifies many replications at a time. Every one gets an answer, whatever goes wrong."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from traceback import extract_tb
from typing import Any

from reconciler.clock import Clock
from reconciler.errors import ReplError
from reconciler.model.manifest import Location
from reconciler.model.verification import Level, Outcome, Verdict, Verification
from reconciler.providers.base import Provider, SecretResolver
from reconciler.verify.canary import prove_by_canary
from reconciler.verify.cleanup import sweep
from reconciler.verify.job import Emit, Interrupted, Job, NotJudged, NotProved, Record, Run
from reconciler.verify.status import check_status

__all__ = ["Job", "verify"]


def verify(
    jobs: Sequence[Job],
    *,
    run_id: str,
    clock: Clock,
    parallelism: int = 4,
    level: Level | None = None,
    canary: bool = True,
    secrets: SecretResolver,
    stop: threading.Event,
    emit: Emit,
) -> tuple[Verification, ...]:
    """Verify each job at its flow's level, or at `level`. Without `canary` the level is `status`: nothing is written.

    Results are ordered by replication. Setting `stop` (KeyboardInterrupt sets it) ends the waiting, not the cleaning
    up; what was not judged by then is `not_checked`. Never raises for what a provider did.
    """
    run = Run(id=run_id, clock=clock, secrets=secrets, stop=stop, emit=_one_at_a_time(emit))
    pairs = [(job, _record(job, level, canary=canary)) for job in sorted(jobs, key=lambda job: job.name)]
    _attended(run, lambda: _work(pairs, run, parallelism))
    return tuple(record.verification() for _, record in pairs)


def _work(pairs: Sequence[tuple[Job, Record]], run: Run, parallelism: int) -> None:
    with ThreadPoolExecutor(max_workers=max(1, parallelism), thread_name_prefix="verify") as pool:
        _finish([pool.submit(_verify_one, job, run, record) for job, record in pairs])
        written = [(job, record) for job, record in pairs if record.bytes_written]
        if len(written) > 1:
            _finish([pool.submit(sweep, run, *target) for target in _places(written)])


def _record(job: Job, level: Level | None, *, canary: bool) -> Record:
    asked = level or job.flow.spec.verify.level
    return Record(replication=job.name, level=asked if canary else Level.STATUS, reason="interrupted")


def _verify_one(job: Job, run: Run, record: Record) -> None:
    try:
        _at_level(job, run, record)
    except NotProved as error:
        record.conclude(Outcome.FAILED, str(error))
    except NotJudged as error:
        record.conclude(Outcome.NOT_CHECKED, str(error))
    except (Interrupted, KeyboardInterrupt):
        run.stop.set()
        record.conclude(Outcome.NOT_CHECKED, "interrupted")
    except ReplError as error:
        record.note(record.stage, Verdict.ERROR, str(error))
        record.conclude(Outcome.FAILED, str(error))
    except Exception as error:  # noqa: BLE001  (one faulty provider must not cost the others their answer)
        # Its text may hold anything, a secret too.
        last = extract_tb(error.__traceback__)[-1]
        reason = f"a bug: {type(error).__name__} in {last.name}, line {last.lineno}"
        record.note(record.stage, Verdict.ERROR, reason)
        record.conclude(Outcome.FAILED, reason)
    run.emit(f"{job.name}: {record.outcome.value.replace('_', ' ')}" + (f": {record.reason}" if record.reason else ""))


def _at_level(job: Job, run: Run, record: Record) -> None:
    if run.stop.is_set():
        raise Interrupted
    if record.level is Level.STATUS:
        check_status(job, record)
        return
    prove_by_canary(job, run, record)
    if record.level is not Level.CANARY:
        record.not_checked.append(f"all objects at level {record.level.value}")
        raise NotJudged(f"level {record.level.value} compares all objects, and only a canary was compared: it arrived")


def _attended(run: Run, work: Callable[[], None]) -> None:
    """Do the work in a thread of its own and wait for it, also after Ctrl-C: it ends soon then, but cleaned up.

    Only the main thread gets KeyboardInterrupt, so that nothing but this waiting can be hit by it.
    """
    begun, done = threading.Event(), threading.Event()
    problems: list[BaseException] = []

    def attempt() -> None:
        begun.set()
        try:
            work()
        except BaseException as error:  # noqa: BLE001  (raised again below, in the caller's thread)
            problems.append(error)
        finally:
            done.set()

    try:
        threading.Thread(target=attempt, name="verify").start()
    except KeyboardInterrupt:
        run.stop.set()
        if not begun.wait(1.0):
            return
    while not done.is_set():
        # Not Thread.join: interrupted, it takes a thread for ended that is not. Source: CPython, bpo-46726
        try:
            done.wait()
        except KeyboardInterrupt:
            run.stop.set()
    for problem in problems:
        raise problem


def _finish(futures: Sequence[Future[None]]) -> None:
    for future in futures:
        future.result()


def _places(written: Sequence[tuple[Job, Record]]) -> list[tuple[Record, str, Any]]:
    """Return (record, name, store) for every place of the run, each once."""
    places: dict[Location, tuple[Record, Provider]] = {}
    for job, record in written:
        source, destination = job.provider.ends(job.flow)
        places.setdefault(source, (record, job.source))
        places.setdefault(destination, (record, job.destination))
    return [(record, location.provider, provider.store(location)) for location, (record, provider) in places.items()]


def _one_at_a_time(emit: Emit) -> Callable[[str], None]:
    lock = threading.Lock()

    def told(text: str) -> None:
        with lock:
            emit(text)

    return told
