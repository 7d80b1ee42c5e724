"""A workbench for each grain in which systems keep relationships."""

from pathlib import Path

import pytest

from tests.lab.workbench import Workbench


@pytest.fixture(params=["container", "relationship"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Workbench:
    return Workbench(tmp_path, grain=request.param)
