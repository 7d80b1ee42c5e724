import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from reconciler.model.change import Action, FieldChange
from reconciler.model.finding import Finding, Severity, SourceRange
from reconciler.model.plan import Plan, PlanOptions, Unmanaged
from reconciler.model.step import Call, Effect, Estimate
from reconciler.report.plan import plan_text
from reconciler.report.style import Style
from tests.unit.report import shapes

ANSI = re.compile(r"\x1b\[[0-9;]*m")
SHAPES = sorted(shapes.PLANS)


def text(plan: Plan, width: int = 80, *, verbose: bool = False, color: bool = False, unicode: bool = True) -> str:
    style = Style(color=color, width=width, unicode=unicode)
    return plan_text(plan, style, now=shapes.NOON, saved_as="p.json", verbose=verbose)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("width", [80, 120])
def test_every_shape_reads_as_agreed(name: str, width: int, golden: Callable[[str, str], None]) -> None:
    golden(f"plan-{name}-{width}", text(shapes.PLANS[name], width))


def test_everything_in_full_reads_as_agreed(golden: Callable[[str, str], None]) -> None:
    golden("plan-mixed-verbose-100", text(shapes.PLANS["mixed"], 100, verbose=True))


def test_plain_terminals_get_plain_ascii(golden: Callable[[str, str], None]) -> None:
    found = text(shapes.PLANS["mixed"], unicode=False)
    assert found.isascii()
    golden("plan-mixed-ascii-80", found)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("verbose", [False, True])
def test_colour_only_adds_colour(name: str, width: int, verbose: bool) -> None:
    plain = text(shapes.PLANS[name], width, verbose=verbose)
    painted = text(shapes.PLANS[name], width, verbose=verbose, color=True)
    assert "\x1b" not in plain
    assert "\x1b" in painted
    assert ANSI.sub("", painted) == plain


@pytest.mark.parametrize(("width", "rows"), [(80, 34), (120, 34)])
def test_a_plan_of_three_changes_fits_a_screen(width: int, rows: int) -> None:
    assert text(shapes.PLANS["mixed"], width).count("\n") <= rows


def test_a_plain_plan_of_three_changes_fits_the_smallest_screen() -> None:
    changes = [
        shapes.update().model_copy(update={"id": f"c{n}", "replication": f"assets-{n}", "fields": fields})
        for n, fields in enumerate([shapes.update().fields, shapes.update().fields[:1], shapes.update().fields[1:]])
    ]
    writes = tuple(shapes.update_writes().model_copy(update={"changes": (change.id,)}) for change in changes)
    assert text(shapes.plan(*changes, writes=writes, unchanged=3)).count("\n") <= 24


def test_calls_are_numbered_once_each_in_the_order_of_the_plan() -> None:
    plan = shapes.PLANS["mixed"]
    found = re.findall(r"call (\d+)  (\S+)", text(plan, 200))
    calls = [call for container in plan.containers for call in container.calls]
    assert [int(number) for number, _ in found] == list(range(1, len(calls) + 1))
    assert [name for _, name in found] == [call.operation.partition(" ")[0] for call in calls]
    assert f"{len(calls)} calls" in text(plan)


def test_changes_of_one_write_stand_together_and_say_so() -> None:
    second = shapes.update().model_copy(update={"id": "c9", "replication": "zz-also"})
    between = shapes.replace()
    writes = shapes.update_writes().model_copy(update={"changes": ("c2", "c9")})
    found = text(shapes.plan(shapes.update(), between, second, writes=(writes, shapes.replace_writes())))
    assert found.index("assets-to-dr") < found.index("zz-also") < found.index("nas-archive")
    assert "for assets-to-dr, zz-also together:" in found
    assert found.count("PutBucketReplication") == 1


def test_a_call_that_serves_no_change_is_shown_all_the_same() -> None:
    stray = shapes.delete_writes().model_copy(update={"changes": ("c77",)})
    found = text(shapes.plan(shapes.update(), writes=(shapes.update_writes(), stray)))
    assert "for no change listed here:" in found
    assert "DeleteBucketReplication" in found


