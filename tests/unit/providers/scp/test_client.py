"""Reading a list of volumes to its end, however a service deals out pages."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from reconciler.providers.base import Access, Connection
from reconciler.providers.http import Ask
from reconciler.providers.scp.client import ScpClient
from tests.unit.providers.s3.connections import Secrets
from tests.unit.providers.scp.flows import region

WEST = region("west", "kr-west1")
PAGE = 20
"""What the client asks for."""


class Dealt(ScpClient):
    """A region with so many volumes, that deals out no more than `most` of them at a time."""

    def __init__(self, held: int, *, most: int = PAGE, deaf: bool = False, whole: bool = True) -> None:
        super().__init__(Connection(doc=WEST, secrets=Secrets({"SK": "s"}), access=Access.READ, base=Path("/")), WEST)
        self.held, self.most, self.deaf, self.whole = held, most, deaf, whole
        self.asked: list[int] = []

    def _read(self, ask: Ask, shape: Any) -> Any:
        query = parse_qs(urlsplit(ask.path).query)
        offset, limit = int(query["offset"][0]), int(query["limit"][0])
        self.asked.append(offset)
        start = 0 if self.deaf else offset
        page = [{"id": str(number), "name": f"v{number}"} for number in range(self.held)]
        page = page[start : start + min(self.most, limit)]
        return shape.validate_python({"filestorages": page, "count": self.held if self.whole else len(page)})


def read(service: Dealt, name: str | None) -> Sequence[str]:
    return [one.name for one in service.volumes(name)]


@pytest.mark.parametrize("name", ["v", None])
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("held", [0, 1, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE])
def test_every_volume_is_read_once(held: int, name: str | None, *, whole: bool) -> None:
    """Whether the service counts all of them or those in the page."""
    assert read(Dealt(held, whole=whole), name) == [f"v{number}" for number in range(held)]


@pytest.mark.parametrize("name", ["v", None])
def test_pages_may_be_shorter_than_asked_for(name: str | None) -> None:
    assert len(read(Dealt(17, most=5), name)) == 17


@pytest.mark.parametrize("name", ["v", None])
def test_a_service_that_knows_no_pages_is_not_asked_for_ever(name: str | None) -> None:
    service = Dealt(PAGE, deaf=True)
    assert len(read(service, name)) == PAGE
    assert len(service.asked) == 2


def test_of_one_name_a_short_page_is_the_last() -> None:
    service = Dealt(1)
    read(service, "v")
    assert service.asked == [0]
