"""Of whatever kind: what somebody made by hand becomes manifests that plan to nothing, with names that stay."""

from collections.abc import Iterator
from difflib import ndiff
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from reconciler.emulators.certificate import Certificate
from reconciler.manifest.edit import dump_documents
from tests.contract.import_worlds import KINDS, Folder, Site, opened


@pytest.fixture(params=KINDS)
def site(request: pytest.FixtureRequest, tmp_path: Path, certificate: Certificate) -> Iterator[Site]:
    directory = tmp_path / "world"
    directory.mkdir()
    with opened(request.param, directory, certificate) as found:
        yield found


@pytest.fixture
def folder(site: Site, tmp_path: Path) -> Folder:
    return site.folder(tmp_path / "manifests")


def documents(path: Path) -> dict[str, Any]:
    """Specs by name, as they are written."""
    read = [one for one in YAML(typ="safe").load_all(path.read_text()) if one is not None]
    return {one["metadata"]["name"]: one["spec"] for one in read}


def meant(value: Any) -> Any:
    """What is written so that it is no template, as it is meant."""
    if isinstance(value, dict):
        return {key: meant(inner) for key, inner in value.items()}
    return value.replace("{{ '{' }}", "{") if isinstance(value, str) else value


def said(found: Any, wanted: Any) -> Any:
    """What is found of the keys that are wanted."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return {key: said(found.get(key), inner) for key, inner in wanted.items()}
    return found


def test_what_is_live_plans_to_nothing(site: Site, folder: Folder, tmp_path: Path) -> None:
    ended = folder.imported(site.provider, "--out", "found.yaml")
    found = documents(folder.root / "found.yaml")
    assert set(found) == set(site.found)
    for name, spec in site.found.items():
        assert said(meant(found[name]), spec) == spec, name
    for words in site.told:
        assert words in ended.err
    assert f"{len(found)} new" in ended.err
    folder.settled()
    again = folder.imported(site.provider)
    assert again.out == ""
    assert f"0 new, {len(found)} written down already" in again.err
    # Names stay the same, in whatever order the system lists what it has.
    site.shuffle()
    other = site.folder(tmp_path / "other")
    other.imported(site.provider, "--out", "found.yaml")
    assert (other.root / "found.yaml").read_text() == (folder.root / "found.yaml").read_text()


def test_a_name_that_is_taken_gets_a_number_and_still_plans_to_nothing(site: Site, folder: Folder) -> None:
    first = folder.imported(site.provider, "--out", "first.yaml")
    assert first.code == 0
    path = folder.root / "first.yaml"
    name = site.moved[0]
    # Somebody has written another replication under that name: here, one that is live already.
    specs = documents(path)
    other = next(one for one in specs if one != name)
    path.unlink()
    taken = {"apiVersion": "repl/v1", "kind": "Replication", "metadata": {"name": name}, "spec": specs[other]}
    folder.write("taken.yaml", taken)
    folder.imported(site.provider, "--out", "second.yaml")
    second = documents(folder.root / "second.yaml")
    assert name not in second
    assert len(second) == len(specs) - 1
    folder.settled()


def test_update_moves_values_and_nothing_else(site: Site, folder: Folder) -> None:
    folder.imported(site.provider, "--out", "found.yaml")
    path = folder.root / "found.yaml"
    lines = ["# Mine.", *path.read_text().splitlines()]
    decorated = [line + ("  # kept" if line.strip().endswith("spec:") else "") for line in lines]
    path.write_text("\n".join(decorated) + "\n# The end.\n")
    before = path.read_text().splitlines()
    folder.settled()
    site.move()
    name, where, value = site.moved
    assert name in folder.imported(site.provider).err
    ended = folder.imported(site.provider, "--update")
    assert name in ended.err
    after = path.read_text().splitlines()
    added = [one for one in ndiff(before, after) if one.startswith("+ ")]
    assert 0 < len(added) <= 3, added
    assert [line for line in before if "#" in line] == [line for line in after if "#" in line]
    held: Any = documents(path)[name]
    for key in where:
        held = held[key]
    assert value is None or held == value
    folder.settled()


def test_dumped_documents_read_back(site: Site, folder: Folder) -> None:
    ended = folder.imported(site.provider)
    assert dump_documents([]) == "" or ended.out.startswith("#")
    (folder.root / "found.yaml").write_text(ended.out)
    assert folder.repl("validate").code == 0
