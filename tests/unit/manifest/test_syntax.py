"""What is not YAML, or more than YAML may do: one clear finding at the right place, and reading goes on."""

from pathlib import Path

import pytest
import yaml

from reconciler.manifest import events as parser
from reconciler.manifest.codes import SUMMARIES, Code
from reconciler.manifest.events import MAX_DEPTH
from tests.unit.manifest.workspace_of import load_text, load_texts, marked, replication

HEAD = "apiVersion: repl/v1\nkind: Policy\nmetadata: {name: p}\nspec:\n"


def place(finding):
    return (finding.code, finding.where.line, finding.where.column)


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("a:\n\tb: c\n", Code.TAB, 2, 1),
        ("a:\n  b: c\n  \td: e\n", Code.TAB, 3, 3),
        ("a: |\n  x\n\ty\n", Code.TAB, 3, 1),
        ("a: b: c\n", Code.SYNTAX, 1, 5),
        ('x: 1\na: "b\nc: d\n', Code.SYNTAX, 2, 4),
        ("a: [1, 2\nb: 3\n", Code.SYNTAX, 2, 2),
        ("a: {b: 1\n", Code.SYNTAX, 1, 4),
        ("a: {\n", Code.SYNTAX, 1, 4),
        ("a: [1,\n---\n", Code.SYNTAX, 1, 4),
        ("a:\n  - b\n c: d\n", Code.SYNTAX, 3, 2),
        ("- a\nb: c\n", Code.SYNTAX, 2, 1),
        ('a: "\\q"\n', Code.SYNTAX, 1, 5),
        ("a: @x\n", Code.SYNTAX, 1, 4),
        ("a: %x\n", Code.SYNTAX, 1, 4),
        ("a: - b\n", Code.SYNTAX, 1, 4),
        ('a: "b"c\n', Code.SYNTAX, 1, 7),
        ("%YAML 2.0\n---\n", Code.SYNTAX, 1, 1),
        ("a: |x\n  b\n", Code.SYNTAX, 1, 5),
        ('a: "\\ud800"\n', Code.SYNTAX, 1, 7),
        ("a: !x!y z\n", Code.SYNTAX, 1, 4),
    ],
)
def test_what_is_not_yaml_is_shown_where_it_is(tmp_path: Path, text: str, code: Code, line: int, column: int) -> None:
    found = load_text(tmp_path, text, providers=False).findings
    assert place(found[0]) == (code, line, column)
    assert found[0].summary == SUMMARIES[code]
    assert found[0].hint


def test_reading_goes_on_at_the_next_document_and_in_the_next_file(tmp_path: Path) -> None:
    broken = "a: [\n---\n" + replication("  stat: active\n") + "---\n\tx: y\n---\nb: {\n"
    loaded = load_texts(tmp_path, {"1.yaml": broken, "2.yaml": "a: @\n"})
    assert [place(finding) for finding in loaded.findings if finding.code != Code.UNKNOWN_PROVIDER] == [
        (Code.SYNTAX, 1, 4),
        (Code.UNKNOWN_FIELD, 9, 3),
        (Code.TAB, 11, 1),
        (Code.SYNTAX, 13, 4),
        (Code.SYNTAX, 1, 4),
    ]


def test_a_file_of_nothing_but_broken_documents_ends(tmp_path: Path) -> None:
    found = load_text(tmp_path, "a: [\n---\n" * 500, providers=False).findings
    assert 1 < len(found) < 50
    assert "the rest of the file is not read" in found[-1].detail


def test_a_key_written_twice_is_shown_at_the_second_and_names_the_first(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, replication("  state: active\n  protect: true\n  state: paused\n"))
    (finding,) = loaded.findings
    assert place(finding) == (Code.DUPLICATE_KEY, 9, 3)
    assert "a.yaml:7:3" in finding.detail
    assert loaded.replications["r"].spec.state == "active"


def test_a_key_written_three_times_is_two_findings(tmp_path: Path) -> None:
    assert marked(load_text(tmp_path, replication("  state: active\n  state: paused\n  state: paused\n"))) == [
        (Code.DUPLICATE_KEY, "state"),
        (Code.DUPLICATE_KEY, "state"),
    ]


@pytest.mark.parametrize(
    ("labels", "under"),
    [
        ("{1: a}", "1"),
        ("{true: a}", "true"),
        ("{~: a}", "~"),
        ("{1.5: a}", "1.5"),
        ("{[a]: b}", "[a]"),
        ("{{a: 1}: b}", ""),
    ],
)
def test_keys_must_be_text(tmp_path: Path, labels: str, under: str) -> None:
    found = marked(load_text(tmp_path, replication(labels=labels)))
    assert found[0][0] == (Code.KEY_NOT_TEXT if under else Code.TEMPLATE_NOT_QUOTED)
    assert found[0][1] == under or not under


