"""Clients of BOS over real servers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reconciler.model.manifest import Limits, Metadata, ProviderDoc, ProviderSpec
from reconciler.providers.base import Access, Connection
from reconciler.providers.bos.client import BosClient
from reconciler.providers.bos.config import BosConfig
from tests.unit.providers.s3.connections import Secrets

SECRET = "s3cr3t-of-bos-that-must-not-be-seen"
TOKEN = "t0ken-of-bos-that-must-not-be-seen"


def connection(
    *,
    access: Access = Access.WRITE,
    secrets: Secrets | None = None,
    limits: Limits | None = None,
    timeout_s: float = 5.0,
    **config: Any,
) -> Connection:
    """What a client is opened with; `config` in the form of the manifest's fields."""
    settings: Mapping[str, Any] = {
        "region": "bj",
        "credentials": {"accessKeyId": "AKexample", "secretAccessKey": {"env": "SECRET"}},
    } | config
    return Connection(
        doc=ProviderDoc(
            api_version="repl/v1",
            kind="Provider",
            metadata=Metadata(name="bos-bj"),
            spec=ProviderSpec(type="bos", config=BosConfig(**settings)),
        ),
        secrets=secrets or Secrets({"SECRET": SECRET, "TOKEN": TOKEN}),
        access=access,
        base=Path("/"),
        limits=limits or Limits(),
        timeout_s=timeout_s,
    )


@contextmanager
def opened(**settings: Any) -> Iterator[BosClient]:
    """A client, closed afterwards, twice."""
    client = BosClient(connection(**settings))
    try:
        yield client
    finally:
        client.close()
        client.close()
