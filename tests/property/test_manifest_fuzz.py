"""Whatever stands in a file, loading ends, raises nothing, and says where what is wrong is."""

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.manifest.codes import Code
from tests.unit.manifest.workspace_of import PROVIDERS, load_texts, replication, workspace

pytestmark = pytest.mark.timeout(300)

CODES = {code.value for code in Code}
SETTINGS = settings(max_examples=300)

PIECES = st.sampled_from(
    [
        "apiVersion: repl/v1\n",
        "kind: Provider\n",
        "kind: Replication\n",
        "kind: Workspace\n",
        "metadata: {name: a}\n",
        "spec:\n",
        "  roomy: {secretKey: {env: A}}\n",
        "  source: {provider: a, bucket: b}\n",
        "  destination: *x\n",
        "  vars: {x: &x 1}\n",
        "  defaults: [{spec: {state: active}}]\n",
        '  state: "{{ vars.x }}"\n',
        "  <<: *x\n",
        "---\n",
        "...\n",
        "- ",
        "? ",
        ": ",
        "{",
        "}",
        "[",
        "]",
        ",",
        "&x ",
        "*x ",
        "!!str ",
        "|\n",
        ">-\n",
        "'",
        '"',
        "#",
        "\t",
        "\n",
        "\r",
        "\r\n",
        " ",
        "\ufeff",
        "\x85",
        "\u2028",
        "%YAML 1.1\n",
        "{{ vars.x | upper }}",
        "{% x %}",
        "0x1F",
        ".inf",
        "1e999",
        "9" * 500,
        "~",
        "\\ud800",
        "\x00",
        "😀",
    ]
)

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12)
WORDS = """
apiVersion kind metadata name labels spec source destination provider bucket state verify within allow effect
expires filter tags exclude roomy tight host secretKey accessKey pools priority vars defaults match flows deny
from to not guards maxLost maxRecopy reason limits rate concurrency options type config env file exec
"""
KEYS = st.sampled_from(WORDS.split()) | st.text(max_size=6)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=25,
)


def survives(*contents: bytes) -> None:
    """Load files of these contents, and look at everything that comes of it."""
    with tempfile.TemporaryDirectory() as folder:
        files = {f"{number}.yaml": data for number, data in enumerate(contents)}
        loaded = load_texts(Path(folder), {**files, "p.yaml": PROVIDERS}, variables={"x": "y"})
    for finding in loaded.findings:
        assert finding.code in CODES
        json.loads(finding.model_dump_json())
        where = finding.where
        assert where is not None
        text = contents[int(where.file[0])].decode(errors="replace") if where.file != "p.yaml" else PROVIDERS
        assert 1 <= where.line <= text.count("\n") + text.count("\r") + 1
        assert where.column >= 1
        assert where.end_column is None or where.end_column > where.column
    for kind, name in loaded.documents:
        assert loaded.locate(kind, name, ("spec", "source", "provider")) is not None
    assert loaded.findings == tuple(sorted(loaded.findings, key=lambda finding: finding.sort_key))


@SETTINGS
@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    survives(data)


@SETTINGS
@given(st.text(max_size=300), st.text(max_size=60))
def test_any_text(text: str, other: str) -> None:
    survives(text.encode(errors="replace"), other.encode(errors="replace"))


@SETTINGS
@given(st.lists(PIECES, max_size=40).map("".join))
def test_anything_that_looks_like_yaml(text: str) -> None:
    survives(text.encode())


@SETTINGS
@given(st.integers(0, 700), PIECES | st.characters(codec="utf-8"), st.integers(0, 5))
def test_a_good_file_with_something_put_into_it(offset: int, piece: str, cut: int) -> None:
    text = workspace("  vars: {n: 1}\n  defaults: [{spec: {deletes: keep}}]\n") + "---\n"
    text += (
        replication('  state: active\n  filter: {tags: &t {a: "{{ vars.n }}"}}\n  allow: [{<<: *t}]\n')
        + "---\n"
        + PROVIDERS
    )
    survives((text[:offset] + piece + text[offset + cut :]).encode())


@SETTINGS
@given(TREES, st.sampled_from(["Provider", "Replication", "Policy", "Workspace"]))
def test_any_tree_as_a_document(tree: object, kind: str) -> None:
    document = {"apiVersion": "repl/v1", "kind": kind, "metadata": {"name": "a"}, "spec": tree}
    survives(json.dumps(document, ensure_ascii=True).encode(), json.dumps(tree, ensure_ascii=True).encode())


@SETTINGS
@given(st.text(alphabet="{}[]()|~.'\" varsx+-*%#\n0123456789_", max_size=60))
def test_any_template(text: str) -> None:
    survives(replication(f"  storageClass: {json.dumps('{{' + text + '}}')}\n").encode())
