"""The rules of the house that no linter knows."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "reconciler").rglob("*.py"))
LONGEST_FILE = 400
LONGEST_TEST = 500
LONGEST_FUNCTION = 50
FORBIDDEN_NAMES = {"utils", "helpers", "common", "manager", "misc", "util", "helper"}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_file_is_too_long() -> None:
    limits = dict.fromkeys(SOURCES, LONGEST_FILE) | dict.fromkeys((ROOT / "tests").rglob("*.py"), LONGEST_TEST)
    long = {name(path): n for path, most in limits.items() if (n := len(path.read_text().splitlines())) > most}
    assert long == {}


def test_no_function_is_too_long() -> None:
    long = {}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                first = node.body[1] if len(node.body) > 1 and ast.get_docstring(node) is not None else node.body[0]
                length = node.end_lineno - first.lineno + 1
                if length > LONGEST_FUNCTION:
                    long[f"{name(path)}:{node.name}"] = length
    assert long == {}


def test_no_room_is_called_after_nothing() -> None:
    assert [name(path) for path in SOURCES if set(path.with_suffix("").parts) & FORBIDDEN_NAMES] == []


def test_every_module_and_public_name_says_what_it_is() -> None:
    silent = []
    for path in SOURCES:
        tree = ast.parse(path.read_text())
        if not ast.get_docstring(tree):
            silent.append(name(path))
        if "emulators" in path.parts:
            continue  # a handler is named after the vendor's operation, which its specification explains
        for node in tree.body:
            public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
            if public and not ast.get_docstring(node):  # type: ignore[arg-type]
                silent.append(f"{name(path)}:{node.name}")  # type: ignore[attr-defined]
    assert silent == []


@pytest.mark.parametrize("word", ["TODO", "FIXME", "for now", "simplified"])
def test_nothing_is_left_for_later(word: str) -> None:
    here = Path(__file__)
    found = [
        name(path) for path in [*SOURCES, *(ROOT / "tests").rglob("*.py")] if path != here and word in path.read_text()
    ]
    assert found == []


def test_no_path_of_a_machine_is_committed() -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    places = ("/" + "work/", "/" + "farm/", "/" + "root/")
    found = []
    for file in filter(None, tracked.split("\0")):
        path = ROOT / file
        if path.is_file():
            text = path.read_text(errors="replace")
            found += [f"{file}: {place}" for place in places if place in text]
    assert found == []
