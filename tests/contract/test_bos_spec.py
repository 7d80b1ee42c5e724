"""specs/bos/openapi.yaml says how certain it is, and agrees with the emulator's operations and switches."""

import re
from pathlib import Path
from typing import Any

import yaml

from reconciler.emulators.bos import service
from reconciler.emulators.bos.switches import CHOICES, NUMBERS

FOLDER = Path(__file__).parents[2] / "specs" / "bos"
CONTENT: dict[str, Any] = yaml.safe_load((FOLDER / "openapi.yaml").read_text(encoding="utf-8"))
SOURCE = (FOLDER / "SOURCE.md").read_text(encoding="utf-8")
METHODS = {"get", "put", "post", "delete", "patch", "head"}
OPERATIONS = [
    (path, method, item[method]) for path, item in CONTENT["paths"].items() for method in sorted(METHODS & item.keys())
]

#: Switches about the emulator's world rather than about what is not known of BOS.
WORLDLY = {"worker", "clock_skew_s", "page_limit"}


def test_every_operation_and_schema_says_how_certain_it_is() -> None:
    untold = [operation["operationId"] for _, _, operation in OPERATIONS if "x-certainty" not in operation]
    untold += [name for name, schema in CONTENT["components"]["schemas"].items() if "x-certainty" not in schema]
    assert not untold


def test_certainties_and_sources_are_explained() -> None:
    told = [part for _, _, part in OPERATIONS] + list(CONTENT["components"]["schemas"].values()) + [CONTENT["info"]]
    names = {part["x-certainty"] for part in told} | {name for part in told for name in part["x-source"]}
    assert {"S", "I", "NF"} <= names
    for name in names:
        assert re.search(rf"^\| `{name}` \|", SOURCE, re.MULTILINE), name


def test_every_member_has_a_meaning() -> None:
    bare = [
        f"{name}.{key}"
        for name, schema in CONTENT["components"]["schemas"].items()
        for key, value in schema.get("properties", {}).items()
        if not ("description" in value or "$ref" in value or "enum" in value)
    ]
    assert not bare


def test_the_emulator_has_exactly_the_documented_operations() -> None:
    documented = {(operation["operationId"], method.upper()) for _, method, operation in OPERATIONS}
    assert documented == {(route.name, route.method) for route in service.ROUTES}
    assert f"{len(OPERATIONS)} operations" in SOURCE


def test_the_parts_in_paths_are_the_emulators_conditions() -> None:
    for path, _, operation in OPERATIONS:
        route = next(route for route in service.ROUTES if route.name == operation["operationId"])
        part = path.partition("/#")[2]
        told = [part] if part and part != "copy" else []
        wanted = ["&".join(name for name in route.query if name != "partNumber")] if route.query else []
        assert told == wanted, operation["operationId"]


def test_what_is_not_found_has_a_switch_and_the_other_way_round() -> None:
    rows = [line for line in SOURCE.partition("## Not found")[2].splitlines() if line.startswith("| ")]
    told = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row.rpartition(" | ")[2])}
    assert told == (set(CHOICES) | set(NUMBERS)) - WORLDLY
