"""The S3 provider against an emulator that validates as AWS does, with its code knowing nothing of the provider's."""

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.manifest import Location
from reconciler.model.observation import HealthState
from reconciler.model.step import Await, Call
from reconciler.providers.base import Access
from reconciler.providers.s3.document import Document
from reconciler.providers.s3.steps import PUT
from tests.contract.s3_bench import Bench, bench
from tests.lab.world import RunningWorld

KEY = "arn:aws:kms:eu-west-1:111122223333:key/k"
FOREIGN = (
    "<Rule>\n  <ID>theirs</ID><Priority>500</Priority>\n  <Filter><Prefix>x &amp; y/</Prefix></Filter>"
    "<Status>Enabled</Status><Destination><Bucket>arn:aws:s3:::{to}</Bucket></Destination>"
    "<DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication></Rule>"
)


@pytest.fixture(scope="module")
def opened_once(world: RunningWorld) -> Iterator[Bench]:
    with bench(world, "s3") as made:
        yield made


@pytest.fixture
def aws(opened_once: Bench, clean_world: RunningWorld) -> Bench:
    return opened_once


@pytest.fixture
def pair(aws: Bench) -> tuple[str, str]:
    return aws.bucket(), aws.bucket()


def raw(aws: Bench, bucket: str) -> str:
    return aws.world.send("GET", f"/{bucket}?replication").text


def put_raw(aws: Bench, bucket: str, *rules: str) -> None:
    role = aws.world.emulator("s3")["role"]
    body = f"<ReplicationConfiguration><Role>{role}</Role>{''.join(rules)}\n</ReplicationConfiguration>".encode()
    md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
    reply = aws.world.send("PUT", f"/{bucket}?replication", body, {"Content-MD5": md5})
    assert reply.status_code == 200, reply.text


def writes(aws: Bench, since: int) -> list[tuple[str, str]]:
    return [(one["operation"], one["path"]) for one in aws.world.requests("s3", since) if one["write"]]


FIELDS: list[dict[str, Any]] = [
    {},
    {"prefix": "app/"},
    {"prefix": " ä&<>\"'😀/"},
    {"state": "paused"},
    {"deletes": "replicate"},
    {"deletes": "keep", "filter": {"tags": {"class": "hot"}}},
    {"prefix": "p/", "filter": {"tags": {"class": "hot", "team": "a b"}}},
    {"filter": {"tags": {"a": "", "b": "1"}}},
    {"filter": {"tags": {}}},
    {"storage_class": "GLACIER_IR"},
    {"existing": "ignore"},
    {"s3": {"priority": 0}},
    {"s3": {"priority": 2**31 - 1}},
    {"s3": {"owner": "destination", "account": "444455556666"}},
    {"s3": {"owner": "source", "account": ""}},
    {"s3": {"kmsKey": KEY, "sseKms": "enabled"}},
    {"s3": {"kmsKey": KEY, "sseKms": "disabled"}},
    {"s3": {"kmsKey": "", "sseKms": "disabled"}},
    {"s3": {"replicaModifications": "enabled"}},
    {"s3": {"replicaModifications": "disabled"}},
    {"s3": {"replicationTime": "enabled"}},
    {"s3": {"replicationTime": "disabled"}},
    {"s3": {"metrics": "enabled"}},
    {"s3": {"metrics": "disabled"}},
    {"s3": {"role": "arn:aws:iam::111122223333:role/other"}},
    {"s3": {"id": "a name of one's own"}},
]


# What the live rule has, what is wanted, and why these do not go together.
CONFLICTS = [
    ({"filter": {"tags": {"a": "", "b": "1"}}}, {"deletes": "replicate"}, "REPL-C109"),
    ({"s3": {"replicationTime": "enabled"}}, {"s3": {"metrics": "disabled"}}, "REPL-C118"),
]


@pytest.mark.parametrize("fields", FIELDS, ids=repr)
def test_every_field_is_accepted_and_comes_back(aws: Bench, pair: tuple[str, str], fields: dict[str, Any]) -> None:
    flow = aws.flow(*pair, **fields)
    assert list(aws.provider.check(flow)) == []
    aws.apply(flow)
    assert aws.differences(flow) == ()


