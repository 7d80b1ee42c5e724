"""Whatever is sent, the answer is one that the document has: anything in path, headers and body of every call."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.emulators.certificate import Certificate
from reconciler.emulators.clonecloudstore.call import Route
from reconciler.emulators.clonecloudstore.service import ROUTES, Service
from reconciler.emulators.message import Request
from tests.lab import clonecloudstore
from tests.lab.clonecloudstore import DOCUMENT, PREFIX, Lab

CONTENT: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))
STATUSES = {
    operation["operationId"]: set(operation["responses"])
    for item in CONTENT["paths"].values()
    for method, operation in item.items()
    if method != "parameters"
}
CALLS = [(service, route) for service, routes in ROUTES.items() for route in routes]

KINDS = ("application/json", "application/octet-stream")

words = st.one_of(
    st.sampled_from(
        ["invoices", "readme.txt", "2026", "empty", "site-b", "client1", "READ", "OWNER", "UP", "a b", "%zz"]
    ),
    st.text(min_size=1, max_size=12),
)
headers = st.dictionaries(
    st.sampled_from(
        [
            *(PREFIX + name for name in ("client-id", "op-id", "target-id", "namePrefix", "statuses", "metadataEq")),
            *(PREFIX + name for name in ("sizeGT", "creationAfter", "expires", "metadata", "size", "hash")),
            "Accept", "Accept-Encoding", "Content-Encoding", "Content-Type",
        ]
    ),
    st.one_of(
        st.sampled_from(["client1", "client2", "site-b", "zstd", *KINDS, "[]", "{}"]),
        st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=20),
    ),
    max_size=5,
)  # fmt: skip
scalars = st.one_of(st.none(), st.booleans(), st.integers(), words)
members = st.sampled_from(
    ["id", "name", "uri", "status", "bucketName", "objectName", "clientId", "action", "fromSite", "size"]
)
documents = st.one_of(
    scalars, st.dictionaries(members, scalars), st.lists(st.dictionaries(members, scalars), max_size=3)
)  # fmt: skip
bodies = st.one_of(st.binary(max_size=40), documents.map(lambda one: json.dumps(one).encode()))


@pytest.fixture(scope="module", params=[False, True], ids=["source", "documents"])
def lab(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, certificate: Certificate
) -> Iterator[Lab]:
    with clonecloudstore.start(tmp_path_factory.mktemp("ccs"), certificate, seed=True) as running:
        running.switch(documented=request.param, remote_read=request.param, fix_on_absent=request.param)
        yield running


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    call=st.sampled_from(CALLS),
    parts=st.lists(words, min_size=4, max_size=4),
    query=words,
    sent=headers,
    body=bodies,
)
def test_every_answer_is_documented(
    lab: Lab, *, call: tuple[str, Route], parts: list[str], query: str, sent: dict[str, str], body: bytes
) -> None:
    service, route = call
    path = re.sub(r"\{\w+\}", lambda _: quote(parts.pop(), safe="/%" if "object" in _.group() else "%"), route.path)
    request = Request(route.method, path, f"status={quote(query)}&ownership={quote(query)}", tuple(sent.items()), body)
    asked = Service(lab.emulator.sites["site-a"], service)
    reply = asked(request)
    operation = asked.operation(request).name
    if operation is None:
        assert reply.status in (404, 405)
    else:
        stated = STATUSES[operation]
        assert str(reply.status) in stated or (reply.status >= 500 and "5XX" in stated)
    assert reply.header(f"{PREFIX}op-id")
    assert reply.header(f"{PREFIX}module")
    if reply.status >= 400:
        assert reply.body == b""
    for _, value in reply.headers:
        assert value.encode("latin-1")
        assert not re.search(r"[\r\n]", value)
