"""Qumulo passes the suite in both directions, and whatever a cluster does where its documents are silent."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulators.certificate import Certificate
from reconciler.emulators.qumulo.switches import CHOICES
from reconciler.testing.host import Host
from reconciler.testing.suite import ProviderSuite
from tests.contract.harnesses.qumulo import QumuloHarness
from tests.contract.promises import changed, documented

LONG_S = 3600
SILENT = [(name, value) for name, values in CHOICES.items() for value in values[1:]]


class TestQumulo(ProviderSuite):
    title = "qumulo"

    @pytest.fixture
    def harness(self, tmp_path: Path, certificate: Certificate) -> QumuloHarness:
        return QumuloHarness(tmp_path, certificate)


class TestQumuloPull(ProviderSuite):
    title = "qumulo-pull"

    @pytest.fixture
    def harness(self, tmp_path: Path, certificate: Certificate) -> QumuloHarness:
        return QumuloHarness(tmp_path, certificate, pull=True, login=True)


@pytest.fixture
def host(tmp_path: Path, certificate: Certificate) -> Iterator[Host]:
    with documented(QumuloHarness(tmp_path, certificate)) as harness:
        made = Host(harness, tmp_path / "state")
        yield made
        made.close()


def replace_while_running(host: Host, harness: QumuloHarness) -> None:
    """Create, replace and delete, each while a job that would take an hour is under way."""
    variant = harness.variants()[0]
    harness.switch(job_seconds=LONG_S, abort_seconds=5)
    for flows in ((variant.before,), (variant.after,), ()):
        changed(host, *flows)
    assert host.count(variant.after) == 0


def test_running_jobs_are_stopped_before_a_relationship_goes(host: Host) -> None:
    assert isinstance(host.harness, QumuloHarness)
    replace_while_running(host, host.harness)


@pytest.mark.parametrize(("name", "value"), SILENT, ids=[f"{name}={value!r}" for name, value in SILENT])
def test_whatever_a_cluster_does(host: Host, name: str, value: Any) -> None:
    assert isinstance(host.harness, QumuloHarness)
    host.harness.switch(**{name: value})
    replace_while_running(host, host.harness)


def test_an_expired_session_is_renewed(tmp_path: Path, certificate: Certificate) -> None:
    harness = QumuloHarness(tmp_path, certificate, login=True)
    host = Host(harness, tmp_path / "state")
    try:
        flow = harness.flow("one")
        host.converge(flow)
        harness.expire_sessions()
        assert host.present(flow)
        harness.expire_sessions()
        host.converge(prune=True)
    finally:
        host.close()
        harness.close()
