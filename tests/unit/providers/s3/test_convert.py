"""Rules to normal form and back, every field, both schemas, all flavours."""

from typing import Any

import pytest

from reconciler.model.relationship import Settings
from reconciler.providers.s3.config import Flavour
from reconciler.providers.s3.convert import Dialect, options_part, parse_rule_id, part, rule_id
from tests.unit.providers.s3.shapes import (
    CEPH,
    OTHER_ROLE,
    ROLE,
    configuration,
    desired,
    flow,
    observed,
    state,
    unequal,
    v1,
    v2,
    written,
)

FULL = """<Rule><ID>full</ID><Priority>7</Priority>
<Filter><And><Prefix>app/</Prefix><Tag><Key>b</Key><Value>2</Value></Tag><Tag><Key>a</Key><Value>1</Value></Tag></And></Filter>
<Status>Disabled</Status>
<SourceSelectionCriteria><SseKmsEncryptedObjects><Status>Enabled</Status></SseKmsEncryptedObjects>
<ReplicaModifications><Status>Enabled</Status></ReplicaModifications></SourceSelectionCriteria>
<Destination><Bucket>arn:aws:s3:::dst</Bucket><Account>444455556666</Account><StorageClass>GLACIER_IR</StorageClass>
<AccessControlTranslation><Owner>Destination</Owner></AccessControlTranslation>
<EncryptionConfiguration><ReplicaKmsKeyID>arn:aws:kms:eu-west-1:1:key/k</ReplicaKmsKeyID></EncryptionConfiguration>
<ReplicationTime><Status>Enabled</Status><Time><Minutes>15</Minutes></Time></ReplicationTime>
<Metrics><Status>Enabled</Status><EventThreshold><Minutes>15</Minutes></EventThreshold></Metrics></Destination>
<DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication></Rule>"""

FULL_SETTINGS: Settings = {
    "source": {"bucket": "src", "prefix": "app/"},
    "destination": {"bucket": "dst"},
    "state": "paused",
    "deletes": "keep",
    "storageClass": "GLACIER_IR",
    "filter": {"tags": {"a": "1", "b": "2"}},
    "s3": {
        "priority": 7, "account": "444455556666", "kmsKey": "arn:aws:kms:eu-west-1:1:key/k", "owner": "destination",
        "sseKms": "enabled", "replicaModifications": "enabled", "replicationTime": "enabled", "metrics": "enabled",
        "role": ROLE, "schema": "V2",
    },
}  # fmt: skip


def test_every_field_is_read() -> None:
    assert observed(configuration(FULL), "full").settings == FULL_SETTINGS


def test_every_field_is_written_as_it_is_read() -> None:
    wanted = flow(
        "n", source={"prefix": "app/"}, state="paused", deletes="keep", storage_class="GLACIER_IR",
        filter={"tags": {"a": "1", "b": "2"}},
        s3={
            "priority": 7, "account": "444455556666", "owner": "destination", "role": ROLE, "sseKms": "enabled",
            "kmsKey": "arn:aws:kms:eu-west-1:1:key/k", "replicaModifications": "enabled",
            "replicationTime": "enabled", "metrics": "enabled",
        },
    )  # fmt: skip
    text = written(wanted)
    assert observed(text, rule_id("default", "n")).settings == FULL_SETTINGS
    assert unequal(text, wanted) == []


def test_a_new_rule_has_a_value_wherever_the_second_schema_wants_one() -> None:
    text = written(flow("n"))
    assert (
        "<Rule><ID>repl.default.n</ID><Priority>1</Priority><Filter><Prefix /></Filter><Status>Enabled</Status>"
        "<Destination><Bucket>arn:aws:s3:::dst</Bucket></Destination>"
        "<DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication></Rule>"
    ) in text


def test_the_first_schema_reads_as_the_second_and_says_so() -> None:
    settings = observed(configuration(v1("old", "logs/")), "old").settings
    assert settings["source"] == {"bucket": "src", "prefix": "logs/"}
    assert settings["deletes"] == "replicate"
    assert part(settings, "s3")["schema"] == "V1"
    assert "priority" not in part(settings, "s3")


