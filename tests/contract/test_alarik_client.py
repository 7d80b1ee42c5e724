"""The calls of Alarik, over emulated servers; every exchange is held against specs/alarik/openapi.yaml."""

import uuid
from typing import Any

import pytest

from reconciler.emulators.faults import Fault
from reconciler.errors import ErrorCode, ExitCode
from reconciler.model.secret import SecretRef
from reconciler.providers.alarik.client import AlarikClient
from reconciler.providers.base import Access
from tests.contract.alarik_host import bucket, client, connected
from tests.lab.alarik import MASK, NEW, Lab, Server, rule, target
from tests.lab.alarik_pair import here, lab
from tests.lab.provider_error import failed
from tests.unit.providers.s3.connections import Secrets

__all__ = ["bucket", "client", "here", "lab"]

FOREIGN_SECRET = "f0reign-secret-that-must-not-be-seen"
ID = str(uuid.uuid5(uuid.NAMESPACE_URL, "target"))
RULE_ID = str(uuid.uuid5(uuid.NAMESPACE_URL, "rule"))
MARKED = SecretRef(env="TARGET").marked()
LOGIN = "/api/v1/users/login"


@pytest.fixture
def secrets(here: Server) -> Secrets:
    return Secrets({"TARGET": here.facts["secret_key"]})


def entry(here: Server, **changes: Any) -> dict[str, Any]:
    """A target of ours, its secret a reference."""
    return target(here, "elsewhere", **{"id": ID, "secretAccessKey": MARKED, **changes})


def foreign(here: Server, bucket: str) -> dict[str, Any]:
    """Put a target that somebody else made; return it as the server shows it."""
    made = here.saved(bucket, "targets", target(here, "theirs", secretAccessKey=FOREIGN_SECRET))[0]
    return {**made, "secretAccessKey": MASK}


def stored(here: Server, bucket: str, *, mask: bool = True) -> dict[str, str]:
    """The secrets that the server holds, by target bucket; read as the releases that do not mask show them."""
    here.emulator.switch({"mask": False})
    try:
        return {one["targetBucket"]: one["secretAccessKey"] for one in here.get(bucket, "targets")}
    finally:
        here.emulator.switch({"mask": mask})


def calls(lab: Lab, method: str = "") -> list[str]:
    """Method and path of everything that was asked since the record was cleared."""
    since: Any = lab.log.since()
    asked = [f"{row['method']} {row['path']}" for row in since["requests"]]
    return [one for one in asked if one.startswith(method)]


