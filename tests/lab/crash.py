"""A process that ends while it applies a plan."""

import itertools
from collections.abc import Callable
from typing import Any
from unittest import mock

from reconciler.engine.journal import Journal
from reconciler.model.plan import Plan
from reconciler.testing.host import Killed


def survived(apply: Callable[[Plan], object], plan: Plan, *, killed_at: int, after: bool) -> bool:
    """Apply a plan in a process that ends at the journal's `killed_at`-th entry, counted from 0.

    `after`: right after the entry is on disk, else before it is. Returns whether the run was over sooner.
    """
    real, count = Journal.write, itertools.count()

    def write(self: Journal, *args: Any, **kwargs: Any) -> None:
        here = next(count) == killed_at
        if not here or after:
            real(self, *args, **kwargs)
        if here:
            raise Killed

    with mock.patch.object(Journal, "write", write):
        try:
            apply(plan)
        except Killed:
            return False
    return True
