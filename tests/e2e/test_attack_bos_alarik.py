"""What users, colleagues and the network do to flows of BOS and Alarik, with real commands over running servers."""

import json
import threading
import time
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
import pytest

from tests.lab.command import LabClient

with warnings.catch_warnings():
    # The SDK still runs on Python 2, by way of packages that import what newer Pythons deprecate.
    warnings.simplefilter("ignore", DeprecationWarning)
    from baidubce.auth import bce_v1_signer
    from baidubce.auth.bce_credentials import BceCredentials

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

_TARGET = "7b0e4c52-5d3f-4c7e-9a66-0d5b8f1c2a3"
_RULE = "c1f6a9de-28b4-4f0e-8d57-6e93b7a4f50"


def document(name: str, **spec: Any) -> str:
    """A Replication in JSON, which is YAML."""
    return "---\n" + json.dumps(
        {"apiVersion": "repl/v1", "kind": "Replication", "metadata": {"name": name}, "spec": spec}, ensure_ascii=False
    ) + "\n"  # fmt: skip


def bos(name: str = "images", bucket: str = "prod-images", prefix: str = "raw/", **spec: Any) -> str:
    return document(name, **{
        "source": {"provider": "bos-bj", "bucket": bucket, "prefix": prefix},
        "destination": {"provider": "bos-gz", "bucket": "dr-images"},
        "state": "active", "existing": "copy", "filter": {"exclude": []}, **spec,
    })  # fmt: skip


def alarik(name: str = "files", bucket: str = "uploads", prefix: str = "a/", **spec: Any) -> str:
    return document(name, **{
        "source": {"provider": "alarik-eu", "bucket": bucket, "prefix": prefix},
        "destination": {"provider": "alarik-us", "bucket": "uploads-copy"},
        "state": "active", "deletes": "keep", "existing": "ignore", **spec,
    })  # fmt: skip


class Colleague:
    """Somebody with a console and no manifest."""

    def __init__(self, lab: LabClient) -> None:
        self._lab = lab
        self._world = lab.lab.world["emulators"]

    def bos(self, method: str, bucket: str, body: Any = None, **query: str) -> Any:
        keys = self._world["bos"]
        url = keys["regions"]["bj"]["http"]
        content = b"" if body is None else json.dumps(body).encode()
        now, query = int(time.time()), {"replication": "", **query}
        sent = {
            "Host": urlsplit(url).netloc, "Content-Length": str(len(content)), "Content-Type": "application/json",
            "x-bce-date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
        }  # fmt: skip
        sent["Authorization"] = bce_v1_signer.sign(
            BceCredentials(keys["access_key"], keys["secret_key"]), method.encode(), f"/{bucket}".encode(),
            {name.encode(): value.encode() for name, value in sent.items()},
            {name.encode(): value.encode() for name, value in query.items()}, timestamp=now,
        ).decode()  # fmt: skip
        asked = urlencode(query, safe="", quote_via=quote)
        answer = httpx.request(method, f"{url}/{bucket}?{asked}", content=content, headers=sent, trust_env=False)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def bos_rules(self, bucket: str = "prod-images") -> list[dict[str, Any]]:
        return list(self.bos("GET", bucket, list="")["rules"])

    def bos_put(self, rule: dict[str, Any], bucket: str = "prod-images") -> None:
        self.bos("PUT", bucket, rule, id=str(rule["id"]))

    def alarik(self, method: str, which: str, entries: Any = None, bucket: str = "uploads") -> list[dict[str, Any]]:
        facts = self._world["alarik-eu"]
        headers = {"X-Access-Key": facts["access_key"], "X-Secret-Key": facts["secret_key"]}
        with httpx.Client(verify=self._lab.context, headers=headers, trust_env=False) as client:
            answer = client.request(
                method,
                f"{facts['https']}/api/v1/buckets/{bucket}/replication/{which}",
                json=None if entries is None else {which: entries},
            )
        assert answer.is_success, answer.text
        return list(answer.json()[which])

    def target(self, number: int, secret: str = "their-own-secret") -> dict[str, Any]:
        there = self._world["alarik-us"]
        return {
            "id": f"{_TARGET}{number}", "endpoint": there["https"], "targetBucket": "legacy-copy",
            "accessKeyId": there["access_key"], "secretAccessKey": secret, "region": there["region"], "enabled": True,
        }  # fmt: skip

    @staticmethod
    def rule(number: int, prefix: str) -> dict[str, Any]:
        return {
            "id": f"{_RULE}{number}", "targetId": f"{_TARGET}{number}", "prefix": prefix, "replicateDeletes": False,
            "replicateExisting": False, "enabled": True,
        }  # fmt: skip


