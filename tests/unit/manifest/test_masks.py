"""A secret that stands in a manifest as a value is a finding, and no finding shows it."""

from pathlib import Path

import pytest

from reconciler.manifest.codes import Code
from tests.unit.manifest.workspace_of import load_text

SECRET = "hunter2-é-value"


def provider(spec: str) -> str:
    return f"apiVersion: repl/v1\nkind: Provider\nmetadata: {{name: x}}\nspec:\n{spec}"


def everything(loaded) -> str:
    return "\n".join(finding.model_dump_json() for finding in loaded.findings) + repr(loaded)


@pytest.mark.parametrize(
    "spec",
    [
        f"  roomy: {{secretKey: {SECRET}}}\n",
        f"  roomy: {{secretKey: '{SECRET}'}}\n",
        f'  roomy: {{secretKey: "{SECRET}", regoin: x}}\n',
        f"  roomy:\n    secretKey: {SECRET}\n    regoin: {SECRET}\n",
        f"  roomy:\n    secretKey:\n      {SECRET}\n",
        f"  roomy:\n    secretKey: |\n      {SECRET}\n      more of {SECRET}\n",
        f"  roomy:\n    secretKey: [{SECRET}]\n",
        f"  tight: {{host: h, password: &p {SECRET}}}\n",
    ],
)
def test_a_literal_secret_is_found_and_shown_nowhere(tmp_path: Path, spec: str) -> None:
    loaded = load_text(tmp_path, provider(spec), providers=False)
    literal = [finding for finding in loaded.findings if finding.code == Code.LITERAL_SECRET]
    assert len(literal) == 1
    assert "{env: NAME}" in literal[0].hint
    assert literal[0].provider == "x"
    assert SECRET not in everything(loaded)
    assert "hunter2" not in everything(loaded)


@pytest.mark.parametrize(
    "spec",
    [
        f"  roomy: {{secretKey: {{value: {SECRET}}}}}\n",
        f"  roomy: {{secretKey: {{vlaue: {SECRET}, env: A}}, regoin: x}}\n",
        f"  roomy:\n    secretKey: {{env: A}}\n    secretKey: {SECRET}\n",
        f"  roomy: {{secretkey: {SECRET}}}\n",
        f"  romy: {{secretKey: {SECRET}}}\n",
        f"  roomy: {{secretKey: {SECRET}\n",
        f"  roomy: {{secretKey: {SECRET}, : }}\n",
        f"  password: {SECRET}: x\n",
        f"  tight: {{host: 3, apiToken: {SECRET}}}\n",
        f"  tight:\n    password: {SECRET}\n   host: h\n",
    ],
)
def test_secrets_in_documents_that_are_wrong_otherwise_are_not_shown_either(tmp_path: Path, spec: str) -> None:
    loaded = load_text(tmp_path, provider(spec), providers=False)
    assert loaded.findings
    assert "hunter2" not in everything(loaded)


def test_the_same_value_elsewhere_in_the_files_is_hidden_too(tmp_path: Path) -> None:
    spec = f"  roomy:\n    flavour: {SECRET}\n    secretKey: {SECRET}\n"
    loaded = load_text(tmp_path, provider(spec), providers=False)
    assert [finding.code for finding in loaded.findings] == [Code.BAD_VALUE, Code.LITERAL_SECRET]
    assert "hunter2" not in everything(loaded)


def test_places_asked_for_later_hide_it_as_well(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, provider(f"  roomy: {{region: eu, secretKey: {SECRET}}}\n"), providers=False)
    where = loaded.locate("Provider", "x", ("spec", "roomy", "region"))
    assert where.snippet == "  roomy: {region: eu, secretKey: ***"


@pytest.mark.parametrize(
    "value", ["{env: A}", "{file: a/b}", "{exec: [a, b]}", "{awsSecretsManager: a}", "\n      env: A", '{"env": A}']
)
def test_references_are_no_finding_and_are_shown(tmp_path: Path, value: str) -> None:
    loaded = load_text(tmp_path, provider(f"  roomy:\n    secretKey: {value}\n    region: eu\n"), providers=False)
    assert not loaded.findings
    assert "***" not in (loaded.locate("Provider", "x", ("spec", "roomy", "secretKey")).snippet or "")


def test_a_template_is_no_way_around(tmp_path: Path) -> None:
    text = provider('  roomy: {secretKey: "{{ vars.key }}"}\n')
    loaded = load_text(tmp_path, text, providers=False, variables={"key": SECRET})
    assert [finding.code for finding in loaded.findings] == [Code.LITERAL_SECRET]
    assert "hunter2" not in everything(loaded)
