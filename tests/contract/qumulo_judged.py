"""A host whose every exchange with the emulated cluster must be as documented, and steps that no plan made."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.step import Await, Call
from tests.contract.qumulo_host import Host
from tests.contract.referee import Referee
from tests.lab.qumulo import Lab
from tests.lab.rclone import ObjectServer

DOCUMENT = Path(__file__).parents[2] / "specs" / "qumulo" / "openapi.yaml"


@pytest.fixture
def host(lab: Lab, objects: ObjectServer, bucket: str) -> Iterator[Host]:
    lab.put("/my-dir/sub/file.txt", "content")
    made = Host(lab, objects, bucket)
    yield made
    made.close()
    # The log tells what a timed-out or dropped exchange was; the recorder has those that were answered.
    assert Referee(DOCUMENT).judge_all(lab.recorder.exchanges) > 0


def call(operation: str, number: str) -> Call:
    return Call(id="x", operation=operation, target=number, summary="", idempotent=True, body={"id": number})


def wait(condition: str, number: str, **params: Any) -> Await:
    return Await(id="x", condition=condition, target=number, summary="", deadline_s=1, params=params)


def keep_running(lab: Lab) -> None:
    """From now on jobs run until they are aborted."""
    lab.emulator.switch({"job_seconds": 1000})
    lab.clock.freeze()
