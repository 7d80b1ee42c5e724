"""Live relationships as manifests, for `repl import`. Pure."""

import re
from collections.abc import Iterator

from reconciler.model.observation import ContainerState, Observation
from reconciler.model.relationship import Relationship, S3Endpoint
from reconciler.model.value import Json
from reconciler.providers.base import Imported
from reconciler.providers.qumulo.config import BucketStyle

__all__ = ["imported"]

_LONGEST_NAME = 63
_HTTPS_PORT = 443


def imported(observation: Observation) -> Iterator[Imported]:
    """Yield a manifest for each relationship that one can be written for.

    Left out are relationships whose directory is gone and surplus copies of another one: both have a note. What a
    cluster does not give back, the key's secret, has to come from the other end's provider.
    """
    for state in observation.containers:
        if not _note(state):
            yield from (_manifest(state, live, observation.scope.provider) for live in state.relationships)


def _note(state: ContainerState) -> str:
    return str(state.document.get("note") or "") if isinstance(state.document, dict) else ""


def _manifest(state: ContainerState, live: Relationship, provider: str) -> Imported:
    source, destination, own = (dict(_mapping(live.settings.get(key))) for key in ("source", "destination", "qumulo"))
    directory, bucket = (source, destination) if "path" in source else (destination, source)
    directory["provider"] = provider
    if not bucket["prefix"]:
        del bucket["prefix"]
    return Imported(
        relationship=live,
        container=state.ref,
        suggested_name=_name(source, destination),
        source=source,
        destination=destination,
        spec={"qumulo": {"bucketStyle": own["bucketStyle"], "region": own["region"]}},
        peer=_peer(own),
    )


def _peer(own: dict[str, Json]) -> S3Endpoint:
    address, port = str(own["address"]), own["port"]
    host = f"[{address}]" if ":" in address else address
    return S3Endpoint(
        url=f"https://{host}" if port == _HTTPS_PORT else f"https://{host}:{port}",
        region=str(own["region"]),
        path_style=own["bucketStyle"] == BucketStyle.PATH,
        access_key_id=str(own["accessKeyId"]),
    )


def _name(source: dict[str, Json], destination: dict[str, Json]) -> str:
    words = (_word(source), "to", _word(destination))
    return "-".join(words)[:_LONGEST_NAME].strip("-")


def _word(end: dict[str, Json]) -> str:
    text = str(end["path"]) if "path" in end else str(end["bucket"])
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "root"


def _mapping(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}
