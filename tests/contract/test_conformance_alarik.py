"""Alarik passes the suite, with keys and with a login, and whatever its releases do differently."""

from pathlib import Path

import pytest

from reconciler.emulators.certificate import Certificate
from reconciler.testing.suite import ProviderSuite
from tests.contract.harnesses.alarik import AlarikHarness, Way


class TestAlarik(ProviderSuite):
    title = "alarik"
    requests_a_scope = 2
    calls_a_container = 3

    @pytest.fixture
    def harness(self, tmp_path: Path, certificate: Certificate) -> AlarikHarness:
        return AlarikHarness(tmp_path, certificate)
