"""What is wrong with flows before anybody is asked."""

from typing import Any

import pytest

from reconciler.model.finding import Severity
from reconciler.model.relationship import Flow
from reconciler.providers.bos.check import check, check_together
from reconciler.providers.bos.findings import TEXTS
from tests.unit.providers.bos.flows import flow


def found(subject: Flow) -> list[tuple[str, tuple[str | int, ...]]]:
    return [(finding.code, finding.path[1:]) for finding in check(subject)]


def test_a_plain_flow_has_no_finding() -> None:
    whole = flow(
        source={"prefix": "app/"}, destination={"prefix": "dr/"}, state="active", deletes="replicate", existing="copy",
        storage_class="COLD", filter={"exclude": ["tmp/*", "*.jpeg", "*test*"]},
        options={"id": "rule_1-A", "historyStorageClass": "STANDARD_IA", "exclude": ["*.log"]},
    )  # fmt: skip
    assert found(whole) == []
    assert found(flow()) == []


@pytest.mark.parametrize(
    ("spec", "code", "path"),
    [
        ({"schedule": {"every": "5m"}}, "REPL-C301", ("schedule",)),
        ({"filter": {"tags": {"a": "b"}}}, "REPL-C302", ("filter", "tags")),
        ({"filter": {"exclude": ["ok*", "a?"]}}, "REPL-C303", ("filter", "exclude", 1)),
        ({"filter": {"exclude": ["*/x"]}}, "REPL-C303", ("filter", "exclude", 0)),
        ({"filter": {"exclude": ["exact"]}}, "REPL-C303", ("filter", "exclude", 0)),
        ({"filter": {"exclude": ["*"]}}, "REPL-C317", ("filter", "exclude", 0)),
        ({"filter": {"exclude": [""]}}, "REPL-C304", ("filter", "exclude", 0)),
        ({"filter": {"exclude": ["a\n*"]}}, "REPL-C304", ("filter", "exclude", 0)),
        ({"filter": {"exclude": ["*" + "a" * 1025]}}, "REPL-C304", ("filter", "exclude", 0)),
        ({"options": {"exclude": ["a*b"]}}, "REPL-C304", ("bos", "exclude", 0)),
        ({"options": {"exclude": ["exact"]}}, "REPL-C304", ("bos", "exclude", 0)),
        ({"filter": {"exclude": [f"{n}*" for n in range(21)]}}, "REPL-C305", ("filter", "exclude")),
        ({"options": {"exclude": [f"{n}*" for n in range(21)]}}, "REPL-C305", ("bos", "exclude")),
        ({"options": {"resources": ["app/.*", *(f"app/{n}*" for n in range(20))]}}, "REPL-C306", ("bos", "resources")),
        ({"options": {"resources": ["app/*", "app/a*b*"]}}, "REPL-C307", ("bos", "resources", 1)),
        ({"options": {"resources": ["app/*", ""]}}, "REPL-C307", ("bos", "resources", 1)),
        ({"options": {"resources": ["app/*", "other/*"]}}, "REPL-C307", ("bos", "resources", 1)),
        ({"options": {"resources": ["app/*", "app/x"]}}, "REPL-C308", ("bos", "resources", 1)),
        ({"options": {"resources": ["app/x*"]}}, "REPL-C309", ("bos", "resources")),
        ({"options": {"exclude": ["*canary*"]}}, "REPL-C309", ("bos", "exclude", 0)),
        ({"options": {"id": "a" * 21}}, "REPL-C310", ("bos", "id")),
        ({"options": {"id": "a.b"}}, "REPL-C310", ("bos", "id")),
        ({"storage_class": "GLACIER"}, "REPL-C311", ("storageClass",)),
        ({"existing": "copy", "options": {"historyStorageClass": "ice"}}, "REPL-C311", ("bos", "historyStorageClass")),
        ({"options": {"historyStorageClass": "COLD"}}, "REPL-C312", ("bos", "historyStorageClass")),
        ({"existing": "ignore", "options": {"historyStorageClass": "COLD"}}, "REPL-C312",
         ("bos", "historyStorageClass")),
        ({"destination": {"bucket": "src"}}, "REPL-C313", ("destination", "bucket")),
        ({"destination": {"bucket": "UPPER"}}, "REPL-C314", ("destination", "bucket")),
        ({"source": {"bucket": "a.b"}}, "REPL-C314", ("source", "bucket")),
        ({"source": {"bucket": "ab"}}, "REPL-C314", ("source", "bucket")),
        ({"source": {"prefix": "/a"}}, "REPL-C315", ("source", "prefix")),
        ({"source": {"prefix": "a*"}}, "REPL-C315", ("source", "prefix")),
        ({"source": {"prefix": "a\tb"}}, "REPL-C315", ("source", "prefix")),
        ({"source": {"prefix": "é" * 512}}, "REPL-C315", ("source", "prefix")),
        ({"destination": {"prefix": "a" * 1024 + "/"}}, "REPL-C315", ("destination", "prefix")),
        ({"destination": {"prefix": "a" * 600 + "/"}, "source": {"prefix": "b" * 600}}, "REPL-C315",
         ("destination", "prefix")),
        ({"destination": {"prefix": "dr"}}, "REPL-C316", ("destination", "prefix")),
        ({"options": {"exclude": ["app*"]}, "verify": {"level": "status"}}, "REPL-C317", ("bos", "exclude", 0)),
    ],
)  # fmt: skip
def test_each_limit_is_a_finding_at_its_place(spec: dict[str, Any], code: str, path: tuple[str | int, ...]) -> None:
    assert found(flow(**spec)) == [(code, path)]


