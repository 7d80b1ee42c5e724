"""One write for a bucket, what it keeps, what follows from it, and what stands in its way."""

from dataclasses import replace
from typing import Any

import pytest

from reconciler.model.change import Action
from reconciler.model.finding import Severity
from reconciler.model.observation import ContainerRef, LocationFacts
from reconciler.providers.s3.steps import plan_steps
from tests.unit.providers.s3.shapes import (
    CEPH,
    OTHER_ROLE,
    ROLE,
    configuration,
    desired,
    dialect,
    diff,
    flow,
    observed,
    planned,
    v1,
    v2,
    written,
)

FOREIGN = (
    "<Rule>\n  <ID>theirs</ID><Priority>5</Priority><Filter/><Status>Enabled</Status><New  a='1'/>"
    "<Destination><Bucket>arn:aws:s3:::x</Bucket></Destination></Rule>"
)


def effects(answer: Any) -> dict[str, str]:
    return {effect.rule: effect.text for effect in answer.effects}


def codes(answer: Any) -> list[tuple[str, str | None]]:
    return [(finding.code, finding.replication) for finding in answer.findings]


class TestWrites:
    def test_many_changes_are_one_put(self) -> None:
        live = configuration(v2("repl.default.a"), FOREIGN, v2("repl.default.gone", priority=8))
        answer = planned(flow("a", state="paused"), flow("b"), flow("c"), live=live, gone=["repl.default.gone"])
        (call,) = answer.steps
        assert (call.operation, call.target, call.id) == ("PutBucketReplication", "src", "put")
        assert call.summary == "write 4 rules: 2 new, 1 changed, 1 removed, 1 foreign kept"
        assert call.idempotent
        assert call.preserves == ("theirs",)

    def test_rules_stay_in_their_place_and_new_ones_come_last_by_name(self) -> None:
        live = configuration(v2("repl.default.b", priority=2), FOREIGN, v2("repl.default.a", priority=1))
        text = written(flow("c"), flow("aa"), flow("b", state="paused"), live=live)
        order = [text.index(f"<ID>{name}</ID>") for name in ("repl.default.b", "theirs", "repl.default.a")]
        assert order == sorted(order)
        assert order[-1] < text.index("<ID>repl.default.aa<") < text.index("<ID>repl.default.c<")

    def test_foreign_rules_root_and_unknown_parts_keep_every_byte(self) -> None:
        live = (
            '<?xml version="1.0"?>\n<ReplicationConfiguration  xmlns="http://s3.amazonaws.com/doc/2006-03-01/" x="y">\n'
            f"<Role>{ROLE}</Role>\n<Extra/>\n{FOREIGN}\n<Other>1</Other></ReplicationConfiguration>\n"
        )
        text = written(flow("n"), live=live)
        new = text[text.index("<Rule><ID>repl.default.n") : text.rindex("</Rule>") + len("</Rule>")]
        assert text.replace(new, "") == live

    def test_removing_one_of_several_leaves_the_others_bytes(self) -> None:
        live = configuration(v2("repl.default.a"), "\n", FOREIGN)
        (call,) = planned(live=live, gone=["repl.default.a"]).steps
        assert call.body["xml"] == configuration("\n", FOREIGN)

    def test_removing_the_last_rule_removes_the_configuration(self) -> None:
        (call,) = planned(live=configuration(v2("repl.default.a")), gone=["repl.default.a"]).steps
        assert (call.operation, call.summary, call.leaves_absent) == (
            "DeleteBucketReplication", "remove the last rule", True
        )  # fmt: skip
        live = configuration(v2("repl.default.a"), v2("repl.default.b", priority=2))
        (call,) = planned(live=live, gone=["repl.default.a", "repl.default.b"]).steps
        assert call.summary == "remove all 2 rules"

    def test_a_rule_that_is_deleted_and_no_longer_there_needs_no_write(self) -> None:
        gone = diff(live=configuration(v2("repl.default.a")), gone=["repl.default.a"])
        assert plan_steps(replace(gone, state=None), "src", dialect(flow())).steps == ()

    def test_a_resync_writes_nothing(self) -> None:
        one = diff(flow("n"), live=configuration(v2("repl.default.n")))
        again = tuple(change.model_copy(update={"action": Action.RESYNC}) for change in one.changes)
        assert plan_steps(replace(one, changes=again), "src", dialect(flow())).steps == ()

    def test_a_changed_id_renames_the_rule_in_its_place(self) -> None:
        one = diff(flow("n"), live=configuration(v2("old")))
        (change,) = one.changes
        renamed = change.model_copy(
            update={"observed": observed(configuration(v2("old")), "old"), "observed_in": change.container}
        )
        (call,) = plan_steps(replace(one, changes=(renamed,)), "src", dialect(flow())).steps
        assert "<ID>old</ID>" not in call.body["xml"]
        assert call.summary == "write 1 rule: 1 changed"

    def test_a_rule_found_in_another_container_is_only_removed_there(self) -> None:
        one = diff(flow("n"), live=configuration(v2("repl.default.n")))
        (change,) = one.changes
        elsewhere = ContainerRef(provider="p", scope="bucket/new", key="bucket/new")
        moved = change.model_copy(update={"container": elsewhere})
        (call,) = plan_steps(replace(one, changes=(moved,)), "src", dialect(flow())).steps
        assert call.operation == "DeleteBucketReplication"

    def test_the_same_input_gives_the_same_plan(self) -> None:
        live = configuration(FOREIGN)
        assert planned(flow("b"), flow("a"), live=live) == planned(flow("a"), flow("b"), live=live)

    def test_an_empty_answer_of_ceph_is_no_configuration(self) -> None:
        empty = '<ReplicationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Role/></ReplicationConfiguration>'
        one = diff(flow("n", own=CEPH))
        assert one.state is None
        assert planned(flow("n", own=CEPH), live=empty).steps[0].summary == "write 1 rule: 1 new"


