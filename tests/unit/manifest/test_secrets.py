"""Secret references: where they may point, what goes wrong without telling the secret, and redaction."""

import base64
import json
import os
import sys
import threading
import urllib.parse
from pathlib import Path

import pytest

from reconciler.errors import ErrorCode, ExitCode, ManifestError, ProviderError
from reconciler.manifest.secrets import MAX_BYTES, Secrets
from reconciler.manifest.trust import TrustFile, load_trust
from reconciler.model.secret import SecretRef

VALUE = 'p@ss/w"ö+rd <&>'


def ref(**parts: object) -> SecretRef:
    return SecretRef.model_validate(parts)


def refused(secrets: Secrets, reference: SecretRef, **more: object) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        secrets.resolve(reference, **more)
    assert caught.value.code is ErrorCode.SECRET
    assert caught.value.exit_code is ExitCode.AUTH
    return caught.value


def test_from_the_environment(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path, environ={"KEY": VALUE, "EMPTY": "", "SHORT": "abc"})
    assert secrets.resolve(ref(env="KEY")).get_secret_value() == VALUE
    assert VALUE not in repr(secrets.resolve(ref(env="KEY")))
    assert "not set" in refused(secrets, ref(env="NOPE")).message
    assert "NOPE" in str(refused(secrets, ref(env="NOPE")))
    assert "empty" in refused(secrets, ref(env="EMPTY")).message
    short = refused(secrets, ref(env="SHORT"))
    assert "too short" in short.message
    assert "abc" not in f"{short}{short.hint}"


def test_from_the_process_environment_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPL_TEST_KEY", VALUE)
    assert Secrets(tmp_path).resolve(ref(env="REPL_TEST_KEY")).get_secret_value() == VALUE


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"secret", "secret"),
        (b"secret\n", "secret"),
        (b"secret\r\n", "secret"),
        (b"secret\n\n", "secret\n"),
        (b" secret ", " secret "),
    ],
)
def test_from_a_file_one_line_end_is_dropped(tmp_path: Path, data: bytes, value: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/key").write_bytes(data)
    assert Secrets(tmp_path).resolve(ref(file="sub/key")).get_secret_value() == value
    assert Secrets(tmp_path / "sub").resolve(ref(file="../sub/key")).get_secret_value() == value


def test_files_outside_the_workspace_are_refused_however_they_are_named(tmp_path: Path) -> None:
    base = tmp_path / "w"
    base.mkdir()
    (tmp_path / "outside").write_text(VALUE)
    (base / "link").symlink_to("../outside")
    (base / "up").symlink_to("..")
    secrets = Secrets(base)
    for name in ("../outside", str(tmp_path / "outside"), "link", "up/outside", "/etc/passwd"):
        error = refused(secrets, ref(file=name))
        assert "not below the workspace" in error.message
        assert VALUE not in str(error)


def test_links_inside_the_workspace_are_fine(tmp_path: Path) -> None:
    (tmp_path / "real").write_text(VALUE)
    (tmp_path / "link").symlink_to("real")
    assert Secrets(tmp_path).resolve(ref(file="link")).get_secret_value() == VALUE


def test_files_that_cannot_be_a_secret(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "binary").write_bytes(b"\xff" * 10)
    (tmp_path / "big").write_bytes(b"x" * (MAX_BYTES + 1))
    (tmp_path / "empty").write_bytes(b"\n")
    os.mkfifo(tmp_path / "pipe")
    secrets = Secrets(tmp_path)
    for name in ("folder", "loop", "binary", "big", "empty", "pipe", "gone", "a\0b"):
        refused(secrets, ref(file=name))


def test_commands_run_only_when_allowed(tmp_path: Path) -> None:
    reference = ref(exec=["touch", "ran"])
    assert "--allow-exec" in (refused(Secrets(tmp_path), reference).hint or "")
    assert not (tmp_path / "ran").exists()


def python(code: str) -> SecretRef:
    return ref(exec=[sys.executable, "-c", code])


def test_from_a_command(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path, allow_exec=True, environ={"KEY": VALUE, "PATH": os.environ["PATH"]})
    code = "import os, sys; print(os.environ['KEY'] + os.getcwd() + sys.stdin.read())"
    assert secrets.resolve(python(code)).get_secret_value() == VALUE + str(tmp_path)
    assert secrets.resolve(ref(exec=["printf", "%s", "$HOME;id"])).get_secret_value() == "$HOME;id"


def test_a_command_that_fails_tells_nothing_of_what_it_wrote(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path, allow_exec=True)
    error = refused(secrets, python("import sys; print('hunter2'); print('hunter2', file=sys.stderr); sys.exit(3)"))
    assert "code 3" in error.message
    assert "hunter2" not in f"{error.message}{error.hint}"
    assert "does not start" in refused(secrets, ref(exec=["/no/such/command"])).message
    assert "empty" in refused(secrets, python("")).message
    assert "UTF-8" in refused(secrets, python("import sys; sys.stdout.buffer.write(b'\\xff' * 9)")).message


@pytest.mark.parametrize(
    "code",
    [
        "import time; time.sleep(600)",
        "import os, time; os.close(1); time.sleep(600)",
        "import subprocess, sys; subprocess.Popen(['sleep', '600'], start_new_session=True)",
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)",
    ],
)
def test_a_command_that_does_not_end_is_ended(tmp_path: Path, code: str) -> None:
    assert "longer than 1 s" in refused(Secrets(tmp_path, allow_exec=True, timeout_s=1), python(code)).message


