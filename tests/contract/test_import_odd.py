"""What an import does with what no document can say, with ends that nobody knows, and with systems that are away."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from reconciler.emulators.certificate import Certificate
from reconciler.emulators.faults import Fault
from tests.contract.import_worlds import Folder, Site, opened
from tests.lab.scp import EAST


class Opener:
    """Opens the live replications of a kind for one test."""

    def __init__(self, stack: ExitStack, path: Path, certificate: Certificate) -> None:
        self._stack, self._path, self._certificate = stack, path, certificate

    def __call__(self, kind: str) -> tuple[Site, Folder]:
        directory = self._path / "world"
        directory.mkdir()
        site = self._stack.enter_context(opened(kind, directory, self._certificate))
        return site, site.folder(self._path / "manifests")


@pytest.fixture
def start(tmp_path: Path, certificate: Certificate) -> Iterator[Opener]:
    with ExitStack() as stack:
        yield Opener(stack, tmp_path, certificate)


def written(folder: Folder, provider: str) -> str:
    folder.imported(provider, "--out", "found.yaml")
    folder.settled()
    return (folder.root / "found.yaml").read_text()


def text(folder: Folder) -> str:
    return (folder.root / "found.yaml").read_text()


# What moved in a way that takes several keys -----------------------------------------------------------------------


def test_a_rule_of_s3_with_everything_else(start: Opener) -> None:
    site, folder = start("s3")
    written(folder, "s3")
    client = site.harness.client()
    held = client.get_bucket_replication(Bucket="src-a")["ReplicationConfiguration"]
    for rule in held["Rules"]:
        if rule["ID"] == "tagged":
            rule["Filter"] = {"And": {"Prefix": "moved/", "Tags": [{"Key": "class", "Value": "{{ cold }}"}]}}
            rule["Filter"]["And"]["Tags"][0]["Value"] = "cold"
            rule["Destination"] = {"Bucket": "arn:aws:s3:::dst-a"}
        if rule["ID"] == "Same Name":
            rule["Status"] = "Disabled"
            rule["DeleteMarkerReplication"] = {"Status": "Enabled"}
            rule["Priority"] = 77
    client.put_bucket_replication(Bucket="src-a", ReplicationConfiguration=held)
    ended = folder.imported("s3", "--update")
    assert "no value here can say" not in ended.err
    folder.settled()
    assert "prefix: moved/" in text(folder)


def test_a_rule_of_bos_that_takes_other_resources(start: Opener) -> None:
    site, folder = start("bos")
    written(folder, "bj")
    held = site.harness.rules("src-a")
    site.harness.put_rule("src-a", held["several"] | {
        "resource": ["src-a/other/*"], "notIncludeResource": ["src-a/other/tmp/*"],
        "destination": held["several"]["destination"] | {"bucket": "dst-a"},
    })  # fmt: skip
    site.harness.put_rule("src-a", held["same-name"] | {"resource": ["src-a/one/*", "src-a/two/*"]})
    folder.imported("bj", "--update")
    folder.settled()
    assert "prefix: other/" in text(folder)


def test_a_rule_of_alarik_that_leads_to_another_bucket(start: Opener) -> None:
    site, folder = start("alarik")
    written(folder, "here")
    rules = site.harness.get("src-a", "rules")
    other = str(UUID(int=2)).upper()
    moved = [one | ({"targetId": other} if one.get("prefix") == "a/" else {}) for one in rules]
    site.harness.put("src-a", "rules", moved)
    folder.imported("here", "--update")
    folder.settled()


def test_a_document_that_cannot_be_edited_does_not_stand_in_the_way(start: Opener) -> None:
    site, folder = start("scp")
    parts = written(folder, "west").split("---\n")
    at = next(number for number, part in enumerate(parts) if "name: taken-to-taken-dr" in part)
    # The specification first, its schedule shared with an annotation.
    plain = parts[at].replace("metadata:\n  name: taken-to-taken-dr\n", "")
    shared = plain.replace("  schedule:\n    every: 30d\n", "  schedule: &shared {every: 30d}\n")
    parts[at] = f"{shared}metadata: {{name: taken-to-taken-dr, annotations: *shared}}\n"
    before = "---\n".join(parts)
    (folder.root / "found.yaml").write_text(before)
    folder.settled()
    site.move()
    running = next(key for key, one in site.harness.replications().items() if one["replication_frequency"] == "daily")
    site.harness.emulator.act("set-replication", {"replication_id": running, "frequency": "weekly"})
    ended = folder.repl("import", "west", "--update")
    assert ended.code == 1
    assert "taken-to-taken-dr was not changed: spec.schedule.every cannot be changed" in ended.err
    assert "files-to-files-dr: 1 updated" in ended.err
    assert text(folder) == before.replace("every: 1d", "every: 7d")


def test_a_template_that_gives_way_to_a_value_is_told(start: Opener) -> None:
    site, folder = start("bos")
    before = written(folder, "bj")
    at = before.index("name: several")
    shared = before[:at] + before[at:].replace("bucket: dst-b", 'bucket: "{{ vars.copies }}"', 1)
    (folder.root / "found.yaml").write_text(shared)
    held = site.harness.rules("src-a")["several"]
    other = held | {"destination": held["destination"] | {"bucket": "dst-a"}}
    site.harness.put_rule("src-a", other)
    ended = folder.imported("bj", "--update", "-f", "found.yaml", "-f", "providers.yaml", "--var", "copies=dst-b")
    assert "note: several: spec.destination.bucket was a template, and is the value itself now" in ended.err
    assert text(folder) == shared.replace('"{{ vars.copies }}"', '"dst-a"')


# What no document can say ------------------------------------------------------------------------------------------


def test_an_address_in_a_site_s_list_is_told_and_not_written(start: Opener) -> None:
    site, folder = start("clonecloudstore")
    before = written(folder, "here")
    held = site.harness.topology("site-a", "site-b")
    site.harness.put_topology("site-a", held | {"uri": "http://elsewhere.example.com"})
    ended = folder.imported("here", "--update")
    assert text(folder) == before
    assert "a-b-site-a-to-site-b: clonecloudstore.push is" in ended.err
    assert "no value here can say" in ended.err
    assert folder.repl("validate").code == 0
    assert folder.changes()


def test_a_state_that_is_neither_is_told_and_not_written(start: Opener) -> None:
    site, folder = start("scp")
    before = written(folder, "west")
    site.harness.emulator.act("fail-replication", {"replication_id": next(
        key for key, one in site.harness.replications().items() if one["replication_volume_name"] == "plain_dr"
    )})  # fmt: skip
    ended = folder.imported("west", "--update")
    assert text(folder) == before
    assert 'plain-to-plain-dr: state is "error" live, which no value here can say' in ended.err
    (folder.root / "found.yaml").unlink()
    fresh = folder.imported("west")
    assert "plain-to-plain-dr: `state` is left out" in fresh.err


# Ends that nobody knows --------------------------------------------------------------------------------------------


def test_a_region_without_a_document_gets_a_name_that_is_told(start: Opener, tmp_path: Path) -> None:
    site, _ = start("scp")
    folder = Folder(tmp_path / "alone", [site.harness.docs["west"]], site.harness.secret_values)
    ended = folder.imported("west", "--out", "found.yaml")
    assert f"no Provider document reaches region {EAST}; write one, as scp-region-{EAST}" in ended.err
    assert "`destination.provider`" in ended.err
    refused = folder.repl("validate")
    assert refused.code == 1
    assert f"scp-region-{EAST}" in refused.out
    # Once it is written, there is nothing to do.
    named = site.harness.docs["east"]
    there = named.model_copy(update={"metadata": named.metadata.model_copy(update={"name": f"scp-region-{EAST}"})})
    folder.write("there.yaml", folder._provider(there))
    folder.settled()


def test_a_server_without_a_document_is_never_taken_for_another(start: Opener) -> None:
    site, folder = start("alarik")
    far = {"endpoint": "https://far.example.com", "region": "mars-1", "accessKeyId": "AK"}
    site.harness.put("src-b", "targets", [site.harness.target(str(UUID(int=9)), "far", **far)])
    site.harness.put("src-b", "rules", [site.harness.rule(str(UUID(int=300)), str(UUID(int=9)))])
    ended = folder.imported("here", "--out", "found.yaml")
    assert "src-b-to-far: `destination.provider` is not known" in ended.err
    assert "https://far.example.com, region mars-1" in ended.err
    assert "provider: s3-far-example-com-443" in text(folder)
    assert folder.repl("plan").code == 1


def test_a_key_that_no_document_has_is_told(start: Opener) -> None:
    site, folder = start("alarik")
    site.harness.put("src-b", "targets", [site.harness.target(str(UUID(int=9)), "dst-a", accessKeyId="AK-\x1b[2J")])
    site.harness.put("src-b", "rules", [site.harness.rule(str(UUID(int=300)), str(UUID(int=9)))])
    ended = folder.imported("here")
    assert "src-b-to-dst-a: `destination.provider` is there, but access key AK-\\x1b[2J is in use" in ended.err


# Systems that are away ---------------------------------------------------------------------------------------------


def test_another_provider_that_is_away_does_not_stand_in_the_way(start: Opener) -> None:
    site, folder = start("qumulo")
    site.harness._store.stop()
    with site.harness.hurried():
        ended = folder.imported("nas")
    assert ended.out.count("kind: Replication") == 4
    # Asked once, and not for each of them.
    assert "provider: store" in ended.out


def test_the_one_that_is_asked_and_away_is_an_error_and_nothing_is_written(start: Opener) -> None:
    site, folder = start("bos")
    site.harness.emulator.stop()
    with site.harness.hurried():
        ended = folder.repl("import", "bj", "--out", "found.yaml")
    assert ended.code == 1
    assert not (folder.root / "found.yaml").exists()


def test_buckets_that_may_not_be_read_do_not_stand_in_the_way_of_the_others(start: Opener) -> None:
    site, folder = start("bos")
    refused = Fault(kind="status", status=403, path="^/src-again", operation="ListBucketReplication", times=None)
    site.harness.wire.faults.add(refused)
    ended = folder.repl("import", "bj", "--out", "found.yaml")
    assert ended.code == 8
    assert "all others were: src-again" in ended.err
    assert "FULL_CONTROL" in ended.err
    assert text(folder).count("kind: Replication") == 5
    # The same again leaves all of it alone, and an update of it works.
    site.move()
    again = folder.repl("import", "bj", "--update")
    assert (again.code, "several: 1 updated" in again.err) == (8, True)
    site.harness.wire.faults.clear()
    folder.imported("bj", "--out", "rest.yaml")
    assert (folder.root / "rest.yaml").read_text().count("kind: Replication") == 1
    folder.settled()


def test_what_is_asked_for_wrongly_writes_nothing(start: Opener) -> None:
    _, folder = start("bos")
    for arguments, words in (
        (("nobody",), "no Provider document is named nobody"),
        (("bj", "--out", "providers.yaml"), "exists"),
    ):
        ended = folder.repl("import", *arguments)
        assert (ended.code, words in ended.err) == (64, True)
    (folder.root / "link.out").symlink_to("elsewhere.out")
    assert folder.repl("import", "bj", "--out", "link.out").code == 64
    assert not (folder.root / "elsewhere.out").exists()
    (folder.root / "link.out").unlink()
    assert folder.repl("import", "bj", "--out", "deep/er/found.yaml").code == 0
    assert (folder.root / "deep/er/found.yaml").exists()


# Names -------------------------------------------------------------------------------------------------------------


def test_what_was_written_down_once_gets_its_name_again(start: Opener) -> None:
    site, folder = start("bos")
    site.harness.emulator.act("create-bucket", {"bucket": "mine", "region": "bj"})
    made: dict[str, Any] = {
        "apiVersion": "repl/v1", "kind": "Replication", "metadata": {"name": "paused"},
        "spec": {"source": {"provider": "bj", "bucket": "mine"}, "destination": {"provider": "gz", "bucket": "dst-a"},
                 "state": "paused", "deletes": "keep"},
    }  # fmt: skip
    path = folder.write("mine.yaml", made)
    ended = folder.repl("apply", "--yes", "--no-verify")
    assert ended.code == 0, ended.text
    path.unlink()
    written(folder, "bj")
    # Of three that would all be called so, the one of ours is the one that was.
    assert "name: paused\n" in text(folder)
    mine = text(folder).partition("bucket: mine")[0]
    assert mine.rpartition("name: ")[2].startswith("paused\n")
    assert "name: paused-2\n" in text(folder)
    assert "name: paused-3\n" in text(folder)
