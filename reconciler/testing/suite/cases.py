"""What all groups of cases share: the fixtures, and the one way to skip."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from reconciler.model.relationship import Flow
from reconciler.model.step import Call
from reconciler.providers.base import Capability
from reconciler.testing.harness import Ability, Harness
from reconciler.testing.host import Host

__all__ = ["Cases", "first_call", "needs"]


class Cases:
    """Root of every group of cases. A binding overrides the fixture `harness`."""

    topic: ClassVar[str] = ""
    requests_a_scope: ClassVar[int] = 1
    """How many requests one read of a scope takes, however much it holds."""
    calls_a_container: ClassVar[int] = 1
    """How many writes it takes at most to change a container's settings, however many of them."""
    calls_a_resync: ClassVar[int] = 1
    """How many calls are planned to send the data of one relationship again."""

    @pytest.fixture
    def harness(self) -> Harness:
        """Return the system to test; a binding gives its own."""
        raise NotImplementedError("a suite is bound by a fixture `harness` that returns a Harness")

    @pytest.fixture
    def host(self, harness: Harness, tmp_path: Path) -> Iterator[Host]:
        """Drive the harness; at the end of every case all its traffic is held against the specification."""
        host = Host(harness, tmp_path / "state")
        try:
            yield host
            judgement = harness.judged()
            assert judgement is None or not judgement.objections, "\n".join(judgement.objections)
        finally:
            host.close()
            harness.close()


def needs(host: Host, *wanted: Capability | Ability) -> None:
    """Skip the case unless the provider and its harness have all of these; the reason names the first missing one."""
    held = {*host.info.capabilities, *host.harness.abilities}
    missing = next((one for one in wanted if one not in held), None)
    if missing is not None:
        kind = "capability of the provider" if isinstance(missing, Capability) else "ability of the harness"
        pytest.skip(f"needs {missing.value}: no {kind} here")


def first_call(host: Host, *flows: Flow) -> Call:
    """Return the first write that a plan of these flows has."""
    return host.plan(*flows).containers[0].calls[0]
