"""Live replications as manifests, for `repl import`. Pure, but for asking which document reaches a region."""

from collections.abc import Callable, Iterator

from reconciler.model.manifest import State
from reconciler.model.observation import ContainerState, Observation
from reconciler.model.relationship import Relationship
from reconciler.model.value import Json
from reconciler.providers.base import Imported
from reconciler.providers.names import slug
from reconciler.providers.scp.config import ReplicationType
from reconciler.providers.scp.convert import CREATING, FREQUENCIES, every, part
from reconciler.providers.scp.identity import is_new_name, stems

__all__ = ["imported"]

_SCHEDULES = frozenset(every(word) for word in FREQUENCIES.values())


def imported(observation: Observation, document: Callable[[str], str | None]) -> Iterator[Imported]:
    """Yield a manifest for each replication that one can be written for.

    Left out are surplus ones of an equal region and name. A replica's name that no document may have, for the service
    has put something behind it, is written as it was asked for. `document` names the provider that reaches a region.
    """
    for state in observation.containers:
        for live in state.relationships:
            asked = _asked(live)
            if "#" not in live.identity and asked is not None:
                yield _manifest(state, asked, document)


def _asked(live: Relationship) -> Relationship | None:
    """Return a relationship under a name that a manifest may have; None if there is none."""
    name = str(part(live.settings, "destination").get("volume"))
    if is_new_name(name):
        return live
    region = part(live.settings, "scp").get("region")
    return next((known for stem in stems(name) if (known := live.known_as(f"{region}/{stem}"))), None)


def _manifest(state: ContainerState, live: Relationship, document: Callable[[str], str | None]) -> Imported:
    source, there = part(live.settings, "source"), part(live.settings, "destination")
    region = str(part(live.settings, "scp").get("region"))
    named = document(region)
    destination: dict[str, Json] = {"provider": named} if named is not None else {}
    return Imported(
        relationship=live,
        container=state.ref,
        suggested_name=slug(f"{source['volume']}-to-{there['volume']}"),
        source={"provider": state.ref.provider, "volume": source["volume"]},
        destination=destination | {"volume": there["volume"]},
        spec=_spec(live),
        peer=None,
        beyond=f"region {region}",
        by_hand=_by_hand(state, live),
    )


def _spec(live: Relationship) -> dict[str, Json]:
    """Return the keys that a manifest may say. Words that nobody knows are left to the service."""
    settings, own = live.settings, part(live.settings, "scp")
    spec: dict[str, Json] = {"deletes": settings["deletes"], "existing": settings["existing"]}
    if settings["state"] == CREATING:
        spec["state"] = str(State.ACTIVE)
    elif settings["state"] in tuple(State):
        spec["state"] = settings["state"]
    if part(settings, "schedule").get("every") in _SCHEDULES:
        spec["schedule"] = settings["schedule"]
    options: dict[str, Json] = {"type": own["type"]} if own.get("type") in tuple(ReplicationType) else {}
    if own.get("type") == ReplicationType.BACKUP and own.get("retention") is not None:
        options["retention"] = own["retention"]
    if options:
        spec["scp"] = options
    # Until somebody says where the volumes are mounted, nothing closer can be looked at.
    spec["verify"] = {"level": "status"}
    return spec


def _by_hand(state: ContainerState, live: Relationship) -> tuple[str, ...]:
    said = []
    held = state.document if isinstance(state.document, dict) else {}
    if held.get("protocol") == "CIFS":
        said.append(
            "`scp.cifsPassword` is never shown; nothing needs it as long as the replica stays, and to make another one"
            " write it as a reference: `scp: {cifsPassword: {env: NAME}}`"
        )
    if live.settings["state"] not in (*State, CREATING):
        said.append(f"`state` is left out, for the replication is in state {live.settings['state']}")
    frequency = part(live.settings, "schedule").get("every")
    if frequency not in _SCHEDULES:
        said.append(f"`schedule` is left out, for the replication runs {frequency!r}, which is none of the known words")
    return tuple(said)
