"""Replications between emulated sites as the command line makes them, and what has become of orders."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulators.certificate import Certificate
from reconciler.model.plan import Plan
from reconciler.model.receipt import Receipt
from reconciler.model.relationship import Flow
from reconciler.model.step import Effect
from reconciler.testing.host import Host
from tests.contract.harnesses.clonecloudstore import CloneCloudStoreHarness, Way

COPY: dict[str, Any] = {"existing": "copy", "deletes": "replicate"}


@contextmanager
def sites_of(directory: Path, certificate: Certificate, way: Way) -> Iterator[CloneCloudStoreHarness]:
    """Three sites, held against their document at the end."""
    harness = CloneCloudStoreHarness(directory, certificate, way)
    try:
        yield harness
        judgement = harness.judged()
        assert judgement is not None
        assert not judgement.objections, "\n".join(judgement.objections)
    finally:
        harness.close()


@pytest.fixture
def way() -> Way:
    """What a test's sites are like; a class may have one of its own."""
    return Way(tls=False)


@pytest.fixture
def sites(tmp_path: Path, certificate: Certificate, way: Way) -> Iterator[CloneCloudStoreHarness]:
    """Three sites of a test's own."""
    with sites_of(tmp_path, certificate, way) as harness:
        yield harness


@pytest.fixture
def host(sites: CloneCloudStoreHarness, tmp_path: Path) -> Iterator[Host]:
    """The command line over them, with state of its own."""
    host = Host(sites, tmp_path / "state")
    yield host
    host.close()


def effects(plan: Plan) -> dict[str, Effect]:
    return {effect.rule: effect for effect in plan.effects}


def orders(sites: CloneCloudStoreHarness, action: str = "CREATE") -> Counter[str]:
    """How often each object was ordered."""
    done = [one for one in sites.ordered() if one["action"] == action]
    return Counter(one["objectName"] for one in done if one["objectName"] is not None)


def filled(sites: CloneCloudStoreHarness, number: int = 5, **spec: Any) -> Flow:
    """A flow whose bucket has had objects for long."""
    flow = sites.flow("stock", **spec)
    for index in range(number):
        sites.write("stock", f"o/{index}", f"content {index}".encode())
    sites.settle()
    return flow


def applied(host: Host, *flows: Flow, **options: Any) -> Receipt:
    plan = host.plan(*flows, **options)
    assert not plan.errors, [finding.detail for finding in plan.errors]
    return host.apply(plan)


def told(receipt: Receipt) -> str:
    return " ".join(f"{result.code} {result.detail} {result.hint}" for result in receipt.results)
