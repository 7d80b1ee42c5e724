"""CloneCloudStore passes the suite as its source is, and as its documents are."""

from io import BytesIO
from pathlib import Path
from typing import ClassVar

import pytest

from reconciler.emulators.certificate import Certificate
from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.relationship import Flow
from reconciler.providers.base import Store
from reconciler.providers.clonecloudstore.calls import ROUNDS
from reconciler.testing.host import Host
from reconciler.testing.suite import ProviderSuite
from tests.contract.harnesses.clonecloudstore import CloneCloudStoreHarness, Way


class CloneCloudStoreSuite(ProviderSuite):
    """What a site cannot be asked to do, and what its container is: both sites, with a list, buckets and rights each.

    A resync is planned in rounds, and a comparison at the end.
    """

    requests_a_scope: ClassVar[int] = 6
    calls_a_container: ClassVar[int] = 3
    calls_a_resync: ClassVar[int] = ROUNDS + 1

    def _back(self, host: Host, flows: tuple[Flow, ...], before: Flow) -> None:
        """Copies and what sites know of each other stay when a replication is removed: that must be undone by hand."""
        super()._back(host, flows, before)
        if flows == (before,):
            harness = host.harness
            assert isinstance(harness, CloneCloudStoreHarness)
            harness.strangers()

    def test_read_as_written(self, store: Store) -> None:
        """Content of any kind but none at all, which is refused before it could leave a row for good."""
        for key, data in (("small", b"\0\r\n\xff"), ("large", bytes(range(256)) * 8192)):
            written = store.write(key, BytesIO(data), len(data), metadata={"Origin": "suite"})
            head = store.head(key)
            assert head is not None
            assert (written.key, written.size) == (head.key, head.size) == (key, len(data))
            assert head.metadata == {"origin": "suite"}
            with store.read(key) as stream:
                assert stream.read() == data
        with pytest.raises(ProviderError) as raised:
            store.write("empty", BytesIO(b""), 0)
        assert raised.value.code is ErrorCode.INVALID_ARGUMENT
        assert store.head("empty") is None

    def test_many_short_pages(self, host: Host, store: Store) -> None:
        """There are no pages: a list is one answer, and sorted here."""
        keys = [f"{number:03d}{end}" for number in range(12) for end in ("", "-x")]
        for key in reversed(keys):
            store.write(key, BytesIO(b"x"), 1)
        with host.quiet() as sent:
            assert [facts.key for facts in store.list()] == sorted(keys)
        assert len(sent) == 1


class TestCloneCloudStore(CloneCloudStoreSuite):
    title = "clonecloudstore"

    @pytest.fixture
    def harness(self, tmp_path: Path, certificate: Certificate) -> CloneCloudStoreHarness:
        return CloneCloudStoreHarness(tmp_path, certificate)


class TestCloneCloudStoreDocumented(CloneCloudStoreSuite):
    """Statuses are those of the documents, objects are listed through the internal API, sites answer for each other."""

    title = "clonecloudstore-documented"

    @pytest.fixture
    def harness(self, tmp_path: Path, certificate: Certificate) -> CloneCloudStoreHarness:
        switches = {"documented": True, "local_bucket": "bare", "remote_read": True, "internal_compression": True}
        return CloneCloudStoreHarness(tmp_path, certificate, Way(tls=False, internal=True, switches=switches))
