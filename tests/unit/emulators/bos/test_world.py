"""The emulator in its world: how it is reached, what it holds, and how it is disturbed."""

import ssl
import urllib.request
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.emulators import world
from reconciler.emulators.bos import build
from reconciler.emulators.bos.switches import CHOICES, NUMBERS
from reconciler.emulators.emulator import Options
from reconciler.emulators.faults import Fault
from reconciler.emulators.world import Plan, World
from tests.lab.bos import Lab, rule


def test_a_world_has_it(tmp_path: Path) -> None:
    with World(Plan([("bos", Options("bos", seed=True))], tmp_path / "w")) as running:
        ready: Any = running.ready()["emulators"]
        facts = ready["bos"]
        assert facts["kind"] == "bos"
        assert set(facts["regions"]) == {"bj", "gz"}
        for endpoints in facts["regions"].values():
            assert set(endpoints) == {"http", "https", "s3_http", "s3_https"}
        assert set(facts["other_account"]) >= {"access_key", "secret_key"}
        assert set(facts["session"]) == {"access_key", "secret_key", "token"}


def test_it_has_no_flavours() -> None:
    with pytest.raises(ValueError, match="no flavours"):
        world.build("bos", Options("bos", flavour="x"))
    assert build(Options("bos")).kind == "bos"


def test_fixed_ports(tmp_path: Path) -> None:
    with World(Plan([("bos", Options("bos"))], tmp_path / "a")) as first:
        facts: Any = first.ready()["emulators"]
        port = int(facts["bos"]["regions"]["gz"]["s3_http"].rpartition(":")[2])
    with World(Plan([("bos", Options("bos", ports={"gz-s3_http": port}))], tmp_path / "b")) as second:
        facts = second.ready()["emulators"]
        assert facts["bos"]["regions"]["gz"]["s3_http"].endswith(f":{port}")


def test_https(lab: Lab) -> None:
    context = ssl.create_default_context(cafile=str(lab.certificate.ca))
    for endpoint in ("https", "s3_https"):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(lab.url("gz", endpoint), context=context)
        with caught.value:
            assert caught.value.code == 403


def test_a_seeded_cloud(seeded: Lab) -> None:
    buckets = seeded.state["buckets"]
    assert {name: one["region"] for name, one in buckets.items() if one["account"] == "owner"} == {
        "archive-images": "bj", "dr-archive": "gz", "dr-images": "gz", "dr-thumbs": "gz", "prod-images": "bj",
        "prod-ledger": "bj", "prod-thumbs": "bj",
    }  # fmt: skip
    assert buckets["prod-ledger"]["multi_az"]
    assert buckets["partner-images"]["account"] == "other"
    assert buckets["archive-images"]["objects"]["2018/old.tif"]["storage_class"] == "ARCHIVE"
    assert len(buckets["prod-images"]["objects"]) == 12
    assert [name for name, one in buckets.items() if one["rules"]] == ["prod-thumbs"]
    seeded.settle()
    assert seeded.objects("dr-thumbs") == seeded.objects("prod-thumbs")


def test_an_empty_cloud(lab: Lab) -> None:
    assert all(not one["objects"] and not one["rules"] for one in lab.state["buckets"].values())
    assert lab.state["up"] == {"bj": True, "gz": True}


def test_every_value_of_every_switch(lab: Lab) -> None:
    assert lab.emulator.switches() == {
        **{name: values[0] for name, values in CHOICES.items()},
        **{name: usual for name, (usual, _, _) in NUMBERS.items()},
        "history_seconds": 0,
        "lag_seconds": 0,
    }
    for name, values in CHOICES.items():
        for value in values:
            lab.emulator.switch({name: value})
            assert lab.emulator.switches()[name] == value
    for name, (_, low, high) in NUMBERS.items():
        lab.emulator.switch({name: low})
        lab.emulator.switch({name: high})