@pytest.fixture
def colleague(lab: LabClient) -> Colleague:
    return Colleague(lab)


def write(lab: LabClient, *documents: str) -> None:
    (lab.folder / "replications.yaml").write_text("".join(documents), encoding="utf-8")


def apply(lab: LabClient, *arguments: str) -> None:
    applied = lab.run("apply", "--yes", "--no-verify", *arguments)
    assert applied.code == 0, applied.text
    planned = lab.run("plan", "--detailed-exitcode")
    assert planned.code == 0, planned.text


# What restarts a copy ----------------------------------------------------------------------------------------------


def test_a_bos_rule_at_work_is_not_written_without_approval(lab: LabClient) -> None:
    write(lab, bos())
    apply(lab)
    write(lab, bos(deletes="replicate"))
    before = lab.mark()
    refused = lab.run("apply", "--yes", "--no-verify")
    assert (refused.code, lab.writes(before)) == (4, [])
    assert "--allow BOS-RESTART@images" in refused.text
    until = {"effect": "BOS-RESTART", "reason": "agreed", "expires": "2999-01-01"}
    write(lab, bos(deletes="replicate", allow=[until]))
    apply(lab)
    before = lab.mark()
    assert lab.run("resync", "images", "--yes", "--no-verify").code == 0
    assert len(lab.writes(before)) == 1


def test_a_bos_rule_that_was_paused_needs_approval_once(lab: LabClient, colleague: Colleague) -> None:
    write(lab, bos())
    apply(lab)
    write(lab, bos(state="paused"))
    assert lab.run("apply", "--yes", "--no-verify").code == 4
    apply(lab, "--allow", "BOS-NO-DISABLE@images")
    assert [rule["status"] for rule in colleague.bos_rules()] == ["disabled"]
    write(lab, bos())
    apply(lab)


# Moving ------------------------------------------------------------------------------------------------------------


def test_what_moves_to_another_bucket_leaves_nothing_forgotten(lab: LabClient, colleague: Colleague) -> None:
    write(lab, bos(), alarik())
    apply(lab)
    write(lab, bos(bucket="archive-images"), alarik(bucket="legacy-copy"))
    moved = lab.run("plan")
    assert "in another place before" in moved.text
    apply(lab)
    assert "2 of ours" in lab.run("plan").text
    assert "vanished" not in lab.run("drift").text
    apply(lab, "--prune")
    assert colleague.bos_rules() == []
    assert [rule["id"] for rule in colleague.alarik("GET", "rules")] == [f"{_RULE}2".upper()]
    write(lab, bos(bucket="prod-thumbs", prefix="x/"), alarik(prefix="b/"))
    apply(lab, "--prune")
    receipt = json.loads((lab.folder / ".repl" / "receipt.json").read_text())
    assert sorted(receipt["replications"]) == ["files", "images"]


def test_only_what_was_selected_is_written_and_named(lab: LabClient, colleague: Colleague) -> None:
    write(lab, alarik("one", prefix="a/"), alarik("two", prefix="b/"))
    apply(lab)
    write(lab, alarik("one", prefix="a/", deletes="replicate"), alarik("two", prefix="b/", deletes="replicate"))
    done = lab.run("apply", "--yes", "--no-verify", "--select", "one")
    assert done.code == 0
    assert [line.split()[3] for line in done.text.splitlines() if "✓ done" in line] == ["one"]
    assert {rule["prefix"]: rule["replicateDeletes"] for rule in colleague.alarik("GET", "rules")} == {
        "legacy/": False, "a/": True, "b/": False,
    }  # fmt: skip


# Limits ------------------------------------------------------------------------------------------------------------


def test_ten_bos_rules_are_counted_over_those_of_others_and_of_the_plan(lab: LabClient, colleague: Colleague) -> None:
    for number in range(9):
        colleague.bos_put(
            {
                "id": f"console-{number}", "status": "disabled", "resource": [f"prod-images/{number}/*"],
                "destination": {"bucket": "dr-images"}, "replicateDeletes": "disabled",
            }
        )  # fmt: skip
    write(lab, bos("one", prefix="one/"), bos("two", prefix="two/"))
    before = lab.mark()
    refused = lab.run("apply", "--yes", "--no-verify")
    assert (refused.code, lab.writes(before)) == (1, [])
    assert "REPL-W313" in refused.text
    write(lab, bos("one", prefix="one/"))
    apply(lab)


