"""A write looks first: what others did meanwhile is refused, what they have is carried through."""

from typing import Any

import pytest

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.step import Call
from reconciler.providers.alarik import convert
from reconciler.providers.alarik.execute import Executor
from tests.unit.providers.alarik.flows import (
    FOREIGN_RULE,
    FOREIGN_TARGET,
    Bucket,
    flow,
    planned,
    wire_rule,
    wire_target,
)


def bucket() -> Bucket:
    return Bucket(targets_held=[wire_target(secretAccessKey="theirs", since=7)], rules_held=[wire_rule(since=7)])


def calls(held: Bucket, *flows: Any, recorded: dict[str, str] | None = None) -> list[Call]:
    return [step for step in planned(flows, held, recorded).steps if isinstance(step, Call)]


def execute(held: Bucket, call: Call) -> Any:
    return Executor(held).execute(call, None)  # type: ignore[arg-type]  # they stand for client and secrets


@pytest.mark.parametrize(
    ("meanwhile", "word"),
    [
        (lambda held: held.targets_held.clear(), "target 6FA459EA-EE8A-4CA4-894E-DB77E160355E has been removed"),
        (lambda held: held.rules_held.clear(), "rule 16FD2706-8BAF-433B-82EB-8C7FADA847DA has been removed"),
        (lambda held: held.rules_held[0].update(enabled=False), "has been changed"),
        (lambda held: held.targets_held[0].update(accessKeyId="AKNEW"), "has been changed"),
        (lambda held: held.targets_held.append(wire_target(id=f"7{FOREIGN_TARGET[1:]}")), "has been added"),
        (lambda held: held.rules_held.append(wire_rule(id=f"7{FOREIGN_RULE[1:]}")), "has been added"),
    ],
)
def test_what_has_moved_is_refused(meanwhile: Any, word: str) -> None:
    held = bucket()
    planned_calls = calls(held, flow())
    meanwhile(held)
    before = (held.targets(""), held.rules(""))
    for call in planned_calls:
        with pytest.raises(ProviderError, match=word) as caught:
            execute(held, call)
        assert caught.value.code is ErrorCode.CONFLICT
        assert not caught.value.ambiguous
    assert (held.targets(""), held.rules("")) == before


def test_what_does_not_count_is_no_move() -> None:
    held = bucket()
    put = calls(held, flow())
    held.targets_held[0] |= {"id": FOREIGN_TARGET.lower(), "endpoint": "https://OTHER.example/", "since": 8}
    held.rules_held[0] |= {"prefix": None, "since": 8, "targetId": FOREIGN_TARGET.lower()}
    execute(held, put[0])
    assert held.targets_held[0]["since"] == 8
    assert held.targets_held[0]["id"] == FOREIGN_TARGET.lower(), "as it was just read"
    assert held.targets_held[0]["secretAccessKey"] == "theirs"


def test_each_call_twice_is_each_call_once() -> None:
    held = bucket()
    for flows in ((flow(),), (flow(to="other"),), ()):
        for call in calls(held, *flows, recorded={"photos-dr": convert.identity(flow())}):
            execute(held, call)
            before = (held.targets_held, held.rules_held)
            result = execute(held, call)
            assert (held.targets_held, held.rules_held) == before
            if '"$secret"' not in call.model_dump_json():
                assert result.skipped


def test_a_target_in_use_is_never_taken_away() -> None:
    """Not even if a rule came to use it after the plan was made and looked at."""
    held = bucket()
    for call in calls(held, flow()):
        execute(held, call)
    _, shrink = calls(held, recorded={"photos-dr": convert.identity(flow())})
    with pytest.raises(ProviderError, match="would be disabled") as caught:
        execute(held, shrink)
    assert caught.value.code is ErrorCode.CONFLICT
    assert held.disabled == []


def test_what_is_gone_already_is_no_call() -> None:
    held = Bucket()
    for call in calls(held, flow()):
        execute(held, call)
    for call in calls(held, recorded={"photos-dr": convert.identity(flow())}):
        held.targets_held, held.rules_held = [], []
        assert execute(held, call).skipped


def test_a_list_that_would_crash_the_server_is_not_written() -> None:
    held = bucket()
    put = calls(held, flow())[0]
    held.targets_held.append(wire_target(id=FOREIGN_TARGET.lower()))
    with pytest.raises(ProviderError, match="twice") as caught:
        execute(held, put)
    assert caught.value.code is ErrorCode.FAILED_PRECONDITION


def test_an_answer_that_makes_no_sense() -> None:
    held = bucket()
    put = calls(held, flow())[0]
    held.rules_held[0]["enabled"] = "hunter2"
    with pytest.raises(ProviderError) as caught:
        execute(held, put)
    assert caught.value.code is ErrorCode.PROTOCOL
    assert "hunter2" not in str(caught.value)
    with pytest.raises(ProviderError):
        Executor(held).read("photos")  # type: ignore[arg-type]


def test_a_call_of_another_version() -> None:
    call = Call(id="x", operation="PATCH /", target="photos", summary="", idempotent=True)
    with pytest.raises(ProviderError) as caught:
        execute(bucket(), call)
    assert caught.value.code is ErrorCode.UNIMPLEMENTED
