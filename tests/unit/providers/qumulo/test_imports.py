from pathlib import Path
from typing import Any

import pytest

from reconciler.model.manifest import ReplicationSpec
from reconciler.providers.base import Imported
from reconciler.providers.qumulo import convert
from reconciler.providers.qumulo.config import QumuloOptions
from reconciler.providers.qumulo.convert import STATUSES
from reconciler.providers.qumulo.provider import QumuloProvider
from tests.unit.providers.qumulo.flows import connection, flow, wire


def imported(base: Path, *statuses: dict[str, Any]) -> list[Imported]:
    seen = convert.observation("nas-1", STATUSES.validate_python(list(statuses)))
    return list(QumuloProvider(connection(base)).imported(seen))


@pytest.mark.parametrize("direction", ["COPY_TO_OBJECT", "COPY_FROM_OBJECT"])
@pytest.mark.parametrize("changes", [{}, {"object_folder": ""}, {"port": 9000}, {"bucket_style": "BUCKET_STYLE_PATH"}])
def test_an_imported_manifest_describes_what_is_live(direction: str, changes: dict[str, Any], tmp_path: Path) -> None:
    """Importing and planning again must find nothing to do."""
    (one,) = imported(tmp_path, wire(direction=direction, **changes))
    assert one.peer is not None
    ends = {"source": dict(one.source), "destination": dict(one.destination)}  # type: ignore[call-overload, arg-type]
    for end in ends.values():
        end.setdefault("provider", "aws-eu")
    spec = ReplicationSpec.model_validate(ends)
    options = QumuloOptions.model_validate(one.spec["qumulo"])
    own, other = (spec.source, spec.destination) if direction == "COPY_TO_OBJECT" else (spec.destination, spec.source)
    again = flow(
        owner_side="source" if own is spec.source else "destination", path=own.path or "", bucket=other.bucket or "",
        prefix=other.prefix, peer=one.peer, options=options.model_dump(by_alias=True, exclude_none=True),
    )  # fmt: skip
    assert own.provider == "nas-1"
    assert convert.relationship(convert.desired(again, None)).settings == one.relationship.settings


def test_names_are_names(tmp_path: Path) -> None:
    assert imported(tmp_path, wire())[0].suggested_name == "projects-to-proj"
    assert imported(tmp_path, wire(local_directory_path="/"))[0].suggested_name == "root-to-proj"
    (long,) = imported(tmp_path, wire(local_directory_path=f"/Ä/{'x' * 80}/"))
    assert (len(long.suggested_name), long.suggested_name[0]) == (63, "x")


def test_an_ipv6_store(tmp_path: Path) -> None:
    (one,) = imported(tmp_path, wire(object_store_address="::1", port=9000))
    assert one.peer is not None
    assert one.peer.url == "https://[::1]:9000"


def test_what_no_manifest_can_describe_is_left_out(tmp_path: Path) -> None:
    assert imported(tmp_path, wire(local_directory_path="")) == []
    assert len(imported(tmp_path, wire(id="a"), wire(id="b"))) == 1