@pytest.mark.parametrize("before", [FIELDS[7], FIELDS[13], FIELDS[15], FIELDS[20]], ids=repr)
@pytest.mark.parametrize("after", FIELDS[:-1], ids=repr)
def test_every_field_can_be_changed_in_place(
    aws: Bench, pair: tuple[str, str], before: dict[str, Any], after: dict[str, Any]
) -> None:
    aws.apply(aws.flow(*pair, **before))
    flow = aws.flow(*pair, **after)
    refused = [code for one, other, code in CONFLICTS if (one, other) == (before, after)]
    if refused:
        assert [finding.code for finding in aws.plan(flow).findings] == refused
        return
    if aws.differences(flow):
        aws.apply(flow)
    assert aws.differences(flow) == ()


@pytest.mark.parametrize(
    "switches",
    [
        {"rule_order": "reversed"},
        {"add_unknown_field": True},
        {"empty_filter": "absent"},
        {"empty_filter": "bare"},
        {"fill_defaults": True},
    ],
    ids=repr,
)
def test_however_the_server_says_it_there_is_nothing_to_do(
    aws: Bench, pair: tuple[str, str], switches: dict[str, Any]
) -> None:
    flows = [aws.flow(*pair, name, prefix=prefix, state="active") for name, prefix in (("a", ""), ("b", "b/"))]
    aws.apply(*flows)
    before = aws.state(flows[0])
    aws.world.switch("s3", **switches)
    assert [aws.differences(flow) for flow in flows] == [(), ()]
    after = aws.state(flows[0])
    assert before is not None
    assert after is not None
    if "rule_order" in switches:
        assert before.fingerprint == after.fingerprint


def test_one_write_however_many_rules_change_and_every_foreign_byte_kept(aws: Bench, pair: tuple[str, str]) -> None:
    source, destination = pair
    foreign = FOREIGN.format(to=destination)
    put_raw(aws, source, "\n<!-- by hand -->\n", foreign)
    since = aws.world.last_request()
    answer = aws.apply(*(aws.flow(source, destination, name, prefix=f"{name}/") for name in "abc"))
    assert writes(aws, since) == [("PutBucketReplication", f"/{source}")]
    assert answer.steps[0].summary == "write 4 rules: 3 new, 1 foreign kept"
    text = raw(aws, source)
    assert "\n<!-- by hand -->\n" + foreign in text
    (call,) = answer.steps
    assert isinstance(call, Call)
    assert isinstance(call.body, dict)
    assert call.body["xml"] == text


def test_the_body_has_a_checksum_for_servers_that_insist_on_md5(aws: Bench, pair: tuple[str, str]) -> None:
    since = aws.world.last_request()
    answer = aws.apply(aws.flow(*pair))
    (call,) = answer.steps
    assert isinstance(call, Call)
    assert isinstance(call.body, dict)
    (sent,) = [one for one in aws.world.requests("s3", since) if one["operation"] == PUT]
    headers = {name.lower(): value for name, value in dict(sent.get("headers", {})).items()}
    if "content-md5" in headers:
        body = str(call.body["xml"]).encode()
        assert headers["content-md5"] == base64.b64encode(hashlib.md5(body).digest()).decode()


def test_removing_the_last_rule_leaves_no_configuration(aws: Bench, pair: tuple[str, str]) -> None:
    flow = aws.flow(*pair)
    aws.apply(flow)
    answer = aws.apply(gone=["repl.default.n"], at=flow)
    assert aws.world.send("GET", f"/{pair[0]}?replication").status_code == 404
    assert aws.state(flow) is None
    (delete,) = answer.steps
    assert isinstance(delete, Call)
    aws.provider.execute(delete, aws.secrets)
    missing = delete.model_copy(update={"target": "no-such-bucket-here"})
    assert "no configuration" in aws.provider.execute(missing, aws.secrets).skipped


def test_first_schema_rules_are_adopted_in_one_write(aws: Bench, pair: tuple[str, str]) -> None:
    source, destination = pair
    old = "<Rule><ID>old</ID><Prefix>old/</Prefix><Status>Enabled</Status><Destination><Bucket>arn:aws:s3:::{}</Bucket></Destination></Rule>"  # noqa: E501
    put_raw(aws, source, old.format(destination))
    new = aws.flow(source, destination, "new", prefix="new/")
    assert [finding.code for finding in aws.plan(new).findings] == ["REPL-W019"]
    adopted = aws.flow(source, destination, "old", prefix="old/", s3={"id": "old"})
    assert [change.dotted for change in aws.differences(adopted)] == ["s3.schema"]
    aws.apply(new, adopted)
    assert aws.differences(adopted) == aws.differences(new) == ()
    live = aws.live(adopted)
    assert live is not None
    assert live.settings["deletes"] == "replicate"
    assert not live.owned


