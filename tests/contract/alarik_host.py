"""Clients of Alarik over two emulated servers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from reconciler.providers.alarik.client import AlarikClient
from tests.lab.alarik import Server
from tests.unit.providers.alarik.connections import opened
from tests.unit.providers.s3.connections import Secrets

__all__ = ["bucket", "client", "connected", "settings"]


def settings(server: Server, role: str | None = None, *, by: str = "keys", **changes: Any) -> dict[str, Any]:
    """What reaches an emulated server over TLS, as the described user or one in another `role`.

    `by`: "keys", "login", or "both".
    """
    facts = server.facts if role is None else server.facts[role]
    values = {"SECRET": facts["secret_key"], "PASSWORD": facts["password"], "TARGET": server.facts["secret_key"]}
    who: dict[str, Any] = {}
    if by in ("keys", "both"):
        who["credentials"] = {"accessKeyId": facts["access_key"], "secretAccessKey": {"env": "SECRET"}}
    if by in ("login", "both"):
        who["login"] = {"username": facts["username"], "password": {"env": "PASSWORD"}}
    return {
        "endpoint": server.facts["https"],
        "region": server.facts["region"],
        "ca_file": str(server.lab.certificate.ca),
        "secrets": Secrets(values),
        **who,
        **changes,
    }


@contextmanager
def connected(server: Server, role: str | None = None, **changes: Any) -> Iterator[AlarikClient]:
    """A client, closed afterwards."""
    with opened(**settings(server, role, **changes)) as client:
        yield client


@pytest.fixture
def client(here: Server) -> Iterator[AlarikClient]:
    with connected(here) as made:
        yield made


@pytest.fixture
def bucket(here: Server) -> str:
    return here.bucket()
