"""What Alarik refuses: the emulator gives each error of its tables, and `repl` tells it with reason, code and hint."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from reconciler.emulators.certificate import Certificate
from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.manifest import ProviderDoc
from reconciler.model.secret import SecretRef
from reconciler.providers.alarik.client import AlarikClient
from reconciler.providers.alarik.config import Login
from reconciler.providers.base import Access, Connection
from reconciler.testing.harness import WORKSPACE
from tests.contract.harnesses.alarik import AlarikHarness
from tests.contract.harnesses.wire import EnvSecrets
from tests.lab.provider_error import failed

_numbers = itertools.count()
ZERO = "00000000-0000-0000-0000-000000000000"
TARGET, RULE = str(uuid4()), str(uuid4())
MARKED = SecretRef(env="THERE_SECRET").marked()

Spec = dict[str, Any]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[AlarikHarness]:
    harness = AlarikHarness(tmp_path_factory.mktemp("alarik"), certificate)
    yield harness
    harness.close()


@pytest.fixture
def alarik(world: AlarikHarness) -> Iterator[AlarikHarness]:
    """The same world without targets, rules, faults and switches that another test has set."""
    yield world
    world.mend()
    world.restore()


def with_login(alarik: AlarikHarness) -> ProviderDoc:
    """The document of `here` with a name and a password for the console API beside its key."""
    doc = alarik.docs["here"]
    login = Login(username=alarik.facts["here"]["username"], password=SecretRef(env="HERE_PASSWORD"))
    config = doc.spec.config.model_copy(update={"login": login})
    return doc.model_copy(update={"spec": doc.spec.model_copy(update={"config": config})})


def client_of(alarik: AlarikHarness, secrets: EnvSecrets | None = None, doc: ProviderDoc | None = None) -> AlarikClient:
    doc = doc or alarik.docs["here"]
    return AlarikClient(
        Connection(doc=doc, secrets=secrets or alarik.secrets, access=Access.WRITE, base=Path("/"), workspace=WORKSPACE)
    )


@pytest.fixture
def client(alarik: AlarikHarness) -> Iterator[AlarikClient]:
    made = client_of(alarik)
    yield made
    made.close()


def assert_told(alarik: AlarikHarness, error: ProviderError, code: ErrorCode, reason: str, hint: str) -> None:
    assert error.code is code
    assert reason in error.message
    assert reason in str(error)
    assert hint in (error.hint or "")
    seen = f"{error}{error!r}{error.hint}{error.__cause__!r}{error.__context__!r}"
    assert [secret for secret in alarik.secret_values if secret in seen] == []


# The lists of targets and rules -----------------------------------------------------------------------------------

INVALID, DENIED, FAILED = ErrorCode.INVALID_ARGUMENT, ErrorCode.PERMISSION_DENIED, ErrorCode.FAILED_PRECONDITION


def entry(alarik: AlarikHarness, **changes: Any) -> Spec:
    """A target of ours, its secret a reference; what is changed to None is left out."""
    made = alarik.target(TARGET, "dst-a", **{"secretAccessKey": MARKED, **changes})
    return {name: value for name, value in made.items() if value is not None}


def rule(alarik: AlarikHarness, **changes: Any) -> Spec:
    made = alarik.rule(RULE, TARGET, **changes)
    return {name: value for name, value in made.items() if value is not None}


def many(alarik: AlarikHarness) -> list[Spec]:
    return [entry(alarik, id=str(uuid4())) for _ in range(5)]


TARGETS: dict[str, tuple[Callable[[AlarikHarness], list[Spec]], int, ErrorCode, str, str]] = {
    # What is sent; status, code and reason of the refusal, and what the hint says.
    "five": (many, 400, FAILED, "A bucket may have at most 4 replication targets.", "made by others count too"),
    "no region": (lambda a: [entry(a, id=str(uuid4()), region=None)], 400, INVALID, "No such key 'region'", ""),
    "an id that is none": (lambda a: [entry(a, id="first")], 400, INVALID, "invalid UUID", ""),
    "a wrong type": (lambda a: [entry(a, enabled="yes")], 400, INVALID, "was not of type 'Bool'", ""),
    "no URL": (
        lambda a: [entry(a, endpoint="there:9000")],
        400, INVALID, "Webhook URL must be a valid http(s) URL with a host.", "means the endpoint of a target",
    ),
    "no host": (
        lambda a: [entry(a, endpoint="https://")],
        400, INVALID, "Webhook URL must be a valid http(s) URL with a host.", "means the endpoint of a target",
    ),
    "no bucket": (
        lambda a: [entry(a, targetBucket="")],
        400, INVALID, "Each replication target requires a destination bucket.", "",
    ),
    "no key": (
        lambda a: [entry(a, accessKeyId="")], 400, INVALID, "Each replication target requires credentials.", "",
    ),
}  # fmt: skip
RULES: dict[str, tuple[Callable[[AlarikHarness], list[Spec]], int, ErrorCode, str, str]] = {
    "five": (
        lambda a: [rule(a, id=str(uuid4())) for _ in range(5)],
        400, FAILED, "A bucket may have at most 4 replication rules.", "made by others count too",
    ),
    "no replicateDeletes": (
        lambda a: [rule(a, replicateDeletes=None)], 400, INVALID, "No such key 'replicateDeletes'", "",
    ),
    "a target that is none": (
        lambda a: [rule(a, targetId=str(uuid4()))],
        400, FAILED, "Rule references an unknown replication target.", "plan again",
    ),
    "a paused one without a target": (
        lambda a: [rule(a, targetId=str(uuid4()), enabled=False)],
        400, FAILED, "Rule references an unknown replication target.", "without its target",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TARGETS)
def test_a_list_of_targets_is_refused(alarik: AlarikHarness, client: AlarikClient, name: str) -> None:
    entries, status, code, reason, hint = TARGETS[name]
    client.put_targets("src-a", [entry(alarik)], alarik.secrets)
    before = alarik.held("src-a")
    error = failed(lambda: client.put_targets("src-a", entries(alarik), alarik.secrets))
    assert (error.status, error.ambiguous, error.operation.partition(" ")[0]) == (status, False, "PUT")
    assert_told(alarik, error, code, reason, hint)
    assert alarik.held("src-a") == before


@pytest.mark.parametrize("name", RULES)
def test_a_list_of_rules_is_refused(alarik: AlarikHarness, client: AlarikClient, name: str) -> None:
    entries, status, code, reason, hint = RULES[name]
    client.put_targets("src-a", [entry(alarik)], alarik.secrets)
    client.put_rules("src-a", [rule(alarik)])
    before = alarik.held("src-a")
    error = failed(lambda: client.put_rules("src-a", entries(alarik)))
    assert (error.status, error.ambiguous, error.operation.partition(" ")[0]) == (status, False, "PUT")
    assert_told(alarik, error, code, reason, hint)
    assert alarik.held("src-a") == before


@pytest.mark.parametrize(("text", "told"), [("current", "No such key 'region'"), ("older", "Value required for key")])
def test_either_text_of_a_missing_key_is_told(
    alarik: AlarikHarness, client: AlarikClient, text: str, told: str
) -> None:
    alarik.switch(decode_text=text)
    error = failed(lambda: client.put_targets("src-a", [entry(alarik, region=None)], alarik.secrets))
    assert_told(alarik, error, INVALID, told, "")


def test_a_private_address_and_somebody_who_is_no_administrator(alarik: AlarikHarness, client: AlarikClient) -> None:
    alarik.switch(is_admin=False)
    error = failed(lambda: client.put_targets("src-a", [entry(alarik)], alarik.secrets))
    reason = "Only administrators can configure replication targets pointing at private or loopback addresses."
    assert error.status == 403
    assert_told(alarik, error, DENIED, reason, "let an administrator own the bucket")


@pytest.mark.parametrize("bucket", ["nowhere", "anothers"])
def test_a_bucket_of_another_user_looks_like_none(alarik: AlarikHarness, client: AlarikClient, bucket: str) -> None:
    """The reading of the list, which comes before every write, says so already."""
    if bucket == "anothers":
        other = alarik.facts["here"]["other"]
        headers = {"X-Access-Key": other["access_key"], "X-Secret-Key": other["secret_key"]}
        body = {"name": bucket, "versioningEnabled": True}
        assert alarik.apis["here"].post("/api/v1/buckets", json=body, headers=headers).status_code == 200
    acts: list[Callable[[], object]] = [
        lambda: client.put_targets(bucket, [entry(alarik)], alarik.secrets),
        lambda: client.put_rules(bucket, [rule(alarik)]),
        lambda: client.resync(bucket, RULE),
    ]
    for act in acts:
        assert_told(alarik, failed(act), ErrorCode.NOT_FOUND, "Bucket not found", "sign in as the owner")
    for kind, sent in (("targets", alarik.target(TARGET, "dst-a")), ("rules", rule(alarik))):
        refused = alarik.try_put(bucket, kind, [sent])
        assert (refused.status_code, refused.json()["reason"]) == (404, "Bucket not found")


def test_a_bucket_without_versions_takes_no_rules_but_an_empty_list(
    alarik: AlarikHarness, client: AlarikClient
) -> None:
    bucket = f"plain-{next(_numbers)}"
    alarik.make_bucket(bucket, versioned=False)
    client.put_targets(bucket, [entry(alarik)], alarik.secrets)
    error = failed(lambda: client.put_rules(bucket, [rule(alarik)]))
    reason = "Replication rules require the bucket's versioning to be Enabled."
    assert_told(alarik, error, FAILED, reason, "enable versioning on the source bucket")
    assert alarik.try_put(bucket, "rules", []).status_code == 200


SECRETS: dict[str, tuple[str, str]] = {
    # What is sent as id and as secret of a target that is not there.
    "an empty secret": (TARGET, ""),
    "the mask of an unknown id": (str(uuid4()), "\N{BULLET}" * 8),
}


@pytest.mark.parametrize("name", SECRETS)
def test_credentials_that_are_none_are_refused(alarik: AlarikHarness, client: AlarikClient, name: str) -> None:
    """By the server, and by `repl` before anything is sent: nothing there could be kept."""
    identity, secret = SECRETS[name]
    refused = alarik.try_put("src-a", "targets", [alarik.target(identity, "dst-a", secretAccessKey=secret)])
    assert refused.status_code == 400
    assert refused.json() == {"error": True, "reason": "Each replication target requires credentials."}
    alarik.mark()
    error = failed(
        lambda: client.put_targets("src-a", [entry(alarik, id=identity, secretAccessKey=secret)], alarik.secrets)
    )
    assert_told(alarik, error, FAILED, "shall be kept, but the server has no such target", "plan again")
    assert not [sent for sent in alarik.requests() if sent.write]


ORDER: dict[str, tuple[str, str, Callable[[AlarikHarness], list[Spec]], str]] = {
    # Bucket, list and entries with more than one fault; the one that is told.
    "number before bucket": ("nowhere", "targets", many, "at most 4 replication targets"),
    "form before number": ("nowhere", "targets", lambda a: [*many(a), entry(a, enabled=1)], "'Bool'"),
    "bucket before endpoint": ("nowhere", "targets", lambda a: [entry(a, endpoint="x")], "Bucket not found"),
    "endpoint before bucket's name": (
        "src-a", "targets", lambda a: [entry(a, endpoint="x", targetBucket="")], "Webhook URL",
    ),
    "name before credentials": (
        "src-a", "targets", lambda a: [entry(a, targetBucket="", accessKeyId="")], "destination bucket",
    ),
    "number of rules before bucket": ("nowhere", "rules", lambda a: [rule(a)] * 5, "at most 4 replication rules"),
    "bucket before target": ("nowhere", "rules", lambda a: [rule(a)], "Bucket not found"),
}  # fmt: skip


@pytest.mark.parametrize("name", ORDER)
def test_of_several_faults_the_first_in_the_servers_order_is_told(alarik: AlarikHarness, name: str) -> None:
    bucket, kind, entries, reason = ORDER[name]
    refused = alarik.try_put(bucket, kind, [{**one, "secretAccessKey": "s"} for one in entries(alarik)])
    assert refused.headers["content-type"] == "application/json; charset=utf-8"
    assert refused.json()["error"] is True
    assert reason in refused.json()["reason"]


# Resync and tasks -------------------------------------------------------------------------------------------------

RESYNCS: dict[str, tuple[Spec, Spec, str, str, ErrorCode, str, str]] = {
    # Changes of the target, then of the rule; the id asked for; method's status, code, reason and hint.
    "no id": ({}, {}, "first", "400", INVALID, "Invalid rule id", ""),
    "no such rule": ({}, {}, str(uuid4()), "404", ErrorCode.NOT_FOUND, "Replication rule not found", ""),
    "paused": (
        {}, {"enabled": False, "replicateExisting": True}, RULE,
        "400", FAILED, "Cannot resync a disabled replication rule.", "enable the replication",
    ),
    "not opted in": (
        {}, {}, RULE,
        "400", FAILED, "This rule has not opted into existing-object replication (replicateExisting).",
        "existing: copy",
    ),
    "target disabled": (
        {"enabled": False}, {"replicateExisting": True}, RULE,
        "400", FAILED, "This rule's replication target is missing or disabled.", "plan again",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RESYNCS)
def test_a_resync_is_refused(alarik: AlarikHarness, client: AlarikClient, name: str) -> None:
    target, changed, identity, status, code, reason, hint = RESYNCS[name]
    client.put_targets("src-a", [entry(alarik, **target)], alarik.secrets)
    client.put_rules("src-a", [rule(alarik, **changed)])
    error = failed(lambda: client.resync("src-a", identity))
    assert (str(error.status), error.ambiguous) == (status, False)
    assert_told(alarik, error, code, reason, hint)
    assert alarik.queue()["walks"] == 0


@pytest.mark.parametrize(("task", "reason"), [("first", "Invalid task id"), (ZERO, "Replication task not found")])
def test_a_retry_is_refused(alarik: AlarikHarness, task: str, reason: str) -> None:
    """`repl` never asks for one: a retry keeps the old credentials."""
    refused = alarik.apis["here"].post(f"/api/v1/buckets/src-a/replication/tasks/{task}/retry")
    assert refused.status_code in {400, 404}
    assert refused.json() == {"error": True, "reason": reason}


# Who asks ---------------------------------------------------------------------------------------------------------


def test_a_wrong_key(alarik: AlarikHarness) -> None:
    wrong = EnvSecrets(HERE_SECRET="not-the-secret-of-this-key")
    client = client_of(alarik, wrong)
    for act in (lambda: client.targets("src-a"), lambda: client.put_rules("src-a", [])):
        error = failed(act)
        assert error.status == 401
        assert_told(alarik, error, ErrorCode.UNAUTHENTICATED, "Unauthorized", "Access keys may expire")
        assert "not-the-secret-of-this-key" not in f"{error}{error.hint}{error!r}"
    client.close()


def test_a_wrong_password(alarik: AlarikHarness) -> None:
    client = client_of(alarik, EnvSecrets(HERE_PASSWORD="not-the-password"), with_login(alarik))
    error = failed(lambda: client.targets("src-a"))
    assert (error.status, error.operation) == (401, "POST /api/v1/users/login")
    assert_told(alarik, error, ErrorCode.UNAUTHENTICATED, "Unauthorized", "user and password, right?")
    assert "not-the-password" not in f"{error}{error.hint}{error!r}"
    client.close()


def test_sessions_that_cannot_be_verified(alarik: AlarikHarness) -> None:
    client = client_of(alarik, doc=with_login(alarik))
    client.targets("src-a")
    alarik.switch(sessions_unavailable=True)
    with alarik.hurried():
        told = [failed(lambda: client.targets("src-a")), failed(lambda: client.resync("src-a", RULE))]
    for error in told:
        assert (error.status, error.ambiguous) == (503, False)
        reason = "Could not verify this session right now - please retry."
        assert_told(alarik, error, ErrorCode.UNAVAILABLE, reason, "cannot read its own users")
    client.close()


# Its S3 face ------------------------------------------------------------------------------------------------------


def test_objects_signed_for_another_region_are_refused_with_the_right_one(alarik: AlarikHarness) -> None:
    alarik.switch(region="ap-9")
    client = client_of(alarik)
    error = failed(lambda: client.s3.location("src-a"))
    assert error.status == 400
    reason = "the region 'us-east-1' is wrong; expecting 'ap-9'."
    assert_told(alarik, error, FAILED, reason, "set `region` of the provider")
    assert client.bucket_facts("src-a").facts["region"] == "ap-9"
    client.close()
