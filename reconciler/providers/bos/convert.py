"""Between a rule's JSON and normal form. The only place that knows the wire's names. Pure.

Normal form: keys as in a Replication's spec. `source.prefix` stands for the one resource `<bucket>/<prefix>*`; any
other resources are `bos.resources`, without the bucket, sorted, which is empty where the prefix says it all.
Exclusions are `filter.exclude`: patterns of whole keys, without the bucket, sorted. Whether `bucket/abc` without a star
is one key or a prefix is not documented, so it is never taken for `bucket/abc*`, and never sent unless a document says
so.

Sources: BOS API, PutBucketReplication, GetBucketReplication and ListBucketReplication; the vendor's Go SDK.
"""

import json
from collections.abc import Iterable, Mapping, Sequence

from reconciler.model.manifest import Deletes, Existing, State
from reconciler.model.observation import ContainerRef, ContainerState, Observation, ScopeRef
from reconciler.model.relationship import Flow, Relationship, Settings
from reconciler.model.value import Json, canonical_json, digest
from reconciler.providers.bos.config import BosOptions
from reconciler.providers.bos.identity import is_ours, rule_id
from reconciler.providers.bos.patterns import bucket_wide

__all__ = [
    "DISABLED",
    "ENABLED",
    "EXCLUDE",
    "PREFIX",
    "REMAIN",
    "body_size",
    "bucket_of",
    "copies_history",
    "desired_settings",
    "enabled",
    "exclusions_of",
    "held_rule",
    "identity_of",
    "observation",
    "options_of",
    "part",
    "read_rule",
    "resources_of",
    "rule_body",
    "scope_of",
]

ENABLED, DISABLED = "enabled", "disabled"
REMAIN = "REMAIN"
"""Storage class of a copy that keeps that of its original: what the service gives back for a class left out."""
PREFIX, EXCLUDE = "destination.prefix", "filter.exclude"
"""Settings that the documented answers of 2020 do not show, and later ones may."""
_STATES = {ENABLED: str(State.ACTIVE), DISABLED: str(State.PAUSED)}
_DELETES = {ENABLED: str(Deletes.REPLICATE), DISABLED: str(Deletes.KEEP)}
_READ_ONLY = ("create_time", "createTime", "destRegion")


def part(settings: Mapping[str, Json], key: str) -> dict[str, Json]:
    """Return a mapping within settings; empty if it is not there."""
    value = settings.get(key)
    return value if isinstance(value, dict) else {}


def options_of(flow: Flow) -> BosOptions:
    """Return a flow's options of this type; all left out if there are none."""
    return flow.spec.options if isinstance(flow.spec.options, BosOptions) else BosOptions()


def identity_of(flow: Flow) -> str:
    """Return the id of the rule that a flow gets or adopts."""
    return options_of(flow).id or rule_id(flow.workspace, flow.name)


def scope_of(provider: str, bucket: str) -> ScopeRef:
    """Return the scope of a bucket: `bucket/<name>`."""
    return ScopeRef(provider=provider, key=f"bucket/{bucket}")


def bucket_of(scope: ScopeRef) -> str:
    """Return the bucket of a scope."""
    return scope.key.removeprefix("bucket/")


# Desired -----------------------------------------------------------------------------------------------------------


def resources_of(flow: Flow) -> tuple[str, ...]:
    """Return what a flow's rule covers, without the bucket, sorted."""
    return tuple(sorted(set(options_of(flow).resources or (f"{flow.spec.source.prefix or ''}*",))))


def exclusions_of(flow: Flow) -> tuple[str, ...] | None:
    """Return what a flow leaves out, as patterns of whole keys, sorted; None if that is not managed.

    A glob that no pattern says exactly, which `check` refuses, stands for itself.
    """
    globs, own = flow.spec.filter.exclude if flow.spec.filter else None, options_of(flow).exclude
    if globs is None and own is None:
        return None
    prefix = flow.spec.source.prefix or ""
    return tuple(sorted({bucket_wide(prefix, glob) or glob for glob in globs or ()} | set(own or ())))


