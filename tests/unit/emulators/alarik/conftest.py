"""Two Alarik servers in one world; whatever a test made them say is held against the documents afterwards."""

import functools
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from botocore.loaders import create_loader

from reconciler.emulators.certificate import Certificate
from tests.lab import alarik
from tests.lab.alarik import Lab, Server
from tests.lab.fixtures import certificate

__all__ = ["certificate"]


@pytest.fixture(scope="session", autouse=True)
def one_loader() -> Iterator[None]:
    with mock.patch("botocore.session.create_loader", functools.cache(create_loader)):
        yield


@pytest.fixture
def lab(tmp_path: Path, certificate: Certificate) -> Iterator[Lab]:
    with alarik.start(tmp_path, certificate) as running:
        yield running
        running.judge()


@pytest.fixture
def here(lab: Lab) -> Server:
    return lab.here


@pytest.fixture
def there(lab: Lab) -> Server:
    return lab.there
