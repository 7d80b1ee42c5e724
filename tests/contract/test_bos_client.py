"""The calls of BOS, over the emulated cloud; every exchange is held against specs/bos/openapi.yaml."""

from typing import Any

import pytest

from reconciler.emulators.faults import Fault
from reconciler.errors import ErrorCode, ExitCode
from reconciler.model.value import Json
from reconciler.providers.base import Access
from reconciler.providers.bos.client import BosClient
from tests.contract.bos_host import asked, client, connected, lab
from tests.lab.bos import Keys, Lab, rule
from tests.lab.provider_error import failed

__all__ = ["client", "lab"]

BUCKET = "src-bucket"
BODY: dict[str, Json] = {name: value for name, value in rule().items() if name != "id"}


class TestRules:
    def test_put_get_list_delete(self, lab: Lab, client: BosClient) -> None:
        assert client.rules(BUCKET) == []
        assert client.rule(BUCKET, "r-1") is None
        assert client.progress(BUCKET, "r-1") is None
        assert client.put_rule(BUCKET, "r-1", BODY)
        found = client.rule(BUCKET, "r-1")
        assert found is not None
        assert {name: found[name] for name in ("id", "status", "resource", "replicateDeletes")} == {
            "id": "r-1", "status": "enabled", "resource": ["src-bucket/*"], "replicateDeletes": "enabled",
        }  # fmt: skip
        assert client.rules(BUCKET) == [found]
        progress = client.progress(BUCKET, "r-1")
        assert progress is not None
        assert progress["status"] == "enabled"
        assert client.delete_rule(BUCKET, "r-1")
        assert client.rules(BUCKET) == []

    def test_query_and_body_have_the_same_id_whatever_the_body_said(self, lab: Lab, client: BosClient) -> None:
        lab.emulator.switch({"id_mismatch": "refuse"})
        client.put_rule(BUCKET, "mine", {**BODY, "id": "another"})
        assert [one["id"] for one in client.rules(BUCKET)] == ["mine"]

    @pytest.mark.parametrize(
        "switches",
        [
            {"empty_list": "not_found"},
            {"delete_reply": 200},
            {"create_time_name": "createTime"},
            {"history_off": "null"},
        ],
    )
    def test_whatever_the_service_does(self, lab: Lab, client: BosClient, switches: dict[str, Any]) -> None:
        lab.emulator.switch(switches)
        assert client.rules(BUCKET) == []
        client.put_rule(BUCKET, "r", {name: value for name, value in BODY.items() if name != "replicateHistory"})
        assert [one["id"] for one in client.rules(BUCKET)] == ["r"]
        client.delete_rule(BUCKET, "r")
        assert client.rule(BUCKET, "r") is None

    @pytest.mark.parametrize("status", [404, 204])
    def test_deleting_what_is_gone(self, lab: Lab, client: BosClient, status: int) -> None:
        lab.emulator.switch({"delete_missing": status})
        if status == 404:
            assert failed(lambda: client.delete_rule(BUCKET, "gone")).code is ErrorCode.NOT_FOUND
        else:
            client.delete_rule(BUCKET, "gone")

    def test_a_bucket_that_is_not_there_has_no_rules(self, client: BosClient) -> None:
        assert client.rules("no-such-bucket") == []
        assert client.rule("no-such-bucket", "r") is None
        assert failed(lambda: client.put_rule("no-such-bucket", "r", BODY)).code is ErrorCode.NOT_FOUND

    @pytest.mark.parametrize("status", [400, 409, 403])
    def test_what_the_service_refuses_is_told_in_its_words(self, lab: Lab, client: BosClient, status: int) -> None:
        lab.emulator.switch({"rule_refusal_status": status})
        client.put_rule(BUCKET, "r", BODY)
        error = failed(lambda: client.put_rule(BUCKET, "r", {**BODY, "status": "disabled"}))
        assert (error.status, error.ambiguous) == (status, False)
        assert error.request_id
        assert ": " in error.message


