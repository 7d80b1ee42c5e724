"""Sites in one world; whatever a test made them say is held against the document afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.emulators.certificate import Certificate
from tests.lab import clonecloudstore
from tests.lab.clonecloudstore import Lab, Site
from tests.lab.fixtures import certificate

__all__ = ["certificate"]


@pytest.fixture
def lab(request: pytest.FixtureRequest, tmp_path: Path, certificate: Certificate) -> Iterator[Lab]:
    """Two sites that know each other, without data. Parameters of ``clonecloudstore.start`` may be given indirectly."""
    with clonecloudstore.start(tmp_path, certificate, **getattr(request, "param", {})) as running:
        yield running
        running.judge()


@pytest.fixture
def a(lab: Lab) -> Site:
    return lab.a


@pytest.fixture
def b(lab: Lab) -> Site:
    return lab.b
