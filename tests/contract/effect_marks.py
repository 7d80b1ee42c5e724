"""Which effects tests bring about without `repl`, and which they see it tell of before."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

Test = TypeVar("Test", bound=Callable[..., None])


@dataclass(frozen=True, slots=True)
class Marks:
    """The effects of one provider, by id, as far as modules of tests that were imported have them."""

    shown: set[str] = field(default_factory=set)
    said: set[str] = field(default_factory=set)

    def happens(self, rule: str) -> Callable[[Test], Test]:
        """Mark a test that brings an effect about without `repl`."""
        self.shown.add(rule)
        return lambda test: test

    def told(self, rule: str) -> Callable[[Test], Test]:
        """Mark a test that sees `repl` tell of it before."""
        self.said.add(rule)
        return lambda test: test


SCP, CLONECLOUDSTORE = Marks(), Marks()
