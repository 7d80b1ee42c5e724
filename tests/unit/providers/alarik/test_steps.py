from typing import Any

import pytest

from reconciler.model.change import Action, Reason
from reconciler.model.relationship import Flow
from reconciler.model.secret import secret_refs
from reconciler.model.step import Call, Effect, StepPlan
from reconciler.providers.alarik import convert
from reconciler.providers.alarik.identity import rule_id
from reconciler.providers.alarik.steps import plan_steps
from tests.unit.providers.alarik.flows import (
    FOREIGN_RULE,
    FOREIGN_TARGET,
    MASK,
    PEER,
    SECRET,
    Bucket,
    change,
    diff,
    flow,
    planned,
    wire_rule,
    wire_target,
)

OURS = {"photos-dr": convert.identity(flow())}


def holding(*flows: Flow, **more: Any) -> Bucket:
    """A bucket that has these flows."""
    bucket = Bucket(**more)
    bucket.run(planned(flows, bucket))
    bucket.resynced.clear()
    bucket.puts.clear()
    return bucket


def rules(plan: StepPlan) -> list[str]:
    return [one.rule for one in plan.effects]


def effect(plan: StepPlan, rule: str) -> Effect:
    (found,) = [one for one in plan.effects if one.rule == rule]
    return found


def codes(plan: StepPlan) -> list[str]:
    return [one.code for one in plan.findings]


def asked(bucket: Bucket, subject: Flow, action: Action = Action.RESYNC, **more: Any) -> StepPlan:
    """Plan one change of the given kind."""
    made = change(action, subject, bucket.state(), **more)
    return plan_steps(diff([made], bucket.state(), [subject], resend=[subject.name]), "photos", "test")


class TestCalls:
    def test_a_create(self) -> None:
        plan = planned([flow(prefix="p/")], Bucket())
        targets, put = plan.steps
        assert isinstance(targets, Call)
        assert isinstance(put, Call)
        assert (targets.id, targets.operation) == ("targets", "PUT replication/targets")
        assert (put.id, put.operation) == ("rules", "PUT replication/rules")
        assert (targets.summary, put.summary) == ("write 1 target: 1 new", "write 1 rule: 1 new")
        assert all(call.idempotent and call.guarded and call.target == "photos" for call in (targets, put))
        assert secret_refs(targets.body) == (SECRET,)
        assert secret_refs(put.body) == ()

    def test_no_secret_mask_and_nothing_of_others_is_in_a_plan(self) -> None:
        """What others have is carried through when it is sent, not before."""
        bucket = Bucket(targets_held=[wire_target(secretAccessKey="hunter2")], rules_held=[wire_rule()], masks=False)
        plan = planned([flow()], bucket)
        text = "".join(step.model_dump_json() for step in plan.steps)
        assert "hunter2" not in text
        assert MASK not in text
        assert '{"id":"' + FOREIGN_TARGET + '"}' in text
        assert '{"id":"' + FOREIGN_RULE + '"}' in text
        assert plan.steps[1].preserves == (FOREIGN_RULE,)  # type: ignore[union-attr]

    def test_the_last_call_of_the_last_deletion_leaves_nothing(self) -> None:
        bucket = holding(flow())
        plan = planned([], bucket, OURS)
        assert [(step.id, step.leaves_absent) for step in plan.steps if isinstance(step, Call)] == [
            ("rules", False), ("targets", True),
        ]  # fmt: skip
        bucket.run(plan)
        assert bucket.state() is None

    def test_a_rotated_secret_is_sent_and_nothing_else(self) -> None:
        bucket = holding(flow(), targets_held=[wire_target(secretAccessKey="theirs")])
        made = change(
            Action.UPDATE, flow(), bucket.state(), reason=Reason.SECRET_ROTATED,
            fields=({"path": ("alarik", "credentials", "secretAccessKey"), "sensitive": True},),
        )  # fmt: skip
        plan = plan_steps(diff([made], bucket.state(), [flow()]), "photos", "test")
        assert [step.id for step in plan.steps] == ["targets"]
        assert plan.steps[0].summary == "write 2 targets: 1 written anew with the secret, 1 kept"
        assert rules(plan) == ["ALARIK-STALE-CREDENTIALS"]
        bucket.run(plan, {str(SECRET): "new"})
        assert [one["secretAccessKey"] for one in bucket.targets_held] == ["theirs", "new"]

    def test_a_target_left_over_from_an_earlier_run_gets_its_secret_again(self) -> None:
        bucket = holding(flow())
        bucket.rules_held.clear()
        assert [step.id for step in planned([flow()], bucket).steps] == ["targets", "rules"]
        bucket.run(planned([flow(to="other")], bucket))
        assert [one["targetBucket"] for one in bucket.targets_held] == ["other"], "nobody needed it"

    def test_adopting_what_is_equal_writes_nothing(self) -> None:
        mine = {"endpoint": PEER.url, "targetBucket": "photos-dr", "accessKeyId": "AKPEER", "region": "eu-9"}
        bucket = Bucket(targets_held=[wire_target(**mine)], rules_held=[wire_rule()])
        assert planned([flow(options={"id": FOREIGN_RULE})], bucket).steps == ()

    def test_adopting_keeps_the_target_that_fits(self) -> None:
        mine = {"endpoint": PEER.url, "targetBucket": "photos-dr", "accessKeyId": "AKPEER", "region": "eu-9"}
        bucket = Bucket(targets_held=[wire_target(**mine)], rules_held=[wire_rule(note="theirs")])
        plan = planned([flow(options={"id": FOREIGN_RULE}, deletes="replicate")], bucket)
        assert [step.id for step in plan.steps] == ["rules"]

    def test_what_leads_elsewhere_gets_a_target_of_ours_and_theirs_stays(self) -> None:
        bucket = Bucket(targets_held=[wire_target(secretAccessKey="theirs")], rules_held=[wire_rule()])
        bucket.run(planned([flow(options={"id": FOREIGN_RULE})], bucket))
        assert bucket.targets_held[0] == wire_target(secretAccessKey="theirs")
        assert bucket.rules_held[0]["targetId"] == convert.desired_target(flow()).id


