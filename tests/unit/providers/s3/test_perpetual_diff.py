"""The four ways in which other tools never come to an end: after a write the next look must find nothing to do."""

from dataclasses import replace

import pytest

from reconciler.providers.s3.convert import Dialect
from reconciler.providers.s3.document import Document
from reconciler.providers.s3.steps import plan_steps
from tests.unit.providers.s3.shapes import configuration, diff, flow, planned, state, unequal, v1, v2, written


def test_terraform_aws_665_a_generated_rule_id() -> None:
    """A rule without an ID gets one from the server, which then differs from what was written."""
    text = written(flow("n"))
    assert "<ID>repl.default.n</ID>" in text
    assert unequal(text, flow("n")) == []


@pytest.mark.parametrize("prefix", ["", "logs/"])
def test_terraform_aws_5940_first_and_second_schema(prefix: str) -> None:
    """The console turns V1 into V2 behind one's back; both read as the same, and we leave only V2 behind."""
    wanted = flow("n", source={"prefix": prefix}, deletes="replicate", state="active", s3={"id": "old"})
    live = configuration(v1("old", prefix))
    assert unequal(live, wanted) == ["s3.schema"]
    migrated = v2("old", filter_=f"<Filter><Prefix>{prefix}</Prefix></Filter>").replace(
        "<DeleteMarkerReplication><Status>Disabled", "<DeleteMarkerReplication><Status>Enabled"
    )
    assert unequal(configuration(migrated), wanted) == []
    assert unequal(written(wanted, live=live), wanted) == []


@pytest.mark.parametrize(
    "filter_",
    ["", "<Filter/>", "<Filter></Filter>", "<Filter><Prefix/></Filter>", "<Filter><Prefix></Prefix></Filter>"],
)
def test_terraform_aws_23487_an_empty_filter(filter_: str) -> None:
    """An empty filter, an empty prefix and no prefix are the same, however a server writes them."""
    for wanted in (flow("n"), flow("n", source={"prefix": ""}), flow("n", filter={"tags": {}})):
        assert unequal(configuration(v2("repl.default.n", filter_=filter_)), wanted) == []
    assert "<Filter><Prefix /></Filter>" in written(flow("n"))


def test_terraform_aws_26976_the_order_of_rules() -> None:
    """A server may return rules in another order; that is neither a difference nor another fingerprint."""
    rules = [v2(f"repl.default.{name}", priority=n) for n, name in enumerate("abc")]
    one, other = configuration(*rules), configuration(*reversed(rules))
    for name in "abc":
        assert unequal(other, flow(name)) == []
    first, second = state(one), state(other)
    assert first is not None
    assert second is not None
    assert first.fingerprint == second.fingerprint
    assert first.relationships == second.relationships


def test_what_the_server_adds_one_day_is_no_difference_and_is_kept() -> None:
    """A field that nobody knows yet must neither be fought over nor be lost."""
    new = v2("repl.default.n", more="<Brand><New>1</New></Brand>")
    assert unequal(configuration(new), flow("n")) == []
    text = written(flow("n", state="paused"), live=configuration(new))
    assert "<Brand><New>1</New></Brand></Rule>" in text


def test_without_a_change_nothing_is_written() -> None:
    idle = replace(diff(flow("n"), live=configuration(v2("repl.default.n"))), changes=())
    assert plan_steps(idle, "src", Dialect()).steps == ()
    assert len(planned(flow("n", state="paused"), live=configuration(v2("repl.default.n"))).steps) == 1
    assert str(Document.parse(written(flow("n")))) == written(flow("n"))