@pytest.mark.parametrize(
    "values",
    [{"no": 1}, {"delete_reply": 500}, {"delete_reply": "204"}, {"copy_replicas": 1}, {"lag_seconds": -1},
     {"lag_seconds": True}, {"page_limit": 0}, {"page_limit": 1.5}, {"delete_reply": 200, "no": 1}],
)  # fmt: skip
def test_a_switch_that_cannot_be(lab: Lab, values: dict[str, Any]) -> None:
    before = lab.emulator.switches()
    with pytest.raises(ValueError):  # noqa: PT011  (any of several texts)
        lab.emulator.switch(values)
    assert lab.emulator.switches() == before


@pytest.mark.parametrize(
    ("action", "arguments"),
    [
        ("dance", {}),
        ("crash", {"region": "su"}),
        ("create-bucket", {}),
        ("create-bucket", {"bucket": "src-bucket"}),
        ("create-bucket", {"bucket": "No"}),
        ("create-bucket", {"bucket": "new-bucket", "region": "su"}),
        ("create-bucket", {"bucket": "new-bucket", "account": "nobody"}),
        ("set-acl", {"bucket": "no-such-bucket", "acl": "private"}),
        ("set-acl", {"bucket": "src-bucket", "acl": "open"}),
        ("versioning", {"bucket": "src-bucket", "status": "Off"}),
        ("write", {"bucket": "no-such-bucket", "key": "k", "text": ""}),
        ("write", {"bucket": "src-bucket", "key": "k"}),
        ("write", {"bucket": "src-bucket", "key": "k", "base64": "!"}),
        ("delete", {"bucket": "no-such-bucket", "key": "k"}),
    ],
)
def test_an_act_that_cannot_be(lab: Lab, action: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        lab.emulator.act(action, arguments)


def test_acts_on_objects(lab: Lab) -> None:
    lab.emulator.act("write", {"bucket": "src-bucket", "key": "k", "base64": "AAE="})
    assert lab.ask("GET", "/src-bucket/k").content == b"\0\1"
    lab.emulator.act("delete", {"bucket": "src-bucket", "key": "k"})
    assert lab.objects("src-bucket") == {}


def test_a_crash_and_a_restart(lab: Lab) -> None:
    lab.put_rule(rule())
    lab.emulator.act("crash", {"region": "bj"})
    assert lab.state["up"] == {"bj": False, "gz": True}
    with pytest.raises(httpx.ConnectError):
        lab.get_rule()
    lab.emulator.act("restart", {})
    assert lab.get_rule().status_code == 200
    assert lab.told()["restarts"] == 0


def test_a_write_that_happened_without_an_answer(lab: Lab) -> None:
    lab.faults.add(Fault(kind="drop_after", operation="PutBucketReplication"))
    lab.faults.add(Fault(kind="drop_before", operation="PutBucketReplication"))
    with pytest.raises(httpx.RemoteProtocolError):
        lab.put_rule(rule())
    assert lab.get_rule().status_code == 200
    with pytest.raises(httpx.RemoteProtocolError):
        lab.put_rule(rule(id="other", replicateHistory=None))
    assert lab.get_rule("other").status_code == 404


def test_a_stale_read(lab: Lab) -> None:
    lab.write("a")
    lab.faults.add(Fault(kind="stale_read", times=3))
    lab.put_rule(rule())
    assert lab.get_rule().status_code == 404
    assert lab.ask("GET", "/src-bucket", {"replication": "", "list": ""}).json() == {"rules": []}
    assert lab.ask("GET", "/src-bucket/a").status_code == 200
    assert lab.get_rule().status_code == 200


def test_the_log(lab: Lab) -> None:
    lab.put_rule(rule())
    lab.s3("gz", endpoint="s3_http").put_object(Bucket="dst-bucket", Key="k", Body=b"")
    lab.ask("GET", "/src-bucket", {"lifecycle": ""})
    rows: Any = lab.log.since()["requests"]
    told = [(row["part"], row["operation"], row["write"], row["status"]) for row in rows]
    assert told == [
        ("bj", "PutBucketReplication", True, 200),
        ("gz-s3", "PutObject", True, 200),
        ("bj", None, False, 501),
    ]