@pytest.mark.parametrize("name", ["STANDARD", "STANDARD_IA", "COLD", "MAZ_STANDARD", "MAZ_STANDARD_IA", "REMAIN"])
def test_storage_classes(name: str) -> None:
    assert found(flow(storage_class=name)) == []


def test_a_near_storage_class_is_suggested() -> None:
    (finding,) = check(flow(storage_class="standard-ia"))
    assert finding.hint == "did you mean STANDARD_IA?"


def test_limits_are_exact() -> None:
    twenty = [f"app/{n}*" for n in range(19)]
    assert found(flow(options={"resources": ["app/.*", *twenty]})) == []
    assert found(flow(options={"id": "a" * 20})) == []
    assert found(flow(filter={"exclude": [f"x{n}*" for n in range(20)]})) == []
    assert found(flow(filter={"exclude": ["a*"] * 30})) == []


def test_the_three_forms_are_told() -> None:
    (finding,) = check(flow(filter={"exclude": ["a?b"]}))
    assert finding.hint is not None
    for form in ("prefix*", "*suffix", "*infix*"):
        assert form in finding.hint


def test_proof_by_status_needs_no_canary() -> None:
    assert found(flow(options={"resources": ["app/x*"]}, verify={"level": "status"})) == []


def test_a_rule_of_more_than_128_kib() -> None:
    long = flow(options={"resources": [f"app/{'x' * 7000}{n}*" for n in range(20)]}, verify={"level": "status"})
    assert ("REPL-C318", ()) in found(long)


def test_every_code_has_its_text() -> None:
    for code, text in TEXTS.items():
        assert code[:7] in ("REPL-C3", "REPL-W3")
        assert text.summary
        assert text.hint


# One bucket --------------------------------------------------------------------------------------------------------


def together(*flows: Flow) -> list[tuple[str, str | None]]:
    return [(finding.code, finding.replication) for finding in check_together(flows)]


def parts(count: int, **spec: Any) -> list[Flow]:
    return [flow(f"f-{n:02}", source={"prefix": f"p{n}/"}, **spec) for n in range(count)]


def test_ten_rules_fit_and_more_do_not() -> None:
    assert together(*parts(10)) == []
    assert together(*parts(12)) == [("REPL-C320", "f-10"), ("REPL-C320", "f-11")]


def test_one_rule_cannot_be_two_replications() -> None:
    one, other = flow("one", options={"id": "r"}), flow("two", source={"prefix": "x/"}, options={"id": "r"})
    assert together(one, other) == [("REPL-C321", "one"), ("REPL-C321", "two")]
    (first, _) = check_together((one, other))
    assert (first.path, "two" in first.detail) == (("spec", "bos", "id"), True)


def test_rules_may_not_differ_in_the_id_alone() -> None:
    assert together(flow("one"), flow("two", state="active", deletes="keep")) == [
        ("REPL-C322", "one"),
        ("REPL-C322", "two"),
    ]
    assert together(flow("one"), flow("two", deletes="replicate")) == []


def test_200_kib_for_all_rules_of_a_bucket() -> None:
    big = [
        flow(f"f-{n}", options={"resources": [f"app/{n}{'x' * 1000}{m}*" for m in range(20)],
                                "exclude": [f"*{n}{'y' * 1000}{m}" for m in range(20)]}, verify={"level": "status"})
        for n in range(6)
    ]  # fmt: skip
    assert all(not found(one) for one in big)
    assert together(*big[:5]) == []
    assert together(*big) == [("REPL-C323", "f-5")]


def test_all_errors_stop() -> None:
    for finding in (*check(flow(schedule={"every": "1h"})), *check_together(parts(11))):
        assert finding.severity is Severity.ERROR
