"""Live rules as manifests, for `repl import`. Pure."""

from collections.abc import Iterator, Mapping

from reconciler.model.manifest import Deletes, Existing, State
from reconciler.model.observation import ContainerState, Observation
from reconciler.model.relationship import Relationship, S3Endpoint
from reconciler.model.value import Json
from reconciler.providers.base import Imported
from reconciler.providers.bos.config import BosConfig
from reconciler.providers.bos.convert import REMAIN, held_rule, part
from reconciler.providers.bos.identity import is_valid
from reconciler.providers.bos.patterns import covers, matches, relative
from reconciler.providers.names import slug, unique

__all__ = ["imported", "suggested_name"]

_CANARY = ".repl-canary/"
_WORDS = {"state": tuple(State), "deletes": tuple(Deletes), "existing": tuple(Existing)}
"""What a document can say. A rule may have a word that nobody here knows: that is left to whoever gave it."""


def imported(observation: Observation, own: BosConfig) -> Iterator[Imported]:
    """Yield a manifest for each rule, under names that differ; not for those whose id no document can have.

    Each has its rule's id: the one that would follow from the manifest's name is another.
    """
    taken: set[str] = set()
    for state in observation.containers:
        for live in state.relationships:
            if is_valid(live.identity):
                name = unique(suggested_name(live), taken)
                yield _manifest(state, live, name, own)


def suggested_name(live: Relationship) -> str:
    """Return a name that a document may have: from the rule's id, else from the buckets."""
    source, there = part(live.settings, "source"), part(live.settings, "destination")
    return slug(live.identity) or slug(f"{source['bucket']}-to-{there['bucket']}") or "rule"


def _manifest(state: ContainerState, live: Relationship, name: str, own: BosConfig) -> Imported:
    settings = live.settings
    source, there = part(settings, "source"), part(settings, "destination")
    several = _texts(part(settings, "bos").get("resources"))
    prefix = str(source["prefix"]) if "prefix" in source else _common([one.removesuffix("*") for one in several])
    return Imported(
        relationship=live,
        container=state.ref,
        suggested_name=name,
        source={"provider": state.ref.provider, "bucket": source["bucket"]} | _given("prefix", prefix),
        destination={"bucket": there["bucket"]} | _given("prefix", there["prefix"]),
        spec=_spec(live, prefix, several),
        peer=_peer(held_rule(state) or {}, own),
    )


def _spec(live: Relationship, prefix: str, several: list[str]) -> dict[str, Json]:
    settings, own = live.settings, part(live.settings, "bos")
    spec: dict[str, Json] = {key: settings[key] for key, words in _WORDS.items() if settings[key] in words}
    kept = settings["storageClass"]
    if kept != REMAIN:
        spec["storageClass"] = kept
    patterns = _texts(part(settings, "filter").get("exclude"))
    globs = {one: relative(prefix, one) for one in patterns}
    if told := sorted(glob for glob in globs.values() if glob is not None):
        spec["filter"] = {"exclude": list[Json](told)}
    options: dict[str, Json] = {"id": live.identity}
    if several:
        options["resources"] = list[Json](several)
    if rest := [one for one, glob in globs.items() if glob is None]:
        options["exclude"] = list[Json](rest)
    history = own.get("historyStorageClass")
    if history is not None and history != kept:
        options["historyStorageClass"] = history
    spec["bos"] = options
    if not _proves(f"{prefix}{_CANARY}", several, patterns):
        spec["verify"] = {"level": "status"}
    return spec


def _proves(key: str, several: list[str], patterns: list[str]) -> bool:
    """Say whether a canary would be copied."""
    taken = not several or any(covers(one, key) for one in several)
    return taken and not any(matches(one, key) for one in patterns)


def _peer(rule: Mapping[str, Json], own: BosConfig) -> S3Endpoint | None:
    """Return how the destination's region is reached; None where the service does not say which one it is."""
    region = rule.get("destRegion")
    if not isinstance(region, str) or not region:
        return None
    if region == own.region:
        return S3Endpoint(url=own.s3_url, region=region, path_style=own.s3_in_path)
    there = BosConfig(region=region, credentials=own.credentials)
    return S3Endpoint(url=there.s3_url, region=region, path_style=there.s3_in_path)


def _common(texts: list[str]) -> str:
    """Return the longest beginning that all have, character by character; empty if there are none."""
    first, last = min(texts, default=""), max(texts, default="")
    return next((first[:end] for end in range(len(first), 0, -1) if last.startswith(first[:end])), "")


def _texts(value: Json) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _given(key: str, value: Json) -> dict[str, Json]:
    return {key: value} if value else {}