class TestTargets:
    def test_put_and_read(self, here: Server, client: AlarikClient, bucket: str, secrets: Secrets) -> None:
        assert client.targets(bucket) == []
        assert client.put_targets(bucket, [entry(here)], secrets, expected=[])
        (found,) = client.targets(bucket)
        assert found == {**entry(here), "id": ID.upper(), "secretAccessKey": MASK}
        assert stored(here, bucket) == {"elsewhere": here.facts["secret_key"]}
        assert secrets.given == [("env:TARGET", client.config.address)]

    def test_what_is_so_already_is_not_sent(
        self, lab: Lab, here: Server, client: AlarikClient, bucket: str, secrets: Secrets
    ) -> None:
        client.put_targets(bucket, [entry(here), entry(here, id=RULE_ID, targetBucket="b2")], secrets)
        shown = client.targets(bucket)
        lab.log.clear()
        lower = [{**one, "id": str(one["id"]).lower()} for one in reversed(shown)]
        kept = [{name: value for name, value in one.items() if name != "secretAccessKey"} for one in shown]
        for wanted in (shown, lower, kept):
            assert client.put_targets(bucket, wanted, secrets, expected=shown) is None
        assert calls(lab, "PUT") == []

    def test_a_secret_that_is_given_is_always_sent(
        self, here: Server, client: AlarikClient, bucket: str, secrets: Secrets
    ) -> None:
        client.put_targets(bucket, [entry(here)], secrets)
        shown = client.targets(bucket)
        assert client.put_targets(bucket, [entry(here)], Secrets({"TARGET": "rotated-secret"}), expected=shown)
        assert stored(here, bucket) == {"elsewhere": "rotated-secret"}

    @pytest.mark.parametrize("mask", [True, False])
    def test_foreign_ones_are_carried_through(
        self, here: Server, client: AlarikClient, bucket: str, secrets: Secrets, mask: bool
    ) -> None:
        here.emulator.switch({"mask": mask})
        theirs = foreign(here, bucket)
        assert client.targets(bucket) == [theirs]
        assert client.put_targets(bucket, [theirs, entry(here)], secrets, expected=[theirs])
        assert stored(here, bucket, mask=mask) == {"theirs": FOREIGN_SECRET, "elsewhere": here.facts["secret_key"]}
        ours = {**entry(here), "enabled": False, "secretAccessKey": MASK}
        assert client.put_targets(bucket, [theirs, ours], secrets)
        assert stored(here, bucket, mask=mask) == {"theirs": FOREIGN_SECRET, "elsewhere": here.facts["secret_key"]}
        assert [one["enabled"] for one in client.targets(bucket)] == [True, False]

    def test_a_server_that_gives_secrets_in_clear_gives_none_to_anybody(
        self, lab: Lab, here: Server, client: AlarikClient, bucket: str, secrets: Secrets
    ) -> None:
        here.emulator.switch({"mask": False})
        theirs = foreign(here, bucket)
        shown = client.targets(bucket)
        assert FOREIGN_SECRET not in repr(shown)
        # A server that says back what it was sent, and one that nobody understands.
        error = failed(lambda: client.put_targets(bucket, [theirs, entry(here, endpoint=FOREIGN_SECRET)], secrets))
        lab.faults.add(Fault(kind="status", status=500, method="PUT"))
        broken = failed(lambda: client.put_targets(bucket, [theirs, entry(here)], secrets))
        for one in (error, broken):
            seen = f"{one}{one!r}{one.hint}{one.__cause__!r}{one.__context__!r}{vars(client)!r}"
            assert FOREIGN_SECRET not in seen
            assert here.facts["secret_key"] not in seen
        assert client.bucket_facts(bucket).facts["masks_secrets"] is False

    def test_a_list_that_has_moved_is_refused(
        self, lab: Lab, here: Server, client: AlarikClient, bucket: str, secrets: Secrets
    ) -> None:
        planned = client.targets(bucket)
        theirs = foreign(here, bucket)
        lab.log.clear()
        error = failed(lambda: client.put_targets(bucket, [entry(here)], secrets, expected=planned))
        assert (error.code, error.ambiguous) == (ErrorCode.CONFLICT, False)
        assert calls(lab, "PUT") == []
        assert client.targets(bucket) == [theirs]

    def test_a_secret_of_nothing_cannot_be_kept(
        self, lab: Lab, here: Server, client: AlarikClient, bucket: str, secrets: Secrets
    ) -> None:
        kept = entry(here, secretAccessKey=MASK)
        lab.log.clear()
        assert failed(lambda: client.put_targets(bucket, [kept], secrets)).code is ErrorCode.FAILED_PRECONDITION
        assert calls(lab, "PUT") == []

    def test_an_id_twice_is_never_sent(
        self, lab: Lab, here: Server, client: AlarikClient, bucket: str, secrets: Secrets
    ) -> None:
        twice = [entry(here), entry(here, id=ID.upper(), targetBucket="other")]
        lab.log.clear()
        assert failed(lambda: client.put_targets(bucket, twice, secrets)).code is ErrorCode.FAILED_PRECONDITION
        assert calls(lab, "PUT") == []

    def test_nor_is_anything_where_the_server_would_not_survive_it(
        self, lab: Lab, here: Server, client: AlarikClient, bucket: str, secrets: Secrets
    ) -> None:
        twins = [target(here, name, id=ID) for name in ("a", "b")]
        here.saved(bucket, "targets", *twins)
        lab.log.clear()
        assert failed(lambda: client.put_targets(bucket, [entry(here)], secrets)).code is ErrorCode.FAILED_PRECONDITION
        assert calls(lab, "PUT") == []

    @pytest.mark.parametrize("changes", [{"endpoint": "ftp://x"}, {"targetBucket": ""}, {"accessKeyId": ""}])
    def test_what_the_server_refuses(
        self, here: Server, client: AlarikClient, bucket: str, changes: dict[str, Any]
    ) -> None:
        secrets = Secrets({"TARGET": "s"})
        error = failed(lambda: client.put_targets(bucket, [entry(here, **changes)], secrets))
        assert (error.code, error.status, error.ambiguous) == (ErrorCode.INVALID_ARGUMENT, 400, False)

    def test_a_private_endpoint_of_somebody_who_is_no_administrator(
        self, here: Server, client: AlarikClient, bucket: str, secrets: Secrets
    ) -> None:
        here.emulator.switch({"is_admin": False})
        error = failed(lambda: client.put_targets(bucket, [entry(here)], secrets))
        assert (error.code, error.exit_code) == (ErrorCode.PERMISSION_DENIED, ExitCode.AUTH)