@pytest.mark.parametrize(
    ("filter_", "prefix", "tags"),
    [
        ("<Filter><Prefix></Prefix></Filter>", "", {}),
        ("<Filter><Prefix/></Filter>", "", {}),
        ("<Filter/>", "", {}),
        ("<Filter><Prefix> a b </Prefix></Filter>", " a b ", {}),
        ("<Filter><Prefix>a&amp;&#13;b</Prefix></Filter>", "a&\rb", {}),
        ("<Filter><Tag><Key>k</Key><Value></Value></Tag></Filter>", "", {"k": ""}),
        ("<Filter><And><Tag><Key>k</Key><Value>v</Value></Tag><Tag><Key>j</Key></Tag></And></Filter>",
         "", {"j": "", "k": "v"}),
        ("<Filter><And><Prefix>p</Prefix><Tag><Key>k</Key><Value>v</Value></Tag></And></Filter>", "p", {"k": "v"}),
    ],
)  # fmt: skip
def test_filters_read_as_prefix_and_tags(filter_: str, prefix: str, tags: dict[str, str]) -> None:
    settings = observed(configuration(v2("r", filter_=filter_)), "r").settings
    assert part(settings, "source")["prefix"] == prefix
    assert settings["filter"] == {"tags": tags}


@pytest.mark.parametrize(
    ("prefix", "tags", "filter_"),
    [
        ("", {}, "<Filter><Prefix /></Filter>"),
        ("p", {}, "<Filter><Prefix>p</Prefix></Filter>"),
        ("", {"k": "v"}, "<Filter><Tag><Key>k</Key><Value>v</Value></Tag></Filter>"),
        ("p", {"k": "v"}, "<Filter><And><Prefix>p</Prefix><Tag><Key>k</Key><Value>v</Value></Tag></And></Filter>"),
        ("", {"k": "", "j": "v"},
         "<Filter><And><Tag><Key>j</Key><Value>v</Value></Tag><Tag><Key>k</Key><Value /></Tag></And></Filter>"),
    ],
)  # fmt: skip
def test_filters_are_written_with_exactly_one_child(prefix: str, tags: dict[str, str], filter_: str) -> None:
    assert filter_ in written(flow("n", source={"prefix": prefix}, filter={"tags": tags}))