def test_on_and_yes_are_text_and_quoted_numbers_are_fine_keys(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, replication(labels='{on: "1", yes: no, "2": off, "true": x}'))
    assert not loaded.findings
    assert loaded.replications["r"].metadata.labels == {"on": "1", "yes": "no", "2": "off", "true": "x"}


@pytest.mark.parametrize("tag", ["!!str", "!!python/object:os.system", "!secret", "!", "!!binary"])
def test_tags_are_refused(tmp_path: Path, tag: str) -> None:
    (finding,) = load_text(tmp_path, replication(f"  storageClass: {tag} x\n")).findings
    assert place(finding) == (Code.TAG, 7, 17)


def test_tags_on_mappings_and_lists_are_refused(tmp_path: Path) -> None:
    found = load_text(tmp_path, replication("  filter: !x {exclude: !y [a]}\n")).findings
    assert [place(finding) for finding in found] == [(Code.TAG, 7, 11), (Code.TAG, 7, 24)]


def test_anchors_carry_values_and_their_mistakes_to_the_anchor(tmp_path: Path) -> None:
    text = replication("  filter: {tags: &t {a: b}}\n  storageClass: &c IA\n")
    loaded = load_text(tmp_path, text.replace("labels: {}", "labels: {l: x}") + "  verify: {within: *c}\n")
    assert marked(loaded) == [(Code.BAD_VALUE, "*c")]


def test_an_alias_inside_its_own_anchor(tmp_path: Path) -> None:
    (finding,) = load_text(tmp_path, replication("  filter: &f {tags: *f}\n")).findings
    assert place(finding) == (Code.UNKNOWN_ANCHOR, 7, 21)
    assert "inside its own anchor" in finding.hint


def test_an_anchor_of_another_document(tmp_path: Path) -> None:
    text = replication("  storageClass: &x IA\n") + "---\n" + replication("  storageClass: *x\n", name="s")
    (finding,) = load_text(tmp_path, text).findings
    assert place(finding) == (Code.UNKNOWN_ANCHOR, 15, 17)
    assert "end of their document" in finding.hint


def test_an_alias_without_any_anchor(tmp_path: Path) -> None:
    assert marked(load_text(tmp_path, replication("  storageClass: *nix\n"))) == [(Code.UNKNOWN_ANCHOR, "*nix")]


def test_a_later_anchor_of_the_same_name_counts_from_there(tmp_path: Path) -> None:
    spec = "  storageClass: &x IA\n  filter: {tags: {a: *x, b: &x two, c: *x}}\n"
    loaded = load_text(tmp_path, replication(spec))
    assert loaded.replications["r"].spec.filter.tags == {"a": "IA", "b": "two", "c": "two"}


def bomb(levels: int, width: int) -> str:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines)


def test_an_alias_bomb_is_one_finding(tmp_path: Path) -> None:
    found = load_text(tmp_path, bomb(40, 10), providers=False).findings
    assert [finding.code for finding in found] == [Code.ALIAS_BOMB]


def test_a_bomb_of_merges_is_one_finding(tmp_path: Path) -> None:
    lines = ["m0: &m0 {" + ", ".join(f"k{n}: v" for n in range(100)) + "}"]
    lines += [f"m{n}: &m{n} {{<<: [{', '.join(['*m0'] * 100)}]}}" for n in range(1, 100)]
    assert [f.code for f in load_text(tmp_path, "\n".join(lines), providers=False).findings] == [Code.ALIAS_BOMB]


def test_honest_use_of_aliases_is_no_bomb(tmp_path: Path) -> None:
    documents = [replication(f"  filter: &f{n} {{tags: {{a: b}}}}\n", name=f"r{n}") for n in range(200)]
    assert not load_text(tmp_path, "---\n".join(documents)).findings


def test_nesting_has_an_end(tmp_path: Path) -> None:
    fine = "[" * (MAX_DEPTH - 4) + "]" * (MAX_DEPTH - 4)
    deep = "[" * 100_000
    block = "".join("  " * n + f"a{n}:\n" for n in range(200))
    assert Code.TOO_DEEP not in [f.code for f in load_text(tmp_path / "1", HEAD + f"  x: {fine}\n").findings]
    for number, text in enumerate((deep, block, "- " * 5_000, "{a: " * 5_000)):
        found = load_text(tmp_path / f"f{number}", text, providers=False).findings
        assert [finding.code for finding in found] == [Code.TOO_DEEP], text[:20]


def test_too_deep_does_not_hide_the_next_document(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, "[" * 100 + "\n---\n" + replication("  state: on\n"))
    assert [finding.code for finding in loaded.findings] == [Code.TOO_DEEP, Code.BAD_VALUE]


def test_a_file_of_millions_of_values_is_given_up(tmp_path: Path) -> None:
    found = load_text(tmp_path, "[" + "," * 3_000_000 + "]", providers=False).findings
    assert len(found) == 1
    many = load_text(tmp_path / "2", "- a\n" * 2_000_000, providers=False).findings
    assert [finding.code for finding in many] == [Code.TOO_MANY_VALUES]


