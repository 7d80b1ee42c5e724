"""The switches of a running emulator: what they may be, what they are now, and how they are changed from outside."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from reconciler.emulators.message import JsonValue

T = TypeVar("T", bound=BaseModel)
#: Name: allowed values, the usual one first.
Choices = Mapping[str, tuple[JsonValue, ...]]
#: Name: the usual value, the lowest and the highest. Where the usual one is a whole number, all are.
Numbers = Mapping[str, tuple[float, float, float]]


class Board(Generic[T]):
    """Switches declared as a model. Reading never blocks; ``changed`` is called after every change."""

    def __init__(self, initial: T, changed: Callable[[], None] = lambda: None) -> None:
        self._lock = threading.Lock()
        self._changed = changed
        self.now = initial

    def set(self, values: Mapping[str, JsonValue]) -> None:
        """Change some. ValueError, and nothing changed, if one is unknown or cannot have that value."""
        with self._lock:
            try:
                self.now = type(self.now).model_validate({**self.now.model_dump(), **values})
            except ValidationError as error:
                reasons = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
                raise ValueError("; ".join(reasons)) from error
        self._changed()

    def describe(self) -> dict[str, JsonValue]:
        return self.now.model_dump(mode="json")


class Table:
    """Switches declared as two tables, so that a test can try every value of each. Thread-safe."""

    def __init__(self, choices: Choices, numbers: Numbers) -> None:
        self._choices = choices
        self._numbers = numbers
        self._lock = threading.Lock()
        self._values: dict[str, JsonValue] = {name: values[0] for name, values in choices.items()}
        self._values |= {name: usual for name, (usual, _, _) in numbers.items()}

    def __getitem__(self, name: str) -> JsonValue:
        with self._lock:
            return self._values[name]

    def number(self, name: str) -> float:
        value = self[name]
        return float(value) if isinstance(value, int | float) else 0.0

    def whole(self, name: str) -> int:
        """The value of a switch that holds a whole number, as an HTTP status is."""
        return int(self.number(name))

    def all(self) -> dict[str, JsonValue]:
        with self._lock:
            return dict(self._values)

    def set(self, values: Mapping[str, JsonValue]) -> None:
        """Change all that are named. ValueError, and nothing changed, if one is unknown or cannot have that value."""
        for name, value in values.items():
            self._check(name, value)
        with self._lock:
            self._values |= values

    def _check(self, name: str, value: JsonValue) -> None:
        if name in self._choices:
            allowed = self._choices[name]
            if not any(value == one and type(value) is type(one) for one in allowed):
                raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}")
        elif name in self._numbers:
            usual, low, high = self._numbers[name]
            kind = int if isinstance(usual, int) else int | float
            if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:
                raise ValueError(f"{name} must be a number from {low:g} to {high:g}")
        else:
            known = ", ".join(sorted((*self._choices, *self._numbers)))
            raise ValueError(f"no switch named {name}; there is {known}")
