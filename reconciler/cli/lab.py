"""`repl lab`: the emulators, to try everything without an account."""

from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["app"]

app = typer.Typer(
    help="Emulated storage systems on loopback, with data in them and a workspace beside them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_SERVICES = ("accessor", "replicator", "administration")

Folder = Annotated[Path, typer.Option("--dir", metavar="DIR", help="Where the workspace is written.")]


@app.command("up")
def up(folder: Folder = Path("lab")) -> int:
    """Start the emulators, write a ready workspace, and stay until Ctrl-C.

    Everything listens on loopback only. In another terminal: repl plan -f lab
    """
    import sys

    from reconciler.cli.interrupt import stopping
    from reconciler.cli.laboratory import started

    with stopping(lambda _text: None) as stop, started(folder) as lab:
        lines = [line for name, facts in lab.world["emulators"].items() for line in _lines(name, facts)]
        sys.stdout.write(
            "\n".join([*lines, f"{'control':10} {lab.world['control']}", "", "ready. Now, in another terminal:", ""])
        )
        sys.stdout.write(
            f"\n  repl validate -f {folder}\n  repl plan -f {folder}\n  repl apply -f {folder}\n\nCtrl-C ends it.\n"
        )
        sys.stdout.flush()
        while not stop.wait(0.5):
            pass
    return 0


@app.command("demo")
def demo(
    folder: Annotated[
        Path | None, typer.Option("--dir", metavar="DIR", help="Keep the workspace here. [default: temporary]")
    ] = None,
    pause: Annotated[float, typer.Option("--pause", metavar="SECONDS", help="Wait between the scenes.")] = 0.0,
) -> int:
    """Run the whole story in front of you: one plan, one apply and a proof each over six kinds of system, nothing left
    to do; then what people and systems do behind your back, and how it is found and mended.

    Starts its own emulators and leaves nothing running. Exit code 0 if every scene ends as it should.
    """
    import tempfile

    from reconciler.cli.story import tell

    if folder is not None:
        return tell(folder, pause=pause)
    with tempfile.TemporaryDirectory(prefix="repl-demo-") as temporary:
        return tell(Path(temporary) / "lab", pause=pause)


def _address(facts: dict[str, Any]) -> str:
    regions = facts.get("regions", {"": facts})
    return "  ".join(f"{name} {urls.get('https') or urls['url']}".strip() for name, urls in regions.items())


def _lines(name: str, facts: dict[str, Any]) -> list[str]:
    """One line for a system; one for each site of systems that have several services."""
    sites = facts.get("sites")
    if sites is None:
        return [f"{name:10} {_address(facts)}"]
    return [
        f"{name:10} {site}: " + "  ".join(f"{service} {urls['https'][service]}" for service in _SERVICES)
        for site, urls in sites.items()
    ]
