"""Edits of manifests: one value changes, and everything else in the file stays as people wrote it."""

import difflib
import json
from pathlib import Path

import pytest

from reconciler.errors import ManifestError
from reconciler.manifest.edit import MODELINE, add_document, dump_documents, update_text, update_values
from reconciler.manifest.sources import Sources
from reconciler.manifest.syntax import parse

TEXT = """\
# yaml-language-server: $schema=../schemas/manifest.v1.json
# The first one.
apiVersion: repl/v1   # the format
kind: Replication
metadata: {name: a,   labels: {team: x}}   # who
spec:
  source:      {provider: aws-eu, bucket: logs, prefix: app/}
  destination: {provider: aws-us, bucket: "logs-dr"}
  # the state
  state: active              # active | paused
  # about deletes
  deletes: 'keep'

  # about the filter
  filter:
    exclude:
    - '*.tmp'   # left-overs
    - b
    tags: {}
---
# The second one.
apiVersion: repl/v1
kind: Replication
metadata:
    name: b
spec:
    state: paused
    allow:
        - effect: A-B
          reason: |
            long
            text
# the end
"""


def data_of(text: str) -> list[object]:
    sources = Sources()
    found = [document.data for document in parse(sources.add("t", text), sources)]
    assert not sources.mistakes
    return found


