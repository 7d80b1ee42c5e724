"""`{{ vars.x }}` in values: where variables come from, what templates may do, and that nothing runs away."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest.codes import Code
from reconciler.manifest.documents import may_be_template
from reconciler.manifest.template import Refusal, Templates, literal
from tests.unit.manifest.workspace_of import load_text, load_texts, marked, replication, under, workspace


def rendered(text: str, **variables: object) -> object:
    return Templates(variables).render(text)


def refused(text: str, **variables: object) -> Refusal:
    with pytest.raises(Refusal) as caught:
        Templates(variables).render(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ vars.n }}", 5),
        ("{{vars.n}}", 5),
        ("{{ vars.yes }}", True),
        ("{{ vars.f }}", 1.5),
        ("{{ vars.s }}", "abc"),
        ("a-{{ vars.n }}-{{ vars.yes }}", "a-5-true"),
        ("{{ vars.s | upper }}", "ABC"),
        ("{{ vars.s | upper }}\n", "ABC\n"),
        ("{{ vars.nope | default('x') }}", "x"),
        ("{{ vars.n if vars.yes else 0 }}", 5),
        ("{{ 'a' if vars.s == 'abc' and not vars.no }}", "a"),
        ("{{ vars.s ~ '-' ~ vars.n }}", "abc-5"),
        ("x{{ vars.yes and vars.no }}", "xfalse"),
        ("{{ vars.items }}", "i"),
        ("{{ vars.items | upper }}", "I"),
        ("{{ '{{' }} stays", "{{ stays"),
        ("{ {{ vars.n }} }", "{ 5 }"),
        ("{{ vars.nope is defined }}", False),
        ("{{ '7' | int }}", 7),
        (" {{ vars.n }} ", " 5 "),
    ],
)
def test_what_templates_yield(text: str, value: object) -> None:
    found = rendered(text, n=5, yes=True, no=False, f=1.5, s="abc", items="i", keys="k")
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{{ vars.nope }}", Code.UNKNOWN_VARIABLE),
        ("{{ vars.nope | upper }}", Code.UNKNOWN_VARIABLE),
        ("a {{ vars.nope }}", Code.UNKNOWN_VARIABLE),
        ("{{ vars.nope | default('x') }}{{ vars.nope }}", Code.UNKNOWN_VARIABLE),
        ("{{ vars.a", Code.TEMPLATE_SYNTAX),
        ("{{ }}", Code.TEMPLATE_SYNTAX),
        ("{{ vars.a b }}", Code.TEMPLATE_SYNTAX),
        ("{{ " + "(" * 400 + "1" + ")" * 400 + " }}", Code.TEMPLATE_SYNTAX),
        ("{{ vars.a | int(vars) }}", Code.TEMPLATE_REFUSED),
        ("{{ vars.a | nix }}", Code.TEMPLATE_REFUSED),
        ("{% for x in [1] %}a{% endfor %}", Code.TEMPLATE_REFUSED),
        ("{{ vars.a }}{% set x = 1 %}", Code.TEMPLATE_REFUSED),
        ("{{ vars }}", Code.TEMPLATE_REFUSED),
        ("{{ a }}", Code.TEMPLATE_REFUSED),
        ("{{ env.HOME }}", Code.TEMPLATE_REFUSED),
        ("{{ ''.__class__.__mro__ }}", Code.TEMPLATE_REFUSED),
        ("{{ vars.a.__class__ }}", Code.TEMPLATE_REFUSED),
        ("{{ vars.__class__ }}", Code.UNKNOWN_VARIABLE),
        ("{{ vars.__class__ is defined }}", None),
        ("{{ vars['a'] }}", Code.TEMPLATE_REFUSED),
        ("{{ vars.a() }}", Code.TEMPLATE_REFUSED),
        ("{{ self }}", Code.TEMPLATE_REFUSED),
        ("{{ cycler.__init__.__globals__.os.popen('id').read() }}", Code.TEMPLATE_REFUSED),
        ("{{ range(1000000000) }}", Code.TEMPLATE_REFUSED),
        ("{{ 9 ** 9 ** 9 }}", Code.TEMPLATE_REFUSED),
        ("{{ 'a' * 1000000000 }}", Code.TEMPLATE_REFUSED),
        ("{{ '%999999999d' % 1 }}", Code.TEMPLATE_REFUSED),
        ("{{ '{:>999999999}'.format(1) }}", Code.TEMPLATE_REFUSED),
        ("{{ [1, 2] }}", Code.TEMPLATE_REFUSED),
        ("{{ none }}", Code.TEMPLATE_REFUSED),
        ("{{ vars.a | center(99999999) }}", Code.TEMPLATE_REFUSED),
        ("{{ vars.a | attr('__class__') }}", Code.TEMPLATE_REFUSED),
        ("{{ vars.a }}" + "x" * 2_000, Code.TEMPLATE_TOO_LARGE),
        ("{{ vars.long }}" * 40, Code.TEMPLATE_TOO_LARGE),
    ],
)
def test_what_templates_may_not(text: str, code: Code | None) -> None:
    variables = {"a": "abc", "long": "x" * 4_000}
    if code is None:
        assert rendered(text, **variables) in (True, False)
    else:
        assert refused(text, **variables).code == code


def test_unknown_variables_have_a_hint() -> None:
    assert refused("{{ vars.stag }}", stage="x").hint == "did you mean stage?"
    assert "--var" in refused("{{ vars.stage }}").hint


def test_a_value_keeps_its_type_through_the_model(tmp_path: Path) -> None:
    text = workspace("  vars: {n: 7, on: true, name: b-x}\n") + "---\n"
    text += replication('  protect: "{{ vars.on }}"\n  roomy: {priority: "{{ vars.n }}"}\n')
    loaded = load_text(tmp_path, text.replace("bucket: b", 'bucket: "{{ vars.name }}-{{ vars.n }}"'))
    assert not loaded.findings
    found = loaded.replications["r"].spec
    assert (found.protect, found.options.priority, found.destination.bucket) == (True, 7, "b-x-7")


def test_later_sources_of_variables_win(tmp_path: Path) -> None:
    files = {
        "a.yaml": workspace("  vars: {a: ws, b: ws, c: ws, d: ws}\n"),
        "v/1.vars": "b: one\nc: one\nd: one\n",
        "v/2.vars": "c: two\nd: two\n",
        "r.yaml": replication(
            '  filter: {exclude: ["{{ vars.a }}", "{{ vars.b }}", "{{ vars.c }}", "{{ vars.d }}"]}\n'
        ),
        "p.yaml": "apiVersion: repl/v1\nkind: Provider\nmetadata: {name: eu}\nspec: {roomy: {}}\n",
    }
    files["r.yaml"] = files["r.yaml"].replace("us", "eu")
    loaded = load_texts(tmp_path, files, variables={"d": "cli"}, variable_files=[Path("v/1.vars"), Path("v/2.vars")])
    assert not loaded.findings
    assert loaded.replications["r"].spec.filter.exclude == ("ws", "one", "two", "cli")
    assert {file.path for file in loaded.files} >= {"v/1.vars", "v/2.vars"}


@pytest.mark.parametrize(
    ("text", "code", "caret"),
    [
        ("- a\n", Code.BAD_VARIABLE, "- a"),
        ("a: [1]\n", Code.BAD_VARIABLE, "[1]"),
        ("a: ~\n", Code.BAD_VARIABLE, "~"),
        ("a b: 1\n", Code.BAD_VARIABLE, "1"),
        ("_a: 1\n", Code.BAD_VARIABLE, "1"),
        ('a: "{{ vars.b }}"\n', Code.BAD_VARIABLE, '"{{ vars.b }}"'),
        (f"a: {'x' * 5_000}\n", Code.BAD_VARIABLE, "x" * 397),
        ("a: 1\na: 2\n", Code.DUPLICATE_KEY, "a"),
        ("a: [\n", Code.SYNTAX, "["),
    ],
)
def test_variable_files_that_are_wrong(tmp_path: Path, text: str, code: Code, caret: str) -> None:
    loaded = load_texts(tmp_path, {"v.vars": text}, variable_files=[Path("v.vars")])
    assert marked(loaded) == [(code, caret)]
    assert loaded.findings[0].where.file == "v.vars"


def test_variables_of_the_command_line_that_are_wrong(tmp_path: Path) -> None:
    given = {"a-b": "x", "t": "{{ vars.a }}", "long": "x" * 5_000, "bytes": "\udcff", "fine": "x"}
    loaded = load_texts(tmp_path, {}, variables=given, variable_files=[Path("gone.vars")])
    assert [finding.code for finding in loaded.findings] == [Code.BAD_VARIABLE] * 4 + [Code.NO_SUCH_PATH]
    assert all(finding.where is None for finding in loaded.findings[:4])


@pytest.mark.parametrize("value", ["{{ vars.x }}", "a-{{ vars.x }}"])
def test_an_unknown_variable_is_one_finding_where_it_stands(tmp_path: Path, value: str) -> None:
    loaded = load_text(tmp_path, replication(f'  roomy: {{priority: "{value}"}}\n'))
    (finding,) = loaded.findings
    assert (finding.code, under(finding), finding.replication) == (Code.UNKNOWN_VARIABLE, f'"{value}"', "r")
    assert not loaded.replications


def test_a_template_without_quotes_says_so(tmp_path: Path) -> None:
    for number, spec in enumerate(("  storageClass: {{ vars.x }}\n", "  filter: {exclude: [{{ vars.x }}]}\n")):
        (finding,) = load_text(tmp_path / str(number), replication(spec), variables={"x": "y"}).findings
        assert finding.code == Code.TEMPLATE_NOT_QUOTED
        assert finding.where.snippet[finding.where.column - 1 :].startswith("{{")


def test_plain_text_may_hold_a_template_in_its_middle(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, replication("  storageClass: A-{{ vars.x }}\n"), variables={"x": "y"})
    assert loaded.replications["r"].spec.storage_class == "A-y"


def test_a_wrong_value_from_a_variable_is_shown_at_the_template(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, replication('  state: "{{ vars.x }}"\n'), variables={"x": "off"})
    assert marked(loaded) == [(Code.BAD_VALUE, '"{{ vars.x }}"')]
    assert "found 'off'" in loaded.findings[0].detail


def test_templates_behind_anchors_and_merges(tmp_path: Path) -> None:
    spec = '  filter: {tags: &t {a: &s "{{ vars.x }}", b: "{{ vars.x }}-b"}}\n  storageClass: *s\n'
    text = replication(spec) + "  allow: [{<<: {reason: 'for {{ vars.x }}'}, effect: A-B, expires: 2027-01-01}]\n"
    found = load_text(tmp_path, text, variables={"x": "y"}).replications["r"].spec
    assert found.filter.tags == {"a": "y", "b": "y-b"}
    assert (found.storage_class, found.allow[0].reason) == ("y", "for y")


def test_keys_are_no_templates(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, replication('  filter: {tags: {"{{ vars.x }}": a}}\n'), variables={"x": "y"})
    assert marked(loaded) == [(Code.TEMPLATE_REFUSED, '"{{ vars.x }}"')]


def test_names_and_labels_may_be_templates(tmp_path: Path) -> None:
    text = replication(name='"{{ vars.stage }}-logs"', labels='{stage: "{{ vars.stage }}"}')
    loaded = load_text(tmp_path, text, variables={"stage": "prod"})
    assert loaded.replications["prod-logs"].metadata.labels == {"stage": "prod"}
    assert loaded.locate("Replication", "prod-logs").column == 18


def test_true_from_a_variable_is_no_number(tmp_path: Path) -> None:
    text = workspace("  vars: {on: true}\n") + "---\n" + replication('  roomy: {priority: "{{ vars.on }}"}\n')
    assert marked(load_text(tmp_path, text)) == [(Code.WRONG_TYPE, '"{{ vars.on }}"')]


@given(st.text(st.sampled_from("{}%#'x v."), max_size=30))
def test_a_literal_is_read_as_it_was(text: str) -> None:
    assert Templates({}).render(literal(text)) == text if may_be_template(text) else literal(text) == text
