"""A full Alarik bucket whose target became another one in place: nobody is led there who wants the place it left."""

from typing import Any
from uuid import uuid4

import pytest

from tests.contract.alarik_workspace import Workspace, alarik, work

__all__ = ["alarik", "work"]


@pytest.fixture
def crowded(work: Workspace) -> Workspace:
    """Three targets of others, and one of ours that was made for `destination` and leads to `-d2` now."""
    work.alarik.make_bucket(second(work), name="there")
    others = [
        {"id": str(uuid4()), "endpoint": "https://other.example", "targetBucket": f"others-{number}",
         "accessKeyId": "AKOTHER", "secretAccessKey": "theirs", "region": "us-east-1", "enabled": True}
        for number in range(3)
    ]  # fmt: skip
    work.alarik.put(work.source, "targets", others)
    work.replicate("one", source=source(work, "one/"))
    work.apply()
    made = ours(work)
    work.replicate("one", source=source(work, "one/"), destination=there(work, second(work)))
    work.apply()
    assert ours(work) == made, "there was no room for another"
    assert leads(work) == {"one/": second(work)}
    return work


def second(work: Workspace) -> str:
    return f"{work.destination}2"


def source(work: Workspace, prefix: str) -> dict[str, Any]:
    return {"provider": "here", "bucket": work.source, "prefix": prefix}


def there(work: Workspace, bucket: str) -> dict[str, Any]:
    return {"provider": "there", "bucket": bucket}


def ours(work: Workspace) -> set[str]:
    return {str(one["id"]) for one in work.targets if one["accessKeyId"] != "AKOTHER"}


def leads(work: Workspace) -> dict[str, str]:
    """Where the rules lead, by their prefixes."""
    to = {one["id"]: one["targetBucket"] for one in work.targets}
    return {rule["prefix"]: to[rule["targetId"]] for rule in work.rules}


def room(work: Workspace) -> None:
    """Others take their targets away."""
    work.alarik.put(work.source, "targets", [one for one in work.targets if one["accessKeyId"] != "AKOTHER"])


def test_without_room_it_is_refused(crowded: Workspace) -> None:
    before = crowded.targets, crowded.rules
    crowded.replicate("two", source=source(crowded, "two/"))
    assert "REPL-W411" in crowded.refused(1, "--prune").text
    assert (crowded.targets, crowded.rules) == before


def test_with_room_each_key_arrives_where_it_is_to(crowded: Workspace) -> None:
    room(crowded)
    crowded.replicate("two", source=source(crowded, "two/"))
    crowded.apply()
    crowded.settled()
    assert leads(crowded) == {"one/": second(crowded), "two/": crowded.destination}
    crowded.put("one/a", "two/a")
    assert set(crowded.copies) == {"two/a"}
    assert set(crowded.arrived(second(crowded))) == {"one/a"}
    assert crowded.repl("drift").code == 0


def test_another_generation_and_then_nothing(crowded: Workspace) -> None:
    """The old rule is found through the receipt, the target stays, and both go with the manifests."""
    room(crowded)
    crowded.replicate("two", source=source(crowded, "two/"))
    crowded.apply()
    before, rule = ours(crowded), {one["id"] for one in crowded.rules if one["prefix"] == "two/"}
    crowded.replicate("two", source=source(crowded, "two/"), alarik={"generation": 2})
    crowded.apply()
    crowded.settled()
    assert ours(crowded) == before
    assert not rule & {one["id"] for one in crowded.rules}
    crowded.forget("two")
    crowded.apply("--prune")
    assert leads(crowded) == {"one/": second(crowded)}
    assert len(ours(crowded)) == 1
    crowded.settled()


def test_a_rotated_secret_is_sent_to_the_target_with_the_other_id(crowded: Workspace) -> None:
    room(crowded)
    crowded.replicate("two", source=source(crowded, "two/"))
    crowded.apply()
    before, stored = ours(crowded), crowded.stored
    crowded.rotate()
    crowded.apply()
    assert len(ours(crowded)) == len(before) == 2
    assert not set(stored.values()) & set(crowded.stored.values())
    assert leads(crowded) == {"one/": second(crowded), "two/": crowded.destination}
    crowded.settled()