class TestUnmanaged:
    def test_what_is_not_said_stays(self) -> None:
        bucket = holding(
            flow(state="paused", deletes="replicate", existing="copy", options={"synchronous": True})
        )  # fmt: skip
        bucket.run(planned([flow(to="other")], bucket))
        (rule,) = bucket.rules_held
        assert (rule["enabled"], rule["replicateDeletes"], rule["replicateExisting"], rule["synchronous"]) == (
            False, True, True, True,
        )  # fmt: skip

    def test_what_the_server_has_disabled_by_itself_is_enabled_again(self) -> None:
        bucket = holding(flow())
        bucket.targets_held.clear()
        bucket.rules_held[0]["enabled"] = False
        plan = planned([flow()], bucket)
        assert "has disabled the rule" in effect(plan, "ALARIK-RULE-DISABLED").text
        bucket.run(plan)
        assert bucket.rules_held[0]["enabled"] is True
        bucket.targets_held.clear()
        bucket.rules_held[0]["enabled"] = False
        bucket.run(planned([flow(state="paused")], bucket))
        assert bucket.rules_held[0]["enabled"] is False


class TestResync:
    @pytest.mark.parametrize(
        ("before", "after", "sent", "again"),
        [
            ([], flow(existing="copy"), True, False),
            ([], flow(existing="ignore"), False, False),
            ([], flow(), False, False),
            ([], flow(existing="copy", state="paused"), False, False),
            ([flow(existing="ignore")], flow(existing="copy"), True, True),
            ([flow(existing="copy")], flow(existing="copy", to="other"), True, False),
            ([flow(existing="copy")], flow(existing="copy", deletes="replicate"), False, False),
            ([flow(existing="copy", prefix="a/")], flow(existing="copy"), True, True),
            ([flow(existing="copy")], flow(existing="copy", prefix="a/"), False, False),
            ([flow(existing="copy", state="paused")], flow(existing="copy", state="active"), True, True),
            ([flow(existing="copy")], flow(existing="copy", options={"generation": 2}), True, True),
            ([flow(existing="copy")], flow(existing="ignore"), False, False),
        ],
    )
    def test_once_when_something_begins(self, before: list[Flow], after: Flow, sent: bool, again: bool) -> None:
        bucket = holding(*before)
        plan = planned([after], bucket, OURS)
        assert codes(plan) == []
        bucket.run(plan)
        assert bucket.resynced == ([convert.identity(after)] if sent else [])
        assert ("ALARIK-RESYNC" in rules(plan)) is sent
        if sent:
            last = plan.steps[-1]
            assert isinstance(last, Call)
            assert (last.copies, last.idempotent, last.guarded) == (("photos-dr",), False, False)
            found = effect(plan, "ALARIK-RESYNC")
            assert (found.recopies, found.blocks) == (again, False)
            assert "does not say" in str(found.estimate)
        assert planned([after], bucket).steps == (), "never twice"

    def test_made_again_is_sent_again(self) -> None:
        subject = flow(existing="copy")
        plan = asked(Bucket(), subject, Action.CREATE, reason=Reason.MISSING_LIVE)
        assert effect(plan, "ALARIK-RESYNC").recopies

    def test_on_demand(self) -> None:
        bucket = holding(flow(existing="copy"))
        plan = asked(bucket, flow(existing="copy"))
        assert [step.id for step in plan.steps] == ["resync-photos-dr"]
        assert effect(plan, "ALARIK-RESYNC").recopies
        assert [step.id for step in asked(bucket, flow()).steps] == ["resync-photos-dr"], "the rule itself allows it"

    def test_not_where_the_server_would_refuse(self) -> None:
        plan = asked(holding(flow()), flow())
        assert (codes(plan), plan.steps) == (["REPL-W415"], ())
        assert "existing: copy" in (plan.findings[0].hint or "")
        paused = flow(state="paused", existing="copy")
        plan = asked(holding(paused), paused)
        assert (codes(plan), plan.steps) == (["REPL-W416"], ())

    def test_pausing_is_not_held_up_by_a_copy_that_is_owed(self) -> None:
        bucket, paused = holding(flow(existing="copy")), flow(existing="copy", state="paused")
        plan = asked(bucket, paused, Action.UPDATE)
        assert [(one.code, one.severity) for one in plan.findings] == [("REPL-W416", "warning")]
        assert [step.id for step in plan.steps] == ["rules"]

    def test_a_disabled_target_sends_nothing(self) -> None:
        bucket = holding(flow(existing="copy"))
        bucket.targets_held[0]["enabled"] = False
        plan = asked(bucket, flow(existing="copy"))
        assert codes(plan) == ["REPL-W416"]
        assert "target is disabled" in plan.findings[0].detail


