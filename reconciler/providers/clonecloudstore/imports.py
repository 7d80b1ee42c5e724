"""Live replications as manifests, for `repl import`. Pure."""

from collections.abc import Callable, Iterator

from reconciler.model.manifest import Deletes
from reconciler.model.observation import Observation
from reconciler.model.relationship import Relationship
from reconciler.model.value import Json
from reconciler.providers.base import Imported
from reconciler.providers.clonecloudstore.convert import way_of_settings
from reconciler.providers.clonecloudstore.names import key_problem
from reconciler.providers.names import slug, unique

__all__ = ["imported"]


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
                name = unique(slug(f"{way.bucket}-{way.source}-to-{way.destination}"), taken)
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
