"""`repl verify` over all objects, as a user runs it: exit codes, the file of differences, and nothing written."""

import json
import os
import re
import time
from pathlib import Path

import pytest

from tests.lab.command import LabClient

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

NAME = "projects-to-east"
EVIL = "evil\x1b[31m\n\u202ename"


@pytest.fixture
def mounts(lab: LabClient, tmp_path: Path) -> tuple[Path, Path]:
    """Folders that stand for the two volumes where this machine has them mounted; what is in them is a day old."""
    folders = tmp_path / "source", tmp_path / "destination"
    text = (lab.folder / "replications.yaml").read_text()
    for end, folder in zip(("source", "destination"), folders, strict=True):
        folder.mkdir()
        for name in ("a", "a-b", "b/c", EVIL):
            write(folder / name, b"content")
        text, count = re.subn(rf'^( *{end}: )"/.*"$', rf"\g<1>{folder}", text, flags=re.MULTILINE)
        assert count == 1
    (lab.folder / "replications.yaml").write_text(text)
    applied = lab.run("apply", "--yes", "--no-verify", "--select", NAME)
    assert applied.code == 0, applied.text
    return folders


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    yesterday = time.time() - 86_400
    os.utime(path, (yesterday, yesterday))


def test_all_objects_of_two_volumes(lab: LabClient, mounts: tuple[Path, Path]) -> None:
    source, destination = mounts
    mark = lab.mark()
    good = lab.run("verify", NAME, "--level", "bytes", "--no-canary", "--differences", "out.jsonl")
    assert good.code == 0, good.text
    assert "4 equal by bytes" in good.out
    assert (lab.folder / "out.jsonl").read_text() == ""

    write(destination / EVIL, b"c0ntent")
    (destination / "b" / "c").unlink()
    write(destination / "extra", b"")
    bad = lab.run("verify", NAME, "--level", "bytes", "--no-canary", "--differences", "out.jsonl")
    assert bad.code == 6, bad.text
    assert "1 missing at the destination, 1 different" in " ".join(bad.out.split())
    assert r"evil\x1b[31m\n\u202ename" in bad.out
    assert not {"\x1b", "\u202e"} & set(bad.text)
    lines = (lab.folder / "out.jsonl").read_text().splitlines()
    assert [(one["replication"], one["key"], one["verdict"]) for one in map(json.loads, lines)] == [
        (NAME, "b/c", "+"), (NAME, EVIL, "*"), (NAME, "extra", "-"),
    ]  # fmt: skip
    assert sorted(path.name for path in lab.folder.glob("*out.jsonl*")) == ["out.jsonl"]

    told = lab.run("verify", NAME, "--level", "size", "--no-canary", "--output", "json")
    assert told.code == 6, told.text
    (proof,) = told.json["verifications"]
    assert (proof["level"], proof["outcome"]) == ("size", "failed")
    assert (proof["compared"]["match"], proof["compared"]["missing"], proof["compared"]["extra"]) == (3, 1, 1)
    assert lab.writes(mark, configuration=False) == []
    assert not list(source.rglob("*repl-canary*"))


def test_an_apply_ends_with_a_canary_and_all_objects(lab: LabClient) -> None:
    lab.edit("replications.yaml", "existing: ignore", "existing: ignore\n  verify: {level: bytes, within: 1m}")
    planned = lab.run("plan", "--select", "uploads-to-us")
    assert "then all objects are compared by bytes" in " ".join(planned.text.split())
    applied = lab.run("apply", "--yes", "--select", "uploads-to-us", "--output", "json")
    assert applied.code == 0, applied.text
    (proof,) = applied.json["verifications"]
    assert (proof["level"], proof["outcome"], proof["compared"]["complete"]) == ("bytes", "proved", True)
    assert "canary arrived" in [check["name"] for check in proof["checks"]]
    assert proof["compared"]["not_judged"] + proof["compared"]["pending"] == proof["compared"]["source_objects"] > 0


def test_what_makes_no_sense_is_said_before_anything_is_read(lab: LabClient) -> None:
    mark = lab.mark()
    unknown = lab.run("verify", "--level", "everything")
    assert unknown.code == 64
    assert "presence, size, hash, bytes" in unknown.text
    for path in ("nowhere/out.jsonl", "."):
        refused = lab.run("verify", "--level", "size", "--differences", path)
        assert refused.code == 64, refused.text
        assert "--differences" in refused.text
    assert lab.mark() == mark
