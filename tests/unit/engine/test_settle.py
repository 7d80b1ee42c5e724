"""What is decided about a call whose answer was never seen."""

import pytest

from reconciler.engine.settle import Settled, settle
from reconciler.errors import ErrorCode, ProviderError, StalePlan
from reconciler.model.observation import ABSENT, ContainerRef, ContainerState, Observation
from reconciler.model.plan import ContainerPlan, Read
from reconciler.model.relationship import Relationship
from reconciler.model.step import Call

REF = ContainerRef(provider="p", scope="s", key="k")
WANTED = Relationship(identity="i", settings={"state": "active"})
OTHER = Relationship(identity="i", settings={"state": "paused"})


def plan(before: str = "old", **more: object) -> ContainerPlan:
    reads = (Read(container=REF, fingerprint=before),)
    return ContainerPlan(container=REF, changes=("c1",), reads=reads, desired=(WANTED,), **more)  # type: ignore[arg-type]


def live(fingerprint: str | None, *relationships: Relationship) -> Observation:
    state = ContainerState(ref=REF, fingerprint=fingerprint or "", relationships=relationships)
    return Observation(scope=REF.scope_ref, containers=(state,) if fingerprint else ())


def call(*, idempotent: bool, **more: bool) -> Call:
    return Call(id="s1/x", operation="Op", target="t", summary="", idempotent=idempotent, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reason", "step", "seen", "first", "expected"),
    [
        ("as planned: nothing is left", call(idempotent=True), live("new", WANTED), True, Settled.ALL_DONE),
        ("as before: it did not happen", call(idempotent=True), live("old", OTHER), True, Settled.NOT_HAPPENED),
        ("gone, as this call leaves it", call(idempotent=True, leaves_absent=True), live(None), True, Settled.HAPPENED),
        ("a later call that may be repeated", call(idempotent=True), live("mid", OTHER), False, Settled.NOT_HAPPENED),
        (
            "the first of several that guards itself",
            call(idempotent=True, guarded=True),
            live("mid", OTHER),
            True,
            Settled.NOT_HAPPENED,
        ),
        (
            "tidying up that no relationship shows",
            call(idempotent=True, guarded=True),
            live("new", WANTED),
            False,
            Settled.NOT_HAPPENED,
        ),
        ("a create that is nowhere", call(idempotent=False), live(None), False, Settled.NOT_HAPPENED),
        ("a create that stands as planned", call(idempotent=False), live("new", WANTED), False, Settled.ALL_DONE),
    ],
)
def test_what_is_seen_decides(reason: str, step: Call, seen: Observation, first: bool, expected: Settled) -> None:
    assert settle(plan(), step, seen, first=first) is expected, reason


def test_a_resync_is_sent_again_though_the_configuration_is_as_planned() -> None:
    assert settle(plan(), call(idempotent=True), live("old", WANTED), first=True) is Settled.NOT_HAPPENED


def test_somebody_else_has_been_there() -> None:
    with pytest.raises(StalePlan):
        settle(plan(), call(idempotent=True), live("theirs", OTHER), first=True)


def test_something_else_stands_where_a_create_was_sent() -> None:
    with pytest.raises(ProviderError) as caught:
        settle(plan(before=ABSENT), call(idempotent=False), live("theirs", OTHER), first=True)
    assert caught.value.code is ErrorCode.CONFLICT