class TestPriorities:
    def test_new_rules_come_above_all_others_in_the_order_of_their_names(self) -> None:
        text = written(flow("b"), flow("a"), flow("c", s3={"priority": 9}), live=configuration(FOREIGN))
        found = {name: observed(text, f"repl.default.{name}").settings["s3"]["priority"] for name in "abc"}  # type: ignore[index,call-overload]
        assert found == {"a": 10, "b": 11, "c": 9}

    def test_above_the_highest_number_the_lowest_free_one_is_taken(self) -> None:
        live = configuration(v2("x", priority=2**31 - 1), v2("y", priority=1))
        assert "<ID>repl.default.n</ID><Priority>2</Priority>" in written(flow("n"), live=live)

    def test_a_priority_that_is_not_managed_stays(self) -> None:
        live = configuration(v2("repl.default.n", priority=42))
        assert "<Priority>42</Priority>" in written(flow("n", state="paused"), live=live)

    def test_two_rules_may_swap_priorities_in_one_write(self) -> None:
        live = configuration(v2("repl.default.a", priority=1), v2("repl.default.b", priority=2))
        answer = planned(flow("a", s3={"priority": 2}), flow("b", s3={"priority": 1}), live=live)
        assert answer.findings == ()

    def test_a_priority_that_is_taken_is_refused_by_name(self) -> None:
        answer = planned(flow("n", s3={"priority": 5}), live=configuration(FOREIGN))
        assert codes(answer) == [("REPL-W020", "n")]
        assert "theirs" in answer.findings[0].detail
        assert answer.findings[0].path == ("spec", "s3", "priority")
        assert answer.steps == ()
        two = planned(flow("a", s3={"priority": 3}), flow("b", s3={"priority": 3}))
        assert codes(two) == [("REPL-W020", "a"), ("REPL-W020", "b")]

    def test_ceph_takes_equal_priorities(self) -> None:
        two = planned(flow("a", own=CEPH, s3={"priority": 3}), flow("b", own=CEPH, s3={"priority": 3}))
        assert two.findings == ()


class TestRole:
    def test_the_role_is_written_first_and_changed_in_place(self) -> None:
        text = written(flow("n", s3={"role": OTHER_ROLE}), live=configuration(v2("repl.default.n")))
        assert text.startswith(configuration(role=OTHER_ROLE).removesuffix("</ReplicationConfiguration>"))
        bare = configuration(v2("repl.default.n")).replace(f"<Role>{ROLE}</Role>", "")
        assert written(flow("n", state="paused"), live=bare).count(f"<Role>{ROLE}</Role>") == 1

    def test_without_a_role_the_live_one_stays(self) -> None:
        text = written(flow("n", own={"role": None}), live=configuration(FOREIGN, role=OTHER_ROLE))
        assert f"<Role>{OTHER_ROLE}</Role>" in text

    def test_a_bucket_without_a_role_needs_one(self) -> None:
        answer = planned(flow("n", own={"role": None}))
        assert codes(answer) == [("REPL-W017", "n")]
        assert answer.findings[0].path == ("spec", "s3", "role")

    def test_one_bucket_cannot_have_two_roles(self) -> None:
        answer = planned(flow("a"), flow("b", s3={"role": OTHER_ROLE}))
        assert codes(answer) == [("REPL-W018", "a"), ("REPL-W018", "b")]

    def test_another_role_for_rules_that_are_left_alone_must_be_allowed(self) -> None:
        answer = planned(flow("n", s3={"role": OTHER_ROLE}), live=configuration(FOREIGN))
        (effect,) = [effect for effect in answer.effects if effect.rule == "S3-ROLE-CHANGE"]
        assert effect.blocks
        assert "theirs" in effect.text
        many = configuration(*(v2(f"x{n}", priority=n + 10) for n in range(5)))
        assert (
            "x0, x1, x2 and 2 more" in effects(planned(flow("n", s3={"role": OTHER_ROLE}), live=many))["S3-ROLE-CHANGE"]
        )

    def test_another_role_for_ones_own_rule_alone_is_no_surprise(self) -> None:
        answer = planned(flow("n", s3={"role": OTHER_ROLE}), live=configuration(v2("repl.default.n")))
        assert "S3-ROLE-CHANGE" not in effects(answer)


