"""One piece of the work that rules owe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["existing", "new", "delete"]


@dataclass(frozen=True, slots=True)
class Task:
    """One key that a rule is to carry over. ``run`` is the start of the rule that the task belongs to."""

    bucket: str
    rule: str
    run: int
    kind: Kind
    key: str
