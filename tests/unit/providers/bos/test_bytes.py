"""Limits in bytes, as exact as those that count."""

import pytest

from reconciler.model.relationship import Flow
from reconciler.providers.bos.check import check, check_together
from reconciler.providers.bos.convert import body_size, desired_settings, rule_body
from tests.unit.providers.bos.flows import flow

RULE, BUCKET = 128 * 1024, 200 * 1024


def sized(name: str, size: int) -> Flow:
    """A flow whose rule has so many bytes as it is sent."""

    def made(longest: int, last: int) -> Flow:
        keys = [f"app/{number:02}{'x' * longest}*" for number in range(18)]
        options = {"id": name, "resources": [*keys, f"app/{name}{'x' * last}*"]}
        return flow(name, options=options, verify={"level": "status"})

    longest = (size - _size(made(0, 0))) // 19
    found = made(longest, size - _size(made(longest, 0)))
    assert _size(found) == size
    return found


def _size(subject: Flow) -> int:
    return body_size(rule_body(desired_settings(subject), None))


@pytest.mark.parametrize(("size", "told"), [(RULE, False), (RULE + 1, True)])
def test_128_kib_are_a_rule(size: int, told: bool) -> None:
    assert ("REPL-C318" in {one.code for one in check(sized("r", size))}) is told


@pytest.mark.parametrize(("size", "told"), [(BUCKET // 2, []), (BUCKET // 2 + 1, [("REPL-C323", "b")])])
def test_200_kib_are_a_bucket(size: int, told: list[tuple[str, str]]) -> None:
    flows = sized("a", BUCKET // 2), sized("b", size)
    assert [(one.code, one.replication) for one in check_together(flows)] == told