class TestFirstSchema:
    def test_a_foreign_rule_of_the_first_schema_stands_in_the_way(self) -> None:
        answer = planned(flow("n"), live=configuration(v1("old"), v1("older", "x/")))
        assert codes(answer) == [("REPL-W019", "n")]
        assert "old, older" in answer.findings[0].detail
        assert "s3: {id: ...}" in (answer.findings[0].hint or "")

    def test_adopting_all_of_them_rewrites_them_in_one_call(self) -> None:
        live = configuration(v1("old", "a/"), v1("older", "x/"))
        answer = planned(
            flow("a", source={"prefix": "a/"}, s3={"id": "old"}),
            flow("b", source={"prefix": "x/"}, s3={"id": "older"}),
            flow("c"), live=live,
        )  # fmt: skip
        assert answer.findings == ()
        assert answer.steps[0].summary == "write 3 rules: 1 new, 2 changed"

    def test_removing_another_rule_leaves_them_alone(self) -> None:
        live = configuration(v1("old"), v1("repl.default.n", "x/"))
        (call,) = planned(live=live, gone=["repl.default.n"]).steps
        assert call.body["xml"] == configuration(v1("old"))


class TestLimits:
    def test_a_thousand_rules_are_the_end(self) -> None:
        live = configuration(*(v2(f"r{n}", priority=n) for n in range(1000)))
        assert codes(planned(flow("n"), live=live)) == [("REPL-W021", "n")]
        assert planned(flow("n", s3={"id": "r7"}, state="paused"), live=live).findings == ()

    def test_two_megabytes_are_the_end(self) -> None:
        live = configuration(v2("big", priority=3, more=f"<New>{'x' * 2 * 1024 * 1024}</New>"))
        assert codes(planned(flow("n"), live=live)) == [("REPL-W021", "n")]

    def test_what_does_not_go_with_a_live_setting_is_found_before_the_service_does(self) -> None:
        timed = v2("repl.default.n").replace(
            "</Destination>",
            "<ReplicationTime><Status>Enabled</Status><Time><Minutes>15</Minutes></Time></ReplicationTime>"
            "<Metrics><Status>Enabled</Status></Metrics></Destination>",
        )
        answer = planned(flow("n", s3={"metrics": "disabled"}), live=configuration(timed))
        assert codes(answer) == [("REPL-C118", "n")]
        assert "live rule" in (answer.findings[0].hint or "")


