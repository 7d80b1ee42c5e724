"""The reference provider passes its own suite, as each kind of system that it can stand for."""

import pytest

from reconciler.testing.suite import ProviderSuite
from tests.contract.harnesses.memory import MemoryHarness


class TestMemory(ProviderSuite):
    title = "memory"

    @pytest.fixture
    def harness(self) -> MemoryHarness:
        return MemoryHarness()


class TestMemoryRelationships(ProviderSuite):
    title = "memory-rel"

    @pytest.fixture
    def harness(self) -> MemoryHarness:
        return MemoryHarness(grain="relationship", with_token=True)


class TestMemoryJobs(ProviderSuite):
    title = "memory-job"

    @pytest.fixture
    def harness(self) -> MemoryHarness:
        return MemoryHarness(grain="relationship", continuous=False, replace=("*",))
