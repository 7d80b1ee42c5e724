"""Fills a call's references to what earlier steps returned."""

from collections.abc import Mapping

from reconciler.errors import InternalError
from reconciler.model.step import Await, Call, Ref
from reconciler.model.value import Json

__all__ = ["filled_await", "filled_call"]


def filled_call(call: Call, returned: Mapping[str, dict[str, Json]]) -> Call:
    """Return the call with every Ref in its body replaced. `returned` is keyed by the step's local id."""
    return call.model_copy(update={"body": _fill(call.body, returned)})


def filled_await(wait: Await, returned: Mapping[str, dict[str, Json]]) -> Await:
    """Return the await with every Ref in its params replaced. `returned` is keyed by the step's local id."""
    return wait.model_copy(update={"params": _fill(wait.params, returned)})


def _fill(value: Json, returned: Mapping[str, dict[str, Json]]) -> Json:
    if (ref := Ref.unmarked(value)) is not None:
        try:
            return returned[ref.step][ref.field]
        except KeyError as error:
            raise InternalError(f"a step refers to {ref.step}.{ref.field}, which no earlier step returned") from error
    if isinstance(value, dict):
        return {key: _fill(part, returned) for key, part in value.items()}
    if isinstance(value, list):
        return [_fill(part, returned) for part in value]
    return value