def test_a_full_alarik_bucket_changes_destination_without_room(lab: LabClient, colleague: Colleague) -> None:
    colleague.alarik("PUT", "rules", [])
    colleague.alarik("PUT", "targets", [colleague.target(number) for number in range(3)])
    colleague.alarik("PUT", "rules", [colleague.rule(number, f"{number}/") for number in range(3)])
    write(lab, alarik())
    apply(lab)
    write(lab, alarik(destination={"provider": "alarik-us", "bucket": "legacy-copy"}))
    before = lab.mark()
    apply(lab)
    assert len(lab.writes(before)) == 1
    rules = colleague.alarik("GET", "rules")
    assert (len(rules), all(rule["enabled"] for rule in rules)) == (4, True)


# Wrong servers, secrets --------------------------------------------------------------------------------------------


class _Gateway(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<html><h1>404 page not found</h1></html>"
        self.send_response(404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815  (the names that the base class calls)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def gateway() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Gateway) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_gateway_that_knows_no_such_page_is_no_empty_bucket(lab: LabClient, gateway: str) -> None:
    write(lab, bos(), alarik())
    apply(lab)
    world = lab.lab.world["emulators"]
    for real in (world["bos"]["regions"]["bj"]["https"], world["alarik-eu"]["https"]):
        lab.edit("providers.yaml", f"endpoint: {real}\n", f"endpoint: {gateway}\n")
    planned = lab.run("plan")
    assert planned.code == 1
    assert "NOT READ: 2 of 2 scopes" in planned.text
    assert "a proxy, or a gateway" in planned.text
    drifted = lab.run("drift")
    assert drifted.code == 1
    assert "vanished" not in drifted.text


def test_a_server_that_tells_secrets_makes_nobody_else_tell_them(lab: LabClient, colleague: Colleague) -> None:
    lab.switch("alarik-eu", mask=False)
    theirs = "told-by-an-old-server"
    colleague.alarik("PUT", "rules", [])
    colleague.alarik("PUT", "targets", [colleague.target(1, theirs)])
    write(lab, alarik())
    said = [
        lab.run(*command).text
        for command in (
            ("plan", "-v", "--out", "p.json", "--output", "json=plan.json"),
            ("apply", "p.json", "-v", "--output", "json=applied.json"),
            ("drift", "--output", "json=drift.json"),
            ("import", "alarik-eu"),
        )
    ]
    kept = {target["id"]: target["secretAccessKey"] for target in colleague.alarik("GET", "targets")}
    assert kept[f"{_TARGET}1".upper()] == theirs
    assert len(kept) == 2
    files = (path for path in lab.folder.rglob("*") if path.is_file() and path.parent.name != "secrets")
    said += [path.read_text(encoding="utf-8", errors="replace") for path in files]
    for secret in (theirs, *(value for name, value in kept.items() if name != f"{_TARGET}1".upper())):
        assert [text for text in said if secret in text] == []


# Names -------------------------------------------------------------------------------------------------------------


def test_odd_keys_are_imported_as_they_are(lab: LabClient, colleague: Colleague) -> None:
    odd = ["{{ x }}/", "{% y %}/", "\u3000 é/", "null"]
    colleague.alarik("PUT", "rules", [])
    colleague.alarik("PUT", "targets", [colleague.target(0)])
    rules = [colleague.rule(number, prefix) | {"targetId": f"{_TARGET}0"} for number, prefix in enumerate(odd)]
    colleague.alarik("PUT", "rules", rules)
    (lab.folder / "replications.yaml").unlink()
    for number, prefix in enumerate(odd):
        rule = {"id": f"odd-{number}", "status": "enabled", "resource": [f"prod-images/{prefix}*"]}
        colleague.bos_put(rule | {"destination": {"bucket": "dr-images"}, "replicateDeletes": "disabled"})
    for provider in ("bos-bj", "alarik-eu"):
        assert lab.run("import", provider, "--out", f"{provider}.yaml").code == 0
    planned = lab.run("plan", "--detailed-exitcode")
    assert planned.code == 0, planned.text
    assert "9 replications read" in planned.text
