import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.engine.diff import differences
from reconciler.model.secret import SecretRef
from reconciler.providers.alarik import convert
from reconciler.providers.alarik.convert import Replication, Rule, Target, Unreadable
from reconciler.providers.alarik.identity import fold, is_chosen, rule_id, target_id
from tests.unit.providers.alarik.flows import (
    AMAZON,
    FOREIGN_RULE,
    FOREIGN_TARGET,
    PEER,
    SECRET,
    Bucket,
    flow,
    planned,
    wire_rule,
    wire_target,
)  # fmt: skip

_IDS = st.uuids().map(lambda one: str(one).upper())
_WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=20)
_TARGETS = st.builds(
    Target, id=_IDS, endpoint=st.sampled_from(["https://a.example", "http://10.0.0.1:9000", "https://[::1]:8080"]),
    bucket=_WORDS, region=_WORDS, access_key_id=_WORDS, enabled=st.booleans(), secret=st.none(),
)  # fmt: skip
_RULES = st.builds(
    Rule, id=_IDS, target_id=_IDS, prefix=st.one_of(st.just(""), _WORDS), deletes=st.booleans(),
    existing=st.booleans(), synchronous=st.booleans(), enabled=st.booleans(),
)  # fmt: skip
_HELD = st.builds(Replication, targets=st.tuples(_TARGETS), rules=st.tuples(_RULES))


@given(_HELD)
def test_what_is_written_is_what_is_read(held: Replication) -> None:
    targets = [convert.target_json(one) for one in held.targets]
    rules = [convert.rule_json(one) for one in held.rules]
    assert convert.read(targets, rules) == held
    assert convert.read_document(convert.document(held)) == held
    assert convert.read_document(None) == Replication()


@given(_HELD, st.randoms(use_true_random=False))
def test_spelling_and_order_do_not_count(held: Replication, random: object) -> None:
    targets = [convert.target_json(one) for one in held.targets]
    rules = [convert.rule_json(one) for one in held.rules]
    loud = [{**one, "id": str(one["id"]).lower(), "endpoint": f"{one['endpoint']}/", "new": 1} for one in targets]
    spelled = [
        {"prefix": None, **one, "id": str(one["id"]).lower(), "targetId": str(one["targetId"]).lower()} for one in rules
    ]
    scope = convert.bucket_scope("ala", "photos")
    first = convert.observation(scope, convert.read(targets, rules))
    second = convert.observation(scope, convert.read(loud[::-1], spelled[::-1]))
    assert [state.fingerprint for state in first.containers] == [state.fingerprint for state in second.containers]
    assert first.containers[0].relationships == second.containers[0].relationships


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("https://H.example:443/", "https://h.example"),
        ("HTTP://h:80", "http://h"),
        ("https://h:9000/minio/", "https://h:9000/minio"),
        ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
        ("https://user:hunter2@h/", "https://***@h"),
        (" https://h ", "https://h"),
        ("https://h:notaport", "https://h:notaport"),
        ("https://h/x?y=1", "https://h/x?y=1"),
    ],
)
def test_endpoints_have_one_spelling_and_no_password(given: str, clean: str) -> None:
    assert convert.clean_endpoint(given) == clean
    assert convert.clean_endpoint(clean) == clean


class TestIds:
    def test_they_follow_from_the_names(self) -> None:
        """Fixed: another algorithm would make every rule anew and throw its queue away."""
        assert rule_id("test", "photos-dr", 1) == convert.identity(flow())
        assert rule_id("test", "photos-dr", 1) == "D51C6839-177A-55B7-93C9-5B7B3A2168CE"
        assert convert.desired_target(flow()).id == "31D3E46A-CC80-5479-A3CF-17D3C3C572FD"

    def test_what_makes_another_rule(self) -> None:
        ids = {
            rule_id("test", "a", 1), rule_id("test", "a", 2), rule_id("test", "b", 1), rule_id("other", "a", 1),
            rule_id("test", "a-1", 1), rule_id("test-a", "1", 1),
        }  # fmt: skip
        assert len(ids) == 6
        assert all(is_chosen(one) and one == one.upper() for one in ids)
        assert not is_chosen(FOREIGN_RULE)
        assert not is_chosen("no id at all")

    def test_flows_share_a_target_where_place_and_key_are_one(self) -> None:
        shared = convert.desired_target(flow()).id
        spelled = PEER.model_copy(update={"url": "https://PEER.example:9000/"})
        assert convert.desired_target(flow("other", prefix="x/", peer=spelled)).id == shared
        others = [
            flow(to="elsewhere"), flow(peer=AMAZON), flow(peer=PEER.model_copy(update={"region": "eu-8"})),
            flow(peer=PEER.model_copy(update={"access_key_id": "AK2"})),
        ]  # fmt: skip
        assert len({shared, *(convert.desired_target(one).id for one in others)}) == 5

    def test_a_key_by_reference_does_not_show_in_the_id(self) -> None:
        peer = PEER.model_copy(update={"access_key_id": SecretRef(env="AK")})
        target = convert.desired_target(flow(peer=peer))
        place = {"endpoint": target.endpoint, "bucket": target.bucket, "region": target.region}
        assert target.id == target_id("test", **place, access_key_id=None)

    def test_an_id_that_is_given_counts(self) -> None:
        assert convert.identity(flow(options={"id": FOREIGN_RULE.lower()})) == FOREIGN_RULE == fold(FOREIGN_RULE)