class TestPatching:
    """What is not managed keeps what the live rule has."""

    def patched(self, rule: str, **wanted: Any) -> str:
        return written(flow("n", s3={"id": "full"} | wanted.pop("s3", {}), **wanted), live=configuration(rule))

    def test_unmanaged_settings_and_unknown_elements_stay(self) -> None:
        rule = FULL.replace("</Destination>", "<Zone>z2</Zone></Destination><Source><Zone>z1</Zone></Source>")
        text = self.patched(rule, source={"prefix": "app/"}, s3={"priority": 8})
        assert rule.replace("<Priority>7<", "<Priority>8<") in text

    def test_unknown_filters_stay_when_the_prefix_changes(self) -> None:
        rule = FULL.replace("<And>", "<And><ObjectSizeGreaterThan>5</ObjectSizeGreaterThan>")
        text = self.patched(rule, source={"prefix": "new/"})
        assert "<Prefix>new/</Prefix><Tag><Key>a</Key><Value>1</Value></Tag>" in text
        assert "<ObjectSizeGreaterThan>5</ObjectSizeGreaterThan></And>" in text

    def test_tags_managed_to_be_empty_are_taken_out(self) -> None:
        text = self.patched(FULL, source={"prefix": "app/"}, filter={"tags": {}})
        assert "<Filter><Prefix>app/</Prefix></Filter>" in text

    def test_empty_options_take_settings_out(self) -> None:
        switches = ("sseKms", "replicaModifications", "replicationTime", "metrics")
        options = {"account": "", "owner": "source", "kmsKey": ""} | dict.fromkeys(switches, "disabled")
        text = self.patched(FULL, source={"prefix": "app/"}, s3=options)
        found = part(observed(text, "full").settings, "s3")
        assert (found["account"], found["kmsKey"], found["owner"]) == ("", "", "source")
        assert found["sseKms"] == found["replicationTime"] == found["metrics"] == "disabled"
        assert "<SseKmsEncryptedObjects>" not in text
        assert "<ReplicaModifications><Status>Disabled</Status></ReplicaModifications>" in text
        for name in ("ReplicationTime", "Metrics", "EncryptionConfiguration", "AccessControlTranslation", "Account"):
            assert f"<{name}>" not in text

    def test_time_control_switched_off_takes_the_threshold_along_but_not_the_metrics(self) -> None:
        text = self.patched(FULL, source={"prefix": "app/"}, s3={"replicationTime": "disabled"})
        assert "<Metrics><Status>Enabled</Status></Metrics>" in text
        assert "ReplicationTime" not in text

    def test_kms_selection_switched_off_keeps_the_key(self) -> None:
        text = self.patched(FULL, source={"prefix": "app/"}, s3={"sseKms": "disabled"})
        assert "<SseKmsEncryptedObjects><Status>Disabled</Status></SseKmsEncryptedObjects>" in text
        assert "key/k" in text

    def test_a_key_without_selection_gets_one_for_the_service_wants_both(self) -> None:
        text = written(flow("n", s3={"kmsKey": "arn:k", "sseKms": "disabled"}))
        assert "<SseKmsEncryptedObjects><Status>Disabled</Status></SseKmsEncryptedObjects>" in text
        bare = FULL.replace("<SseKmsEncryptedObjects><Status>Enabled</Status></SseKmsEncryptedObjects>", "")
        assert "<SseKmsEncryptedObjects><Status>Disabled" in self.patched(
            bare, source={"prefix": "app/"}, state="active"
        )

    def test_metrics_alone_have_no_threshold(self) -> None:
        assert "<Metrics><Status>Enabled</Status></Metrics>" in written(flow("n", s3={"metrics": "enabled"}))

    def test_time_control_brings_metrics_along(self) -> None:
        text = written(flow("n", s3={"replicationTime": "enabled"}))
        assert (
            "<ReplicationTime><Status>Enabled</Status><Time><Minutes>15</Minutes></Time></ReplicationTime>"
            "<Metrics><Status>Enabled</Status><EventThreshold><Minutes>15</Minutes></EventThreshold></Metrics>"
        ) in text

    def test_delete_markers_of_a_first_schema_rule_go_on_being_copied_if_nothing_is_said(self) -> None:
        text = written(flow("n", s3={"id": "old"}), live=configuration(v1("old")))
        assert "<DeleteMarkerReplication><Status>Enabled</Status></DeleteMarkerReplication>" in text
        assert "<Filter><Prefix /></Filter>" in text
        assert "<Priority>1</Priority>" in text
        assert text.count("<Prefix") == 1

    def test_delete_markers_cannot_be_copied_where_tags_choose(self) -> None:
        text = written(flow("n", s3={"id": "old"}, filter={"tags": {"k": "v"}}), live=configuration(v1("old")))
        assert "<DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication>" in text

    def test_a_comment_in_a_value_does_not_hide_a_difference(self) -> None:
        rule = v2("full").replace("<Status>Enabled</Status>", "<Status><!-- x -->Enabled</Status>", 1)
        assert observed(configuration(rule), "full").settings["state"] == "active"
        assert "<Status>Disabled</Status>" in self.patched(rule, state="paused")

    def test_a_destination_written_another_way_is_left_as_it_is(self) -> None:
        rule = v2("full").replace("arn:aws:s3:::dst", "arn:aws:s3:::arn:aws:s3:::dst")
        assert "<Bucket>arn:aws:s3:::arn:aws:s3:::dst</Bucket>" in self.patched(rule, state="paused")


