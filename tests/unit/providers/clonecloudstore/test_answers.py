"""Answers: errors in words, compressed streams, health, and what an import writes."""

import io

import pytest
import zstandard

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.observation import HealthState
from reconciler.providers.clonecloudstore import TYPE, convert, imports
from reconciler.providers.clonecloudstore.config import CloneCloudStoreConfig
from reconciler.providers.clonecloudstore.failure import explain
from reconciler.providers.clonecloudstore.health import health_of
from reconciler.providers.clonecloudstore.streams import plain
from reconciler.providers.clonecloudstore.wire import ObjectRow
from reconciler.providers.http import Answer
from tests.unit.providers.clonecloudstore.flows import SCOPE, ground, known, site

OURS = {"x-clonecloudstore-module": "REPLICATOR", "x-clonecloudstore-op-id": "op-1"}


def test_an_error_is_told_by_its_header() -> None:
    said = explain(Answer(status=403, headers=OURS | {"x-clonecloudstore-error": "WRITE not allowed"}))
    assert (said.message, said.request_id, said.code) == ("WRITE not allowed", "op-1", None)
    assert "ownerships" in (said.hint or "")


@pytest.mark.parametrize("status", [404, 410])
def test_what_something_else_does_not_find_is_no_absence(status: int) -> None:
    assert explain(Answer(status=status, headers={"server": "proxy"})).code is ErrorCode.PROTOCOL
    assert explain(Answer(status=status, headers=OURS)).code is None


def packed(content: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(content)


def read(body: bytes, encoding: str | None = "zstd") -> bytes:
    headers = {} if encoding is None else {"content-encoding": encoding}
    with plain(io.BytesIO(body), headers, provider="p", operation="GET x") as stream:
        return stream.read()


def test_streams_are_unpacked() -> None:
    content = bytes(range(256)) * 9000
    assert read(packed(content)) == content
    assert read(packed(content), "ZSTD ") == content
    assert read(packed(b"one") + packed(b"") + packed(b"two")) == b"onetwo"
    assert read(packed(b"")) == b""
    assert read(content, None) == content
    assert read(packed(content), "identity") == packed(content)


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_a_stream_that_is_cut_off_is_an_error(cut: int) -> None:
    with pytest.raises(ProviderError) as raised:
        read(packed(bytes(range(256)) * 40)[:-cut])
    assert raised.value.code is ErrorCode.PROTOCOL


@pytest.mark.parametrize(("body", "encoding"), [(b"no zstd at all", "zstd"), (b"x", "gzip")])
def test_a_stream_of_something_else_is_an_error(body: bytes, encoding: str) -> None:
    with pytest.raises(ProviderError) as raised:
        read(body, encoding)
    assert raised.value.code is ErrorCode.PROTOCOL


def row(name: str, status: str) -> ObjectRow:
    return ObjectRow(name=name, status=status)


@pytest.mark.parametrize(
    ("status", "rows", "state"),
    [
        ("UP", [], HealthState.UNKNOWN),
        ("UP", [row("a", "UPLOAD")], HealthState.RUNNING),
        ("UP", [row("a", "UPLOAD"), row("b", "ERR_UPL")], HealthState.FAILED),
        ("DOWN", [row("b", "ERR_UPL")], HealthState.PAUSED),
        ("UNKNOWN", [], HealthState.UNKNOWN),
        (None, [], HealthState.UNKNOWN),
    ],
)
def test_health_is_never_ok(status: str | None, rows: list[ObjectRow], state: HealthState) -> None:
    assert health_of(known("site-b", status) if status else None, rows).state is state


def test_an_import_is_of_one_sites_and_clients_own() -> None:
    observed = convert.observation(SCOPE, ground("UP", "DOWN", invoices="READY", there={"invoices": "READ_WRITE"}))  # type: ignore[arg-type]
    documents = {("site-a", "client1"): "ccs-a"}
    (found,) = imports.imported(observed, "ccs-a", "site-a", lambda *key: documents.get(key))
    assert found.source == {"provider": "ccs-a", "bucket": "invoices"}
    assert found.destination == {"bucket": "invoices"}
    assert found.spec == {"state": "active", "deletes": "keep", "verify": {"level": "status"}}
    assert not list(imports.imported(observed, "ccs-z", "site-a", lambda *key: documents.get(key)))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("accessor", "accessor.example"), ("accessor", "ftp://x"), ("replicator", "https://u:p@x.example"),
        ("administration", "https://x.example/path"), ("clientId", "Client"), ("clientId", "c"), ("site", "a/b"),
        ("site", "a>b"), ("site", ""), ("topologyCache", "5 minutes"), ("internal", "https://x.example:99999"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be(key: str, value: object) -> None:
    with pytest.raises(ValueError, match=key):
        site("site-a", **{key: value})


def test_a_site_is_named_by_itself_and_its_administration() -> None:
    one, other, same = (site("site-a").spec.config, site("site-b").spec.config, site("site-a", "client2").spec.config)
    assert one.system() == same.system() == "site-a admin.site-a.example:443"
    assert other.system() != one.system()
    assert isinstance(one, CloneCloudStoreConfig)
    assert one.uri == one.replicator
    assert TYPE.s3_endpoint(one, __import__("pathlib").Path()) is None