class TestRules:
    def test_put_read_and_resync(self, here: Server, client: AlarikClient, bucket: str, secrets: Secrets) -> None:
        client.put_targets(bucket, [entry(here)], secrets)
        wanted = rule(ID, id=RULE_ID, prefix="p/", replicateExisting=True)
        assert client.put_rules(bucket, [wanted], expected=[])
        (found,) = client.rules(bucket)
        assert str(found["id"]).lower() == RULE_ID
        assert {name: found[name] for name in ("prefix", "replicateExisting", "enabled")} == {
            "prefix": "p/", "replicateExisting": True, "enabled": True,
        }  # fmt: skip
        client.resync(bucket, RULE_ID)

    def test_what_is_so_already_is_not_sent(
        self, lab: Lab, here: Server, client: AlarikClient, bucket: str, secrets: Secrets
    ) -> None:
        client.put_targets(bucket, [entry(here)], secrets)
        client.put_rules(bucket, [rule(ID, id=RULE_ID)])
        lab.log.clear()
        for same in ({}, {"prefix": ""}, {"prefix": None}, {"synchronous": False}, {"id": RULE_ID.upper()}):
            assert client.put_rules(bucket, [rule(ID, **{"id": RULE_ID, **same})]) is None
        assert calls(lab, "PUT") == []
        assert client.put_rules(bucket, [rule(ID, id=RULE_ID, synchronous=True)])

    def test_a_list_that_has_moved_is_refused(
        self, here: Server, client: AlarikClient, bucket: str, secrets: Secrets
    ) -> None:
        client.put_targets(bucket, [entry(here)], secrets)
        here.saved(bucket, "rules", rule(ID))
        error = failed(lambda: client.put_rules(bucket, [rule(ID, id=RULE_ID)], expected=[]))
        assert (error.code, error.ambiguous) == (ErrorCode.CONFLICT, False)
        assert len(client.rules(bucket)) == 1

    def test_an_unknown_target(self, client: AlarikClient, bucket: str) -> None:
        error = failed(lambda: client.put_rules(bucket, [rule(ID, id=RULE_ID)]))
        assert error.code is ErrorCode.FAILED_PRECONDITION

    def test_a_bucket_without_versions(self, here: Server, client: AlarikClient, secrets: Secrets) -> None:
        plain = here.bucket(versioned=False)
        client.put_targets(plain, [entry(here)], secrets)
        error = failed(lambda: client.put_rules(plain, [rule(ID, id=RULE_ID)]))
        assert error.code is ErrorCode.FAILED_PRECONDITION
        assert "versioning" in (error.hint or "")

    @pytest.mark.parametrize("changes", [{}, {"enabled": False, "replicateExisting": True}])
    def test_a_resync_that_cannot_be(
        self, here: Server, client: AlarikClient, bucket: str, secrets: Secrets, changes: dict[str, Any]
    ) -> None:
        client.put_targets(bucket, [entry(here)], secrets)
        client.put_rules(bucket, [rule(ID, id=RULE_ID, **changes)])
        assert failed(lambda: client.resync(bucket, RULE_ID)).code is ErrorCode.FAILED_PRECONDITION
        assert failed(lambda: client.resync(bucket, NEW)).code is ErrorCode.NOT_FOUND


