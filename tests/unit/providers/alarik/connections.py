"""Clients of Alarik over real servers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reconciler.model.manifest import Limits, Metadata, ProviderDoc, ProviderSpec
from reconciler.providers.alarik.client import AlarikClient
from reconciler.providers.alarik.config import AlarikConfig
from reconciler.providers.base import Access, Connection
from tests.unit.providers.s3.connections import Secrets

SECRET = "s3cr3t-of-alarik-that-must-not-be-seen"
PASSWORD = "p4ssword of alarik that must not be seen"
KEYS: dict[str, Any] = {"accessKeyId": "AKexample", "secretAccessKey": {"env": "SECRET"}}
LOGIN: dict[str, Any] = {"username": "u", "password": {"env": "PASSWORD"}}


def connection(
    *,
    access: Access = Access.WRITE,
    secrets: Secrets | None = None,
    limits: Limits | None = None,
    timeout_s: float = 5.0,
    **config: Any,
) -> Connection:
    """What a client is opened with; `config` in the form of the manifest's fields."""
    who: Mapping[str, Any] = {} if "login" in config or "credentials" in config else {"credentials": KEYS}
    return Connection(
        doc=ProviderDoc(
            api_version="repl/v1",
            kind="Provider",
            metadata=Metadata(name="alarik-1"),
            spec=ProviderSpec(type="alarik", config=AlarikConfig(**who, **config)),
        ),
        secrets=secrets or Secrets({"SECRET": SECRET, "PASSWORD": PASSWORD}),
        access=access,
        base=Path("/"),
        limits=limits or Limits(),
        timeout_s=timeout_s,
    )


@contextmanager
def opened(**settings: Any) -> Iterator[AlarikClient]:
    """A client, closed afterwards, twice."""
    client = AlarikClient(connection(**settings))
    try:
        yield client
    finally:
        client.close()
        client.close()
