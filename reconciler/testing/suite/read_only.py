"""A connection for reading writes nothing, pure methods ask nothing, and all stand being called from many threads."""

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import ClassVar

import pytest

from reconciler.errors import ErrorCode, ProviderError
from reconciler.providers.base import Access, Capability
from reconciler.testing.host import Host
from reconciler.testing.suite.cases import Cases, needs

__all__ = ["ReadOnlyCases"]


class ReadOnlyCases(Cases):
    """Cases about what must not be sent."""

    topic: ClassVar[str] = "read-only"

    def test_no_call_passes_a_reading_connection(self, host: Host) -> None:
        """Every call of create, change and delete is refused before a byte of it is sent."""
        variant = host.harness.variants()[0]
        for flows in ((variant.before,), (variant.after,), ()):
            plan = host.plan(*flows, prune=True)
            refused = 0
            for call in (call for item in plan.containers for call in item.calls):
                with host.quiet() as sent:
                    try:
                        result = host.reader.execute(call, host.harness.secrets)
                    except ProviderError as error:
                        assert error.code is ErrorCode.READ_ONLY
                        assert not error.ambiguous
                        refused += 1
                    else:
                        assert result.skipped, call.operation
                assert not [one for one in sent if one.write]
            assert refused
            host.converge(*flows, prune=True)

    def test_no_object_is_written_over_a_reading_connection(self, host: Host) -> None:
        """The store is guarded too."""
        needs(host, Capability.STORE)
        location = host.harness.location()
        host.provider.store(location).write("kept", BytesIO(b"x"), 1)
        store = host.reader.store(location)
        with host.quiet() as sent:
            for act in (
                lambda: store.write("new", BytesIO(b"x"), 1),
                lambda: store.delete("kept"),
                lambda: store.purge("kept"),
            ):
                with pytest.raises(ProviderError) as raised:
                    act()
                assert raised.value.code is ErrorCode.READ_ONLY
        assert not [one for one in sent if one.write]
        assert [facts.key for facts in store.list()] == ["kept"]

    def test_pure_methods_ask_nothing(self, host: Host) -> None:
        """Neither opening a provider nor translating needs a network."""
        flow = host.harness.flow("one")
        plan = host.plan(flow)
        observation = host.observe(flow)
        source, destination = (host.reader.inspect(host.harness.flow("one").owned_location),) * 2
        with host.quiet() as sent:
            provider = host.harness.connect(Access.WRITE)
            list(provider.check(flow))
            provider.scope(flow)
            provider.container(flow)
            provider.start(provider.normalise(flow))
            provider.ends(flow)
            provider.replaces(("destination", "bucket"))
            list(provider.preflight(flow, source, destination))
            list(provider.imported(observation))
            if Capability.STORE in host.info.capabilities:
                provider.store(flow.owned_location)
            provider.close()
        assert not sent
        assert plan.containers

    def test_closing_twice_is_harmless(self, host: Host) -> None:
        """Also before anything was asked."""
        for used in (False, True):
            provider = host.harness.connect(Access.READ)
            if used:
                provider.observe(provider.scope(host.harness.flow("one")))
            provider.close()
            provider.close()

    def test_many_threads_see_the_same(self, host: Host) -> None:
        """Concurrent reads over one fresh connection."""
        flow = host.harness.flow("one")
        host.converge(flow)
        provider = host.harness.connect(Access.READ)
        try:
            with ThreadPoolExecutor(max_workers=8) as pool:
                seen = list(pool.map(lambda _: provider.observe(provider.scope(flow)).containers, range(16)))
        finally:
            provider.close()
        fingerprints = {tuple(state.fingerprint for state in containers) for containers in seen}
        assert len(fingerprints) == 1

    def test_ends_name_the_same_data(self, host: Host) -> None:
        """Both ends keep their provider, in the direction of the data."""
        flow = host.harness.flow("one")
        source, destination = host.reader.ends(flow)
        assert source.provider == flow.source.name
        assert destination.provider == flow.destination.name
