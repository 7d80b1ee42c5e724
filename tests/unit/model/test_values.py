"""References to secrets, references between steps, canonical JSON, ids of plans."""

from datetime import date

import pytest
from pydantic import ValidationError

from reconciler.model.finding import Finding, Severity, SourceRange
from reconciler.model.graph import Edge, Graph, Node
from reconciler.model.manifest import Allow, Config, FlowEnds, Match, VerifySpec, WorkspaceSpec
from reconciler.model.secret import SecretRef, secret_refs
from reconciler.model.step import Effect, EffectRule, Estimate, Ref
from reconciler.model.value import canonical_json, digest

REFS = [
    {"env": "NAME"},
    {"file": "secrets/one"},
    {"exec": ["op", "read", "x"]},
    {"awsSecretsManager": "arn:aws:secretsmanager:eu-west-1:1:secret:x"},
]


@pytest.mark.parametrize("document", REFS)
def test_a_reference_goes_into_a_body_and_comes_back(document: dict[str, object]) -> None:
    ref = SecretRef.model_validate(document)
    assert SecretRef.unmarked(ref.marked()) == ref
    assert secret_refs({"a": [{"b": ref.marked()}, 1], "c": ref.marked()}) == (ref, ref)
    assert str(ref).startswith(next(iter(document)))


@pytest.mark.parametrize("value", [None, 1, "x", [], {}, {"$secret": {}, "more": 1}, {"env": "NAME"}])
def test_what_is_no_marked_reference(value: object) -> None:
    assert SecretRef.unmarked(value) is None  # type: ignore[arg-type]
    assert Ref.unmarked(value) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["hunter2", 7, {}, {"env": "A", "file": "b"}, {"env": ""}, {"vault": "x"}, ["x"]])
def test_what_is_no_reference_is_refused_without_being_repeated(value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        SecretRef.model_validate(value)
    assert "hunter2" not in "".join(error["msg"] for error in caught.value.errors())


def test_steps_refer_to_earlier_ones() -> None:
    ref = Ref(step="create", field="id")
    assert Ref.unmarked(ref.marked()) == ref


def test_canonical_json_has_one_form() -> None:
    assert canonical_json({"b": 1, "a": [True, None, "é"]}) == '{"a":[true,null,"é"],"b":1}'
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest({"a": 1}) != digest({"a": True})
    with pytest.raises(ValueError, match="JSON"):
        canonical_json(float("nan"))


def test_findings_sort_errors_first_then_by_place() -> None:
    def at(line: int, severity: Severity) -> Finding:
        where = SourceRange(file="a.yaml", line=line, column=1)
        return Finding(code="REPL-M001", severity=severity, summary="x", where=where)

    found = [at(1, Severity.INFO), at(9, Severity.ERROR), at(2, Severity.WARNING), at(3, Severity.ERROR)]
    ordered = sorted(found, key=lambda finding: finding.sort_key)
    assert [finding.where.line for finding in ordered if finding.where] == [3, 9, 2, 1]
    assert str(ordered[0].where) == "a.yaml:3:1"
    assert ordered[0].at(SourceRange(file="b", line=1, column=1)).where == ordered[0].where


@pytest.mark.parametrize(
    ("match", "labels", "accepts"),
    [
        ({}, {}, True),
        ({"site": "eu"}, {"site": "eu", "tier": "gold"}, True),
        ({"site": "eu"}, {"site": "us"}, False),
        ({"not": {"site": "eu"}}, {"site": "us"}, True),
        ({"not": {"site": "eu"}}, {}, True),
        ({"not": {"site": "eu"}}, {"site": "eu"}, False),
        ({"tier": "gold", "not": {"site": "eu"}}, {"tier": "gold", "site": "us"}, True),
        ({"tier": "gold", "not": {"site": "eu"}}, {"tier": "gold", "site": "eu"}, False),
    ],
)
def test_label_matches(match: dict[str, object], labels: dict[str, str], accepts: bool) -> None:
    assert Match.model_validate(match).accepts(labels) is accepts
    assert FlowEnds.model_validate({"from": match}).source.accepts(labels) is accepts


def test_an_approval_has_an_end() -> None:
    assert Allow.model_validate({"effect": "A-B", "reason": "x", "expires": "2026-11-30"}).expires == date(2026, 11, 30)
    for broken in ({"effect": "A-B", "reason": "x"}, {"effect": "a", "reason": "x", "expires": "2026-11-30"}):
        with pytest.raises(ValidationError):
            Allow.model_validate(broken)


def test_a_plan_must_live_for_some_time() -> None:
    with pytest.raises(ValidationError, match="planExpiry"):
        WorkspaceSpec.model_validate({"planExpiry": "0s"})


def test_effects_carry_what_their_rule_says() -> None:
    rule = EffectRule(
        id="A-B", provider="p", severity=Severity.WARNING, blocks=True, when="w", happens="h", instead="i", source="s",
        recopies=True,
    )  # fmt: skip
    effect = Effect.of(rule, "one", "text", Estimate(objects=1200, bytes=2048, basis="last job"))
    assert (effect.allow, effect.blocks, effect.recopies, effect.loses_protection) == ("A-B@one", True, True, False)
    assert str(effect.estimate) == "1,200 objects, 2.0 KiB (last job)"
    assert str(Estimate(basis="unknown")) == "amount unknown (unknown)"


def test_a_graph_holds_together() -> None:
    nodes = (Node(id="a", provider="p", type="t", location="x"), Node(id="b", provider="p", type="t", location="y"))
    graph = Graph(nodes=nodes, edges=(Edge(replication="r", source="a", destination="b"),))
    assert graph.node("b").location == "y"
    with pytest.raises(KeyError):
        graph.node("c")
    with pytest.raises(ValidationError, match="same id"):
        Graph(nodes=(nodes[0], nodes[0]))
    with pytest.raises(ValidationError, match="not there"):
        Graph(nodes=nodes, edges=(Edge(replication="r", source="a", destination="z"),))


def test_seconds_are_whole_numbers_or_text() -> None:
    assert VerifySpec.model_validate({"within": 15}).within == 15
    assert VerifySpec.model_validate({"within": "1m"}).within == 60
    for broken in (True, 1.5, -1, "soon"):
        with pytest.raises(ValidationError):
            VerifySpec.model_validate({"within": broken})


def test_a_connection_names_its_system_without_its_secrets() -> None:
    class Settings(Config):
        host: str
        password: SecretRef

    one, other = (Settings(host=host, password=SecretRef(env="A")) for host in ("a", "b"))
    assert one.system() != other.system()
    assert one.system() == Settings(host="a", password=SecretRef(env="B")).system()