def test_an_effect_on_an_unchanged_replication_is_shown_all_the_same() -> None:
    effect = shapes.update_effect().model_copy(update={"replication": "quiet-0"})
    found = text(shapes.plan(shapes.update(), writes=(shapes.update_writes(),), effects=(effect,), unchanged=1))
    assert "Also:" in found
    assert "quiet-0: what dr-assets-old" in found


def test_what_could_not_be_read_is_said_first() -> None:
    found = text(shapes.PLANS["unread"])
    assert found.startswith("NOT READ: 1 of 2 scopes.")
    assert "nas-2:cluster" in found.partition("repl plan")[0]
    assert "Cannot be applied: 1 scope could not be read; 1 error above." in found
    assert "repl apply p.json" not in found


def test_no_changes_is_said_aloud_and_only_if_all_was_read() -> None:
    assert "No changes. 14 replications read, live matches the manifests." in text(shapes.PLANS["none"])
    assert "No changes." not in text(shapes.PLANS["unread-none"])
    broken = shapes.plan(findings=(shapes.BROKEN,), unchanged=2)
    assert "No changes planned: the errors above come first." in text(broken)


def test_nothing_selected_is_not_taken_for_all_in_order() -> None:
    found = text(shapes.plan(options=PlanOptions(select=("team=x",))))
    assert "No replication is selected." in found
    assert "live matches" not in found


@pytest.mark.parametrize(
    ("hours", "said"),
    [(-1, "good until 2026-11-22 12:00 UTC (in 1d1h)"), (24, "expired 2026-11-22 12:00 UTC"), (30, "(6h ago)")],
)
def test_expiry_is_told(hours: int, said: str) -> None:
    found = plan_text(
        shapes.PLANS["update"], Style(color=False, width=100), now=shapes.NOON + timedelta(hours=hours), saved_as="p"
    )
    assert said in found
    assert ("Cannot be applied: expired." in found) is (hours >= 24)


def test_the_next_command_is_safe_to_paste() -> None:
    found = plan_text(shapes.PLANS["update"], Style(color=False, width=80), saved_as="my plan; rm.json")
    assert "repl apply 'my plan; rm.json'" in found


def test_an_approval_that_is_needed_can_be_copied_and_one_that_was_given_names_its_reason() -> None:
    assert "needs --allow QUMULO-REPLACE@nas-archive" in text(shapes.PLANS["replace-blocked"])
    given = text(shapes.PLANS["replace-allowed"], 200)
    assert "allowed: CHG-12: agreed with the archive team" in given
    assert "needs --allow" not in given


def test_an_unknown_amount_is_not_counted_as_nothing() -> None:
    known = shapes.replace_effect()
    unknown = known.model_copy(update={"estimate": None})
    other = known.model_copy(update={"estimate": Estimate(basis="unknown")})

    def found(*effects: Effect) -> str:
        return text(shapes.plan(shapes.replace(), writes=(shapes.replace_writes(),), effects=effects), 200)

    assert "· 42.7 TiB sent again" in found(known)
    assert "at least 42.7 TiB sent again" in found(known, unknown)
    assert "an unknown amount sent again" in found(other)


def test_what_is_ours_and_stays_says_how_to_end_it() -> None:
    kept = text(shapes.plan(unchanged=1, unmanaged=(shapes.OURS,)), 200)
    assert "1 of ours in no manifest any more, kept: repl-old-nas in nas-1:cluster (to delete: --prune" in kept
    many = tuple(Unmanaged(container=shapes.ASSETS, identity=f"rule-{n}") for n in range(9))
    short, full = (text(shapes.plan(unchanged=1, unmanaged=many), verbose=verbose) for verbose in (False, True))
    assert "and 6 more" in short
    assert "rule-8" in full


def test_secrets_are_shown_in_no_form() -> None:
    for verbose in (False, True):
        found = text(shapes.PLANS["replace-blocked"], 120, verbose=verbose)
        assert "destination.secretKey  (changed, redacted)" in found
    assert '"secret_access_key": "<secret env:NAS_S3_SECRET>"' in found
    fresh = shapes.create().model_copy(update={"fields": (FieldChange(path=("s3", "key"), sensitive=True),)})
    assert "s3.key: (redacted)" in text(shapes.plan(fresh))


