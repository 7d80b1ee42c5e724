"""Which files are read, and what happens with those that cannot be."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.manifest.codes import Code
from reconciler.manifest.files import MAX_BYTES
from tests.unit.manifest.workspace_of import PROVIDERS, FakeCatalog, load_text, load_texts, marked, replication


def codes(loaded) -> list[str]:
    return [finding.code for finding in loaded.findings]


def test_every_yaml_below_the_folder_is_read_in_order_and_nothing_hidden(tmp_path: Path) -> None:
    names = [
        "b.yaml",
        "a/z.yml",
        "a/b/c.yaml",
        ".git/x.yaml",
        ".repl/y.yaml",
        ".hidden.yaml",
        "readme.md",
        "c.yaml.bak",
    ]
    loaded = load_texts(tmp_path, {name: f"# {name}\n" for name in names})
    assert [file.path for file in loaded.files] == ["a/b/c.yaml", "a/z.yml", "b.yaml"]
    assert loaded.files[0].sha256 == hashlib.sha256(b"# a/b/c.yaml\n").hexdigest()
    assert loaded.base == tmp_path


def test_a_named_file_is_read_whatever_its_ending_and_once(tmp_path: Path) -> None:
    paths = [Path("x.txt"), Path("x.txt"), Path("sub"), Path("sub/y.yaml")]
    loaded = load_texts(tmp_path, {"x.txt": "# x", "sub/y.yaml": "# y", "other.yaml": "- no"}, paths=paths)
    assert [file.path for file in loaded.files] == ["x.txt", "sub/y.yaml"]
    assert loaded.base == tmp_path


def test_paths_are_shown_as_seen_from_where_the_command_runs(tmp_path: Path) -> None:
    other = tmp_path / "other"
    inside = load_texts(tmp_path / "here", {"a/b.yaml": "x: [\n"}, paths=[tmp_path / "here" / "a"])
    assert inside.findings[0].where.file == "a/b.yaml"
    outside = load_texts(other, {}, paths=[tmp_path / "here" / "a"])
    assert outside.findings[0].where.file == str(tmp_path / "here/a/b.yaml")


def test_the_base_is_the_first_folder(tmp_path: Path) -> None:
    files = {"one/a.yaml": "# a", "two/b.yaml": "# b"}
    assert load_texts(tmp_path, files, paths=[Path("one"), Path("two")]).base == tmp_path / "one"
    assert load_texts(tmp_path, files, paths=[Path("two/b.yaml")]).base == tmp_path / "two"
    assert load_texts(tmp_path, files, paths=[]).base == tmp_path


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    loaded = load_texts(tmp_path, {}, paths=[Path("nowhere.yaml"), Path("no/where")])
    assert codes(loaded) == [Code.NO_SUCH_PATH, Code.NO_SUCH_PATH]
    assert "nowhere.yaml: no such file" in loaded.findings[1].detail


def test_an_empty_folder_is_no_finding_but_says_so(tmp_path: Path) -> None:
    loaded = load_texts(tmp_path, {})
    assert loaded.empty
    assert not loaded.findings
    assert not loaded.files


def test_a_file_over_the_limit_is_not_read_and_the_others_are(tmp_path: Path) -> None:
    with (tmp_path / "garbage.yaml").open("wb") as file:
        file.truncate(50_000_000)
    loaded = load_texts(tmp_path, {"p.yaml": PROVIDERS})
    assert codes(loaded) == [Code.TOO_LARGE]
    assert "10 MiB" in loaded.findings[0].detail
    assert sorted(loaded.providers) == ["eu", "nas", "us"]


def test_a_file_just_at_the_limit_is_read(tmp_path: Path) -> None:
    assert not load_texts(tmp_path, {"a.yaml": b"#" * MAX_BYTES}).findings


def test_fifty_megabytes_of_garbage_in_small_files(tmp_path: Path) -> None:
    garbage = bytes(range(256)) * 20_000
    loaded = load_texts(tmp_path, {f"{n}.yaml": garbage for n in range(10)})
    assert len(loaded.findings) <= 40
    assert set(codes(loaded)) <= {Code.NOT_UTF8, Code.CONTROL_CHARACTER}


@pytest.mark.parametrize(
    ("data", "line", "column"),
    [(b"a: b\nc: \xe9\n", 2, 4), (b"\xef\xbb\xbfa: \xff", 1, 4), ("é: ".encode() + b"\xc3(", 1, 4), (b"\x80", 1, 1)],
)
def test_bad_utf8_is_shown_where_it_is(tmp_path: Path, data: bytes, line: int, column: int) -> None:
    finding = next(f for f in load_text(tmp_path, data, providers=False).findings if f.code == Code.NOT_UTF8)
    assert (finding.where.line, finding.where.column) == (line, column)


def test_bad_utf8_does_not_hide_other_findings(tmp_path: Path) -> None:
    data = replication("  storageClass: caf#\n  state: off\n").encode().replace(b"#", b"\xe9")
    assert codes(load_text(tmp_path, data)) == [Code.NOT_UTF8, Code.BAD_VALUE]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-16-be"])
def test_wide_encodings_are_one_clear_finding(tmp_path: Path, encoding: str) -> None:
    found = load_text(tmp_path, replication().encode(encoding), providers=False).findings
    assert len(found) == 1
    assert "UTF-8" in found[0].hint


def test_a_utf8_byte_order_mark_is_fine_and_moves_no_column(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, b"\xef\xbb\xbf" + replication("  state: on\n").encode())
    assert marked(loaded) == [(Code.BAD_VALUE, "on")]
    first = load_text(tmp_path / "2", b"\xef\xbb\xbfapiVersion: x\n", providers=False).findings[0]
    assert first.where.column == 13


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\x7f", "\x9b", "\ufeff", "\uffff"])
def test_control_characters_are_found_and_never_shown(tmp_path: Path, character: str) -> None:
    loaded = load_text(tmp_path, replication(f"  storageClass: a{character}[31m\n  state: off\n"))
    assert codes(loaded) == [Code.CONTROL_CHARACTER, Code.BAD_VALUE]
    assert (loaded.findings[0].where.line, loaded.findings[0].where.column) == (7, 18)
    assert character not in "".join(finding.model_dump_json() for finding in loaded.findings)


def test_texts_that_disturb_terminals_are_not_shown_raw(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, replication('  state: "\\e[2J\\u202E\\x9b"\n  "k\\e": 1\n'))
    shown = "".join(f"{f.detail}{f.hint}{f.path}{f.where.snippet}" for f in loaded.findings)
    assert not set("\x1b\u202e\x9b") & set(shown)


def test_names_of_files_that_are_not_utf8(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"bad\xff\x1bname.yaml")).write_text("x: [")
    (finding,) = load_texts(tmp_path, {}).findings
    assert json.loads(finding.model_dump_json())["where"]["file"].isprintable() or "\ufffd" in finding.where.file
    assert "\x1b" not in finding.where.file


def test_links_inside_the_folder_are_followed_once(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a.yaml").write_text(replication())
    (tmp_path / "again.yaml").symlink_to("real/a.yaml")
    (tmp_path / "real/loop").symlink_to("..")
    (tmp_path / "folder").symlink_to("real")
    loaded = load_texts(tmp_path, {"p.yaml": PROVIDERS})
    assert not loaded.findings
    assert [file.path for file in loaded.files] == ["p.yaml", "real/a.yaml"]


def test_links_out_of_the_folder_are_findings(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("password: hunter22")
    (tmp_path / "w").mkdir()
    (tmp_path / "w/a.yaml").symlink_to("../secret.yaml")
    (tmp_path / "w/up").symlink_to("..")
    loaded = load_texts(tmp_path / "w", {})
    assert codes(loaded) == [Code.LINK_OUTSIDE, Code.LINK_OUTSIDE]
    assert "hunter22" not in str(loaded.findings)
    named = load_texts(tmp_path / "w", {}, paths=[Path("a.yaml")])
    assert Code.LINK_OUTSIDE not in codes(named)


def test_links_to_nothing_and_to_themselves(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to("a.yaml")
    (tmp_path / "b.yaml").symlink_to("c.yaml")
    (tmp_path / "c.yaml").symlink_to("b.yaml")
    (tmp_path / "d.yaml").symlink_to("gone.yaml")
    assert set(codes(load_texts(tmp_path, {}))) == {Code.UNREADABLE}


def test_what_is_no_regular_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    loaded = load_texts(tmp_path, {}, paths=[Path(), Path("/dev/zero")])
    assert codes(loaded) == [Code.UNREADABLE, Code.UNREADABLE]
    assert "not a regular file" in loaded.findings[0].detail


_AS_NOBODY = """
import json, os, sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from tests.unit.manifest.workspace_of import FakeCatalog
from reconciler.manifest.load import load
os.chdir(sys.argv[1])
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
loaded = load([Path()], catalog=FakeCatalog())
print(json.dumps([[f.code, f.where.file] for f in loaded.findings]))
"""


def test_folders_and_files_without_permission_are_findings(tmp_path: Path) -> None:
    for folder in (tmp_path, *list(tmp_path.parents)[:-2]):
        if folder.stat().st_uid == os.geteuid() and str(folder).startswith("/tmp/"):
            folder.chmod(0o755)
    (tmp_path / "shut").mkdir()
    (tmp_path / "shut.yaml").write_text("a: b")
    (tmp_path / "shut").chmod(0)
    (tmp_path / "shut.yaml").chmod(0)
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", _AS_NOBODY, str(tmp_path), str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (tmp_path / "shut").chmod(0o700)
    if "PermissionError" in done.stderr and "chdir" in done.stderr:
        pytest.skip("the temporary folder cannot be opened to others here")
    assert json.loads(done.stdout) == [[Code.UNREADABLE, "shut"], [Code.UNREADABLE, "shut.yaml"]], done.stderr


def test_only_types_that_documents_name_are_loaded(tmp_path: Path) -> None:
    catalog = FakeCatalog()
    text = "apiVersion: repl/v1\nkind: Provider\nmetadata: {name: a}\nspec: {roomy: {}}\n"
    load_text(tmp_path, text, providers=False, catalog=catalog)
    assert catalog.asked == ["roomy"]
