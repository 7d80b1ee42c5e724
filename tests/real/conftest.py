"""The live service, if the environment names one."""

from collections.abc import Iterator

import pytest

from tests.real.live import LiveS3, Service


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    """A live S3 service with fresh buckets, which are removed at the end."""
    found = Service.told()
    assert found is not None, "the module is skipped without one"
    live = LiveS3(found)
    try:
        live.make_buckets()
        yield found
        live.remove_buckets()
    finally:
        live.close()