def test_a_command_that_writes_without_end_is_ended(tmp_path: Path) -> None:
    assert "longer than 64 KiB" in refused(Secrets(tmp_path, allow_exec=True), ref(exec=["yes"])).message


def test_from_aws_secrets_manager(tmp_path: Path) -> None:
    reference = ref(awsSecretsManager="prod/key")
    assert "not available" in refused(Secrets(tmp_path), reference).message
    assert (
        Secrets(tmp_path, aws=lambda name: f"{name}:{VALUE}").resolve(reference).get_secret_value()
        == f"prod/key:{VALUE}"
    )

    def failing(name: str) -> str:
        raise RuntimeError(f"denied for {VALUE}")

    error = refused(Secrets(tmp_path, aws=failing), reference)
    assert VALUE not in f"{error}{error.__cause__}"
    assert "RuntimeError" in error.message


def test_a_secret_is_read_once_also_by_many_threads(tmp_path: Path) -> None:
    code = "import pathlib, time; f = open('count', 'a'); f.write('x'); f.close(); time.sleep(0.2); print('secret')"
    secrets = Secrets(tmp_path, allow_exec=True)
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(secrets.resolve(python(code)).get_secret_value()))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["secret"] * 8
    assert (tmp_path / "count").read_text() == "x"


def test_every_form_of_a_secret_is_redacted(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path, environ={"A": VALUE, "B": "first line of it\nsecond line of it", "C": VALUE + "longer"})
    for name in "ABC":
        secrets.resolve(ref(env=name))
    raw = VALUE.encode()
    forms = [
        VALUE,
        VALUE + "longer",
        urllib.parse.quote(VALUE),
        urllib.parse.quote(VALUE, safe=""),
        urllib.parse.quote_plus(VALUE),
        json.dumps(VALUE),
        json.dumps(VALUE, ensure_ascii=False),
        repr(VALUE),
        repr(raw),
        raw.hex(),
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode(),
        base64.b64encode(b"user:" + raw).decode(),
        base64.b64encode(b"user1:" + raw + b"tail").decode(),
        base64.b64encode(b"me:" + raw).decode(),
        "p@ss/w&quot;ö+rd &lt;&amp;&gt;",
        "second line of it",
    ]
    for form in forms:
        shown = secrets.redact(f"before {form} after")
        assert "***" in shown, form
        assert shown.startswith("before "), form
        assert shown.endswith(" after"), form
        assert "rd <" not in shown
        assert "longer" not in shown
        assert VALUE not in shown
    encoded = base64.b64encode(b"user:" + raw).decode()
    assert raw not in base64.b64decode(secrets.redact(encoded).replace("***", "") + "====", validate=False)
    assert secrets.redact("nothing here") == "nothing here"


def test_nothing_is_redacted_before_it_was_resolved(tmp_path: Path) -> None:
    assert Secrets(tmp_path, environ={"A": VALUE}).redact(VALUE) == VALUE


TRUST = """\
trust:
  - secret: {env: A}
    hosts: [s3.example.com, "*.trusted.example", "[::1]:9000", "10.0.0.1:443"]
  - secret: {exec: [vault, read]}
    hosts: [b.example]
"""


def test_a_trust_file_says_what_may_go_where(tmp_path: Path) -> None:
    (tmp_path / "trust.yaml").write_text(TRUST)
    secrets = Secrets(tmp_path, environ={"A": VALUE, "B": VALUE}, trust=tmp_path / "trust.yaml")
    for host in (
        "s3.example.com",
        "S3.Example.com.",
        "s3.example.com:443",
        "x.trusted.example",
        "a.b.trusted.example",
        "[::1]:9000",
        "10.0.0.1:443",
    ):
        assert secrets.resolve(ref(env="A"), send_to=host).get_secret_value() == VALUE
    for host in (
        "evil.example",
        "s3.example.com.evil.example",
        "trusted.example",
        "xtrusted.example",
        "[::1]:9001",
        "[::1]",
        "10.0.0.1",
        "10.0.0.1:80",
        "",
    ):
        error = refused(secrets, ref(env="A"), send_to=host)
        assert "trust file" in error.message
    refused(secrets, ref(env="A"))
    refused(secrets, ref(env="B"), send_to="s3.example.com")


def test_what_is_not_trusted_is_not_even_run(tmp_path: Path) -> None:
    trust = TrustFile.model_validate({"trust": []})
    refused(Secrets(tmp_path, allow_exec=True, trust=trust), ref(exec=["touch", "ran"]), send_to="x")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a\n",
        "trust: 3\n",
        "trust: [{secret: {env: A}}]\n",
        "trust: [{secret: hunter22, hosts: [a]}]\n",
        "trust: [\n",
        "a: b\n",
        "trust: []\n---\ntrust: []\n",
    ],
)
def test_a_trust_file_that_is_wrong_trusts_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "trust.yaml").write_text(text)
    with pytest.raises(ManifestError) as caught:
        load_trust(tmp_path / "trust.yaml")
    assert "trust.yaml is not a trust file" in caught.value.message
    assert "hunter22" not in f"{caught.value.message}{caught.value.findings}"


def test_a_trust_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ManifestError) as caught:
        Secrets(tmp_path, trust=tmp_path / "gone.yaml")
    assert [finding.code for finding in caught.value.findings] == ["REPL-M001"]
