"""Defaults of the Workspace, and where things stand that documents say or leave to a default."""

from pathlib import Path

import pytest

from reconciler.manifest.codes import Code
from tests.unit.manifest.workspace_of import load_text, marked, replication, workspace

DEFAULTS = """\
  defaults:
    - match: {tier: gold}
      spec:
        state: active
        filter: {tags: {a: gold, b: gold}}
        verify: {within: 20m}
    - spec:
        state: paused
        deletes: keep
        filter: {exclude: ["*.tmp"], tags: {c: all}}
"""


def load(folder: Path, spec: str = "", labels: str = "{}", defaults: str = DEFAULTS, **more: object):
    return load_text(folder, workspace(defaults) + "---\n" + replication(spec, labels=labels), **more)


def test_the_manifest_wins_then_the_first_default_that_matches(tmp_path: Path) -> None:
    gold = load(tmp_path / "1", "  filter: {tags: {a: own}}\n", "{tier: gold, x: y}").replications["r"].spec
    assert (gold.state, gold.deletes, gold.verify.within) == ("active", "keep", 1_200)
    assert gold.filter.tags == {"a": "own", "b": "gold", "c": "all"}
    assert gold.filter.exclude == ("*.tmp",)
    other = load(tmp_path / "2", "  state: active\n", "{tier: silver}").replications["r"].spec
    assert (other.state, other.filter.tags, other.verify.within) == ("active", {"c": "all"}, 900)


def test_lists_are_not_mixed_and_nothing_written_out_keeps_a_default_away(tmp_path: Path) -> None:
    found = load(tmp_path, "  filter: {exclude: [], tags: ~}\n  deletes: ~\n").replications["r"].spec
    assert (found.filter.exclude, found.filter.tags, found.deletes) == ((), None, None)


def test_defaults_do_not_leak_from_one_replication_to_the_next(tmp_path: Path) -> None:
    text = workspace(DEFAULTS) + "".join(
        "---\n" + replication(f"  filter: {{tags: {{own: {name}}}}}\n", name=name) for name in ("a", "b")
    )
    loaded = load_text(tmp_path, text)
    assert loaded.replications["a"].spec.filter.tags == {"own": "a", "c": "all"}
    assert loaded.replications["b"].spec.filter.tags == {"own": "b", "c": "all"}
    assert loaded.settings.defaults[1].spec["filter"] == {"exclude": ["*.tmp"], "tags": {"c": "all"}}


def test_what_a_default_filled_in_is_placed_at_the_default(tmp_path: Path) -> None:
    loaded = load(tmp_path, "  filter:\n    tags: {a: own}\n", "{tier: gold}")

    def at(*path: str) -> tuple[int, int]:
        where = loaded.locate("Replication", "r", path)
        return where.line, where.column

    assert at("spec", "state") == (8, 16)
    assert at("spec", "filter", "tags", "a") == (23, 15)
    assert at("spec", "filter", "tags", "b") == (9, 37)
    assert at("spec", "filter", "exclude") == (14, 27)
    assert at("spec", "filter", "exclude", 0) == (14, 28)
    assert at("spec", "filter") == (23, 5)


def test_a_mistake_in_a_default_is_one_finding_at_the_default(tmp_path: Path) -> None:
    text = workspace("  defaults: [{spec: {state: off, stat: 1, verify: {level: x}, roomy: {prio: 1}, options: {}}}]\n")
    text += "".join("---\n" + replication(name=f"r{n}") for n in range(3))
    loaded = load_text(tmp_path, text)
    assert marked(loaded) == [
        (Code.BAD_VALUE, "off"),
        (Code.UNKNOWN_FIELD, "stat"),
        (Code.BAD_VALUE, "x"),
        (Code.UNKNOWN_FIELD, "prio"),
        (Code.UNKNOWN_FIELD, "options"),
    ]
    assert not loaded.replications


def test_a_default_that_matches_nothing_is_checked_too(tmp_path: Path) -> None:
    text = workspace("  defaults: [{match: {no: one}, spec: {deletes: sometimes}}]\n")
    assert marked(load_text(tmp_path, text)) == [(Code.BAD_VALUE, "sometimes")]