class TestBuckets:
    def test_all_of_the_users_own(self, here: Server, client: AlarikClient) -> None:
        names = sorted(here.bucket(f"own-{number:03}") for number in range(103))
        assert client.buckets() == names
        with connected(here, "other") as other:
            assert other.buckets() == []

    def test_facts(self, here: Server, client: AlarikClient, bucket: str, secrets: Secrets) -> None:
        client.put_targets(bucket, [entry(here)], secrets)
        found = client.bucket_facts(bucket)
        assert found.exists
        assert found.facts == {
            "admin": True, "owned": True, "versioning": "Enabled", "queued": 0, "failed": 0, "masks_secrets": True,
            "region": "us-east-1",
        }  # fmt: skip
        plain = client.bucket_facts(here.bucket(versioned=False))
        assert plain.facts["versioning"] is None
        assert "masks_secrets" not in plain.facts

    def test_the_region_that_the_server_really_has(self, lab: Lab) -> None:
        name = lab.there.bucket()
        with connected(lab.there) as right, connected(lab.there, region="us-east-1") as wrong:
            assert right.bucket_facts(name).facts["region"] == "eu-1"
            assert wrong.bucket_facts(name).facts["region"] == "eu-1"

    def test_what_waits(self, here: Server, client: AlarikClient, bucket: str, secrets: Secrets) -> None:
        here.emulator.switch({"worker": "stopped"})
        client.put_targets(bucket, [entry(here)], secrets)
        client.put_rules(bucket, [rule(ID, id=RULE_ID)])
        here.s3().put_object(Bucket=bucket, Key="k", Body=b"x")
        (task,) = client.tasks(bucket)
        assert (task["key"], task["operation"], task["state"]) == ("k", "put", "pending")
        assert client.bucket_facts(bucket).facts["queued"] == 1

    def test_one_of_somebody_else(self, here: Server, bucket: str) -> None:
        with connected(here, "other") as other:
            found = other.bucket_facts(bucket)
            assert (found.exists, found.facts["owned"], found.facts["admin"]) == (True, False, False)
            assert other.targets(bucket) == []
            assert failed(lambda: other.put_rules(bucket, [])).code is ErrorCode.NOT_FOUND
            missing = other.bucket_facts("no-such-bucket")
            assert not missing.exists
        with connected(here, "other", by="login") as other:
            unknown = other.bucket_facts(bucket)
            assert (unknown.exists, bool(unknown.problem)) == (False, True)


