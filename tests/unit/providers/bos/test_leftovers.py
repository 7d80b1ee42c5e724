"""What a store leaves behind, and what it must not touch, over answers that no emulator gives."""

import io
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from reconciler.errors import ProviderError
from reconciler.providers.bos.store import PART, BosStore
from tests.unit.providers.bos.connections import opened
from tests.unit.providers.scripted import Act, ScriptedServer, answer, drop, serve

LISTED = {"size": 1, "lastModified": "2026-01-01T00:00:00Z", "eTag": "e", "storageClass": "STANDARD"}


def said(body: Any, status: int = 200, **headers: str) -> Act:
    return answer(status, json.dumps(body).encode(), **headers)


def sent(server: ScriptedServer, method: str) -> list[dict[str, list[str]]]:
    """The queries of the requests with a method."""
    return [parse_qs(urlsplit(one.target).query) for one in server.requests if one.method == method]


def test_a_purge_takes_versions_and_parts_of_its_own_key_alone() -> None:
    """A listing is by prefix: it has keys that begin alike."""
    uploads = [{"key": key, "uploadId": f"upload-of-{key}"} for key in ("k", "k2")]
    versions = [{**LISTED, "key": key, "versionId": f"version-of-{key}"} for key in ("k", "k2")]
    script = (
        said({"isTruncated": False, "uploads": uploads}),
        answer(204),
        said({"status": "enabled"}),
        said({"isTruncated": False, "contents": versions}),
        answer(204),
        answer(404),
    )
    with serve(*script) as server, opened(endpoint=server.url) as client:
        BosStore(client, "bucket", "").purge("k")
        assert sent(server, "DELETE") == [{"uploadId": ["upload-of-k"]}, {"versionId": ["version-of-k"]}]


@pytest.mark.parametrize(("end", "aborted"), [(drop, False), (said({"code": "InvalidPart"}, 400), True)])
def test_an_upload_is_thrown_away_unless_it_may_be_an_object_by_now(end: Act, aborted: bool) -> None:
    part = answer(200, ETag='"e"')
    script = said({"uploadId": "u"}), part, part, end, answer(204)
    with serve(*script) as server, opened(endpoint=server.url) as client:
        with pytest.raises(ProviderError) as caught:
            BosStore(client, "bucket", "").write("k", io.BytesIO(bytes(PART + 1)), PART + 1)
        assert sent(server, "DELETE") == [{"uploadId": ["u"]}] * aborted
    assert caught.value.ambiguous is not aborted
