"""What the steps of one replication bring about: effects, with names and ids. Pure."""

from collections.abc import Iterator, Mapping

from reconciler.model.change import Action, Change
from reconciler.model.step import Effect, Estimate
from reconciler.model.value import Json
from reconciler.providers.scp import effects
from reconciler.providers.scp.convert import PASSWORD, PAUSED

__all__ = ["predicted"]

_AMOUNT = Estimate(basis="SCP does not say how much a volume's replica holds")


def predicted(
    change: Change, held: Mapping[str, Json], *, removes: bool, creates: bool, deletes_volume: bool
) -> Iterator[Effect]:
    """Yield the effects of one change. `held` is the replication as read; empty if there is none."""
    name = change.replication
    if removes and creates:
        fields = ", ".join(field.dotted for field in change.fields if field.forces_replace)
        text = f"{change.title}: {fields} cannot be changed, so a new replica is made and everything transferred again"
        yield Effect.of(effects.REPLACE, name, text, _AMOUNT)
    if removes:
        yield from _removal(name, held, deletes_volume=deletes_volume, alone=not creates)
    if change.desired is not None and PASSWORD in change.desired.write_only and change.action is not Action.NONE:
        sent = "is sent with the creation and never shown again" if creates else "is not sent: only a creation takes it"
        yield Effect.of(effects.SECRET, name, f"the CIFS password {sent}: another value is noticed by the receipt only")


def _removal(name: str, held: Mapping[str, Json], *, deletes_volume: bool, alone: bool) -> Iterator[Effect]:
    volume = f"volume {held.get('replica_name')} ({held.get('replica_volume')}) in {held.get('region')}"
    if held.get("policy") != PAUSED:
        text = f"it is paused before it is deleted, at {held.get('region')}; nothing is copied then"
        yield Effect.of(effects.PAUSE_FIRST, name, text)
    if deletes_volume:
        effect = Effect.of(effects.VOLUME_DELETED, name, f"{volume} is deleted, with its snapshots and all its data")
    else:
        effect = Effect.of(effects.ORPHAN, name, f"{volume} stays and is billed")
    yield effect.model_copy(update={"loses_protection": alone})
