"""Every call of the seed and of the services beside it, over two emulated sites, in both readings of the documents."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread

import pytest

from reconciler.emulators.certificate import Certificate
from reconciler.emulators.faults import Fault
from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.manifest import Metadata, ProviderDoc, ProviderSpec
from reconciler.providers.base import Access, Connection
from reconciler.providers.clonecloudstore.client import SiteClient
from reconciler.providers.clonecloudstore.config import CloneCloudStoreConfig
from reconciler.providers.clonecloudstore.names import base32hex
from reconciler.providers.clonecloudstore.store import CloneCloudStoreStore
from reconciler.providers.clonecloudstore.wire import Order, Topology
from tests.contract.harnesses.wire import EnvSecrets
from tests.lab import clonecloudstore as lab_of
from tests.lab.clonecloudstore import CLIENT, Lab, Site, digest

CONTENT = b"some bytes of an object\n" * 400


@pytest.fixture(params=["source", "documents"])
def lab(request: pytest.FixtureRequest, tmp_path: Path, certificate: Certificate) -> Iterator[Lab]:
    with lab_of.start(tmp_path, certificate) as lab:
        if request.param == "documents":
            lab.switch(documented=True, local_bucket="bare")
        lab.a.bucket("bucket")
        lab.a.put("bucket", "dir/one", CONTENT, metadata='{"origin": "lab"}')
        lab.settle()
        yield lab
        lab.judge()


@contextmanager
def opened(site: Site, *, https: bool = True, **config: str) -> Iterator[SiteClient]:
    urls = site.urls(https=https)
    services = ("accessor", "replicator", "administration")
    settings = {
        "site": site.name, "clientId": CLIENT, **{name: urls[name] for name in services},
        **({"caFile": str(site.lab.certificate.ca)} if https else {}), **config,
    }  # fmt: skip
    spec = ProviderSpec(type="clonecloudstore", config=CloneCloudStoreConfig.model_validate(settings))
    doc = ProviderDoc(api_version="repl/v1", kind="Provider", metadata=Metadata(name="ccs"), spec=spec)
    client = SiteClient(Connection(doc=doc, secrets=EnvSecrets(), access=Access.WRITE, base=Path("/")), doc)
    try:
        yield client
    finally:
        client.close()
        client.close()


def order(name: str | None, action: str = "CREATE") -> Order:
    return Order(from_site="site-a", to_site="site-b", client=CLIENT, bucket="late", action=action, object=name)


# The replicator: its own site ------------------------------------------------------------------------------------


def test_remote_buckets(lab: Lab) -> None:
    with opened(lab.b) as client:
        for full in (False, True):
            assert client.replicator.has_bucket("bucket", full=full)
            assert not client.replicator.has_bucket("nothing", full=full)
        row = client.replicator.bucket("bucket")
        assert row is not None
        assert (row.id, row.client, row.status) == ("bucket", CLIENT, "READY")
        assert client.replicator.bucket("nothing") is None


def test_remote_objects(lab: Lab) -> None:
    with opened(lab.b) as client:
        for full in (False, True):
            assert client.replicator.has_object("bucket", "dir/one", full=full)
            assert client.replicator.kind("bucket", "dir", full=full) == "DIRECTORY"
            assert client.replicator.kind("bucket", "nothing", full=full) is None
        with client.replicator.open("bucket", "dir/one").body as body:
            assert body.read() == CONTENT
        lab.emulator.act("lose-bytes", {"site": "site-b", "bucket": "bucket", "object": "dir/one"})
        assert client.replicator.has_object("bucket", "dir/one", full=False)
        assert not client.replicator.has_object("bucket", "dir/one", full=True)
        with pytest.raises(ProviderError) as raised:
            client.replicator.open("bucket", "dir/one")
        assert raised.value.code is ErrorCode.NOT_FOUND


def test_streams_are_compressed_on_their_way_and_say_what_they_are(lab: Lab) -> None:
    with opened(lab.b) as client:
        stream = client.replicator.open("bucket", "dir/one")
        with stream.body as body:
            assert body.read() == CONTENT
        assert stream.headers["content-encoding"] == "zstd"
        told = {key.removeprefix("x-clonecloudstore-"): value for key, value in stream.headers.items()}
        assert (told["bucket"], told["name"], told["site"]) == ("bucket", "dir/one", "site-b")
        assert (told["hash"], told["size"], told["status"]) == (digest(CONTENT), str(len(CONTENT)), "READY")


# The replicator: other sites ---------------------------------------------------------------------------------------


def test_local_buckets(lab: Lab) -> None:
    with opened(lab.b) as client:
        for target in (None, "site-a"):
            assert client.replicator.local_has_bucket("bucket", target=target, full=True) == "site-a"
            found = client.replicator.local_bucket("bucket", target=target)
            assert found is not None
            assert found[0].client == CLIENT
            assert found[1] in ("site-a", None)
        assert client.replicator.local_has_bucket("bucket", target="site-c") is None
        assert client.replicator.local_bucket("nothing") is None


def test_local_objects(lab: Lab) -> None:
    with opened(lab.b) as client:
        for target in (None, "site-a"):
            assert client.replicator.local_has_object("bucket", "dir/one", target=target) == "site-a"
            with client.replicator.local_open("bucket", "dir/one", target=target).body as body:
                assert body.read() == CONTENT
        assert client.replicator.local_has_object("bucket", "dir", full=True) is None
        with pytest.raises(ProviderError) as raised:
            client.replicator.local_open("bucket", "nothing")
        assert raised.value.code is ErrorCode.NOT_FOUND


def test_local_answers_are_old_and_remote_ones_are_not(lab: Lab) -> None:
    with opened(lab.b) as there, opened(lab.a) as here:
        assert there.replicator.local_has_object("bucket", "dir/one") == "site-a"
        assert here.delete("bucket", "dir/one")
        lab.settle()
        assert there.replicator.local_has_object("bucket", "dir/one", full=True) == "site-a"
        assert not here.replicator.has_object("bucket", "dir/one")


# Orders ------------------------------------------------------------------------------------------------------------


def test_orders_one_by_one_and_together(lab: Lab) -> None:
    lab.switch(paused_senders=["site-a"])
    lab.a.bucket("late")
    for name in ("one", "two", "three"):
        lab.a.put("late", name, CONTENT)
    with opened(lab.b) as client:
        assert client.replicator.order(order(None))
        lab.settle_actions()
        client.replicator.order(order("one"))
        client.replicator.orders([order("two"), order("three")])
        lab.settle_actions()
        assert [lab.b.content("late", name) for name in ("one", "two", "three")] == [CONTENT] * 3
        client.replicator.order(order("one", "DELETE"))
        lab.settle_actions()
        assert lab.b.status("late", "one") == "DELETED"


# Administration and accessor ----------------------------------------------------------------------------------------


def test_topologies(lab: Lab) -> None:
    with opened(lab.a) as client:
        assert [one.id for one in client.topologies()] == ["site-b"]
        new = Topology(id="site-x", name="site-x", uri="http://x.example", status="DOWN")
        assert client.topology("site-x") is None
        with pytest.raises(ProviderError) as raised:
            client.set_topology(new)
        assert raised.value.code is ErrorCode.NOT_FOUND
        client.add_topology(new)
        with pytest.raises(ProviderError) as raised:
            client.add_topology(new)
        assert raised.value.code is ErrorCode.CONFLICT
        client.set_topology(new.model_copy(update={"status": "UP"}))
        assert client.topology("site-x") == new.model_copy(update={"status": "UP"})


def test_rights(lab: Lab) -> None:
    with opened(lab.b) as client:
        assert client.right("bucket") == "OWNER"
        assert {row.bucket: row.ownership for row in client.rights()} == {"bucket": "OWNER"}
        client.drop_right("bucket")
        assert client.right("bucket") is None
        client.add_right("bucket", "READ")
        client.raise_right("bucket", "WRITE")
        assert client.right("bucket") == "READ_WRITE"


def test_lists(lab: Lab) -> None:
    internal = lab.a.urls()["internal"]
    for config in ({}, {"internal": internal}):
        with opened(lab.a, https=not config, **config) as client:
            assert client.buckets() == {"bucket": "READY"}
            (row,) = client.objects("bucket")
            assert (row.name, row.size, row.hash, row.metadata) == (
                "dir/one", len(CONTENT), digest(CONTENT), {"origin": "lab"}
            )  # fmt: skip
            assert list(client.objects("bucket", prefix="dir/")) == [row]
            assert not list(client.objects("bucket", prefix="dir_"))
            assert not list(client.objects("bucket", statuses=("ERR_UPL",)))
            assert client.row("bucket", "dir/one") == row
            assert client.row("bucket", "dir/on") is None


def test_a_list_that_breaks_off_is_no_end(lab: Lab) -> None:
    lab.faults.add(Fault(kind="status", emulator="ccs", operation="listObjects", times=None, status=403))
    with opened(lab.a) as client, pytest.raises(ProviderError) as raised:
        list(client.objects("bucket"))
    assert raised.value.code is ErrorCode.PERMISSION_DENIED


class _Closing(BaseHTTPRequestHandler):
    """Sends one line, and says with the end of the connection alone that there are no more."""

    def do_PUT(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"name": "one", "status": "READY"}\n')

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the library's name
        """Say nothing."""


def test_a_list_that_may_have_been_cut_off_is_not_believed(lab: Lab) -> None:
    with HTTPServer(("127.0.0.1", 0), _Closing) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        with opened(lab.a, https=False, accessor=url) as client, pytest.raises(ProviderError, match="where it ends"):
            list(client.objects("bucket"))
        thread.join()


# The store ---------------------------------------------------------------------------------------------------------


def test_a_store_never_believes_another_site(lab: Lab) -> None:
    lab.switch(remote_read=True)
    lab.emulator.act("forget-row", {"site": "site-b", "bucket": "bucket", "object": "dir/one"})
    with opened(lab.b) as client:
        assert lab.b.public.head("/cloudclonestore/bucket/dir/one").is_success, "the public API answers for site-a"
        store = CloneCloudStoreStore(client, "bucket", "")
        assert store.head("dir/one") is None
        with pytest.raises(ProviderError):
            store.read("dir/one")
        assert list(store.list()) == []


def test_a_store_reads_what_the_storage_has(lab: Lab) -> None:
    lab.emulator.act("replace-bytes", {"site": "site-b", "bucket": "bucket", "object": "dir/one", "text": "other"})
    with opened(lab.b) as client:
        store = CloneCloudStoreStore(client, "bucket", "dir/")
        with store.read("one") as stream:
            assert stream.read() == b"other"
        facts = store.head("one")
        assert facts is not None
        assert facts.checksums == {}, "the digest of the row is that of other bytes"


def test_what_failed_cannot_be_removed_and_is_told_so(lab: Lab) -> None:
    lab.emulator.act("set-status", {"site": "site-a", "bucket": "bucket", "object": "dir/one", "status": "ERR_UPL"})
    with opened(lab.a) as client:
        store = CloneCloudStoreStore(client, "bucket", "")
        assert store.head("dir/one") is None
        with pytest.raises(ProviderError) as raised:
            store.purge("dir/one")
        assert raised.value.code is ErrorCode.FAILED_PRECONDITION
        assert "ERR_UPL" in raised.value.message


def test_metadata_that_cannot_be_stored_is_left_out(lab: Lab) -> None:
    with opened(lab.a) as client:
        store = CloneCloudStoreStore(client, "bucket", "")
        store.write("new", BytesIO(b"x"), 1, metadata={"repl-run": "1", "kept": "2", "bad": "a;b"})
        facts = store.head("new")
        assert facts is not None
        assert facts.metadata == {"kept": "2"}
        assert facts.etag == digest(b"x")


def test_digests_are_written_as_the_server_does() -> None:
    import hashlib

    assert base32hex(hashlib.sha256(CONTENT).digest()) == digest(CONTENT)
    assert len(digest(b"")) == 52
