"""Every example is sound as it stands, without network and without a secret."""

import json
import re
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from reconciler.cli.schema import all_schemas
from reconciler.model.secret import SecretRef
from tests.lab.command import repl

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path for path in (ROOT / "examples").iterdir() if path.is_dir())
MANIFESTS = sorted(ROOT.glob("examples/**/*.yaml"))
WARNED = {"mixed": {"REPL-C415"}}
"""Warnings that belong to an example, and that its README explains."""


def test_the_promised_examples_are_there() -> None:
    names = {path.name for path in EXAMPLES}
    assert names == {
        "s3-to-s3", "qumulo-archive", "qumulo-restore", "ceph-zones", "guarded", "bos-to-bos", "alarik-to-s3", "mixed",
        "scp-volumes", "clonecloudstore-sites", "six-systems",
    }  # fmt: skip
    assert all((path / "README.md").is_file() for path in EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_example_validates_offline(example: Path) -> None:
    ended = repl("validate", "-f", str(example), "--output", "json", cwd=ROOT)
    assert ended.code == 0, ended.text
    answer = ended.json
    assert answer["valid"]
    assert answer["replications"] >= 1
    worse = {finding["code"] for finding in answer["findings"] if finding["severity"] != "info"}
    assert worse == WARNED.get(example.name, set())
    assert all(code in (example / "README.md").read_text() for code in worse)
    drawn = repl("graph", "-f", str(example), cwd=ROOT)
    assert drawn.code == 0, drawn.text


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: str(path.relative_to(ROOT / "examples")))
def test_modeline_leads_to_the_schema(manifest: Path) -> None:
    first = manifest.read_text().splitlines()[0]
    found = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert found is not None, first
    place = (manifest.parent / found[1]).resolve()
    assert place == ROOT / "schemas" / "manifest.v1.json"
    assert place.is_file()


def test_examples_fit_the_schema_that_editors_use() -> None:
    judge = Draft202012Validator(all_schemas()["manifest.v1.json"])
    for manifest in MANIFESTS:
        for document in yaml.safe_load_all(manifest.read_text()):
            plain = json.loads(json.dumps(document, default=str))
            wrong = [f"{error.json_path}: {error.message}" for error in judge.iter_errors(plain)]
            assert wrong == [], manifest


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: str(path.relative_to(ROOT / "examples")))
def test_secrets_are_references_to_the_environment(manifest: Path) -> None:
    def look(value: object, key: str = "") -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                look(inner, str(name))
        elif isinstance(value, list):
            for inner in value:
                look(inner, key)
        else:
            assert key not in ("secretAccessKey", "sessionToken", "password", "token", "secretKey", "cifsPassword"), key

    text = manifest.read_text()
    for document in yaml.safe_load_all(text):
        look(document)
    for found in re.findall(r"\{(?:env|file|exec|awsSecretsManager): [^}]+\}", text):
        assert SecretRef.model_validate(yaml.safe_load(found)).env, found


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_readme_names_every_variable_and_environment_variable_that_it_uses(example: Path) -> None:
    text = (example / "README.md").read_text()
    manifests = "".join(path.read_text() for path in example.glob("**/*.yaml"))
    for name in set(re.findall(r"\{env: (\w+)\}", manifests)):
        assert name in text, name
    declared = yaml.safe_load((example / "workspace.yaml").read_text())["spec"]["vars"]
    assert set(re.findall(r"--var (\w+)=", text)) <= set(declared)
    assert set(re.findall(r"\{\{ vars\.(\w+) \}\}", manifests)) == set(declared)
