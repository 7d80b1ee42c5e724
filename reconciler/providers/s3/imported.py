"""From live rules to manifests. Pure."""

import re
from collections.abc import Iterator

from reconciler.model.observation import ContainerState
from reconciler.model.relationship import Relationship, S3Endpoint
from reconciler.model.value import Json
from reconciler.providers.base import Imported
from reconciler.providers.names import slug, unique
from reconciler.providers.s3.convert import parse_rule_id, part

__all__ = ["imported_rules", "suggested_name"]

_GENERATED = re.compile(r"[A-Za-z0-9+/=_]{24,}")
_UNSAID = {
    "sseKms": "disabled", "replicaModifications": "disabled", "replicationTime": "disabled", "metrics": "disabled",
    "owner": "source", "account": "", "kmsKey": "",
}  # fmt: skip


def imported_rules(
    state: ContainerState, provider: str, *, peer: S3Endpoint | None, role: str | None, ceph: bool
) -> Iterator[Imported]:
    """Yield one manifest for each rule of a bucket, under names that differ.

    What a rule does not use is left out, so that it is not managed. `role` is the provider's own. `peer` is how the
    same service is reached: a rule does not say in which region its destination lies.
    """
    taken: set[str] = set()
    for known in state.relationships:
        name = unique(suggested_name(known), taken)
        settings = known.settings
        source = part(settings, "source")
        yield Imported(
            relationship=known,
            container=state.ref,
            suggested_name=name,
            source={"provider": provider, "bucket": source["bucket"]} | _given("prefix", source.get("prefix")),
            destination={"bucket": part(settings, "destination")["bucket"]},
            spec=_spec(known, name, role, ceph=ceph),
            renamed={"s3": {"id": known.identity}},
            peer=peer,
        )


def suggested_name(known: Relationship) -> str:
    """Return a name that a document may have: from our own id, from a speaking id, else from the buckets."""
    ours = parse_rule_id(known.identity)
    if ours is not None:
        return ours[1]
    source, there = part(known.settings, "source"), part(known.settings, "destination")
    if known.identity.startswith("unnamed:") or _GENERATED.fullmatch(known.identity):
        return slug(f"{source['bucket']}-{source['prefix']}-to-{there['bucket']}") or "rule"
    return slug(known.identity) or "rule"


def _spec(known: Relationship, name: str, role: str | None, *, ceph: bool) -> dict[str, Json]:
    settings, options = known.settings, part(known.settings, "s3")
    spec: dict[str, Json] = {"state": settings["state"]}
    if ceph:
        spec["deletes"] = "replicate"  # that is what it does, whatever its rules say
    for key in ("deletes", "storageClass"):
        if key in settings:
            spec[key] = settings[key]
    if tags := part(settings, "filter").get("tags"):
        spec["filter"] = {"tags": tags}
    ours = parse_rule_id(known.identity)
    mine: dict[str, Json] = {} if known.owned and ours and ours[1] == name else {"id": known.identity}
    said = {key: value for key, value in options.items() if key != "schema" and _UNSAID.get(key) != value}
    if said.get("role") == role or role is None:
        said.pop("role", None)  # one for the whole bucket: it belongs to the provider
    mine |= said
    if mine:
        spec["s3"] = mine
    return spec


def _given(key: str, value: Json) -> dict[str, Json]:
    return {key: value} if value else {}