class TestEffects:
    @pytest.mark.parametrize(
        ("before", "after", "expected"),
        [
            ([], [flow()], ["ALARIK-NO-RETRO"]),
            ([], [flow(state="paused")], []),
            ([flow()], [], ["ALARIK-QUEUE-PURGED", "ALARIK-UNPROTECTED"]),
            ([flow(state="paused")], [], ["ALARIK-QUEUE-PURGED"]),
            ([flow()], [flow(state="paused")], ["ALARIK-UNPROTECTED"]),
            ([flow(state="paused")], [flow(state="active")], ["ALARIK-NO-RETRO"]),
            ([flow()], [flow(options={"generation": 2})], ["ALARIK-QUEUE-PURGED"]),
            ([flow()], [flow(to="other")], ["ALARIK-DEST-CHANGE"]),
            (
                [flow()],
                [flow(peer=PEER.model_copy(update={"url": "https://new.example"}))],
                ["ALARIK-DEST-CHANGE", "ALARIK-STALE-CREDENTIALS"],
            ),
            ([flow()], [flow(peer=PEER.model_copy(update={"access_key_id": "AK2"}))], ["ALARIK-STALE-CREDENTIALS"]),
            ([flow()], [flow(peer=PEER.model_copy(update={"region": "eu-8"}))], ["ALARIK-STALE-CREDENTIALS"]),
            (
                [flow()],
                [flow(peer=PEER.model_copy(update={"access_key_id": "AK2"}), options={"generation": 2})],
                ["ALARIK-QUEUE-PURGED"],
            ),
            ([flow(prefix="a/")], [flow()], ["ALARIK-NO-RETRO"]),
            ([flow()], [flow(deletes="replicate")], []),
        ],
    )
    def test_what_each_change_brings(self, before: list[Flow], after: list[Flow], expected: list[str]) -> None:
        assert rules(planned(after, holding(*before), OURS)) == expected

    def test_losing_the_queue_blocks_unless_nothing_is_lost(self) -> None:
        raised = flow(options={"generation": 2})
        bucket = holding(flow())
        blocking = effect(planned([raised], bucket, OURS), "ALARIK-QUEUE-PURGED")
        assert blocking.blocks
        assert "not known" in blocking.text
        assert blocking.allow == "ALARIK-QUEUE-PURGED@photos-dr"
        empty = planned([raised], bucket, OURS, facts={"queued": 0})
        assert not effect(empty, "ALARIK-QUEUE-PURGED").blocks
        many = effect(planned([raised], bucket, OURS, facts={"queued": 100}), "ALARIK-QUEUE-PURGED")
        assert many.blocks
        assert "100 or more wait" in many.text
        assert many.estimate is not None
        assert many.estimate.objects == 100
        failed = effect(planned([raised], bucket, OURS, facts={"queued": 2, "failed": 1}), "ALARIK-QUEUE-PURGED")
        assert failed.blocks
        assert "2 wait and 1 has failed in this bucket" in failed.text
        assert effect(planned([raised], bucket, OURS, facts={"queued": 0, "failed": 3}), "ALARIK-QUEUE-PURGED").blocks
        behind = planned([flow(existing="copy", options={"generation": 2})], bucket, OURS)
        assert not effect(behind, "ALARIK-QUEUE-PURGED").blocks
        assert not effect(planned([], bucket, OURS), "ALARIK-QUEUE-PURGED").blocks

    def test_a_known_gap_is_only_a_note(self) -> None:
        assert effect(planned([flow(existing="ignore")], Bucket()), "ALARIK-NO-RETRO").severity == "info"
        assert effect(planned([flow()], Bucket()), "ALARIK-NO-RETRO").severity == "warning"

    @pytest.mark.parametrize(("prefix", "place"), [(None, "photos"), ("p/", "photos/p/")])
    def test_what_it_is_about_is_named_with_its_bucket(self, prefix: str | None, place: str) -> None:
        new, copied = (
            planned([flow(prefix=prefix)], Bucket()),
            planned([flow(prefix=prefix, existing="copy")], Bucket()),
        )
        assert effect(new, "ALARIK-NO-RETRO").text == f"objects already there in {place} are not copied"
        assert effect(copied, "ALARIK-RESYNC").text.startswith(f"everything in {place} is sent, ")
        assert copied.steps[-1].summary == f"send everything in {place} once"

    def test_protection_that_is_lost_counts(self) -> None:
        assert effect(planned([], holding(flow()), OURS), "ALARIK-UNPROTECTED").loses_protection

    def test_a_target_that_others_need_stays_and_is_said(self) -> None:
        bucket = holding(flow())
        ours = bucket.targets_held[0]["id"]
        bucket.rules_held.append(wire_rule(targetId=ours))
        plan = planned([flow(to="other")], bucket)
        found = effect(plan, "ALARIK-RULE-DISABLED")
        assert found.severity == "info"
        assert FOREIGN_RULE in found.text
        bucket.run(plan)
        assert bucket.disabled == []
        assert ours in [one["id"] for one in bucket.targets_held]

    def test_a_dead_rule_of_others_goes_and_is_said(self) -> None:
        bucket = Bucket(rules_held=[wire_rule(enabled=False)])
        plan = planned([flow()], bucket)
        assert FOREIGN_RULE in effect(plan, "ALARIK-RULE-DISABLED").text
        bucket.run(plan)
        assert [one["id"] for one in bucket.rules_held] == [convert.identity(flow())]

    def test_a_dead_rule_stays_where_no_rule_is_written(self) -> None:
        bucket = holding(flow())
        bucket.rules_held.append(wire_rule(enabled=False))
        bucket.targets_held[0]["enabled"] = False
        plan = planned([flow(state="active")], bucket)
        assert [step.id for step in plan.steps] == ["targets"]
        assert "ALARIK-RULE-DISABLED" not in rules(plan)