def desired_settings(flow: Flow) -> Settings:
    """Return what a flow manages, in normal form."""
    spec, options, exclusions = flow.spec, options_of(flow), exclusions_of(flow)
    settings = _covering(spec.source.bucket or "", resources_of(flow), identity_of(flow))
    settings["destination"] = {"bucket": spec.destination.bucket, "prefix": spec.destination.prefix or ""}
    plain = {
        "state": spec.state, "deletes": spec.deletes, "existing": spec.existing, "storageClass": spec.storage_class,
    }  # fmt: skip
    settings |= {key: str(value) for key, value in plain.items() if value is not None}
    if exclusions is not None:
        settings["filter"] = {"exclude": list[Json](exclusions)}
    history = options.history_storage_class or spec.storage_class
    if spec.existing is Existing.COPY and history is not None:
        part(settings, "bos")["historyStorageClass"] = history
    return settings


def rule_body(settings: Settings, held: Mapping[str, Json] | None) -> dict[str, Json]:
    """Return the rule to send, whole: what is managed, laid over what is held. What neither says gets a default.

    `held` is the rule as the service gave it. Members of it that nobody here knows are sent back as they are: a write
    replaces the rule, and the service ignores what it does not take.
    """
    body: dict[str, Json] = {
        key: value for key, value in (held or {}).items() if key not in _READ_ONLY and value is not None
    }
    there, own = part(settings, "destination"), part(settings, "bos")
    body["id"] = own["id"]
    body["status"] = _word(_STATES, settings.get("state"), body.get("status"), ENABLED)
    body["replicateDeletes"] = _word(_DELETES, settings.get("deletes"), body.get("replicateDeletes"), DISABLED)
    body["resource"] = [f"{part(settings, 'source')['bucket']}/{one}" for one in _covered(settings)]
    body["destination"] = _with_class(
        {**part(body, "destination"), "bucket": there["bucket"], "prefix": there["prefix"]},
        settings.get("storageClass"),
    )
    excluded = part(settings, "filter").get("exclude")
    if isinstance(excluded, list):
        body["notIncludeResource"] = [f"{part(settings, 'source')['bucket']}/{one}" for one in excluded]
    if not body.get("notIncludeResource"):
        body.pop("notIncludeResource", None)
    _set_history(body, settings)
    return body


def _set_history(body: dict[str, Json], settings: Settings) -> None:
    """Put the copying of what was there before into the body; the presence of the member is what turns it on."""
    existing, chosen = settings.get("existing"), part(settings, "bos").get("historyStorageClass")
    if existing == Existing.IGNORE or (existing is None and "replicateHistory" not in body):
        body.pop("replicateHistory", None)
        return
    # Old examples name the destination's bucket here again: that is left to the destination.
    held = {key: value for key, value in part(body, "replicateHistory").items() if key != "bucket"}
    body["replicateHistory"] = _with_class(held, chosen)


def _with_class(member: dict[str, Json], chosen: Json) -> dict[str, Json]:
    """Set a storage class, or keep the one there is; leave out what is empty or stands for the original's."""
    if chosen is not None:
        member["storageClass"] = chosen
    return {key: value for key, value in member.items() if value not in (None, "", REMAIN)}


def _word(words: Mapping[str, str], wanted: Json, held: Json, default: str) -> Json:
    """Return the service's word for a setting: as wanted, else as held, else the default."""
    return next((word for word, meaning in words.items() if meaning == wanted), held or default)


def _covered(settings: Settings) -> Sequence[Json]:
    several, source = part(settings, "bos").get("resources"), part(settings, "source")
    return several if isinstance(several, list) and "prefix" not in source else [f"{source['prefix']}*"]


def body_size(body: Json) -> int:
    """Return how many bytes a rule has as it is sent."""
    return len(json.dumps(body, ensure_ascii=False).encode(errors="surrogatepass"))


# Observed ----------------------------------------------------------------------------------------------------------


def enabled(rule: Mapping[str, Json]) -> bool:
    """Say whether a rule is in force. A word that nobody knows is taken for yes: then a write has consequences."""
    return _lower(rule.get("status")) != DISABLED


def copies_history(rule: Mapping[str, Json]) -> bool:
    """Say whether a rule copies what was there before it."""
    return rule.get("replicateHistory") is not None


