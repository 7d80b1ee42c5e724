"""Two Alarik servers in one world; whatever a test made them say is held against the documents afterwards."""

import functools
from collections.abc import Iterator
from unittest import mock

import pytest
from botocore.loaders import create_loader

from tests.lab.alarik_pair import here, lab, there
from tests.lab.fixtures import certificate

__all__ = ["certificate", "here", "lab", "there"]


@pytest.fixture(scope="session", autouse=True)
def one_loader() -> Iterator[None]:
    with mock.patch("botocore.session.create_loader", functools.cache(create_loader)):
        yield