def changed(values: dict, name: str = "a", text: str = TEXT) -> list[str]:
    """Return the lines that went and came."""
    after = update_text(text, "Replication", name, values)
    lines = difflib.unified_diff(text.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


@pytest.mark.parametrize(
    ("path", "value", "lines"),
    [
        (
            ("spec", "state"),
            "paused",
            ["-  state: active              # active | paused", "+  state: paused              # active | paused"],
        ),
        (("spec", "deletes"), "it's", ["-  deletes: 'keep'", "+  deletes: 'it''s'"]),
        (
            ("spec", "destination", "bucket"),
            'x"y',
            [
                '-  destination: {provider: aws-us, bucket: "logs-dr"}',
                '+  destination: {provider: aws-us, bucket: "x\\"y"}',
            ],
        ),
        (("spec", "filter", "exclude", 0), "*.bak", ["-    - '*.tmp'   # left-overs", "+    - '*.bak'   # left-overs"]),
        (("spec", "filter", "tags"), {"a": "yes"}, ["-    tags: {}", '+    tags: {a: "yes"}']),
        (
            ("spec", "source", "prefix"),
            None,
            [
                "-  source:      {provider: aws-eu, bucket: logs, prefix: app/}",
                "+  source:      {provider: aws-eu, bucket: logs}",
            ],
        ),
        (("spec", "deletes"), None, ["-  deletes: 'keep'"]),
        (("spec", "storageClass"), "IA", ["+  storageClass: IA"]),
        (("spec", "s3", "priority"), 10, ["+  s3: {priority: 10}"]),
        (("spec", "schedule"), {"every": "5m"}, ["+  schedule: {every: 5m}"]),
        (("spec", "protect"), True, ["+  protect: true"]),
        (("spec", "state"), "active", []),
        (("spec", "nope"), None, []),
        (("spec", "nope", "deeper"), None, []),
    ],
)
def test_only_what_was_asked_for_changes(path: tuple, value: object, lines: list[str]) -> None:
    assert changed({path: value}) == lines


@pytest.mark.parametrize(
    "value",
    [
        "",
        "010",
        "true",
        "no",
        "~",
        "a: b",
        "# x",
        "é😀",
        "a\nb",
        "\x85\x07\u2028",
        "- a",
        "{{ x }}",
        "*a",
        "&a",
        "1e3",
        " a ",
        "2027-01-01",
        "'",
        '"',
        "\\",
        "a #b",
        "%",
        "<<",
    ],
)
def test_any_text_comes_back_as_it_was(value: str) -> None:
    for path in (
        ("spec", "state"),
        ("spec", "deletes"),
        ("spec", "destination", "bucket"),
        ("spec", "source", "prefix"),
        ("spec", "new"),
    ):
        after = update_text(TEXT, "Replication", "a", {path: value})
        found = data_of(after)[0]
        for part in path:
            found = found[part]
        assert found == value
        assert data_of(after)[1] == data_of(TEXT)[1]


def test_several_values_at_once() -> None:
    after = update_text(
        TEXT, "Replication", "a", {("spec", "state"): "paused", ("spec", "filter"): None, ("spec", "x"): [1, "b"]}
    )
    spec = data_of(after)[0]["spec"]
    assert (spec["state"], "filter" in spec, spec["x"]) == ("paused", False, [1, "b"])


def test_changes_of_shape_keep_comments_and_the_other_documents() -> None:
    after = update_text(TEXT, "Replication", "a", {("spec", "filter", "exclude"): ["one", "two: x"]})
    for comment in (
        "# The first one.",
        "# the format",
        "# who",
        "# the state",
        "# about deletes",
        "# about the filter",
        "# The second one.",
        "# the end",
    ):
        assert comment in after
    assert after[after.index("---") :] == TEXT[TEXT.index("---") :]
    second = update_text(TEXT, "Replication", "b", {("spec", "allow"): None, ("spec", "state"): None})
    assert data_of(second)[1]["spec"] in ({}, None)
    assert second.startswith(TEXT[: TEXT.index("---") + 3])
    assert second.endswith("# the end\n")


BRACES = """kind: Replication
metadata: {name: a}  # who
spec: {source: {provider: a, bucket: b},  # from
       state: active,   # why
       deletes: keep,
       # the last
       protect: true}  # end
"""


@pytest.mark.parametrize(
    ("path", "value", "lines"),
    [
        (
            ("spec", "s3", "priority"),
            7,
            ["-       protect: true}  # end", "+       protect: true, s3: {priority: 7}}  # end"],
        ),
        (
            ("spec", "source", "prefix"),
            "x/",
            [
                "-spec: {source: {provider: a, bucket: b},  # from",
                "+spec: {source: {provider: a, bucket: b, prefix: x/},  # from",
            ],
        ),
        (("spec", "state"), None, ["-       state: active,   # why"]),
        (("spec", "deletes"), None, ["-       deletes: keep,"]),
        (("spec", "protect"), None, ["-       protect: true}  # end", "+       }  # end"]),
        (
            ("spec", "source", "bucket"),
            None,
            ["-spec: {source: {provider: a, bucket: b},  # from", "+spec: {source: {provider: a},  # from"],
        ),
    ],
)
def test_braces_over_several_lines_keep_their_comments(path: tuple, value: object, lines: list[str]) -> None:
    found = changed({path: value}, text=BRACES)
    # A comment between two keys stands before the next one: it goes only with the key before it on its line.
    assert [line for line in found if "# the last" not in line] == lines


def test_what_is_json_stays_json() -> None:
    text = '{"kind":"Replication","metadata":{"name":"a"},"spec":{"state":"active","filter":{}}}'
    after = update_text(
        text,
        "Replication",
        "a",
        {("spec", "state"): None, ("spec", "s3", "id"): "é {{ x }}", ("spec", "filter"): {"tags": {"a": "b"}}},
    )
    assert json.loads(after)["spec"] == {"filter": {"tags": {"a": "b"}}, "s3": {"id": "é {{ x }}"}}


def test_a_comment_between_a_key_and_its_value_stays() -> None:
    text = TEXT.replace("  deletes: 'keep'", "  deletes:\n    # do not change\n    'keep'", 1)
    assert "# do not change" in text
    after = update_text(text, "Replication", "a", {("spec", "filter", "exclude"): ["x"]})
    assert "# do not change" in after
    assert "    exclude: [x]\n" in after


def test_the_second_document_keeps_its_indentation() -> None:
    assert changed({("spec", "filter", "tags"): {"a": "b"}}, "b") == ["+    filter: {tags: {a: b}}"]
    assert changed({("spec", "allow", 0, "effect"): "C-D"}, "b") == ["-        - effect: A-B", "+        - effect: C-D"]
    reason = changed({("spec", "allow", 0, "reason"): "short"}, "b")
    assert [line for line in reason if line.startswith("-")] == [
        "-          reason: |",
        "-            long",
        "-            text",
    ]


@pytest.mark.parametrize(
    "values",
    [
        {("spec", "state"): "paused"},
        {("spec", "filter", "exclude"): ["x"]},
        {("spec", "new", "key"): 1},
        {("spec", "filter"): None},
    ],
)
def test_line_ends_and_the_byte_order_mark_stay(tmp_path: Path, values: dict) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    assert update_values(path, "Replication", "a", values)
    after = path.read_bytes()
    assert after.startswith(b"\xef\xbb\xbf#")
    assert after.count(b"\r\n") == after.count(b"\n")
    assert not update_values(path, "Replication", "a", values)


def test_a_value_shared_through_an_anchor_is_not_changed_for_others() -> None:
    text = "kind: Replication\nmetadata: {name: a}\nspec:\n  one: &x {k: v}\n  two: *x\n  three: {<<: *x, l: m}\n"
    assert data_of(update_text(text, "Replication", "a", {("spec", "two"): "own"}))[0]["spec"]["one"] == {"k": "v"}
    merged = data_of(update_text(text, "Replication", "a", {("spec", "three", "k"): "own"}))[0]["spec"]
    assert (merged["one"], merged["two"], merged["three"]["k"]) == ({"k": "v"}, {"k": "v"}, "own")
    with pytest.raises(ManifestError, match="without changing something else"):
        update_text(text, "Replication", "a", {("spec", "two", "k"): "w"})
    without = data_of(update_text(text, "Replication", "a", {("spec", "three", "k"): None}))[0]["spec"]
    assert without == {"one": {"k": "v"}, "two": {"k": "v"}, "three": {"l": "m"}}


def test_a_file_without_the_document_or_with_errors_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(TEXT)
    with pytest.raises(ManifestError, match="holds no Replication c"):
        update_values(path, "Replication", "c", {("spec", "x"): 1})
    path.write_text(TEXT + "---\n  x: [\n")
    with pytest.raises(ManifestError) as caught:
        update_values(path, "Replication", "a", {("spec", "x"): 1})
    assert [finding.code for finding in caught.value.findings] == ["REPL-M010"]
    assert path.read_text() == TEXT + "---\n  x: [\n"
    with pytest.raises(ManifestError):
        update_values(tmp_path / "gone.yaml", "Replication", "a", {("spec", "x"): 1})
    path.write_bytes(b"a: \xff")
    with pytest.raises(ManifestError):
        add_document(path, {"a": 1})


def test_files_keep_their_mode_and_links_stay_links(tmp_path: Path) -> None:
    (tmp_path / "real.yaml").write_text(TEXT)
    (tmp_path / "real.yaml").chmod(0o640)
    (tmp_path / "link.yaml").symlink_to("real.yaml")
    assert update_values(tmp_path / "link.yaml", "Replication", "a", {("spec", "state"): "paused"})
    assert (tmp_path / "link.yaml").is_symlink()
    assert (tmp_path / "real.yaml").stat().st_mode & 0o777 == 0o640
    assert "state: paused " in (tmp_path / "real.yaml").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.yaml", "real.yaml"]


DOCUMENT = {
    "apiVersion": "repl/v1",
    "kind": "Replication",
    "metadata": {"name": "new"},
    "spec": {
        "n": ["yes", "010", "2026-01-01", " a", "x: y", "# c", "", None, True, 1.5, "a\nb", "é😀", "\x85"],
        "o": {},
        "l": [],
    },
}


def test_new_documents_come_back_as_they_were() -> None:
    text = dump_documents([DOCUMENT, {"a": 1}])
    assert text.startswith(MODELINE + "\napiVersion: repl/v1\nkind: Replication\nmetadata:\n  name: new\n")
    assert data_of(text) == [DOCUMENT, {"a": 1}]
    assert dump_documents([{"a": 1}], "") == "a: 1\n"
    shared = {"b": "c"}
    assert "&" not in dump_documents([{"x": shared, "y": shared}])


@pytest.mark.parametrize("before", ["", "# only a comment\n", "a: b", "a: b\n---\nc: d\n", "a: b\r\n", "---\na: b\n"])
def test_documents_are_added_behind_what_is_there(tmp_path: Path, before: str) -> None:
    path = tmp_path / "sub/a.yaml"
    path.parent.mkdir()
    path.write_bytes(before.encode())
    add_document(path, DOCUMENT)
    after = path.read_bytes().decode()
    assert after.startswith(before)
    assert data_of(after) == [*data_of(before), DOCUMENT]
    assert ("\r\n" in before) == ("\r\n" in after)


def test_a_document_for_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "new/folder/a.yaml"
    add_document(path, DOCUMENT)
    assert path.read_text().startswith(MODELINE)
    assert data_of(path.read_text()) == [DOCUMENT]
