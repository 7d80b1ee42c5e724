"""Live replications as manifests, for `repl import`. Pure."""

import re
from collections.abc import Callable, Iterator

from reconciler.model.manifest import Deletes
from reconciler.model.observation import Observation
from reconciler.model.relationship import Relationship
from reconciler.model.value import Json
from reconciler.providers.base import Imported
from reconciler.providers.clonecloudstore.convert import way_of_settings
from reconciler.providers.clonecloudstore.names import key_problem

__all__ = ["imported"]

_LONGEST_NAME = 63


def imported(
    observation: Observation, provider: str, site: str, document: Callable[[str, str], str | None]
) -> Iterator[Imported]:
    """Yield a manifest for each bucket that goes from `site` elsewhere, under names that differ.

    `document` names the workspace's document of a site and a client; what is not of the client of `provider` belongs to
    another document's import.
    """
    taken: set[str] = set()
    for state in observation.containers:
        for live in state.relationships:
            way = way_of_settings(live.settings)
            if way.source == site and document(way.source, way.client) == provider:
                name = _unique(_slug(f"{way.bucket}-{way.source}-to-{way.destination}"), taken)
                peer = document(way.destination, way.client)
                there: dict[str, Json] = {} if peer is None else {"provider": peer}
                yield Imported(
                    relationship=live,
                    container=state.ref,
                    suggested_name=name,
                    source={"provider": provider, "bucket": way.bucket},
                    destination=there | {"bucket": way.bucket},
                    spec=_spec(live, name),
                    peer=None,
                    beyond=f"{way.destination} for client {way.client}",
                )


def _spec(live: Relationship, name: str) -> dict[str, Json]:
    spec: dict[str, Json] = {key: live.settings[key] for key in ("state", "deletes")}
    if spec["deletes"] == Deletes.KEEP or key_problem(name):
        spec["verify"] = {"level": "status"}  # a canary could not be removed, or not be written
    return spec


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_LONGEST_NAME].strip("-") or "replication"


def _unique(name: str, taken: set[str]) -> str:
    number, unique = 2, name
    while unique in taken:
        end = f"-{number}"
        unique = name[: _LONGEST_NAME - len(end)].rstrip("-") + end
        number += 1
    taken.add(unique)
    return unique
