"""Targets between their read and their write: what the server holds stays, and no secret of it is ever shown."""

import json
from typing import Any

import pytest

from reconciler.errors import ProviderError
from reconciler.model.secret import SecretRef
from reconciler.providers.alarik.targets import MASK
from tests.unit.providers.alarik.connections import opened
from tests.unit.providers.s3.connections import Secrets
from tests.unit.providers.scripted import answer, serve

THEIRS = "s3cret-of-somebody-else"
TOLD = "s3cret-that-is-sent"
TARGET: dict[str, Any] = {
    "id": "T", "endpoint": "https://there.example", "targetBucket": "b", "accessKeyId": "AK", "region": "eu-1",
    "enabled": True,
}  # fmt: skip
GIVEN = SecretRef(env="TOLD").marked()


def listed(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"targets": entries}).encode()


def refused(text: str) -> bytes:
    return json.dumps({"error": True, "reason": text}).encode()


@pytest.mark.parametrize(
    ("held", "wanted", "secret"),
    [
        ([{**TARGET, "secretAccessKey": THEIRS}], {**TARGET, "enabled": False, "secretAccessKey": MASK}, THEIRS),
        ([], {**TARGET, "secretAccessKey": GIVEN}, TOLD),
    ],
    ids=["that it gave in clear", "that it was given"],
)
def test_a_server_that_repeats_a_targets_secret(held: list[Any], wanted: dict[str, Any], secret: str) -> None:
    with (
        serve(answer(200, listed(*held)), answer(400, refused(f"{secret} is no secret"))) as server,
        opened(endpoint=server.url) as client,
    ):
        with pytest.raises(ProviderError) as caught:
            client.put_targets("bucket", [wanted], Secrets({"TOLD": TOLD}))
        assert json.loads(server.requests[-1].body)["targets"][0]["secretAccessKey"] == secret
        shown = f"{caught.value}{caught.value!r}{caught.value.hint}{caught.value.__cause__!r}{vars(client)!r}"
    assert caught.value.message == "*** is no secret"
    assert secret not in shown


def test_what_a_newer_server_keeps_of_a_target_survives_a_write() -> None:
    """A list is written whole: a member that nobody here knows would be gone."""
    now = listed({**TARGET, "secretAccessKey": MASK, "storageClass": "COLD"})
    wanted = {**TARGET, "region": "eu-2", "secretAccessKey": GIVEN}
    with serve(answer(200, now)) as server, opened(endpoint=server.url) as client:
        client.put_targets("bucket", [wanted], Secrets({"TOLD": TOLD}))
        (sent,) = json.loads(server.requests[-1].body)["targets"]
    assert sent == {**TARGET, "region": "eu-2", "secretAccessKey": TOLD, "storageClass": "COLD"}
