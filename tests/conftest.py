from collections.abc import Iterator

import pytest

from tests.lab.world import RunningWorld, run_world

pytest_plugins = ["reconciler.testing.plugin"]


@pytest.fixture(scope="session")
def world() -> Iterator[RunningWorld]:
    """One world for the whole session: ``s3`` (AWS), ``ceph`` (two RGW zones) and ``nas-1`` (Qumulo), all empty."""
    with run_world("--s3", "s3", "--s3", "ceph:rgw", "--qumulo", "nas-1", "--with-parent") as running:
        yield running


@pytest.fixture
def clean_world(world: RunningWorld) -> Iterator[RunningWorld]:
    """The same world, its faults, switches and clock put back afterwards."""
    yield world
    world.reset()
