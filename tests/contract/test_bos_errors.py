"""What BOS refuses: the emulator gives each error of its tables, and `repl` tells it with name, request and hint."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.testing.harness import Fault, FaultKind
from tests.contract.bos_workspace import Workspace, bos, work
from tests.lab.command import Ended

__all__ = ["bos", "work"]

REQUEST = re.compile(r"request [0-9a-f]{8}-[0-9a-f-]{27}")


def rule(work: Workspace, **changes: Any) -> dict[str, Any]:
    return {
        "id": "theirs",
        "status": "enabled",
        "resource": [f"{work.source}/*"],
        "destination": {"bucket": work.destination},
        "replicateDeletes": "disabled",
    } | changes


# As anybody sees them ---------------------------------------------------------------------------------------------


def deep(work: Workspace, **changes: Any) -> list[dict[str, Any]]:
    return [rule(work, id=f"r{n}", resource=[f"{work.source}/{n}/*"], **changes) for n in range(10)]


RULES: dict[str, tuple[Callable[[Workspace], list[dict[str, Any]]], str]] = {
    # Rules written in turn, of which the last is refused; and what the refusal says.
    "disabled over enabled": (lambda w: [rule(w), rule(w, status="disabled")], "cannot be overwritten"),
    "equal but for the id": (lambda w: [rule(w), rule(w, id="again")], "identical"),
    "one too many": (lambda w: [*deep(w), rule(w)], "at most 10"),
    "an id too long": (lambda w: [rule(w, id="x" * 21)], "id must be"),
    "an id with a dot": (lambda w: [rule(w, id="a.b")], "id must be"),
    "no status": (lambda w: [rule(w, status=None)], "status"),
    "an unknown status": (lambda w: [rule(w, status="Enabled")], "status"),
    "a resource of another bucket": (lambda w: [rule(w, resource=["other/*"])], "resource"),
    "21 resources": (lambda w: [rule(w, resource=[f"{w.source}/{n}*" for n in range(21)])], "resource"),
    "21 exclusions": (lambda w: [rule(w, notIncludeResource=[f"{w.source}/{n}*" for n in range(21)])], "20"),
    "a fourth form": (lambda w: [rule(w, notIncludeResource=[f"{w.source}/a*b"])], "notIncludeResource"),
    "the same bucket": (lambda w: [rule(w, destination={"bucket": w.source})], "two buckets"),
    "no such destination": (lambda w: [rule(w, destination={"bucket": "nowhere"})], "does not exist"),
    "a class of other buckets": (
        lambda w: [rule(w, destination={"bucket": w.destination, "storageClass": "MAZ_STANDARD"})], "storage class",
    ),
    "more than 128 KB": (lambda w: [rule(w, comment="x" * 131_072)], "128 KB"),
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_the_service_refuses(work: Workspace, name: str) -> None:
    bodies, text = RULES[name]
    *taken, refused = [work.bos.try_rule(work.source, body) for body in bodies(work)]
    assert [answer.status_code for answer in taken] == [200] * len(taken)
    assert 400 <= refused.status_code < 500
    assert set(refused.json()) == {"code", "message", "requestId"}
    assert text in refused.json()["message"]


def test_errors_about_buckets_and_objects(work: Workspace) -> None:
    """Those that `repl` never brings about, as it neither makes nor deletes buckets."""
    ask, source, other = work.bos.ask, f"/{work.source}", f"{work.source}-y"
    work.bos.emulator.act("create-bucket", {"bucket": other})
    work.put("key")
    found = [
        ask("GET", f"{source}/nothing", {}),
        ask("DELETE", source, {}),
        ask("PUT", source, {}),
        ask("GET", source, {"replication": "", "id": "nothing"}),
        ask("PUT", source, {"replication": "", "id": "a"}, b'{"id": "a"}'),
        ask("PUT", source, {"replication": "", "id": "a"}, b"{"),
    ]
    told = [(one.status_code, one.json()["code"]) for one in found]
    assert told == [
        (404, "NoSuchKey"), (409, "BucketNotEmpty"), (409, "BucketAlreadyExists"), (404, "NoReplicationConfiguration"),
        (400, "InappropriateJSON"), (400, "MalformedJSON"),
    ]  # fmt: skip
    work.bos.put_rule(other, rule(work, resource=[f"{other}/*"]))
    refused = ask("DELETE", f"/{other}", {})
    assert refused.json()["code"] == "ReplicationStatusNotEmpty"


# As `repl` tells them ---------------------------------------------------------------------------------------------


def planning(work: Workspace) -> Ended:
    return work.repl("plan")


def applied_late(change: Callable[[Workspace], object]) -> Callable[[Workspace], Ended]:
    """Apply a plan after the world has changed where no plan looks again."""

    def act(work: Workspace) -> Ended:
        saved = work.repl("plan", "--out", "p.json")
        assert saved.code == 0, saved.text
        change(work)
        return work.repl("apply", "p.json", "--no-verify")

    return act


def with_key(work: Workspace) -> Ended:
    path = work.folder / "providers.yaml"
    path.write_text(path.read_text().replace(str(work.bos.facts["access_key"]), "nobody"))
    return work.repl("plan")


def with_secret(work: Workspace) -> Ended:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BOS_SECRET", "another-secret")
        return work.repl("plan")


def late(work: Workspace) -> Ended:
    work.bos.switch(clock_skew_s=86_400.0)
    return work.repl("plan")


def overdue(work: Workspace) -> Ended:
    work.bos.emulator.act("set-overdue", {"overdue": True})
    return work.repl("plan")


def of_another_account(work: Workspace) -> Ended:
    name = f"{work.source}-x"
    work.bos.emulator.act("create-bucket", {"bucket": name, "region": "bj", "account": "other"})
    work.replicate(source={"provider": "bj", "bucket": name})
    return work.repl("plan")


def to_another_account(work: Workspace) -> Ended:
    name = f"{work.destination}-x"
    work.bos.emulator.act("create-bucket", {"bucket": name, "region": "gz", "account": "other"})
    work.replicate(destination={"provider": "gz", "bucket": name})
    return work.repl("apply", "--yes", "--no-verify")


def of_a_class(work: Workspace) -> Ended:
    work.bos.switch(list_multi_az=False)
    work.replicate(storageClass="MAZ_STANDARD")
    return work.repl("apply", "--yes", "--no-verify")


def gone(work: Workspace) -> None:
    work.bos.switch(wrong_region="serve")
    assert work.bos.ask("DELETE", f"/{work.destination}", {}).status_code == 204


def broken(work: Workspace) -> Ended:
    work.bos.fault(Fault(kind=FaultKind.STATUS, status=500, times=None), "observe")
    with work.bos.hurried():
        return work.repl("plan")


TOLD: dict[str, tuple[Callable[[Workspace], Ended], int, str, str]] = {
    # How it comes about; the exit code, the service's name for it, and what the hint says.
    "wrong secret": (with_secret, 8, "SignatureDoesNotMatch", "the secret key is wrong"),
    "wrong key": (with_key, 8, "InvalidAccessKeyId", "`credentials`"),
    "late": (late, 8, "RequestExpired", "clock"),
    "overdue": (overdue, 8, "AccountOverdue", "paid"),
    "source of another account": (of_another_account, 8, "AccessDenied", "FULL_CONTROL"),
    "destination of another account": (to_another_account, 8, "AccessDenied", "FULL_CONTROL"),
    "destination gone": (
        applied_late(gone), 1, "NoSuchBucket", "",
    ),
    "versioned meanwhile": (
        applied_late(lambda w: w.bos.emulator.act("versioning", {"bucket": w.source, "status": "Enabled"})),
        1, "InvalidArgument", "versioning on the source",
    ),
    "a twin meanwhile": (
        applied_late(lambda w: w.bos.put_rule(w.source, rule(w, replicateHistory={}))),
        1, "InvalidArgument", "equal to it but for the id",
    ),
    "ten rules meanwhile": (
        applied_late(lambda w: [w.bos.put_rule(w.source, one) for one in deep(w)]),
        1, "InvalidArgument", "where there are ten",
    ),
    "a class that nobody foresaw": (of_a_class, 1, "InvalidArgument", ""),
    "the service's own trouble": (broken, 1, "InternalError", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", TOLD)
def test_repl_tells_name_request_and_hint(work: Workspace, name: str) -> None:
    act, code, told, hint = TOLD[name]
    work.replicate()
    ended = act(work)
    text = " ".join(ended.text.split())
    assert ended.code == code, ended.text
    assert told in text
    assert REQUEST.search(text), ended.text
    assert hint in text
    assert not [one for one in work.rules if one.startswith("one-")]