class TestEffects:
    def test_a_new_rule_copies_nothing_that_is_there(self) -> None:
        answer = planned(flow("n", source={"prefix": "app/"}))
        (effect,) = answer.effects
        assert (effect.rule, effect.blocks, effect.severity) == ("S3-NO-RETRO", False, Severity.WARNING)
        assert "src/app/" in effect.text

    def test_saying_that_this_is_known_makes_it_a_note(self) -> None:
        (effect,) = planned(flow("n", existing="ignore")).effects
        assert effect.severity is Severity.INFO

    def test_a_new_rule_that_is_paused_promises_nothing(self) -> None:
        assert planned(flow("n", state="paused")).effects == ()

    @pytest.mark.parametrize("spec", [{"source": {"prefix": "x/"}}, {"filter": {"tags": {"a": "b"}}}])
    def test_more_keys_are_not_copied_after_the_fact_either(self, spec: dict[str, Any]) -> None:
        assert "S3-NO-RETRO" in effects(planned(flow("n", **spec), live=configuration(v2("repl.default.n"))))

    def test_what_was_written_during_a_pause_is_not_copied(self) -> None:
        paused = v2("repl.default.n").replace("Enabled", "Disabled", 1)
        text = effects(planned(flow("n", state="active"), live=configuration(paused)))["S3-NO-RETRO"]
        assert "while it was paused" in text

    def test_pausing_and_deleting_lose_protection(self) -> None:
        live = configuration(v2("repl.default.n"))
        for answer in (planned(flow("n", state="paused"), live=live), planned(live=live, gone=["repl.default.n"])):
            (effect,) = answer.effects
            assert (effect.rule, effect.loses_protection) == ("S3-UNPROTECTED", True)

    def test_deleting_a_paused_rule_loses_nothing(self) -> None:
        paused = configuration(v2("repl.default.n").replace("Enabled", "Disabled", 1))
        assert planned(live=paused, gone=["repl.default.n"]).effects == ()
        assert planned(flow("n", storage_class="GLACIER"), live=paused).effects == ()

    def test_a_new_destination_gets_nothing_of_the_past(self) -> None:
        answer = planned(flow("n", destination={"bucket": "new"}), live=configuration(v2("repl.default.n")))
        (effect,) = answer.effects
        assert (effect.rule, effect.blocks) == ("S3-DEST-CHANGE", False)
        assert "dst" in effect.text
        assert "new" in effect.text

    @pytest.mark.parametrize(("live", "deletes"), [("Enabled", "keep"), ("Disabled", "replicate")])
    def test_delete_markers_turning_round_are_told(self, live: str, deletes: str) -> None:
        rule = v2("repl.default.n").replace("Replication><Status>Disabled", f"Replication><Status>{live}")
        answer = planned(flow("n", deletes=deletes), live=configuration(rule))
        assert [effect.rule for effect in answer.effects] == ["S3-DELETE-MARKERS"]

    def test_a_first_schema_rule_that_shall_keep_deletes_stops_copying_them(self) -> None:
        live = configuration(v1("old"))
        assert "S3-DELETE-MARKERS" in effects(planned(flow("n", s3={"id": "old"}, deletes="keep"), live=live))
        assert "S3-DELETE-MARKERS" in effects(
            planned(flow("n", s3={"id": "old"}, filter={"tags": {"a": "b"}}), live=live)
        )
        assert "S3-DELETE-MARKERS" not in effects(planned(flow("n", s3={"id": "old"}), live=live))

    @pytest.mark.parametrize("versioning", [None, "Suspended"])
    def test_missing_versioning_blocks(self, versioning: str | None) -> None:
        facts = LocationFacts(exists=True, facts={"versioning": versioning})
        answer = planned(flow("n", state="paused"), facts=facts)
        (effect,) = answer.effects
        assert (effect.rule, effect.blocks) == ("S3-VERSIONING", True)
        assert "src and dst" in effect.text

    def test_unknown_versioning_is_not_taken_for_missing(self) -> None:
        facts = LocationFacts(exists=True, readable=False)
        assert planned(flow("n", state="paused"), facts=facts).effects == ()


class TestCeph:
    def test_a_new_destination_takes_two_calls(self) -> None:
        same = {"bucket": "src"}
        live = configuration(v2("repl.default.n", to="other"), v2("theirs", priority=2), role="")
        answer = planned(flow("n", own=CEPH, destination=same), live=live)
        assert [call.operation for call in answer.steps] == ["DeleteBucketReplication", "PutBucketReplication"]
        assert [call.leaves_absent for call in answer.steps] == [True, False]
        assert v2("theirs", priority=2) in answer.steps[1].body["xml"]
        assert "RGW-DEST-CHANGE" in effects(answer)
        assert "RGW-OTHER-BUCKET" not in effects(answer)

    def test_another_change_takes_one(self) -> None:
        live = configuration(v2("repl.default.n"), role="")
        answer = planned(flow("n", own=CEPH, state="paused"), live=live)
        assert [call.operation for call in answer.steps] == ["PutBucketReplication"]
        assert effects(answer).keys() == {"S3-UNPROTECTED"}

    def test_another_bucket_name_must_be_allowed(self) -> None:
        (effect,) = [one for one in planned(flow("n", own=CEPH)).effects if one.rule == "RGW-OTHER-BUCKET"]
        assert effect.blocks
        assert "RGW-OTHER-BUCKET" not in effects(planned(flow("n", own=CEPH, destination={"bucket": "src"})))

    def test_versioning_and_role_are_no_matter(self) -> None:
        facts = LocationFacts(exists=True, facts={"versioning": None})
        answer = planned(flow("n", own=CEPH | {"role": None}, destination={"bucket": "src"}), facts=facts)
        assert effects(answer).keys() == {"S3-NO-RETRO"}
        assert answer.findings == ()


def test_the_identity_is_the_rule_id_unless_one_is_given() -> None:
    assert desired(flow("n")).identity == "repl.default.n"
    assert desired(flow("n", s3={"id": "old one"})).identity == "old one"


def test_alarik_is_not_written_through_s3() -> None:
    rule = (
        "<Rule><ID>0B6E</ID><Status>Enabled</Status><Filter><Prefix></Prefix></Filter><DeleteMarkerReplication><Status>"
        "Disabled</Status></DeleteMarkerReplication><Destination><Bucket>arn:alarik:replication:::5F1C</Bucket>"
        "</Destination></Rule>"
    )
    answer = planned(flow("a"), live=configuration(rule))
    assert ("REPL-W022", "a") in codes(answer)
