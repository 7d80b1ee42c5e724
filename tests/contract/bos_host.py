"""A client of BOS over an emulated cloud, and the check that what was exchanged is as documented."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulators.certificate import Certificate
from reconciler.providers.bos.client import BosClient
from tests.contract.referee import Referee
from tests.lab import bos
from tests.lab.bos import DOCUMENT, Keys, Lab, own, path_of
from tests.unit.providers.bos.connections import opened
from tests.unit.providers.s3.connections import Secrets

__all__ = ["asked", "client", "connected", "judged", "lab", "settings"]


def settings(lab: Lab, *, keys: Keys | None = None, region: str = "bj", **changes: Any) -> dict[str, Any]:
    """What reaches the emulated cloud over TLS, as the owner of its buckets if nobody else is named."""
    who = keys or lab.owner
    values = {"SECRET": who.secret_key, **({"TOKEN": who.token} if who.token else {})}
    credentials: dict[str, Any] = {"accessKeyId": who.access_key, "secretAccessKey": {"env": "SECRET"}}
    if who.token:
        credentials["sessionToken"] = {"env": "TOKEN"}
    return {
        "region": region,
        "endpoint": lab.url(region, "https"),
        "ca_file": str(lab.certificate.ca),
        "credentials": credentials,
        "secrets": Secrets(values),
        **changes,
    }


@contextmanager
def connected(lab: Lab, **changes: Any) -> Iterator[BosClient]:
    """A client of one region, closed afterwards."""
    with opened(**settings(lab, **changes)) as client:
        yield client


def judged(lab: Lab) -> None:
    """Hold everything that was exchanged against the document."""
    Referee(DOCUMENT, path_of=path_of).judge_all(one for one in lab.recorder.exchanges if own(one))


@pytest.fixture
def lab(tmp_path: Path, certificate: Certificate) -> Iterator[Lab]:
    with bos.start(tmp_path, certificate) as running:
        yield running
        judged(running)


@pytest.fixture
def client(lab: Lab) -> Iterator[BosClient]:
    with connected(lab) as made:
        yield made


def asked(lab: Lab) -> list[str]:
    """The vendor's names of all calls so far."""
    since: Any = lab.log.since()
    return [row["operation"] for row in since["requests"]]