def read_rule(bucket: str, rule: Mapping[str, Json]) -> Settings:
    """Return a rule in normal form, every setting of it. Words that nobody knows stay as they are, and so differ."""
    there, history = part(rule, "destination"), part(rule, "replicateHistory")
    settings = _covering(bucket, [_below(bucket, text) for text in _texts(rule.get("resource"))], identity(rule))
    settings["destination"] = {"bucket": there.get("bucket") or "", "prefix": there.get("prefix") or ""}
    settings["state"] = _STATES.get(_lower(rule.get("status")), rule.get("status") or str(State.ACTIVE))
    held = rule.get("replicateDeletes")
    settings["deletes"] = _DELETES.get(_lower(held), held or str(Deletes.KEEP))
    settings["existing"] = str(Existing.COPY if copies_history(rule) else Existing.IGNORE)
    settings["storageClass"] = there.get("storageClass") or REMAIN
    excluded = {_below(bucket, text) for text in _texts(rule.get("notIncludeResource"))}
    settings["filter"] = {"exclude": list[Json](sorted(excluded))}
    if copies_history(rule):
        part(settings, "bos")["historyStorageClass"] = history.get("storageClass") or REMAIN
    return settings


def identity(rule: Mapping[str, Json]) -> str:
    """Return a rule's id. One without, as the first version of the API made them, gets a digest of what it says."""
    found = rule.get("id")
    return found if isinstance(found, str) and found else f"unnamed:{digest(dict(rule)).removeprefix('sha256:')[:12]}"


def observation(provider: str, bucket: str, rules: Iterable[Mapping[str, Json]], workspace: str) -> Observation:
    """Return a bucket's rules, each a container of its own, ordered by id."""
    scope, found = scope_of(provider, bucket), sorted(rules, key=identity)
    hidden = _hidden(found)
    return Observation(scope=scope, containers=tuple(_container(scope, rule, hidden, workspace) for rule in found))


def held_rule(state: ContainerState | None) -> dict[str, Json] | None:
    """Return the rule as the service gave it; None if it is not there."""
    document = state.document if state else None
    return part(document, "rule") if isinstance(document, dict) else None


def _container(scope: ScopeRef, rule: Mapping[str, Json], hidden: tuple[str, ...], workspace: str) -> ContainerState:
    name, settings = identity(rule), read_rule(bucket_of(scope), rule)
    known = Relationship(identity=name, settings=settings, owned=is_ours(workspace, name), unreadable=hidden)
    return ContainerState(
        ref=ContainerRef(provider=scope.provider, scope=scope.key, key=name),
        fingerprint=digest(settings),
        relationships=(known,),
        document={"rule": dict(rule)},
    )


def _hidden(rules: Sequence[Mapping[str, Json]]) -> tuple[str, ...]:
    """Return the settings that this service may not show: one rule that shows a member proves that it does."""
    shown = {
        PREFIX: any("prefix" in part(rule, "destination") for rule in rules),
        EXCLUDE: any("notIncludeResource" in rule for rule in rules),
    }
    return tuple(path for path, seen in shown.items() if not seen)


def _covering(bucket: str, resources: Iterable[str], name: str) -> Settings:
    several = sorted(set(resources))
    whole = several[0].removesuffix("*") if len(several) == 1 and several[0].endswith("*") else None
    if whole is not None and "*" not in whole and not whole.startswith("//"):
        return {"source": {"bucket": bucket, "prefix": whole}, "bos": {"id": name, "resources": []}}
    return {"source": {"bucket": bucket}, "bos": {"id": name, "resources": list[Json](several)}}


def _below(bucket: str, text: str) -> str:
    """Return a pattern without its bucket; one that does not name the bucket stays whole, marked as such."""
    return text.removeprefix(f"{bucket}/") if text.startswith(f"{bucket}/") else f"//{text}"


def _texts(value: Json) -> list[str]:
    """Return a list of texts; what is none of that is kept as JSON, so that it differs from all that is wanted."""
    items = [] if value is None else value if isinstance(value, list) else [value]
    return [one if isinstance(one, str) else canonical_json(one) for one in items]


def _lower(value: Json) -> str:
    return value.lower() if isinstance(value, str) else ""
