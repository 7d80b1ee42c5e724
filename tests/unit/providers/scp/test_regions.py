"""Each end has a client of its own, by the document that fits."""

from pathlib import Path

import pytest

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.manifest import ProviderDoc
from reconciler.providers.base import Access, Connection
from reconciler.providers.scp.regions import Regions
from tests.unit.providers.s3.connections import Secrets
from tests.unit.providers.scp.flows import region

WEST = region("west", "kr-west1")


def opened(own: ProviderDoc, *siblings: ProviderDoc) -> Regions:
    return Regions(
        Connection(doc=own, secrets=Secrets({"SK": "s"}), access=Access.READ, base=Path("/"), siblings=siblings)
    )


def test_no_client_is_ever_pointed_elsewhere() -> None:
    regions = opened(WEST, region("east", "kr-east1"))
    east = regions.at("kr-east1")
    assert east is regions.at("kr-east1", "east")
    assert east is not regions.own
    assert (regions.own.config.region, east.config.region) == ("kr-west1", "kr-east1")
    assert regions.at("kr-west1") is regions.own
    regions.close()
    regions.close()


def test_the_named_document_goes_first_and_then_the_same_account() -> None:
    own = region("west", "kr-west1", accountId="a1")
    plain, same, other = (
        region("a", "kr-east1"), region("b", "kr-east1", accountId="a1"), region("c", "kr-east1", accountId="a2"),
    )  # fmt: skip
    regions = opened(own, plain, same, other)
    assert regions.at("kr-east1").name == "b"
    assert regions.at("kr-east1", "a").name == "a"
    assert regions.at("kr-east1", "c").name == "b", "another account's document reaches another account's volumes"
    assert regions.document("kr-east1") == "b"


def test_another_environment_is_another_cloud() -> None:
    own = region("west", "kr-west1", endpoint="https://scp.example")
    regions = opened(own, region("east", "kr-east1", environment="s"))
    assert not regions.reaches("kr-east1")
    with pytest.raises(ProviderError) as raised:
        regions.at("kr-east1")
    assert raised.value.code is ErrorCode.FAILED_PRECONDITION
    assert "kr-east1" in (raised.value.hint or "")


def test_a_region_of_the_public_cloud_needs_no_document() -> None:
    regions = opened(WEST)
    assert regions.reaches("kr-east1")
    assert regions.document("kr-east1") is None
    derived = regions.at("kr-east1")
    assert derived.config.url == "https://filestorage.kr-east1.e.samsungsdscloud.com"
    assert derived.config.credentials == WEST.spec.config.credentials  # type: ignore[attr-defined]
    assert derived is regions.at("kr-east1")
