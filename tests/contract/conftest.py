"""Fixtures of the lab; and botocore's models are read once, for a suite opens hundreds of clients."""

import functools
from collections.abc import Iterator
from unittest import mock

import pytest
from botocore.loaders import create_loader

from tests.lab.fixtures import bucket, certificate, lab, objects, odd_objects

__all__ = ["bucket", "certificate", "lab", "objects", "odd_objects"]


@pytest.fixture(scope="session", autouse=True)
def one_loader() -> Iterator[None]:
    with mock.patch("botocore.session.create_loader", functools.cache(create_loader)):
        yield
