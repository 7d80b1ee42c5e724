"""The demonstration: real commands as real processes, in front of the reader, each with the ending it must have."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from reconciler.cli.console import Console
from reconciler.cli.laboratory import Lab, started
from reconciler.report.style import Tone

__all__ = ["tell"]

_RULE = "repl.lab.logs-to-dr"


@dataclass(frozen=True, slots=True)
class _Scene:
    """One command, what it is for, and how it must end."""

    title: str
    arguments: tuple[str, ...]
    ends_with: int = 0


_SCENES = (
    _Scene("The manifests are sound: no network yet", ("validate",)),
    _Scene("What would happen, call by call", ("plan", "--out", "plan.json", "--detailed-exitcode"), 2),
    _Scene("Do exactly that, and prove that bytes arrive", ("apply", "plan.json")),
    _Scene("A second plan is empty", ("plan", "--detailed-exitcode")),
    _Scene("(a colleague switches the rule logs-to-dr off, by hand)", ()),
    _Scene("The nightly look finds it", ("drift",), 2),
    _Scene("The plan shows exactly that", ("plan", "--detailed-exitcode"), 2),
    _Scene("Put it back, and prove it", ("apply", "--yes")),
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
    if not scene.arguments:
        return _change_by_hand(lab)
    console.out(f"$ repl {' '.join(scene.arguments)}\n")
    command = [sys.executable, "-m", "reconciler", *scene.arguments]
    return subprocess.run(command, cwd=lab.folder, check=False).returncode  # noqa: S603 our own program


def _change_by_hand(lab: Lab) -> int:
    keys = {"HAND_ACCESS_KEY_ID": lab.s3["access_key"], "HAND_SECRET_ACCESS_KEY": lab.s3["secret_key"]}
    command = [
        sys.executable, "-m", "reconciler.emulators.hand", "--url", lab.s3["https"], "--ca", lab.world["ca"],
        "--bucket", "logs", "--rule", _RULE,
    ]  # fmt: skip
    return subprocess.run(command, env={**os.environ, **keys}, check=False).returncode  # noqa: S603