@pytest.mark.parametrize("defaults", ["3", "[3]", "[{match: 3, spec: {}}]", "[{spec: 3}]", "[{}]", "{a: b}"])
def test_defaults_of_the_wrong_shape(tmp_path: Path, defaults: str) -> None:
    loaded = load_text(tmp_path, workspace(f"  defaults: {defaults}\n") + "---\n" + replication())
    assert loaded.findings
    assert {finding.where.line for finding in loaded.findings} == {5}


def test_a_default_may_complete_a_location(tmp_path: Path) -> None:
    defaults = "  defaults: [{spec: {destination: {provider: us, prefix: copy/}}}]\n"
    text = workspace(defaults) + "---\n" + replication().replace("provider: us, ", "")
    found = load_text(tmp_path, text).replications["r"].spec.destination
    assert (found.provider, found.bucket, found.prefix) == ("us", "b", "copy/")


def test_options_are_filled_in_only_for_types_of_the_ends_and_never_beside_others(tmp_path: Path) -> None:
    defaults = "  defaults: [{spec: {roomy: {priority: 3}}}, {spec: {tight: {mapIds: true}}}]\n"
    text = workspace(defaults)
    text += "---\n" + replication(name="both").replace("provider: us", "provider: nas")
    text += "---\n" + replication("  tight: {}\n", name="own").replace("provider: us", "provider: nas")
    nas = replication(name="nas").replace("provider: us", "provider: nas").replace("provider: eu", "provider: nas")
    loaded = load_text(tmp_path, text + "---\n" + nas)
    assert not loaded.findings
    found = {name: one.spec.options.model_dump(exclude_none=True) for name, one in loaded.replications.items()}
    assert found == {"both": {"priority": 3}, "own": {"map_ids": True}, "nas": {"map_ids": True}}


def test_templates_in_defaults(tmp_path: Path) -> None:
    defaults = (
        '  vars: {c: GOLD, on: true}\n  defaults: [{spec: {storageClass: "{{ vars.c }}", protect: "{{ vars.on }}"}}]\n'
    )
    found = load(tmp_path, defaults=defaults).replications["r"].spec
    assert (found.storage_class, found.protect) == ("GOLD", True)


def test_true_for_a_number_in_a_default(tmp_path: Path) -> None:
    loaded = load(tmp_path, defaults="  defaults: [{spec: {roomy: {priority: true}}}]\n")
    assert marked(loaded) == [(Code.WRONG_TYPE, "true")]


def test_places_of_keys_values_and_what_is_nearest(tmp_path: Path) -> None:
    loaded = load_text(
        tmp_path, replication("  storageClass: IA\n  roomy: {priority: 10}\n  filter:\n    exclude: [a, b]\n")
    )

    def at(kind: str, name: str, *path: str | int) -> str:
        where = loaded.locate(kind, name, path)
        return f"{where} {where.snippet[where.column - 1 : where.end_column - 1 if where.end_column else None]}"

    assert at("Replication", "r") == "a.yaml:3:18 r"
    assert at("Replication", "r", "spec", "storageClass") == "a.yaml:7:17 IA"
    assert at("Replication", "r", "spec", "storage_class") == "a.yaml:7:17 IA"
    assert at("Replication", "r", "spec", "roomy", "priority") == "a.yaml:8:21 10"
    assert at("Replication", "r", "spec", "options", "priority") == "a.yaml:8:21 10"
    assert at("Replication", "r", "spec", "roomy", "nope") == "a.yaml:8:10 {priority: 10}"
    assert at("Replication", "r", "spec", "filter", "exclude", 1) == "a.yaml:10:18 b"
    assert at("Replication", "r", "spec", "filter", "exclude", 7) == "a.yaml:10:14 [a, b]"
    assert at("Provider", "eu", "spec", "config", "region") == "p.yaml:4:24 eu-west-1"
    assert at("Replication", "r", "spec", "schedule", "every").startswith("a.yaml:5:3")
    assert loaded.locate("Replication", "nope") is None


def test_loading_leaves_the_collector_as_it_was(tmp_path: Path) -> None:
    import gc

    load(tmp_path)
    assert gc.isenabled()
    gc.disable()
    try:
        load(tmp_path)
        assert not gc.isenabled()
    finally:
        gc.enable()