def test_a_write_whose_answer_is_lost_may_have_happened(aws: Bench, pair: tuple[str, str]) -> None:
    flow = aws.flow(*pair)
    (call,) = aws.plan(flow).steps
    assert isinstance(call, Call)
    for kind, happened in (("drop_before", False), ("drop_after", True)):
        since = aws.world.last_request()
        aws.world.fault(kind=kind, emulator="s3", operation=PUT)
        with pytest.raises(ProviderError) as caught:
            aws.provider.execute(call, aws.secrets)
        assert caught.value.ambiguous
        assert (aws.state(flow) is not None) == happened
        assert len([one for one in aws.world.requests("s3", since) if one["operation"] == PUT]) == 1


def test_what_the_service_refuses_is_told_in_its_words(aws: Bench, pair: tuple[str, str]) -> None:
    source, destination = pair
    text = str(Document.empty().edited({}))
    call = Call(id="put", operation=PUT, target=source, summary="", idempotent=True, body={"xml": text})
    with pytest.raises(ProviderError, match="MalformedXML") as caught:
        aws.provider.execute(call, aws.secrets)
    assert (caught.value.code, caught.value.status) == (ErrorCode.INVALID_ARGUMENT, 400)
    assert caught.value.request_id
    (planned,) = aws.plan(aws.flow(source, destination)).steps
    assert isinstance(planned, Call)
    with pytest.raises(ProviderError) as caught:
        aws.provider.execute(planned.model_copy(update={"target": "no-such-bucket-here"}), aws.secrets)
    assert caught.value.code is ErrorCode.NOT_FOUND


def test_unversioned_buckets_are_found_before_and_refused_by_the_service(aws: Bench, pair: tuple[str, str]) -> None:
    plain = aws.bucket(versioned=False)
    for ends in ((plain, pair[1]), (pair[0], plain)):
        flow = aws.flow(*ends, state="paused")
        facts = aws.provider.inspect(flow.spec.source), aws.provider.inspect(flow.spec.destination)
        assert [one.code for one in aws.provider.preflight(flow, *facts)] == ["REPL-W014"]
        answer = aws.plan(flow)
        assert "S3-VERSIONING" in {effect.rule for effect in answer.effects}
        (call,) = answer.steps
        assert isinstance(call, Call)
        with pytest.raises(ProviderError) as caught:
            aws.provider.execute(call, aws.secrets)
        assert caught.value.code is ErrorCode.FAILED_PRECONDITION
        assert "versioning" in (caught.value.hint or "")


