"""Between the JSON of an Alarik server and normal form, in both directions. The only place with the wire's names. Pure.

Sources: Alarik 1.0.0-beta-13, ReplicationConfiguration (targets and rules) and InternalBucketController (tasks);
Alarik documentation, *Set Replication Targets* and *Set Replication Rules*.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reconciler.model.manifest import Deletes, Existing, State
from reconciler.model.observation import ContainerRef, ContainerState, Observation, ScopeRef
from reconciler.model.relationship import Flow, Relationship, Settings
from reconciler.model.secret import SecretRef
from reconciler.model.value import Json, digest
from reconciler.providers.alarik.config import AlarikOptions
from reconciler.providers.alarik.identity import fold, rule_id, target_id

__all__ = [
    "ACCESS_KEY", "MOST", "PUT_RULES", "PUT_TARGETS", "RESYNC", "SECRET_KEY", "Replication", "Rule", "Target",
    "Unreadable", "bucket_of", "bucket_of_scope", "bucket_scope", "clean_endpoint", "desired_rule", "desired_target",
    "document", "duplicates", "identity", "mapping", "mappings", "normalise", "observation", "options_of",
    "place_of", "read", "read_document", "rule_digest", "rule_json", "settings", "target_digest", "target_json",
]  # fmt: skip

# Operations as plans show them: with the path below the bucket's own, /api/v1/buckets/:bucket/.
PUT_TARGETS = "PUT replication/targets"
PUT_RULES = "PUT replication/rules"
RESYNC = "POST replication/rules/:id/resync"
MOST = 4
"""Targets, and rules, that a bucket can have."""

ACCESS_KEY, SECRET_KEY = "alarik.credentials.accessKeyId", "alarik.credentials.secretAccessKey"
_PORTS = {"http": 80, "https": 443}
_SCOPE = "bucket/"


class Unreadable(ValueError):
    """What the server gave is no target or rule. Says which member, never its value."""


class _Wire(BaseModel):
    # A newer release may add members: what is not needed is not read.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class _WireTarget(_Wire):
    # The secret is not read here at all.
    id: str = Field(min_length=1)
    endpoint: str
    targetBucket: str  # noqa: N815  the wire's name
    accessKeyId: str  # noqa: N815
    region: str
    enabled: bool


class _WireRule(_Wire):
    id: str = Field(min_length=1)
    targetId: str  # noqa: N815
    prefix: str | None = None
    replicateDeletes: bool  # noqa: N815
    replicateExisting: bool  # noqa: N815
    synchronous: bool | None = None
    enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where rules can lead to. Ids in capitals, endpoints in the one spelling of `clean_endpoint`."""

    id: str
    endpoint: str
    bucket: str
    region: str
    access_key_id: str | SecretRef
    enabled: bool = True
    secret: SecretRef | None = None
    """Desired only."""

    @property
    def key(self) -> str | None:
        """The id of the access key; None where it is a reference, so that it is not known."""
        return self.access_key_id if isinstance(self.access_key_id, str) else None

    def leads_like(self, other: "Target") -> bool:
        """Say whether both lead to the same place with the same key, as far as keys are known."""
        same_key = None in (self.key, other.key) or self.key == other.key
        return same_key and (self.endpoint, self.bucket, self.region) == (other.endpoint, other.bucket, other.region)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What is copied to a target."""

    id: str
    target_id: str
    prefix: str = ""
    deletes: bool = False
    existing: bool = False
    synchronous: bool = False
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Replication:
    """Both lists of a bucket, in the server's order."""

    targets: tuple[Target, ...] = ()
    rules: tuple[Rule, ...] = ()

    def target(self, target: str) -> Target | None:
        """Return the target of an id, or None."""
        return next((one for one in self.targets if one.id == target), None)

    def rule(self, rule: str) -> Rule | None:
        """Return the rule of an id, or None."""
        return next((one for one in self.rules if one.id == rule), None)


# Reading -----------------------------------------------------------------------------------------------------------