class TestBuckets:
    def test_the_regions_own(self, lab: Lab, client: BosClient) -> None:
        assert client.buckets() == ["src-bucket"]
        with connected(lab, region="gz") as other:
            assert other.buckets() == ["dst-bucket"]

    def test_facts(self, lab: Lab, client: BosClient) -> None:
        lab.emulator.act("create-bucket", {"bucket": "ledger", "multi_az": True})
        lab.ask("PUT", "/ledger", {"versioning": ""}, body={"status": "suspended"})
        archived = {"Content-Type": "text/plain", "x-bce-storage-class": "ARCHIVE"}
        assert lab.ask("PUT", f"/{BUCKET}/old", body=b"x", headers=archived).status_code == 200
        lab.write("new")
        plain, ledger = client.bucket_facts(BUCKET), client.bucket_facts("ledger")
        assert plain.facts == {
            "region": "bj", "versioning": None, "storage_class": "STANDARD", "archive_objects": 1,
        }  # fmt: skip
        assert (plain.exists, plain.readable, plain.problem) == (True, True, "")
        assert ledger.facts == {
            "region": "bj", "versioning": "Suspended", "storage_class": "MAZ_STANDARD", "multi_az": True,
            "archive_objects": 0,
        }  # fmt: skip

    def test_multi_az_where_only_the_storage_class_tells_it(self, lab: Lab, client: BosClient) -> None:
        lab.emulator.switch({"list_multi_az": False})
        lab.emulator.act("create-bucket", {"bucket": "ledger", "multi_az": True})
        assert client.bucket_facts("ledger").facts["multi_az"] is True

    def test_one_that_is_not_there(self, client: BosClient) -> None:
        assert not client.bucket_facts("no-such-bucket").exists

    def test_one_of_somebody_else(self, lab: Lab, client: BosClient) -> None:
        lab.emulator.act("create-bucket", {"bucket": "theirs", "account": "other"})
        found = client.bucket_facts("theirs")
        assert (found.exists, found.readable, bool(found.problem)) == (True, False, True)

    def test_one_that_may_be_listed_and_no_more(self, lab: Lab, client: BosClient) -> None:
        lab.emulator.act("create-bucket", {"bucket": "theirs", "account": "other"})
        lab.emulator.act("set-acl", {"bucket": "theirs", "acl": "public-read"})
        found = client.bucket_facts("theirs")
        assert found.facts["region"] == "bj"
        assert "versioning" not in found.facts
        assert "versioning" in found.problem