def test_merge_keys_lie_below_what_is_written_and_keep_their_places(tmp_path: Path) -> None:
    text = replication(
        "  filter: {tags: &base {a: from-base, b: from-base}}\n  verify: &v {level: hash, within: 1m}\n"
    ).replace("labels: {}", "labels: {x: y}")
    text += "---\n" + text.replace("name: r", "name: s").replace("&base {a", "{<<: {a: low, z: low}, a")
    text += "---\n" + replication(
        "  verify: &v1 {level: hash}\n  allow: [{<<: {effect: bad}, reason: r, expires: 2027-01-01}]\n",
        name="t",
    )
    loaded = load_text(tmp_path, text)
    assert loaded.replications["s"].spec.filter.tags == {"a": "from-base", "b": "from-base", "z": "low"}
    assert marked(loaded) == [(Code.BAD_VALUE, "bad")]
    assert loaded.findings[0].path == ("spec", "allow", 0, "effect")


def test_the_first_of_several_merged_mappings_wins(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, replication("  filter: {tags: {<<: [{a: one, b: one}, {b: two, c: two}], c: own}}\n"))
    assert loaded.replications["r"].spec.filter.tags == {"c": "own", "a": "one", "b": "one"}


@pytest.mark.parametrize("value", ["3", "[{a: b}, 3]", "text", "[]"])
def test_a_merge_of_something_else(tmp_path: Path, value: str) -> None:
    assert marked(load_text(tmp_path, replication(f"  filter: {{tags: {{<<: {value}}}}}\n"))) == [
        (Code.BAD_MERGE, value)
    ]


@pytest.mark.parametrize("text", ["", "---\n", "# only this\n", "---\n---\n...\n", "\n\n", "~\n", "---\n# x\n---\n"])
def test_a_file_without_documents_is_no_finding(tmp_path: Path, text: str) -> None:
    loaded = load_text(tmp_path, text, providers=False)
    assert not loaded.findings
    assert loaded.empty
    assert len(loaded.files) == 1


@pytest.mark.parametrize("text", ["- a\n", "text\n", "3\n", '"{{ vars.x }}"\n'])
def test_a_document_that_is_not_a_mapping(tmp_path: Path, text: str) -> None:
    codes = [finding.code for finding in load_text(tmp_path, text, providers=False).findings]
    assert Code.NOT_A_MAPPING in codes


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_places_are_right_with_every_line_end(tmp_path: Path, end: str) -> None:
    text = replication("  verify:\n    level: canary\n    within: soon\n").replace("\n", end)
    loaded = load_text(tmp_path, text.encode())
    assert [place(finding) for finding in loaded.findings] == [(Code.BAD_VALUE, 9, 13)]
    assert loaded.findings[0].where.snippet == "    within: soon"


def test_columns_count_characters_not_bytes(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, replication("  filter: {tags: {ключ😀: é, b: 3}}\n"))
    assert marked(loaded) == [(Code.WRONG_TYPE, "3")]


def test_block_and_folded_text_is_read_whole(tmp_path: Path) -> None:
    spec = "  allow:\n    - effect: S3-X\n      expires: 2027-01-31\n      reason: |\n        one\n        two\n"
    loaded = load_text(tmp_path, replication(spec))
    assert not loaded.findings
    assert loaded.replications["r"].spec.allow[0].reason == "one\ntwo\n"
    assert str(loaded.replications["r"].spec.allow[0].expires) == "2027-01-31"


def test_addresses_need_no_quotes_in_braces(tmp_path: Path) -> None:
    text = "apiVersion: repl/v1\nkind: Provider\nmetadata: {name: x}\nspec: {roomy: {endpoint: http://127.0.0.1:9000/a?b}}\n"
    loaded = load_text(tmp_path, text)
    assert not loaded.findings
    assert loaded.providers["x"].spec.config.endpoint == "http://127.0.0.1:9000/a?b"


def test_one_file_cannot_flood_the_output(tmp_path: Path) -> None:
    found = load_text(tmp_path, "---\n- x\n" * 5_000, providers=False).findings
    assert len(found) == 1_001
    assert Code.TOO_MANY_FINDINGS in {finding.code for finding in found}


def test_without_libyaml_the_python_parser_says_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = replication("  stat: x\n  filter: {tags: &t {a: 1}}\n  roomy: {names: *t}\n") + "---\na: [\n---\n- x\n"
    fast = load_text(tmp_path, text).findings
    monkeypatch.setattr(parser, "_LOADER", yaml.BaseLoader)
    slow = load_text(tmp_path, text).findings
    assert len(fast) == 5
    assert [place(finding) for finding in slow] == [place(finding) for finding in fast]


def test_every_code_has_one_line_and_a_number_of_its_own() -> None:
    assert set(SUMMARIES) == set(Code)
    assert len({code.value for code in Code}) == len(Code)
    assert all(code.value.startswith("REPL-M") and "\n" not in SUMMARIES[code] for code in Code)