class TestFlavours:
    def test_ceph_gives_neither_role_nor_deletes_nor_options_back(self) -> None:
        settings = observed(configuration(FULL, role=""), "full", flow(own=CEPH)).settings
        assert settings.keys() == {"source", "destination", "state", "storageClass", "filter", "s3"}
        assert settings["s3"] == {"priority": 7}

    def test_ceph_leaves_an_empty_filter_out_and_that_is_no_first_schema(self) -> None:
        rule = v2("repl.default.n", filter_="").replace(
            "<DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication>", ""
        )
        assert unequal(configuration(rule, role=""), flow(own=CEPH, deletes="replicate", s3={"priority": 1})) == []

    @pytest.mark.parametrize(
        "text", ["dst", "arn:aws:s3:::dst", "arn:aws:s3:::arn:aws:s3:::dst", "tenant/dst", "arn:aws:s3:::tenant/dst"]
    )
    def test_ceph_names_buckets_in_many_ways(self, text: str) -> None:
        assert Dialect(flavour=Flavour.RGW).bucket(text) == "dst"

    def test_ceph_is_told_bare_names_where_it_wants_them(self) -> None:
        own = CEPH | {"destination_form": "bare"}
        assert "<Bucket>dst</Bucket>" in written(flow("n", own=own))
        assert "<Bucket>arn:aws:s3:::dst</Bucket>" in written(flow("n", own=CEPH))

    @pytest.mark.parametrize(
        ("region", "arn"),
        [
            ("cn-north-1", "arn:aws-cn:s3:::dst"), ("us-gov-west-1", "arn:aws-us-gov:s3:::dst"),
            ("eu-west-1", "arn:aws:s3:::dst"),
        ],
    )  # fmt: skip
    def test_arns_name_the_partition_of_the_region(self, region: str, arn: str) -> None:
        assert f"<Bucket>{arn}</Bucket>" in written(flow("n", own={"region": region}))
        assert Dialect().bucket(arn) == "dst"

    def test_other_servers_may_do_without_a_role(self) -> None:
        own = {"flavour": "generic", "endpoint": "https://127.0.0.1:1", "role": None}
        assert "<Role />" in written(flow("n", own=own))


class TestDesired:
    def test_what_is_left_out_is_not_managed(self) -> None:
        settings = desired(flow("n", own={"role": None})).settings
        assert settings == {
            "source": {"bucket": "src", "prefix": ""}, "destination": {"bucket": "dst"}, "s3": {}
        }  # fmt: skip
        assert part(desired(flow("n", s3={"id": "old"})).settings, "s3")["schema"] == "V2"

    def test_the_role_of_the_replication_comes_before_the_providers(self) -> None:
        assert part(desired(flow("n", s3={"role": OTHER_ROLE})).settings, "s3")["role"] == OTHER_ROLE
        assert part(desired(flow("n")).settings, "s3")["role"] == ROLE

    def test_a_new_owner_is_the_destination_providers_account(self) -> None:
        one = flow("n", peer={"account": "444455556666"}, s3={"owner": "destination"})
        assert part(desired(one).settings, "s3")["account"] == "444455556666"

    def test_the_account_of_the_destination_is_not_managed_without_a_new_owner(self) -> None:
        assert "account" not in part(desired(flow("n", peer={"account": "444455556666"})).settings, "s3")

    def test_options_of_another_type_are_none_of_ours(self) -> None:
        assert options_part(flow("n")).id is None


class TestRuleIds:
    def test_an_id_tells_workspace_and_name(self) -> None:
        assert parse_rule_id(rule_id("prod", "logs-to-dr")) == ("prod", "logs-to-dr")

    @pytest.mark.parametrize(
        "text", ["", "repl", "repl.prod", "repl.prod.", "repl.prod.a.b", "repl.Prod.a", "xrepl.prod.a", "repl.prod.a ",
         "repl.prod.-a"]
    )  # fmt: skip
    def test_other_ids_tell_nothing(self, text: str) -> None:
        assert parse_rule_id(text) is None

    def test_only_this_workspaces_rules_are_ours(self) -> None:
        text = configuration(v2("repl.default.a"), v2("repl.other.a", priority=2), v2("theirs", priority=3))
        owned = {name: observed(text, name).owned for name in ("repl.default.a", "repl.other.a", "theirs")}
        assert owned == {"repl.default.a": True, "repl.other.a": False, "theirs": False}

    def test_rules_without_an_id_or_with_the_same_are_told_apart_in_any_order(self) -> None:
        rules = [v2("same"), v2("same", priority=2), v2("x").replace("<ID>x</ID>", ""), v2("same")]
        identities = set()
        for text in (configuration(*rules), configuration(*reversed(rules))):
            found = observed_identities(text)
            assert len(found) == len(set(found)) == 4
            identities.add(tuple(name for name in found if name.startswith("unnamed:")))
        assert len(identities) == 1


def observed_identities(text: str) -> list[str]:
    found = state(text)
    assert found is not None
    return [known.identity for known in found.relationships]


@pytest.mark.parametrize("priority", ["x", "", " ", "1.5", "9" * 5000])
def test_a_priority_that_is_no_number_is_none(priority: str) -> None:
    rule = v2("r").replace("<Priority>1<", f"<Priority>{priority}<")
    assert "priority" not in part(observed(configuration(rule), "r").settings, "s3")
