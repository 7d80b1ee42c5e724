"""Live rules as manifests, for `repl import`. Pure."""

from collections.abc import Iterator

from reconciler.model.observation import ContainerState, Observation
from reconciler.model.relationship import Relationship, S3Endpoint
from reconciler.model.value import Json
from reconciler.providers.alarik.convert import mapping
from reconciler.providers.base import Imported
from reconciler.providers.names import slug, unique

__all__ = ["imported"]

_OFF = "`state` is left out: the rule is enabled, but its target is not; write `active` or `paused`"


def imported(observation: Observation) -> Iterator[Imported]:
    """Yield a manifest for each rule that leads somewhere, under names that differ.

    Left out are rules whose target is gone, for there is no destination to write down, and repeated ids. The key's
    secret is never given back: it has to come from the other end's provider.
    """
    taken: set[str] = set()
    for state in observation.containers:
        for live in state.relationships:
            if "destination" in live.settings and "#" not in live.identity:
                yield _manifest(state, live, observation.scope.provider, taken)


def _manifest(state: ContainerState, live: Relationship, provider: str, taken: set[str]) -> Imported:
    source, destination, own = (mapping(live.settings.get(key)) for key in ("source", "destination", "alarik"))
    place: dict[str, Json] = {"provider": provider, "bucket": source["bucket"]}
    place |= {"prefix": source["prefix"]} if source["prefix"] else {}
    options: dict[str, Json] = {"id": live.identity}
    options |= {"synchronous": True} if own.get("synchronous") else {}
    spec: dict[str, Json] = {key: live.settings[key] for key in ("deletes", "existing")}
    # With a disabled target an active rule copies nothing; written down as active it would have to be enabled.
    off = live.settings["state"] == "active" and not own["targetEnabled"]
    return Imported(
        relationship=live,
        container=state.ref,
        suggested_name=unique(_name(place, destination), taken),
        source=place,
        destination={"bucket": destination["bucket"]},
        spec={**({} if off else {"state": live.settings["state"]}), **spec, "alarik": options},
        peer=S3Endpoint(
            url=str(own["endpoint"]),
            region=str(own["region"]),
            path_style=True,
            access_key_id=str(own["accessKeyId"]),
        ),
        by_hand=(_OFF,) if off else (),
    )


def _name(source: dict[str, Json], destination: dict[str, Json]) -> str:
    here = f"{source['bucket']}-{source['prefix']}" if "prefix" in source else str(source["bucket"])
    return slug(f"{here}-to-{destination['bucket']}") or "rule"