def read(targets: Iterable[Mapping[str, Json]], rules: Iterable[Mapping[str, Json]]) -> Replication:
    """Read both lists as the server gave them; secrets are left behind. Raises Unreadable."""
    try:
        return Replication(
            targets=tuple(_target(_WireTarget.model_validate(one)) for one in targets),
            rules=tuple(_rule(_WireRule.model_validate(one)) for one in rules),
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
    # Outside of the handler: what the validator saw may have held a secret.
    raise Unreadable(f"a member of the answer is not as documented: {place}")


def read_document(value: Json) -> Replication:
    """Read the document of a container's state back; empty if there is none."""
    held = mapping(value)
    return read(mappings(held.get("targets")), mappings(held.get("rules")))


def document(held: Replication) -> dict[str, Json]:
    """Return the form in which a container's state keeps both lists: the server's own, without secrets."""
    return {
        "targets": [target_json(one) for one in held.targets],
        "rules": [dict(rule_json(one)) for one in held.rules],
    }


def duplicates(held: Replication) -> tuple[str, ...]:
    """Return ids that stand more than once in a list, sorted. A server with such targets crashes at the next write."""
    counts = [Counter(one.id for one in held.targets), Counter(one.id for one in held.rules)]
    return tuple(sorted({name for count in counts for name, number in count.items() if number > 1}))


def clean_endpoint(url: str) -> str:
    """Return a URL in one spelling: scheme and host in lower case, no usual port, no slash at the end, no password.

    The server keeps an endpoint as it was written and checks no more than scheme and host.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return url.strip()
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    tail = "" if port in (None, _PORTS.get(parts.scheme)) else f":{port}"
    user = "***@" if parts.username is not None or parts.password is not None else ""
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{user}{host}{tail}{parts.path.rstrip('/')}{query}"


def _target(wire: _WireTarget) -> Target:
    return Target(
        id=fold(wire.id),
        endpoint=clean_endpoint(wire.endpoint),
        bucket=wire.targetBucket,
        region=wire.region,
        access_key_id=wire.accessKeyId,
        enabled=wire.enabled,
    )


def _rule(wire: _WireRule) -> Rule:
    return Rule(
        id=fold(wire.id),
        target_id=fold(wire.targetId),
        prefix=wire.prefix or "",
        deletes=wire.replicateDeletes,
        existing=wire.replicateExisting,
        synchronous=bool(wire.synchronous),
        enabled=wire.enabled,
    )


def mapping(value: Json) -> dict[str, Json]:
    """Return a mapping; empty for anything else."""
    return value if isinstance(value, dict) else {}


def mappings(value: Json) -> list[dict[str, Json]]:
    """Return the mappings of a list; none for anything else."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


# Writing -----------------------------------------------------------------------------------------------------------


def target_json(target: Target) -> dict[str, Json]:
    """Return a target as the server takes it, with references where secrets go; without a secret it stays as it is."""
    key = target.access_key_id
    body: dict[str, Json] = {
        "id": target.id,
        "endpoint": target.endpoint,
        "targetBucket": target.bucket,
        "accessKeyId": key if isinstance(key, str) else key.marked(),
        "region": target.region,
        "enabled": target.enabled,
    }
    return body | ({} if target.secret is None else {"secretAccessKey": target.secret.marked()})


def rule_json(rule: Rule) -> dict[str, Json]:
    """Return a rule as the server takes it. No prefix is no member: the server leaves it out as well."""
    prefix: dict[str, Json] = {"prefix": rule.prefix} if rule.prefix else {}
    return {
        "id": rule.id,
        "targetId": rule.target_id,
        **prefix,
        "replicateDeletes": rule.deletes,
        "replicateExisting": rule.existing,
        "synchronous": rule.synchronous,
        "enabled": rule.enabled,
    }


def target_digest(target: Target) -> str:
    """Return a digest over all that is known of a target, which a secret is not."""
    return digest(target_json(replace(target, secret=None)))


def rule_digest(rule: Rule) -> str:
    """Return a digest over a rule."""
    return digest(rule_json(rule))


# What is desired ---------------------------------------------------------------------------------------------------


def options_of(flow: Flow) -> AlarikOptions:
    """Return the flow's own options, or those of a flow that says nothing."""
    return flow.spec.options if isinstance(flow.spec.options, AlarikOptions) else AlarikOptions()


def bucket_of(flow: Flow) -> str:
    """Return the bucket whose rules hold the flow."""
    return flow.spec.source.bucket or ""


def identity(flow: Flow) -> str:
    """Return the id of the flow's rule."""
    options = options_of(flow)
    return fold(options.id) if options.id else rule_id(flow.workspace, flow.name, options.generation or 1)


def desired_target(flow: Flow) -> Target:
    """Return where the flow leads to: the place and the key of the other end's provider."""
    peer = flow.peer_s3
    endpoint, region = (clean_endpoint(peer.url), peer.region) if peer else ("", "")
    key = (peer.access_key_id if peer else None) or ""
    bucket = flow.spec.destination.bucket or ""
    return Target(
        id=target_id(
            flow.workspace, endpoint=endpoint, bucket=bucket, region=region,
            access_key_id=key if isinstance(key, str) else None,
        ),
        endpoint=endpoint,
        bucket=bucket,
        region=region,
        access_key_id=key,
        secret=peer.secret_access_key if peer else None,
    )  # fmt: skip


def desired_rule(flow: Flow, target: str, before: Rule | None, *, dangling: bool = False) -> Rule:
    """Return the flow's rule over the one that is there: what is not managed stays as it is.

    A rule whose target is gone was disabled by the server, so that says nothing of what somebody wanted: it is enabled.
    """
    spec, options = flow.spec, options_of(flow)
    base = before or Rule(id="", target_id="")
    kept = base.enabled or dangling
    return Rule(
        id=identity(flow),
        target_id=target,
        prefix=spec.source.prefix or "",
        deletes=base.deletes if spec.deletes is None else spec.deletes is Deletes.REPLICATE,
        existing=base.existing if spec.existing is None else spec.existing is Existing.COPY,
        synchronous=base.synchronous if options.synchronous is None else options.synchronous,
        enabled=kept if spec.state is None else spec.state is State.ACTIVE,
    )


def normalise(flow: Flow) -> Relationship:
    """Return the desired relationship. That its target is enabled is managed where the flow shall be active."""
    spec, target, synchronous = flow.spec, desired_target(flow), options_of(flow).synchronous
    own: dict[str, Json] = {"id": identity(flow), "endpoint": target.endpoint, "region": target.region}
    own |= {} if target.key is None else {"accessKeyId": target.key}
    own |= {} if synchronous is None else {"synchronous": synchronous}
    own |= {"targetEnabled": True} if spec.state is State.ACTIVE else {}
    given = {"state": spec.state, "deletes": spec.deletes, "existing": spec.existing}
    references = {ACCESS_KEY: target.access_key_id, SECRET_KEY: target.secret}
    return Relationship(
        identity=identity(flow),
        settings={
            "source": {"bucket": bucket_of(flow), "prefix": spec.source.prefix or ""},
            "destination": {"bucket": target.bucket},
            **{name: value.value for name, value in given.items() if value is not None},
            "alarik": own,
        },
        write_only={name: ref for name, ref in references.items() if isinstance(ref, SecretRef)},
    )


# What is observed --------------------------------------------------------------------------------------------------


def settings(rule: Rule, target: Target | None, bucket: str) -> Settings:
    """Return a live rule's settings. Without its target it leads nowhere and has no destination."""
    own: dict[str, Json] = {"id": rule.id, "synchronous": rule.synchronous}
    found: Settings = {
        "source": {"bucket": bucket, "prefix": rule.prefix},
        "state": (State.ACTIVE if rule.enabled else State.PAUSED).value,
        "deletes": (Deletes.REPLICATE if rule.deletes else Deletes.KEEP).value,
        "existing": (Existing.COPY if rule.existing else Existing.IGNORE).value,
        "alarik": own,
    }
    if target is not None:
        found["destination"] = {"bucket": target.bucket}
        own |= {"endpoint": target.endpoint, "region": target.region, "targetEnabled": target.enabled}
        own |= {} if target.key is None else {"accessKeyId": target.key}
    return found


def bucket_scope(provider: str, bucket: str) -> ScopeRef:
    """Return the scope of a bucket, which is its container too: `bucket/<name>`."""
    return ScopeRef(provider=provider, key=f"{_SCOPE}{bucket}")


def bucket_of_scope(key: str) -> str:
    """Return the bucket that the key of a scope, or of a container, stands for."""
    return key.removeprefix(_SCOPE)


def place_of(bucket: str, rule: Rule) -> str:
    """Return what a rule covers, for readers: `uploads`, or `uploads/2026/`."""
    return f"{bucket}/{rule.prefix}" if rule.prefix else bucket


def observation(scope: ScopeRef, held: Replication) -> Observation:
    """Return a bucket as read. Both lists empty is what a bucket without replication looks like: no container."""
    if not held.targets and not held.rules:
        return Observation(scope=scope)
    bucket, seen = bucket_of_scope(scope.key), Counter[str]()
    relationships = []
    for rule in sorted(held.rules, key=lambda one: (one.id, rule_digest(one))):
        seen[rule.id] += 1
        name = rule.id if seen[rule.id] == 1 else f"{rule.id}#{seen[rule.id]}"
        found = settings(rule, held.target(rule.target_id), bucket)
        relationships.append(Relationship(identity=name, settings=found))
    state = ContainerState(
        ref=ContainerRef(provider=scope.provider, scope=scope.key, key=scope.key),
        fingerprint=digest(
            {
                "targets": _sorted(target_digest(one) for one in held.targets),
                "rules": _sorted(rule_digest(one) for one in held.rules),
            }
        ),
        relationships=tuple(sorted(relationships, key=lambda one: one.identity)),
        document=document(held),
    )
    return Observation(scope=scope, containers=(state,))


def _sorted(digests: Iterable[str]) -> Sequence[str]:
    return sorted(digests)