class TestNormalForm:
    def test_only_what_is_said_is_managed(self) -> None:
        assert convert.normalise(flow()).settings == {
            "source": {"bucket": "photos", "prefix": ""},
            "destination": {"bucket": "photos-dr"},
            "alarik": {
                "id": convert.identity(flow()), "endpoint": "https://peer.example:9000", "region": "eu-9",
                "accessKeyId": "AKPEER",
            },
        }  # fmt: skip

    def test_all_that_can_be_said(self) -> None:
        subject = flow(
            prefix="p/", state="active", deletes="replicate", existing="copy", options={"synchronous": True}
        )  # fmt: skip
        settings = convert.normalise(subject).settings
        assert (settings["state"], settings["deletes"], settings["existing"]) == ("active", "replicate", "copy")
        assert settings["alarik"]["synchronous"] is True  # type: ignore[index, call-overload]
        assert settings["alarik"]["targetEnabled"] is True  # type: ignore[index, call-overload]

    def test_secrets_are_named_and_never_compared(self) -> None:
        assert convert.normalise(flow()).write_only == {"alarik.credentials.secretAccessKey": SECRET}
        by_reference = PEER.model_copy(update={"access_key_id": SecretRef(env="AK")})
        wanted = convert.normalise(flow(peer=by_reference))
        assert set(wanted.write_only) == {"alarik.credentials.secretAccessKey", "alarik.credentials.accessKeyId"}
        assert "accessKeyId" not in wanted.settings["alarik"]  # type: ignore[operator]

    @pytest.mark.parametrize("state", ["active", "paused"])
    @pytest.mark.parametrize("existing", ["copy", "ignore"])
    @pytest.mark.parametrize("deletes", ["keep", "replicate"])
    def test_what_was_created_is_what_is_seen(self, state: str, existing: str, deletes: str) -> None:
        subject = flow(prefix="a/", state=state, existing=existing, deletes=deletes, options={"synchronous": True})
        bucket = Bucket()
        bucket.run(planned([subject], bucket))
        held = bucket.state()
        assert held is not None
        (live,) = held.relationships
        assert differences(live.settings, convert.normalise(subject).settings) == ()
        assert live.identity == convert.normalise(subject).identity

    def test_an_active_flow_minds_a_disabled_target(self) -> None:
        bucket = Bucket()
        bucket.run(planned([flow()], bucket))
        bucket.targets_held[0]["enabled"] = False
        assert [step.id for step in planned([flow(state="active")], bucket).steps] == ["targets"]
        assert planned([flow()], bucket).steps == ()
        bucket.run(planned([flow(state="active")], bucket))
        assert bucket.targets_held[0]["enabled"] is True


class TestObservation:
    def test_nothing_is_no_container(self) -> None:
        assert convert.observation(convert.bucket_scope("ala", "b"), Replication()).containers == ()

    def test_a_rule_without_its_target_leads_nowhere(self) -> None:
        held = convert.read([], [wire_rule(enabled=False)])
        (live,) = convert.observation(convert.bucket_scope("ala", "b"), held).containers[0].relationships
        assert "destination" not in live.settings
        assert live.settings["state"] == "paused"

    def test_ids_that_repeat_are_told_apart(self) -> None:
        held = convert.read([wire_target()], [wire_rule(), wire_rule(id=FOREIGN_RULE.lower(), prefix="x/")])
        state = convert.observation(convert.bucket_scope("ala", "b"), held).containers[0]
        assert sorted(one.identity for one in state.relationships) == [FOREIGN_RULE, f"{FOREIGN_RULE}#2"]
        assert convert.duplicates(held) == (FOREIGN_RULE,)

    @pytest.mark.parametrize("secret", ["hunter2", "\u2022" * 8])
    def test_no_secret_is_kept_of_any_server(self, secret: str) -> None:
        held = convert.read([wire_target(secretAccessKey=secret, endpoint=f"https://u:{secret}@h")], [wire_rule()])
        state = convert.observation(convert.bucket_scope("ala", "b"), held).containers[0]
        assert secret not in state.model_dump_json()
        assert secret not in repr(held)
        assert FOREIGN_TARGET in state.model_dump_json()

    @pytest.mark.parametrize(
        ("targets", "rules"),
        [
            ([wire_target(region=7)], []),
            ([{"id": FOREIGN_TARGET, "secretAccessKey": "hunter2"}], []),
            ([wire_target(id="", secretAccessKey="hunter2")], []),
            ([], [wire_rule(enabled="sometimes")]),
            ([], [{"id": FOREIGN_RULE}]),
        ],
    )
    def test_what_is_not_as_documented_is_said_without_its_value(self, targets: list, rules: list) -> None:  # type: ignore[type-arg]
        with pytest.raises(Unreadable, match="not as documented") as caught:
            convert.read(targets, rules)
        assert "hunter2" not in str(caught.value)
        assert caught.value.__context__ is None