def test_long_values_are_shortened_for_the_eye_and_whole_in_full() -> None:
    long = "/".join(f"part-{n}" for n in range(20))
    where = shapes.at(7, f"{long}.yaml")
    field = FieldChange(path=("destination", "prefix"), before=long, after=f"{long}/more", where=where)
    change = shapes.update().model_copy(update={"fields": (field,), "title": f"{long} -> {long}", "where": where})
    plan = shapes.plan(change, writes=(shapes.update_writes(),))
    assert long not in text(plan).replace("\n", "").replace(" ", "")
    assert text(plan, verbose=True).replace("\n", "").replace(" ", "").count(long) == 5


HOSTILE = "evil\x1b[2J\x1b]0;x\x07\r\n\u202eknil\u200f\u2066\x9b1m" + "y" * 90


def hostile() -> Plan:
    where = SourceRange(file=f"{HOSTILE}.yaml", line=1, column=1, snippet=HOSTILE)
    fields = (
        FieldChange(path=("filter", "tags", HOSTILE), before=HOSTILE, after=[HOSTILE], where=where),
        FieldChange(path=("destination", "prefix"), before=None, after=HOSTILE, where=where),
    )
    change = shapes.update().model_copy(
        update={"replication": HOSTILE, "title": f"{HOSTILE} -> {HOSTILE}", "fields": fields, "where": where}
    )
    made = shapes.create().model_copy(update={"fields": fields, "where": where, "provider": HOSTILE})
    call = Call(id="x", operation=HOSTILE, target=HOSTILE, summary=HOSTILE, idempotent=True, body={HOSTILE: HOSTILE})
    return shapes.plan(
        made,
        change,
        writes=(shapes.update_writes().model_copy(update={"steps": (call,)}),),
        effects=(shapes.update_effect().model_copy(update={"replication": HOSTILE, "text": HOSTILE}),),
        findings=(
            Finding(code="X", severity=Severity.ERROR, summary=HOSTILE, detail=HOSTILE, hint=HOSTILE, where=where),
        ),
        unmanaged=(Unmanaged(container=shapes.ASSETS, identity=HOSTILE),),
        options=PlanOptions(select=(HOSTILE,)),
        unread=(HOSTILE,),
        unchanged=1,
    ).model_copy(update={"workspace": HOSTILE})


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("verbose", [False, True])
def test_hostile_values_are_shown_and_do_nothing(width: int, verbose: bool) -> None:
    found = text(hostile(), width, verbose=verbose)
    assert all(line.isprintable() for line in found.split("\n"))
    assert r"\x1b[2J" in found.replace("\n", "").replace(" ", "")
    painted = ANSI.sub("", text(hostile(), width, verbose=verbose, color=True))
    assert painted == found
    assert all(cell_len(line) <= width for line in found.splitlines())


NAMES = st.text(min_size=1, max_size=120)
FIELDS = st.lists(
    st.builds(
        FieldChange,
        path=st.tuples(NAMES, NAMES),
        before=st.none() | NAMES | st.integers() | st.lists(NAMES, max_size=3),
        after=st.none() | NAMES | st.booleans(),
        sensitive=st.booleans(),
        forces_replace=st.booleans(),
        where=st.none() | st.builds(SourceRange, file=NAMES, line=st.integers(1, 99999), column=st.just(1)),
    ),
    max_size=4,
)


@settings(max_examples=150)
@given(
    action=st.sampled_from([action for action in Action if action is not Action.NONE]),
    name=NAMES,
    title=NAMES | st.tuples(NAMES, NAMES).map(" -> ".join),
    fields=FIELDS,
    width=st.integers(40, 160),
    verbose=st.booleans(),
    unicode=st.booleans(),
)
def test_no_line_is_ever_wider_than_the_screen(
    *, action: Action, name: str, title: str, fields: list[FieldChange], width: int, verbose: bool, unicode: bool
) -> None:
    change = shapes.update().model_copy(
        update={"action": action, "replication": name, "title": title, "fields": tuple(fields)}
    )
    plan = shapes.plan(change, writes=(shapes.update_writes(),), unread=(name,), unchanged=1)
    found = text(plan, width, verbose=verbose, unicode=unicode)
    assert all(cell_len(line) <= width for line in found.splitlines())
    assert all(line.replace("\u200e", "").isprintable() for line in found.split("\n"))
