"""No secret in anything that repl writes: streams, plans, receipts, journals, errors."""

import pytest

from tests.lab.command import LabClient

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def test_every_artefact(lab: LabClient) -> None:
    known = lab.lab.world["emulators"].values()
    secrets = [facts[key] for facts in known for key in ("secret_key", "password") if key in facts]
    assert len(secrets) >= 6
    texts: list[str] = []
    for arguments in (
        ("validate",), ("plan", "--out", "p.json", "-v"), ("plan", "--output", "json"), ("show", "p.json", "-v"),
        ("apply", "p.json"), ("verify",), ("drift", "--output", "json"), ("import", "nas-1"), ("import", "aws-eu"),
        ("import", "scp-west"), ("import", "ccs-a"), ("graph",), ("providers", "--check"),
    ):  # fmt: skip
        ended = lab.run(*arguments)
        texts.append(ended.text)
    lab.fault(emulator="nas-1", method="POST", path="/session/login", kind="status", status=500, times=99)
    texts.append(lab.run("plan").text)
    (lab.folder / "secrets" / "s3").write_text("another-secret-that-is-wrong-0123456789\n")
    texts.append(lab.run("plan").text)
    ours = [path for path in lab.folder.rglob("*") if path.is_file() and path.parent.name != "secrets"]
    texts += [path.read_text(errors="replace") for path in ours if path.suffix in (".json", ".jsonl", "")]
    for secret in (*secrets, "another-secret-that-is-wrong-0123456789"):
        for text in texts:
            assert secret not in text


def test_a_literal_secret_is_a_finding_that_does_not_repeat_it(lab: LabClient) -> None:
    lab.edit("providers.yaml", "{file: secrets/nas-1}", "hunter2-in-the-clear")
    ended = lab.run("validate")
    assert ended.code == 1
    assert "REPL-M034" in ended.text
    assert "hunter2" not in ended.text
