"""Threads that do several things side by side, and that nobody waits for once the user wants to be gone."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

__all__ = ["workers"]


@contextmanager
def workers(count: int, name: str) -> Iterator[ThreadPoolExecutor]:
    """Yield a pool. Its end is waited for, also after an error, but not after Ctrl-C or what else ends the process: a
    call under way may take as long as its timeout."""
    pool = ThreadPoolExecutor(max_workers=count, thread_name_prefix=name)
    try:
        yield pool
    except Exception:
        pool.shutdown()
        raise
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
