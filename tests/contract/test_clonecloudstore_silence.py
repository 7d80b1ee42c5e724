"""A site that does not answer while its objects are awaited: it may be started again, and may not be down for good."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulators.certificate import Certificate
from reconciler.emulators.faults import Fault
from reconciler.engine.execute import SILENCE_S
from reconciler.model.receipt import Receipt, RunOutcome
from reconciler.model.step import Await
from reconciler.providers.base import Progress, Provider
from reconciler.testing.host import Host
from tests.contract.clonecloudstore_host import COPY, filled, host, orders, sites_of, told
from tests.contract.harnesses.clonecloudstore import CloneCloudStoreHarness, Way

__all__ = ["host"]

B = {"site": "site-b"}


class Looking:
    """Stands before a provider and does something before each look, whose number it is told."""

    def __init__(self, provider: Provider, before: Callable[[int], None]) -> None:
        self._provider = provider
        self._before = before
        self._looks = 0

    def poll(self, wait: Await) -> Progress:
        """Look at what is copied."""
        if wait.condition == "copied":
            self._looks += 1
            self._before(self._looks)
        return self._provider.poll(wait)

    def __getattr__(self, name: str) -> Any:
        """Everything else is the provider's."""
        return getattr(self._provider, name)


@pytest.fixture
def sites(tmp_path: Path, certificate: Certificate) -> Iterator[CloneCloudStoreHarness]:
    with sites_of(tmp_path, certificate, Way(tls=False)) as harness, harness.hurried():
        yield harness


def applied(host: Host, sites: CloneCloudStoreHarness, before: Callable[[int], None]) -> Receipt:
    sites.switch(order_lag_s=1)
    plan = host.plan(filled(sites, **COPY))
    return host.apply(plan, wrap=lambda provider: Looking(provider, before))  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize("times", [1, 3])
def test_a_site_that_is_started_again_is_waited_for(host: Host, sites: CloneCloudStoreHarness, times: int) -> None:
    def stops(look: int) -> None:
        down, up = look % 8 == 1, look % 8 == 5
        sites.switch(paused_consumers=["site-b"] if look <= 8 * times else [])
        if look <= 8 * times and (down or up):
            sites.emulator.act("crash" if down else "restart", B)
        if look <= 8 * times and look % 8 == 4:
            sites.advance(0.6 * SILENCE_S)

    receipt = applied(host, sites, stops)
    assert receipt.outcome is RunOutcome.DONE, told(receipt)
    assert [sites.content("site-b", "stock", f"o/{index}") for index in range(5)] == [
        f"content {index}".encode() for index in range(5)
    ]
    assert set(orders(sites).values()) == {1}


def test_a_site_that_stays_away_ends_the_run_in_time(host: Host, sites: CloneCloudStoreHarness) -> None:
    began = 0.0

    def stops(look: int) -> None:
        nonlocal began
        if look == 1:
            began = sites.clock.monotonic()
            sites.emulator.act("crash", B)

    receipt = applied(host, sites, stops)
    assert SILENCE_S <= sites.clock.monotonic() - began < 2 * SILENCE_S
    assert receipt.outcome is not RunOutcome.DONE
    assert "UNAVAILABLE" in told(receipt)
    sites.emulator.act("restart", B)
    again = host.converge(sites.flow("stock", **COPY))
    assert again is not None
    assert sites.content("site-b", "stock", "o/4") == b"content 4"


def test_a_refusal_is_not_waited_out(host: Host, sites: CloneCloudStoreHarness) -> None:
    began = 0.0

    def refuses(look: int) -> None:
        nonlocal began
        if look == 1:
            began = sites.clock.monotonic()
            sites.wire.faults.add(Fault(kind="status", status=403, operation="listObjects", part="site-b-accessor"))

    receipt = applied(host, sites, refuses)
    assert sites.clock.monotonic() - began < SILENCE_S
    assert "PERMISSION_DENIED" in told(receipt)
