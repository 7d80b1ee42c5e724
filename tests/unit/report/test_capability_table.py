"""What `repl providers` says of all types that are shipped, in each of its forms."""

import json
import re
from itertools import pairwise

import jsonschema
import pytest
from rich.cells import cell_len

from reconciler.cli.app import run
from reconciler.cli.catalog import capability_table
from reconciler.model.capabilities import CapabilityTable
from reconciler.providers.base import Capability
from reconciler.providers.registry import Registry
from reconciler.report.document import schemas, to_json
from reconciler.report.providers import MEANINGS, providers_markdown, providers_text
from reconciler.report.style import Style

TABLE = capability_table(Registry.installed())
NAMES = tuple(word.name for word in TABLE.capabilities)
COLUMNS = ["alarik", "bos", "clonecloudstore", "qumulo", "s3", "s3 rgw", "scp"]
CAN: dict[str, str] = {
    "pause": "yes yes yes no yes yes yes",
    "deletes": "yes yes yes no yes no yes",
    "storage_class": "no yes no no yes yes no",
    "schedule": "no no no no no no yes",
    "loop_guard": "no no yes no yes yes no",
    "store": "yes yes yes yes yes yes no",
    "replica": "no no no no no no yes",
}
GOES: dict[str, list[str]] = {
    "alarik": ["alarik", "bos", "qumulo", "s3"],
    "bos": ["bos", "qumulo"],
    "clonecloudstore": ["clonecloudstore"],
    "qumulo": ["alarik", "bos", "s3"],
    "s3": ["qumulo", "s3"],
    "scp": ["scp"],
}


def test_every_type_is_there_and_dialects_stand_behind_their_own() -> None:
    assert [row.name for row in TABLE.providers] == COLUMNS
    assert set(NAMES) == {one.value for one in Capability} == set(MEANINGS)


@pytest.mark.parametrize(("name", "marks"), CAN.items())
def test_what_each_can_do(name: str, marks: str) -> None:
    assert ["yes" if name in row.capabilities else "no" for row in TABLE.providers] == marks.split()


def test_where_data_can_go() -> None:
    assert {row.type: list(row.replicates_to) for row in TABLE.providers} == GOES


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 120])
def test_the_table_fits_the_terminal_and_says_everything(columns: int) -> None:
    style = Style(color=False, width=columns)
    text = providers_text(TABLE.providers, NAMES, style)
    assert all(cell_len(line) <= style.columns for line in text.splitlines())
    blocks = [block.splitlines() for block in text.split("\n\n")[1:]]
    assert all(len(block) == len(NAMES) + 1 for block in blocks)
    if columns >= 60:
        assert " ".join(" ".join(block[0].split()) for block in blocks) == " ".join(COLUMNS)
    said = sum(len(re.findall(r"\b(?:yes|no)$|\b(?:yes|no) ", line)) for block in blocks for line in block[1:])
    assert said == len(NAMES) * len(COLUMNS)


def test_json_is_what_its_schema_says_and_can_be_read_back() -> None:
    document = json.loads(to_json(TABLE))
    jsonschema.validate(document, schemas()["providers.v1.json"])
    assert CapabilityTable.model_validate(document) == TABLE


def test_the_page_is_a_table_whose_links_lead_somewhere() -> None:
    page = providers_markdown(TABLE)
    lines = page.splitlines()
    for one, other in pairwise(lines):
        if one.startswith("|") and other.startswith("|"):
            assert one.replace("\\|", "").count("|") == other.replace("\\|", "").count("|")
    headings = {line.removeprefix("### ").lower().replace(" ", "-") for line in lines if line.startswith("### ")}
    assert set(re.findall(r"\(#([a-z-]+)\)", page)) == headings
    assert "| `scp` |  |  |  |  |  | yes |" in lines


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_the_command_prints_each_form(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["providers", "--format", form, "--no-color"]) == 0
    printed = capsys.readouterr().out
    assert "clonecloudstore" in printed
    assert (form == "json") == printed.startswith("{")


@pytest.mark.parametrize("arguments", [("--format", "svg"), ("--check", "--format", "json")])
def test_what_it_cannot_print_is_a_usage_error(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["providers", *arguments]) == 64
    assert "--format" in capsys.readouterr().err
