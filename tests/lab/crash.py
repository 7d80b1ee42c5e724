"""A process that ends while it applies a plan."""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from reconciler.engine.journal import Journal
from reconciler.model.plan import Plan
from reconciler.providers.http import HttpClient
from reconciler.testing.host import Killed


@contextmanager
def killed_at_entry(number: int, *, after: bool) -> Iterator[None]:
    """Let the process end at the journal's `number`-th entry, counted from 0: before it is on disk, or right after."""
    real, count = Journal.write, itertools.count()

    def write(self: Journal, *args: Any, **kwargs: Any) -> None:
        entry = next(count)
        if entry < number or (after and entry == number):
            real(self, *args, **kwargs)
        if entry >= number:
            raise Killed  # whatever other threads were about to do

    with mock.patch.object(Journal, "write", write):
        try:
            yield
        finally:
            for thread in threading.enumerate():
                if thread.name.startswith("apply"):
                    thread.join()


@contextmanager
def killed_unanswered(number: int) -> Iterator[None]:
    """Let the process end when the `number`-th request that changes something has been carried out."""
    real, count = HttpClient.send, itertools.count()

    def send(self: HttpClient, ask: Any) -> Any:
        here = self.is_write(ask) and next(count) == number
        answer = real(self, ask)
        if here:
            raise Killed
        return answer

    with mock.patch.object(HttpClient, "send", send):
        yield


def survived(apply: Callable[[Plan], object], plan: Plan, *, killed_at: int, after: bool) -> bool:
    """Apply a plan in a process that ends at the journal's `killed_at`-th entry, counted from 0.

    `after`: right after the entry is on disk, else before it is. Returns whether the run was over sooner.
    """
    with killed_at_entry(killed_at, after=after):
        try:
            apply(plan)
        except Killed:
            return False
    return True
