"""The demonstration: real commands as real processes, in front of the reader, each with the ending it must have."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from reconciler.cli.console import Console
from reconciler.cli.laboratory import Lab, started
from reconciler.report.style import Tone

__all__ = ["tell"]

_RULE = "repl.lab.logs-to-dr"
_REPLICA, _RENAMED = "projects_dr", "projects_copy"
_LOST = "2026/03.pdf"
_EMPTY_FOR_S = 2


def _switch_off_a_rule(lab: Lab) -> int:
    keys = {"HAND_ACCESS_KEY_ID": lab.s3["access_key"], "HAND_SECRET_ACCESS_KEY": lab.s3["secret_key"]}
    command = [
        sys.executable, "-m", "reconciler.emulators.hand", "--url", lab.s3["https"], "--ca", lab.world["ca"],
        "--bucket", "logs", "--rule", _RULE,
    ]  # fmt: skip
    return subprocess.run(command, env={**os.environ, **keys}, check=False).returncode  # noqa: S603


def _rename_the_replica(lab: Lab) -> int:
    path = lab.folder / "replications.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(_REPLICA, _RENAMED), encoding="utf-8")
    return 0


def _lose_an_object(lab: Lab) -> int:
    lab.act("ccs", "forget-row", site="site-b", bucket="invoices", object=_LOST)
    lab.switch("ccs", pull_s=_EMPTY_FOR_S)
    return 0


@dataclass(frozen=True, slots=True)
class _Scene:
    """One command, what it is for, and how it must end; or what somebody else does, without a command."""

    title: str
    arguments: tuple[str, ...] = ()
    ends_with: int = 0
    hand: Callable[[Lab], int] | None = None


_SCENES = (
    _Scene("The manifests are sound, over six kinds of system: no network yet", ("validate",)),
    _Scene("What would happen, call by call", ("plan", "--out", "plan.json", "--detailed-exitcode"), 2),
    _Scene("Do exactly that, and prove that bytes arrive", ("apply", "plan.json")),
    _Scene("A second plan is empty", ("plan", "--detailed-exitcode")),
    _Scene("(a colleague switches the rule logs-to-dr off, by hand)", hand=_switch_off_a_rule),
    _Scene("The nightly look finds it", ("drift",), 2),
    _Scene("The plan shows exactly that. Put it back, and prove it", ("apply", "--yes")),
    _Scene(f"(a pull request renames an SCP replica: {_REPLICA} to {_RENAMED})", hand=_rename_the_replica),
    _Scene("SCP cannot rename: the plan names what would stay, and waits", ("plan",), 4),
    _Scene("Approved", ("apply", "--yes", "--allow", "SCP-REPLACE@projects-to-east")),
    _Scene(f"({_LOST} is lost at site-b, whose new rows say READY too early)", hand=_lose_an_object),
    _Scene("Ordered again, and believed only when the storage has it", ("resync", "invoices-to-b", "--yes")),
    _Scene("Nothing is left to do", ("plan", "--detailed-exitcode")),
)


def tell(folder: Path, *, pause: float) -> int:
    """Run all scenes. Returns 0, or 1 at the first scene that ends otherwise than it must."""
    console = Console()
    style = console.style()
    begun = time.monotonic()
    with started(folder) as lab:
        for number, scene in enumerate(_SCENES, start=1):
            console.out(style.paint(f"\n── {number}/{len(_SCENES)}  {scene.title}", Tone.BOLD))
            code = _play(scene, lab, console)
            if code != scene.ends_with:
                console.out(f"this scene ended with {code}; it must end with {scene.ends_with}")
                return 1
            time.sleep(pause)
    console.out(
        style.paint(f"\nThat is the whole story, in {time.monotonic() - begun:.0f} s. Now yours: repl lab up", Tone.OK)
    )
    return 0


def _play(scene: _Scene, lab: Lab, console: Console) -> int:
    if scene.hand is not None:
        return scene.hand(lab)
    console.out(f"$ repl {' '.join(scene.arguments)}\n")
    command = [sys.executable, "-m", "reconciler", *scene.arguments]
    return subprocess.run(command, cwd=lab.folder, check=False).returncode  # noqa: S603 our own program
