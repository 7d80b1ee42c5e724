"""Verifies many replications at a time. Every one gets an answer, whatever goes wrong."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from traceback import extract_tb

from reconciler.clock import Clock
from reconciler.errors import ReplError
from reconciler.model.verification import Level, Outcome, Verdict, Verification
from reconciler.providers.base import SecretResolver
from reconciler.verify.canary import OLDER, prove_by_canary
from reconciler.verify.carried import Carried
from reconciler.verify.compare import compare_all
from reconciler.verify.job import Emit, Interrupted, Job, NotJudged, NotProved, Record, Run
from reconciler.verify.reach import Carriers
from reconciler.verify.spool import Differences
from reconciler.verify.status import check_status
from reconciler.verify.window import Readers

__all__ = ["Job", "verify"]

_Trial = tuple[Job, Record, Carried]


def verify(
    jobs: Sequence[Job],
    *,
    run_id: str,
    clock: Clock,
    parallelism: int = 4,
    level: Level | None = None,
    canary: bool = True,
    others: Sequence[Job] = (),
    differences: Differences | None = None,
    secrets: SecretResolver,
    stop: threading.Event,
    emit: Emit,
) -> tuple[Verification, ...]:
    """Verify each job at its flow's level, or at `level`. Without `canary` nothing is written: then a level that
    compares all objects does only that, and any other is `status`.

    Comparisons come when all canaries are gone; what they find goes to `differences` too. Their reading of objects
    takes `parallelism` threads for all of them together.

    `others` are flows that are not verified but may carry canaries on, with no relationship: of what they copy nothing
    stays either. Their providers are used only where that is so, and none of their errors is a proof's.

    Results are ordered by replication. Setting `stop` (KeyboardInterrupt sets it) ends the waiting, not the cleaning
    up; what was not judged by then is `not_checked`. Never raises for what a provider did.
    """
    run = Run(id=run_id, clock=clock, secrets=secrets, stop=stop, emit=_one_at_a_time(emit))
    pairs = [(job, _record(job, level, canary=canary)) for job in sorted(jobs, key=lambda job: job.name)]
    _attended(run, lambda: _work(pairs, others, run, parallelism, differences))
    return tuple(record.verification() for _, record in pairs)


def _work(
    pairs: Sequence[tuple[Job, Record]],
    others: Sequence[Job],
    run: Run,
    parallelism: int,
    differences: Differences | None,
) -> None:
    writing = any(record.canary for _, record in pairs)
    carriers = Carriers([job for job, _ in pairs], others) if writing else Carriers((), ())
    trials = [(job, record, Carried(job, run, record, carriers)) for job, record in pairs]
    many = max(1, parallelism)
    with ThreadPoolExecutor(max_workers=many, thread_name_prefix="verify") as pool:
        for chosen in _rounds(trials):
            _finish([pool.submit(_try_one, job, run, record, carried) for job, record, carried in chosen])
        begun = [(record, carried) for _, record, carried in trials if carried.begun]
        _finish([pool.submit(carried.finish) for _, carried in begun])
        compared = [(job, record) for job, record in pairs if record.to_compare]
        with ThreadPoolExecutor(max_workers=many, thread_name_prefix="read") as reading:
            readers = Readers(reading, many)
            _finish([pool.submit(_compare_one, job, run, record, readers, differences) for job, record in compared])
    for record, _ in begun[:1]:
        for problem in carriers.problems:
            record.note("cleanup", Verdict.ERROR, problem)


def _rounds(trials: Sequence[_Trial]) -> list[list[_Trial]]:
    """Split what is to be done so that no canary lies where a job of its round may read it.

    A job fails when a file that it has listed vanishes, and that would be held against its flow.
    """
    rounds: list[tuple[list[_Trial], set[str], set[str]]] = []
    for trial in trials:
        name, jobs = trial[0].name, trial[2].jobs
        fitting = (each for each in rounds if name not in each[2] and not jobs & each[1])
        chosen, names, taken_by = next(fitting, ([], set(), set()))
        if not chosen:
            rounds.append((chosen, names, taken_by))
        chosen.append(trial)
        names.add(name)
        taken_by |= jobs
    return [chosen for chosen, _, _ in rounds]


def _record(job: Job, level: Level | None, *, canary: bool) -> Record:
    asked = level or job.flow.spec.verify.level
    asked = asked if canary or asked.compares else Level.STATUS
    writes = canary and asked is not Level.STATUS
    return Record(replication=job.name, level=asked, canary=writes, reason="interrupted")


def _try_one(job: Job, run: Run, record: Record, carried: Carried) -> None:
    """Ask for the status, or send a canary; nothing where objects are only compared."""

    def work() -> None:
        if run.stop.is_set():
            raise Interrupted
        if record.level is Level.STATUS:
            check_status(job, record)
        elif record.canary:
            prove_by_canary(job, run, record, carried)
            record.arrived = True

    if record.to_compare:
        return
    _judge(run, record, work)
    if record.arrived and record.level.compares:
        record.conclude(Outcome.NOT_CHECKED, "interrupted")  # unless the comparison comes to its end
    elif record.level.compares:
        record.not_checked.append("all other objects: they are compared when a canary has arrived")
    if not record.to_compare:
        _tell(run, record)


def _compare_one(job: Job, run: Run, record: Record, readers: Readers, differences: Differences | None) -> None:
    def work() -> None:
        if run.stop.is_set():
            raise Interrupted
        if OLDER in record.not_checked:
            record.not_checked.remove(OLDER)
        compare_all(job, run, record, readers, differences)

    _judge(run, record, work)
    _tell(run, record)


def _judge(run: Run, record: Record, work: Callable[[], None]) -> None:
    """Do the work and turn what it raises into an answer."""
    try:
        work()
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


def _tell(run: Run, record: Record) -> None:
    said = f": {record.reason}" if record.reason else ""
    run.emit(f"{record.replication}: {record.outcome.value.replace('_', ' ')}{said}")


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


def _one_at_a_time(emit: Emit) -> Callable[[str], None]:
    lock = threading.Lock()

    def told(text: str) -> None:
        with lock:
            emit(text)

    return told
