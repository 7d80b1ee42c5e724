from typing import Any

import pytest

from reconciler.engine.diff import differences
from reconciler.providers.alarik import convert
from reconciler.providers.alarik.imports import imported
from reconciler.providers.base import Imported
from tests.unit.providers.alarik.flows import FOREIGN_RULE, FOREIGN_TARGET, PEER, flow, wire_rule, wire_target


def found(rules: list[dict[str, Any]], **target: Any) -> list[Imported]:
    held = convert.read([wire_target(**target)], rules)
    return list(imported(convert.observation(convert.bucket_scope("ala", "photos"), held)))


@pytest.mark.parametrize("rule", [
    {}, {"prefix": "a/"}, {"enabled": False}, {"replicateDeletes": True}, {"replicateExisting": True},
    {"synchronous": True},
])  # fmt: skip
@pytest.mark.parametrize("enabled", [True, False])
def test_a_manifest_that_plans_to_nothing(rule: dict[str, Any], *, enabled: bool) -> None:
    (item,) = found([wire_rule(**rule)], enabled=enabled)
    assert isinstance(item.source, dict)
    assert isinstance(item.destination, dict)
    spec: dict[str, Any] = dict(item.spec)
    face = item.peer
    assert face is not None
    subject = flow(
        item.suggested_name,
        bucket=str(item.source["bucket"]),
        prefix=item.source.get("prefix"),  # type: ignore[arg-type]
        to=str(item.destination["bucket"]),
        peer=face.model_copy(update={"secret_access_key": PEER.secret_access_key}),
        options=spec.pop("alarik"),
        **spec,
    )
    wanted = convert.normalise(subject)
    assert wanted.identity == item.relationship.identity == FOREIGN_RULE
    assert differences(item.relationship.settings, wanted.settings) == ()


def test_the_other_end_is_told_so_that_its_provider_can_be_found() -> None:
    (item,) = found([wire_rule()])
    assert item.peer is not None
    assert (item.peer.url, item.peer.region, item.peer.access_key_id) == (
        "https://other.example",
        "us-east-1",
        "AKOTHER",
    )
    assert item.peer.secret_access_key is None
    assert "provider" not in item.destination  # type: ignore[operator]
    assert item.source == {"provider": "ala", "bucket": "photos"}


def test_names_differ() -> None:
    rules = [wire_rule(id=f"{number}{FOREIGN_RULE[1:]}", prefix="A b/" * number) for number in (0, 1, 1, 30, 30)]
    held = [{**rule, "id": f"{number}{FOREIGN_RULE[1:]}"} for number, rule in enumerate(rules)]
    names = [item.suggested_name for item in found(held)]
    assert names[:3] == ["photos-to-other", "photos-a-b-to-other", "photos-a-b-to-other-2"]
    assert len(set(names)) == 5
    assert max(map(len, names)) <= 63


def test_what_leads_nowhere_cannot_be_written_down() -> None:
    assert found([wire_rule(targetId=f"7{FOREIGN_TARGET[1:]}", enabled=False)]) == []
    assert len(found([wire_rule(), wire_rule(id=FOREIGN_RULE.lower())])) == 1
