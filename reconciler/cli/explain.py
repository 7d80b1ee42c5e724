"""`repl explain EFFECT`: what a side effect is, when it happens, and what to do about it."""

from typing import Annotated

import typer

from reconciler.cli import options as opt

__all__ = ["command"]


def command(
    effect: Annotated[
        str | None, typer.Argument(metavar="[EFFECT]", help="Such as QUMULO-REPLACE. [default: list all]")
    ] = None,
    no_color: opt.Colour = False,
) -> int:
    """Explain an effect that a plan names: when it occurs, what happens, what to do instead, and how that is known."""
    import difflib

    from reconciler.cli.console import Console
    from reconciler.errors import UsageError
    from reconciler.providers.registry import Registry
    from reconciler.report.effect import effect_list, effect_text

    console = Console(no_color=no_color)
    rules = {rule.id: rule for info in Registry.installed().infos() for rule in info.effects}
    if effect is None:
        console.out(effect_list(tuple(rules[name] for name in sorted(rules)), console.style()))
        return 0
    wanted = effect.upper().partition("@")[0]
    if wanted not in rules:
        near = difflib.get_close_matches(wanted, rules, n=1)
        raise UsageError(
            f"no effect is named {effect}", hint=f"did you mean {near[0]}?" if near else "`repl explain` lists them all"
        )
    console.out(effect_text(rules[wanted], console.style()))
    return 0
