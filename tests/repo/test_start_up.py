"""What the command must not load before it is asked for anything."""

import subprocess
import sys

import pytest

HEAVY = ("boto3", "botocore", "deepdiff", "jinja2", "ruamel", "pydantic", "httpx", "moto")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_and_version_load_nothing_heavy(arguments: list[str]) -> None:
    script = (
        "import sys\nfrom reconciler.cli.app import run\n"
        f"code = run({arguments!r})\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\nsys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_a_provider_type_is_cheap_to_look_at() -> None:
    script = (
        "import sys\nfrom reconciler.providers.registry import Registry\nRegistry.installed().infos()\n"
        "print([name for name in ('boto3', 'botocore', 'httpx', 'stamina') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
