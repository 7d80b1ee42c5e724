"""Fixtures of two Alarik servers; whatever a test made them say is held against the documents afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.emulators.certificate import Certificate
from tests.lab import alarik
from tests.lab.alarik import Lab, Server


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
