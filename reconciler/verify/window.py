"""Many small pieces of work, some at a time, with the answers in the order of the questions."""

from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Readers", "Work", "in_order"]

T = TypeVar("T")
Q = TypeVar("Q")
_ATTEND_EVERY_S = 0.5
_AHEAD = 16


@dataclass(frozen=True, slots=True)
class Readers:
    """The threads that all comparisons of a run share."""

    pool: Executor
    count: int

    @property
    def ahead(self) -> int:
        """How many questions may wait for an answer: enough that one large object does not keep the others back."""
        return self.count * _AHEAD


@dataclass(frozen=True, slots=True)
class Work(Generic[T]):
    """An answer that has to be worked for."""

    find: Callable[[], T]


def in_order(
    questions: Generator[tuple[Q, T | Work[T]], None, None],
    readers: Readers,
    attend: Callable[[], None],
    abandon: Callable[[], None],
) -> Generator[tuple[Q, T], None, None]:
    """Yield each question with its answer. `attend` is called in between, also while nothing comes, and may raise.

    When this ends early, work that was not begun never is. For what was, `abandon` is called, and it is waited for.
    """
    waiting: deque[tuple[Q, T | Future[T]]] = deque()
    try:
        for question, answer in questions:
            attend()
            waiting.append((question, readers.pool.submit(answer.find) if isinstance(answer, Work) else answer))
            while waiting and (len(waiting) > readers.ahead or _is_there(waiting[0][1])):
                yield _taken(*waiting[0], attend)
                waiting.popleft()
        while waiting:
            yield _taken(*waiting[0], attend)
            waiting.popleft()
    finally:
        if waiting:
            abandon()
        questions.close()
        wait([one for _, one in waiting if isinstance(one, Future) and not one.cancel()])


def _is_there(answer: T | Future[T]) -> bool:
    return not isinstance(answer, Future) or answer.done()


def _taken(question: Q, answer: T | Future[T], attend: Callable[[], None]) -> tuple[Q, T]:
    if not isinstance(answer, Future):
        return question, answer
    while not answer.done():
        wait([answer], timeout=_ATTEND_EVERY_S)
        attend()
    return question, answer.result()
