"""Whether a saved plan may be applied: untouched, in time, made by this version, for these files."""

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from reconciler import __version__
from reconciler.errors import ReplError, StalePlan
from reconciler.manifest.workspace import LoadedWorkspace
from reconciler.model.plan import FORMAT_VERSION, Plan

__all__ = ["read_plan", "require_intact", "require_same_files"]

_CLOCK_SLACK = timedelta(minutes=5)
_MAX_BYTES = 512 * 1024 * 1024
_NAMED = 5
_AGAIN = "make a new plan: repl plan --out FILE"


def read_plan(path: Path) -> Plan:
    """Read a saved plan. Raises ReplError if there is none, StalePlan if it cannot be understood."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise StalePlan(f"{path} is too large for a plan", hint=_AGAIN)
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ReplError(f"the plan {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise StalePlan(f"{path} is not a plan: it is not UTF-8 text", hint=_AGAIN) from error
    try:
        return Plan.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the document"
        raise StalePlan(
            f"{path} is not a plan that this version understands: {where}: {first['msg']}", hint=_AGAIN
        ) from error


def require_intact(plan: Plan, now: datetime) -> None:
    """Refuse a plan that was changed, is from another version, or is out of time. Raises StalePlan."""
    if plan.format_version.partition(".")[0] != FORMAT_VERSION.partition(".")[0]:
        raise StalePlan(f"the plan has format {plan.format_version}; this version reads {FORMAT_VERSION}", hint=_AGAIN)
    if plan.plan_id != plan.computed_id():
        raise StalePlan("the plan was changed after it was made: its id does not fit its content", hint=_AGAIN)
    if plan.tool_version != __version__:
        raise StalePlan(f"the plan was made by repl {plan.tool_version}; this is {__version__}", hint=_AGAIN)
    if now >= plan.expires_at:
        raise StalePlan(f"the plan expired at {plan.expires_at.isoformat(timespec='seconds')}", hint=_AGAIN)
    if now < plan.created_at - _CLOCK_SLACK:
        raise StalePlan(
            f"the plan is dated in the future ({plan.created_at.isoformat(timespec='seconds')})",
            hint="set this machine's clock; until then the plan's age cannot be checked",
        )


def require_same_files(plan: Plan, workspace: LoadedWorkspace) -> None:
    """Refuse a plan that was made for other manifests or with other variables, whatever folder it is applied from.

    Raises StalePlan naming the files.
    """
    planned = Counter(file.sha256 for file in plan.files)
    here = Counter(file.sha256 for file in workspace.files)
    if plan.workspace != workspace.name:
        raise StalePlan(f"the plan is for the workspace {plan.workspace}; this is {workspace.name}", hint=_AGAIN)
    others = (planned - here) + (here - planned)
    moved = sorted({file.path for file in (*plan.files, *workspace.files) if file.sha256 in others})
    if moved:
        named = ", ".join(moved[:_NAMED]) + (f" and {len(moved) - _NAMED} more" if len(moved) > _NAMED else "")
        raise StalePlan(
            f"the manifests are not those that the plan was made from: {named}",
            hint=f"name the same ones with -f, or {_AGAIN}",
        )
    if plan.variables != workspace.variables:
        # An endpoint may be one of them: what was planned for one system would be done to another.
        raise StalePlan(
            "variables have other values than when the plan was made",
            hint=f"give the same --var and --var-file as then, or {_AGAIN}",
        )
