"""What a bucket's outbox says of one rule. Pure.

A delivered object leaves no trace there: an empty outbox says that nothing waits, not that anything has arrived, so the
best that can be said is `unknown`, never `ok`. Source: Alarik 1.0.0-beta-13, GenericOutboxDispatcher (a row is deleted
when it is delivered; 8 attempts; a failed row is kept for 7 days) and InternalBucketController (100 rows are shown).
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from pydantic import BaseModel, ConfigDict, ValidationError

from reconciler.model.observation import Health, HealthState
from reconciler.model.relationship import Settings
from reconciler.model.value import Json
from reconciler.providers.alarik.convert import Unreadable, clean_endpoint
from reconciler.providers.alarik.failure import expected_region
from reconciler.providers.alarik.identity import fold

__all__ = ["SHOWN", "health"]

SHOWN = 100
"""Rows that the server shows at most, newest first."""
_LONGEST_ERROR = 240
_CANARY = ".repl-canary/"
_KEY = re.compile(
    r"InvalidAccessKeyId|SignatureDoesNotMatch|AccessDenied|ExpiredToken|InvalidToken|InvalidSecurity|Forbidden|\b403\b",
    re.IGNORECASE,
)
_REGION = re.compile(r"AuthorizationHeaderMalformed|the region '", re.IGNORECASE)


class _Task(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    ruleId: str  # noqa: N815  the wire's name
    key: str = ""
    endpoint: str = ""
    state: str
    attempts: int = 0
    lastError: str | None = None  # noqa: N815


def health(rule: str, settings: Settings, rows: Sequence[Mapping[str, Json]]) -> Health:
    """Judge the rows of one rule, given its observed settings and all rows of its bucket. Raises Unreadable."""
    own = settings.get("alarik")
    held = own if isinstance(own, dict) else {}
    tasks = [task for task in _read(rows) if fold(task.ruleId) == fold(rule) and not _left_over(task, held)]
    waiting = [task for task in tasks if task.state != "failed"]
    failed = [task for task in tasks if task.state == "failed"]
    if paused := _paused(settings, held):
        return Health(state=HealthState.PAUSED, detail=paused, backlog=len(waiting), failed=len(failed))
    capped = f"; only the newest {SHOWN} rows of the bucket are shown, there may be more" if len(rows) >= SHOWN else ""
    if not tasks:
        detail = f"nothing waits, and the server keeps no record of what has arrived{capped}"
        return Health(state=HealthState.UNKNOWN, detail=detail, backlog=0, failed=0)
    said = next((task for task in (*failed, *waiting) if task.lastError), None)
    stuck = bool(failed) or (said is not None and bool(_cause(said, held)))
    detail = f"{_words(said, held)}{capped}" if said else f"{len(waiting)} wait{capped}"
    return Health(
        state=HealthState.FAILED if stuck else HealthState.RUNNING,
        detail=detail.removeprefix("; "),
        backlog=len(waiting),
        failed=len(failed),
    )


def _read(rows: Iterable[Mapping[str, Json]]) -> list[_Task]:
    try:
        return [_Task.model_validate(row) for row in rows]
    except ValidationError as error:
        place = ".".join(
            map(str, error.errors(include_url=False, include_input=False, include_context=False)[0]["loc"])
        )
    raise Unreadable(f"a member of the answer is not as documented: {place}")


def _left_over(task: _Task, own: Mapping[str, Json]) -> bool:
    """Say whether a row failed only because its object is a canary, which every proof removes from the source."""
    return task.state == "failed" and _CANARY in task.key and not _cause(task, own)


def _paused(settings: Settings, own: Mapping[str, Json]) -> str:
    if "destination" not in settings:
        return "its target has left the list, and the server has disabled the rule (ALARIK-RULE-DISABLED)"
    if settings.get("state") == "paused":
        return "the rule is disabled"
    return "the rule's target is disabled" if own.get("targetEnabled") is False else ""


def _words(task: _Task, own: Mapping[str, Json]) -> str:
    error = " ".join((task.lastError or "").split())
    error = error if len(error) <= _LONGEST_ERROR else f"{error[:_LONGEST_ERROR]}..."
    error = "".join(character if character.isprintable() else "?" for character in error)
    cause = _cause(task, own)
    return f"{error.removesuffix('.')} (attempt {task.attempts})" + (f"; {cause}" if cause else "")


def _cause(task: _Task, own: Mapping[str, Json]) -> str:
    """Say why trying again will not help; empty where it may."""
    error, cure = task.lastError or "", "raise `alarik.generation` and have `existing: copy`, which sends all again"
    if task.endpoint and clean_endpoint(task.endpoint) != own.get("endpoint"):
        return f"it was queued for {clean_endpoint(task.endpoint)}, where the rule does not lead any more: {cure}"
    if _REGION.search(error):
        right = expected_region(error)
        where = f"{right}, not {own.get('region')}" if right else f"another region than {own.get('region')}"
        return (
            f"the destination is in {where}: correct `region` of its provider, and apply; for what was queued before, "
            f"{cure}"
        )
    if _KEY.search(error):
        return (
            "the destination refuses the key that this was queued with: correct the key; if it has been corrected "
            f"since, this row still has the old one (ALARIK-STALE-CREDENTIALS): {cure}"
        )
    return ""
