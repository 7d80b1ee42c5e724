"""Nothing of a canary stays: after a proof, a failure, an interruption, or a crash of an earlier run."""

import threading
from collections.abc import Iterable
from datetime import timedelta

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.verification import Verdict
from reconciler.providers.base import Store
from reconciler.verify.job import Record, Run
from reconciler.verify.specimen import FOLDER, run_prefix

__all__ = ["purge_all", "purge_leftovers"]

_PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0)
_ABANDONED = timedelta(hours=1)
"""A canary this old has no run any more; a run with a longer limit than this keeps its own apart by its id."""
_HOPELESS = (ErrorCode.UNAUTHENTICATED, ErrorCode.SECRET, ErrorCode.TLS, ErrorCode.READ_ONLY)


def purge_all(run: Run, record: Record, key: str, ends: Iterable[tuple[str, Store]]) -> bool:
    """Purge one key at each (name, store). Never raises ProviderError: what stays is a check that names it.

    A stop does not end this: it is short, and what is left behind costs money.
    """
    clean = True
    for name, store in ends:
        if (error := _purge(run, store, key)) is not None:
            record.note("cleanup", Verdict.ERROR, f"{key} is left at {name}: {error}")
            clean = False
    return clean


def purge_leftovers(run: Run, record: Record, ends: Iterable[tuple[str, Store]], *, older_than_s: float) -> None:
    """Purge canaries that crashed runs left, and say how many. Raises ProviderError if they cannot be listed."""
    limit = run.clock.now() - max(_ABANDONED, timedelta(seconds=older_than_s))
    for name, store in ends:
        old = [
            facts.key
            for facts in store.list(FOLDER)
            if facts.modified_at is not None
            and facts.modified_at < limit
            and not facts.key.startswith(run_prefix(run.id))
        ]
        gone = sum(purge_all(run, record, key, [(name, store)]) for key in old)
        if gone:
            record.note("cleanup", Verdict.MATCH, f"{gone} left at {name} by earlier runs removed")


def _purge(run: Run, store: Store, key: str) -> ProviderError | None:
    """Purge with patience: a job that still runs may keep its directory read-only."""
    unstoppable = threading.Event()
    for pause in (*_PAUSES_S, None):
        try:
            store.purge(key)
        except ProviderError as error:
            if pause is None or error.code in _HOPELESS:
                return error
            run.clock.sleep(pause, unstoppable)
        else:
            return None
    raise AssertionError
