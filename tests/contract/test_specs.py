"""The documents under specs/ are sound, complete in their own terms, and say where they come from."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.loaders import Loader
from openapi_spec_validator import OpenAPIV31SpecValidator

from reconciler.emulators.qumulo import cluster
from reconciler.emulators.qumulo.switches import CHOICES

SPECS = Path(__file__).parents[2] / "specs"
DOCUMENTS = sorted(SPECS.glob("*/openapi.yaml"))
METHODS = {"get", "put", "post", "delete", "patch", "head", "options"}


def document(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def operations(content: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in content["paths"].items():
        for method in METHODS & item.keys():
            yield path, method, item[method]


def properties(content: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, schema in content["components"]["schemas"].items():
        for key, value in schema.get("properties", {}).items():
            yield f"{name}.{key}", value


def tags(node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        yield from ((key, value) for key, value in node.items() if key in {"x-certainty", "x-source"})
        for value in node.values():
            yield from tags(value)
    elif isinstance(node, list):
        for value in node:
            yield from tags(value)


@pytest.fixture(params=DOCUMENTS, ids=lambda path: path.parent.name)
def spec(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def test_there_is_a_document() -> None:
    assert DOCUMENTS


def test_the_document_is_valid_openapi_3_1(spec: Path) -> None:
    content = document(spec)
    assert content["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(content).validate()


def test_every_operation_has_a_name_of_its_own_and_a_summary(spec: Path) -> None:
    found = list(operations(document(spec)))
    assert all(operation.get("operationId") and operation.get("summary") for _, _, operation in found)
    assert len({operation["operationId"] for _, _, operation in found}) == len(found)


def test_every_folder_has_its_sources() -> None:
    for folder in SPECS.iterdir():
        if folder.is_dir():
            assert (folder / "SOURCE.md").is_file(), folder.name


QUMULO = SPECS / "qumulo" / "openapi.yaml"
SOURCE = (SPECS / "qumulo" / "SOURCE.md").read_text(encoding="utf-8")


def test_qumulo_every_operation_and_schema_says_how_certain_it_is() -> None:
    content = document(QUMULO)
    untold = [operation["operationId"] for _, _, operation in operations(content) if "x-certainty" not in operation]
    untold += [name for name, schema in content["components"]["schemas"].items() if "x-certainty" not in schema]
    assert not untold


def test_qumulo_certainties_and_sources_are_explained() -> None:
    told = list(tags(document(QUMULO)))
    certainties = {value for key, value in told if key == "x-certainty"}
    sources = {name for key, value in told if key == "x-source" for name in value}
    assert certainties == {"S", "I", "NF"}
    for name in certainties | sources:
        assert re.search(rf"^\| `{name}` \|", SOURCE, re.MULTILINE), name


def test_qumulo_every_member_has_a_meaning() -> None:
    content = document(QUMULO)
    bare = [
        name
        for name, value in properties(content)
        if not (value.get("description") or "$ref" in value or "$ref" in value.get("items", {}) or "enum" in value)
    ]
    assert not bare


def test_qumulo_relationships_cannot_be_changed() -> None:
    paths = document(QUMULO)["paths"]
    relationship = {path: set(item) & METHODS for path, item in paths.items() if "object-relationships" in path}
    assert not any(methods & {"put", "patch"} for methods in relationship.values())
    assert sum(len(methods) for methods in relationship.values()) == 8


def test_qumulo_what_is_not_found_has_a_switch_and_the_other_way_round() -> None:
    explained = set(re.findall(r"`([a-z_]+)`", "\n".join(line for line in SOURCE.splitlines() if line.endswith("` |"))))
    # Who stands for the public authorities is about the emulator's world, not about Qumulo.
    assert set(CHOICES) - {"public_authorities"} <= explained


def test_qumulo_the_emulator_has_exactly_the_documented_operations() -> None:
    documented = {(path, method.upper(), op["operationId"]) for path, method, op in operations(document(QUMULO))}
    routes = {(route.path, route.method, route.name) for _, route in cluster.ROUTES}
    assert routes == documented


def test_s3_the_model_is_the_one_that_botocore_ships() -> None:
    model = Loader().load_service_model("s3", "service-2", "2006-03-01")
    named = set(re.findall(r"`([A-Z][A-Za-z0-9]+)`", (SPECS / "s3" / "SOURCE.md").read_text(encoding="utf-8")))
    used = {name for name in named if name in model["operations"]}
    assert {"GetBucketReplication", "PutBucketReplication", "DeleteBucketReplication", "ListObjectsV2"} <= used
    assert "ReplicationConfiguration" in named & set(model["shapes"])