class TestReading:
    def test_a_bucket_tells_region_versioning_and_lock(self, aws: Bench, pair: tuple[str, str]) -> None:
        facts = aws.provider.inspect(Location(provider="p", bucket=pair[0]))
        assert facts.facts == {"region": "eu-west-1", "versioning": "Enabled", "objectLock": False}
        aws.client().put_bucket_versioning(Bucket=pair[0], VersioningConfiguration={"Status": "Suspended"})
        assert aws.provider.inspect(Location(provider="p", bucket=pair[0])).facts["versioning"] == "Suspended"
        plain = aws.bucket(versioned=False)
        assert aws.provider.inspect(Location(provider="p", bucket=plain)).facts["versioning"] is None

    def test_a_bucket_that_is_not_there_is_a_fact(self, aws: Bench) -> None:
        facts = aws.provider.inspect(Location(provider="p", bucket="no-such-bucket-here"))
        assert (facts.exists, facts.readable) == (False, True)
        assert aws.provider.observe(aws.provider.scope(aws.flow("no-such-bucket-here", "x"))).containers == ()

    @pytest.mark.parametrize(
        ("denied", "left"),
        [
            (["HeadBucket"], {}),
            (["GetBucketVersioning"], {"region": "eu-west-1", "objectLock": False}),
            (["GetObjectLockConfiguration"], {"region": "eu-west-1", "versioning": "Enabled"}),
        ],
    )
    def test_what_may_not_be_read_is_unknown_not_false(
        self, aws: Bench, pair: tuple[str, str], denied: list[str], left: dict[str, Any]
    ) -> None:
        aws.world.switch("s3", denied_operations=denied)
        facts = aws.provider.inspect(Location(provider="p", bucket=pair[0]))
        assert facts.exists
        assert facts.facts == left
        assert facts.readable == (denied == ["GetObjectLockConfiguration"])
        assert bool(facts.problem) != facts.readable

    def test_a_configuration_that_may_not_be_read_is_an_error(self, aws: Bench, pair: tuple[str, str]) -> None:
        aws.world.switch("s3", denied_operations=["GetBucketReplication"])
        with pytest.raises(ProviderError) as caught:
            aws.state(aws.flow(*pair))
        assert caught.value.code is ErrorCode.PERMISSION_DENIED

    def test_reading_takes_one_request_and_survives_a_bad_moment(self, aws: Bench, pair: tuple[str, str]) -> None:
        flow = aws.flow(*pair)
        aws.apply(flow)
        since = aws.world.last_request()
        aws.state(flow)
        assert [one["operation"] for one in aws.world.requests("s3", since)] == ["GetBucketReplication"]
        aws.world.fault(kind="status", emulator="s3", operation="GetBucketReplication", status=503, retry_after=0)
        assert aws.differences(flow) == ()

    def test_all_buckets_are_discovered_and_those_that_may_not_be_read_are_named(
        self, aws: Bench, pair: tuple[str, str]
    ) -> None:
        source, destination = pair
        aws.apply(aws.flow(source, destination))
        path = f"^/{destination}$"
        aws.world.fault(
            kind="status", emulator="s3", operation="GetBucketReplication", status=403, path=path, times=None
        )
        seen = []
        with pytest.raises(ProviderError) as caught:
            seen.extend(aws.provider.discover())
        assert caught.value.code is ErrorCode.PERMISSION_DENIED
        assert destination in caught.value.message
        found = {observation.scope.key: observation for observation in seen}
        assert f"bucket/{destination}" not in found
        (one,) = aws.provider.imported(found[f"bucket/{source}"])
        assert one.suggested_name == "n"
        assert one.source == {"provider": "p", "bucket": source}
        assert one.destination == {"bucket": destination}
        assert one.peer is not None
        assert one.peer.url == aws.world.emulator("s3")["https"]

    def test_a_moment_of_trouble_does_not_look_like_a_hidden_bucket(self, aws: Bench, pair: tuple[str, str]) -> None:
        aws.world.fault(
            kind="status", emulator="s3", operation="GetBucketReplication", status=503, retry_after=60, times=None
        )
        with pytest.raises(ProviderError) as caught:
            list(aws.provider.discover())
        assert caught.value.code is ErrorCode.RATE_LIMITED

    def test_health_is_never_guessed(self, aws: Bench, pair: tuple[str, str]) -> None:
        flow = aws.flow(*pair)
        aws.apply(flow)
        live = aws.live(flow)
        assert live is not None
        assert aws.provider.health(live).state is HealthState.UNKNOWN
        paused = aws.flow(*pair, state="paused")
        aws.apply(paused)
        live = aws.live(paused)
        assert live is not None
        assert aws.provider.health(live).state is HealthState.PAUSED

    def test_a_connection_to_read_with_sends_no_write(self, aws: Bench, pair: tuple[str, str]) -> None:
        flow = aws.flow(*pair)
        (call,) = aws.plan(flow).steps
        assert isinstance(call, Call)
        reader = aws.open(Access.READ)
        since = aws.world.last_request()
        with pytest.raises(ProviderError) as caught:
            reader.execute(call, aws.secrets)
        assert caught.value.code is ErrorCode.READ_ONLY
        assert aws.world.requests("s3", since) == []
        assert reader.observe(reader.scope(flow)).containers == ()


def test_what_s3_has_not_is_said(aws: Bench, pair: tuple[str, str]) -> None:
    flow = aws.flow(*pair, prefix="a/")
    relationship = aws.provider.normalise(flow)
    assert aws.provider.start(relationship) is None
    assert aws.provider.replaces(("destination", "bucket")) is False
    assert aws.provider.ends(flow)[1].prefix == "a/"
    with pytest.raises(ProviderError) as caught:
        aws.provider.poll(Await(id="a", condition="gone", target="x", summary="", deadline_s=1))
    assert caught.value.code is ErrorCode.UNIMPLEMENTED
    for call in (
        Call(id="x", operation="PutBucketPolicy", target="x", summary="", idempotent=True),
        Call(id="x", operation=PUT, target="x", summary="", idempotent=True),
    ):
        with pytest.raises(ProviderError) as caught:
            aws.provider.execute(call, aws.secrets)
        assert caught.value.code is ErrorCode.UNIMPLEMENTED