class TestWhoAsks:
    def test_keys_of_a_session(self, lab: Lab) -> None:
        with connected(lab, keys=lab.session) as client:
            client.put_rule(BUCKET, "r", BODY)
            assert [one["id"] for one in client.rules(BUCKET)] == ["r"]

    def test_a_session_without_its_token(self, lab: Lab) -> None:
        bare = Keys(lab.session.access_key, lab.session.secret_key)
        with connected(lab, keys=bare) as client:
            assert failed(client.buckets).exit_code is ExitCode.AUTH

    def test_a_session_that_is_over(self, lab: Lab) -> None:
        with connected(lab, keys=lab.session) as client:
            client.buckets()
            lab.emulator.act("expire-sessions", {})
            error = failed(client.buckets)
        assert error.exit_code is ExitCode.AUTH
        assert lab.session.token is not None
        assert lab.session.token not in f"{error}{error!r}{error.hint}"

    @pytest.mark.parametrize("status", [403, 400])
    def test_a_wrong_secret(self, lab: Lab, status: int) -> None:
        lab.emulator.switch({"signature_status": status})
        with connected(lab, keys=Keys(lab.owner.access_key, "wrong-s3cret")) as client:
            error = failed(client.buckets)
        assert (error.code, error.exit_code) == (ErrorCode.UNAUTHENTICATED, ExitCode.AUTH)
        assert "SignatureDoesNotMatch" in error.message
        assert "secret key" in (error.hint or "")
        assert "wrong-s3cret" not in f"{error}{error!r}{error.hint}{error.__cause__!r}"
        assert len(asked(lab)) == 1, "asked once"

    def test_an_unknown_key(self, lab: Lab) -> None:
        with connected(lab, keys=Keys("AKnobody", "x")) as client:
            assert failed(client.buckets).code is ErrorCode.UNAUTHENTICATED

    @pytest.mark.parametrize("skew", [7200, -7200])
    @pytest.mark.parametrize("status", [403, 400])
    def test_a_clock_that_is_wrong(self, lab: Lab, skew: float, status: int) -> None:
        lab.emulator.switch({"clock_skew_s": skew, "expired_status": status})
        with connected(lab) as client:
            error = failed(client.buckets)
        assert error.exit_code is ExitCode.AUTH
        assert "clock" in (error.hint or "")

    def test_a_bucket_of_another_region(self, lab: Lab, client: BosClient) -> None:
        for how, code in (("not_found", None), ("forbidden", ErrorCode.PERMISSION_DENIED)):
            lab.emulator.switch({"wrong_region": how})
            if code is None:
                assert client.rules("dst-bucket") == []
            else:
                assert failed(lambda: client.rules("dst-bucket")).code is code


class TestTrouble:
    @pytest.mark.parametrize("status", [429, 503, 500])
    def test_a_read_is_repeated(self, lab: Lab, client: BosClient, status: int) -> None:
        lab.faults.add(Fault(kind="status", status=status, retry_after=0, method="GET", times=2))
        assert client.buckets() == ["src-bucket"]

    @pytest.mark.parametrize(
        ("fault", "code", "outcome"),
        [
            (Fault(kind="status", status=429, retry_after=7, method="PUT"), ErrorCode.RATE_LIMITED, (False, False)),
            (Fault(kind="status", status=503, retry_after=7, method="PUT"), ErrorCode.UNAVAILABLE, (True, False)),
            (Fault(kind="status", status=500, method="PUT"), ErrorCode.UNAVAILABLE, (True, False)),
            (Fault(kind="drop_before", method="PUT"), ErrorCode.UNAVAILABLE, (True, False)),
            (Fault(kind="drop_after", method="PUT"), ErrorCode.UNAVAILABLE, (True, True)),
        ],
    )
    def test_a_rule_is_put_once_and_it_is_said_whether_it_may_be_there(
        self, lab: Lab, client: BosClient, fault: Fault, code: ErrorCode, outcome: tuple[bool, bool]
    ) -> None:
        ambiguous, made = outcome
        lab.faults.add(fault)
        error = failed(lambda: client.put_rule(BUCKET, "r", BODY))
        assert (error.code, error.ambiguous, error.retry_after_s) == (code, ambiguous, fault.retry_after)
        assert len(asked(lab)) == 1
        assert [one["id"] for one in client.rules(BUCKET)] == (["r"] if made else [])


def test_a_connection_that_may_only_read_writes_nothing(lab: Lab) -> None:
    with connected(lab, access=Access.READ) as client:
        for act in (lambda: client.put_rule(BUCKET, "r", BODY), lambda: client.delete_rule(BUCKET, "r")):
            assert failed(act).code is ErrorCode.READ_ONLY
        assert asked(lab) == []
        assert client.rules(BUCKET) == []
        assert client.bucket_facts(BUCKET).exists
        assert client.buckets() == ["src-bucket"]


def test_secrets_are_asked_for_late_and_for_the_host_that_gets_them(lab: Lab) -> None:
    with connected(lab) as client:
        secrets = client._secrets
        assert secrets.given == []  # type: ignore[attr-defined]
        client.buckets()
        client.buckets()
        assert secrets.given == [("env:SECRET", client.config.address)]  # type: ignore[attr-defined]
