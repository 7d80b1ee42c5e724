"""What is awaited between sites and fails or never ends, and what a store makes of a server that keeps other bytes."""

from collections import Counter
from io import BytesIO
from typing import Any

import pytest

from reconciler.emulators.clonecloudstore import wire
from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.manifest import Location
from reconciler.model.receipt import RunOutcome
from reconciler.model.step import Await
from reconciler.providers.base import Progress, Provider, Store
from reconciler.providers.clonecloudstore.progress import QUIET_LOOKS, STUCK_LOOKS
from reconciler.testing.host import Host
from tests.contract.clonecloudstore_host import COPY, filled, host, sites, told, way
from tests.contract.harnesses.clonecloudstore import CloneCloudStoreHarness

__all__ = ["host", "sites", "way"]


class Counting:
    """Stands before a provider and counts looks by what is waited for."""

    def __init__(self, provider: Provider, looks: Counter[str]) -> None:
        self._provider = provider
        self._looks = looks

    def poll(self, wait: Await) -> Progress:
        """Count, and look."""
        self._looks[wait.id] += 1
        return self._provider.poll(wait)

    def __getattr__(self, name: str) -> Any:
        """Everything else is the provider's."""
        return getattr(self._provider, name)


def test_what_was_awaited_in_vain_once_is_not_awaited_as_long_again(host: Host, sites: CloneCloudStoreHarness) -> None:
    """What fetched it has died. Three rounds that each had a quarter of an hour for it would be most of one."""
    plan = host.plan(filled(sites, **COPY))
    sites.switch(stall_next_pulls=1)
    looks: Counter[str] = Counter()
    receipt = host.apply(plan, wrap=lambda provider: Counting(provider, looks))  # type: ignore[arg-type,return-value]
    assert receipt.outcome is not RunOutcome.DONE
    assert "1 in UPLOAD or DELETING (o/" in told(receipt)
    first, *later = (count for name, count in sorted(looks.items()) if "copied" in name)
    assert first >= STUCK_LOOKS
    assert len(later) == 2
    assert all(count < 2 * QUIET_LOOKS for count in later)


def test_a_bucket_that_fails_while_it_is_awaited_is_told_at_once(host: Host, sites: CloneCloudStoreHarness) -> None:
    plan = host.plan(filled(sites, **COPY))
    sites.switch(fail_next_writes=1)
    looks: Counter[str] = Counter()
    receipt = host.apply(plan, wrap=lambda provider: Counting(provider, looks))  # type: ignore[arg-type,return-value]
    assert receipt.outcome is not RunOutcome.DONE
    assert "stock is ERR_UPL at site-b: no call leads out of that" in told(receipt)
    assert looks.total() < QUIET_LOOKS
    assert sites.topology("site-a", "site-b") is None


def store_of(sites: CloneCloudStoreHarness) -> Store:
    sites.bucket("kept")
    provider = sites.connect()
    sites.clients.callback(provider.close)
    return provider.store(Location(provider="here", bucket="kept"))


def test_bytes_that_were_stored_otherwise_are_an_error(
    sites: CloneCloudStoreHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_of(sites)
    monkeypatch.setattr(wire, "digest", lambda _content: "0" * 52)
    with pytest.raises(ProviderError, match="other bytes than were sent") as raised:
        store.write("o", BytesIO(b"content"), 7)
    assert raised.value.code is ErrorCode.PROTOCOL


@pytest.mark.parametrize("size", [1, 3_000_000])
def test_what_is_written_anew_is_written_whole(sites: CloneCloudStoreHarness, size: int) -> None:
    store = store_of(sites)
    for filling in (b"a", b"b"):
        store.write("o", BytesIO(filling * size), size)
        assert sites.content("site-a", "kept", "o") == filling * size