class TestFindings:
    def test_too_many_rules_with_those_of_others(self) -> None:
        bucket = Bucket(
            targets_held=[wire_target()],
            rules_held=[wire_rule(id=f"{number}{FOREIGN_RULE[1:]}") for number in range(4)],
        )
        plan = planned([flow()], bucket)
        assert (codes(plan), plan.steps) == (["REPL-W410"], ())
        assert "5 rules" in plan.findings[0].detail

    def test_too_many_targets_with_those_of_others(self) -> None:
        bucket = Bucket(targets_held=[wire_target(id=f"{number}{FOREIGN_TARGET[1:]}") for number in range(4)])
        plan = planned([flow()], bucket)
        assert (codes(plan), plan.steps) == (["REPL-W411"], ())

    def test_a_repeated_id_stops_everything(self) -> None:
        bucket = Bucket(targets_held=[wire_target(), wire_target(id=FOREIGN_TARGET.lower())])
        plan = planned([flow()], bucket)
        assert (codes(plan), plan.steps) == (["REPL-W412"], ())
        assert "DeleteBucketReplication" in (plan.findings[0].hint or "")

    def test_an_earlier_generation_without_a_receipt(self) -> None:
        bucket = holding(flow())
        plan = planned([flow(options={"generation": 3})], bucket)
        assert codes(plan) == ["REPL-W414"]
        assert rule_id("test", "photos-dr", 1) in plan.findings[0].detail
        assert codes(planned([flow(options={"generation": 3})], bucket, OURS)) == []

    def test_others_on_a_target_that_is_enabled(self) -> None:
        bucket = holding(flow())
        bucket.rules_held.append(wire_rule(targetId=bucket.targets_held[0]["id"]))
        bucket.targets_held[0] |= {"enabled": False}
        plan = planned([flow(state="active")], bucket)
        assert codes(plan) == ["REPL-W417"]
        assert FOREIGN_RULE in plan.findings[0].detail

    def test_others_on_a_target_that_was_led_elsewhere_by_hand_stay_with_it(self) -> None:
        bucket = holding(flow())
        bucket.rules_held.append(wire_rule(targetId=bucket.targets_held[0]["id"]))
        bucket.targets_held[0] |= {"targetBucket": "by-hand"}
        plan = planned([flow()], bucket)
        assert codes(plan) == []
        bucket.run(plan)
        led = {one["id"]: one["targetBucket"] for one in bucket.targets_held}
        assert [led[one["targetId"]] for one in bucket.rules_held] == ["photos-dr", "by-hand"]
        assert bucket.disabled == []
        assert not planned([flow()], bucket).steps

    def test_a_rule_that_was_not_read(self) -> None:
        subject = flow(to="other")
        made = change(Action.UPDATE, subject, holding(flow()).state())
        plan = plan_steps(diff([made], Bucket().state(), [subject]), "photos", "test")
        assert (codes(plan), plan.steps) == (["REPL-W419"], ())

    def test_their_target_to_the_same_place_is_left_alone(self) -> None:
        theirs = wire_target(endpoint=f"{PEER.url}/", targetBucket="photos-dr", accessKeyId="AKPEER", region="eu-9")
        bucket = Bucket(targets_held=[theirs])
        plan = planned([flow()], bucket)
        assert [(one.code, one.severity) for one in plan.findings] == [("REPL-W420", "info")]
        bucket.run(plan)
        assert bucket.targets_held[0] == theirs
        assert len(bucket.targets_held) == 2

    def test_no_room_on_the_way(self) -> None:
        """Two rules of one target go to two new places, with the bucket full before and after."""
        first = [flow(name, to=where) for name, where in (("a", "x"), ("b", "x"), ("c", "y"), ("d", "z"))]
        others = [wire_target()]
        bucket = holding(*first, targets_held=others)
        then = [flow("a", to="p"), flow("b", to="q"), flow("c", to="y"), flow("d", to="y")]
        bucket.targets_held[0] = wire_target()
        plan = planned(then, bucket, {one.name: convert.identity(one) for one in first})
        assert (codes(plan), plan.steps) == (["REPL-W418"], ())