class TestWhoAsks:
    @pytest.mark.parametrize("by", ["keys", "login", "both"])
    def test_by_any_of_them(self, lab: Lab, here: Server, bucket: str, by: str) -> None:
        with connected(here, by=by) as client:
            lab.log.clear()
            client.targets(bucket)
            client.rules(bucket)
            assert len(calls(lab, f"POST {LOGIN}")) == (0 if by == "keys" else 1)

    def test_a_session_that_has_ended_is_begun_again(self, lab: Lab, here: Server, bucket: str) -> None:
        with connected(here, by="login") as client:
            client.targets(bucket)
            lab.clock.advance(25 * 3600)
            assert client.put_targets(bucket, [entry(here)], Secrets({"TARGET": "s"}))
            assert len(calls(lab, f"POST {LOGIN}")) == 2

    @pytest.mark.parametrize("by", ["keys", "login"])
    def test_a_wrong_secret(self, lab: Lab, here: Server, by: str) -> None:
        wrong = Secrets({"SECRET": "wr0ng-secret", "PASSWORD": "wr0ng-password"})
        with connected(here, by=by, secrets=wrong) as client:
            lab.log.clear()
            error = failed(client.buckets)
        assert (error.code, error.exit_code) == (ErrorCode.UNAUTHENTICATED, ExitCode.AUTH)
        assert error.hint
        assert "wr0ng" not in f"{error}{error!r}{error.hint}{error.__cause__!r}"
        assert len(calls(lab)) == 1, "asked once"

    def test_a_session_that_cannot_be_looked_up(self, here: Server, bucket: str) -> None:
        with connected(here, by="login") as client:
            held = client.targets(bucket)
            here.emulator.switch({"sessions_unavailable": True})
            error = failed(lambda: client.resync(bucket, RULE_ID))
            assert (held, error.code, error.ambiguous) == ([], ErrorCode.UNAVAILABLE, False)


class TestTrouble:
    @pytest.mark.parametrize("status", [429, 503, 500])
    def test_a_read_is_repeated(self, lab: Lab, client: AlarikClient, bucket: str, status: int) -> None:
        lab.faults.add(Fault(kind="status", status=status, retry_after=0, method="GET", times=2))
        assert client.rules(bucket) == []

    def test_a_login_is_a_read(self, lab: Lab, here: Server, bucket: str) -> None:
        lab.faults.add(Fault(kind="drop_after", method="POST", path="login"))
        with connected(here, access=Access.READ, by="login") as client:
            assert client.rules(bucket) == []

    @pytest.mark.parametrize(
        ("fault", "code", "outcome"),
        [
            (Fault(kind="status", status=429, retry_after=7, method="PUT"), ErrorCode.RATE_LIMITED, (False, False)),
            (Fault(kind="status", status=500, method="PUT"), ErrorCode.UNAVAILABLE, (True, False)),
            (Fault(kind="drop_before", method="PUT"), ErrorCode.UNAVAILABLE, (True, False)),
            (Fault(kind="drop_after", method="PUT"), ErrorCode.UNAVAILABLE, (True, True)),
        ],
    )
    def test_a_list_is_put_once_and_it_is_said_whether_it_may_be_there(
        self, lab: Lab, bucket: str, fault: Fault, code: ErrorCode, outcome: tuple[bool, bool]
    ) -> None:
        here, (ambiguous, made), secrets = lab.here, outcome, Secrets({"TARGET": "s"})
        with connected(here) as client:
            lab.faults.add(fault)
            lab.log.clear()
            error = failed(lambda: client.put_targets(bucket, [entry(here)], secrets))
            assert (error.code, error.ambiguous, error.retry_after_s) == (code, ambiguous, fault.retry_after)
            assert len(calls(lab, "PUT")) == 1
            assert len(client.targets(bucket)) == int(made)


@pytest.mark.parametrize("by", ["keys", "login"])
def test_a_connection_that_may_only_read_writes_nothing(lab: Lab, here: Server, bucket: str, by: str) -> None:
    secrets = Secrets({"TARGET": "s"})
    with connected(here, access=Access.READ, by=by) as client:
        lab.log.clear()
        for act in (
            lambda: client.put_targets(bucket, [entry(here)], secrets),
            lambda: client.put_rules(bucket, []),
            lambda: client.resync(bucket, RULE_ID),
        ):
            assert failed(act).code is ErrorCode.READ_ONLY
        assert (calls(lab), secrets.given) == ([], []), "not even a secret was resolved"
        assert client.targets(bucket) == client.rules(bucket) == client.tasks(bucket) == []
        assert client.bucket_facts(bucket).exists
