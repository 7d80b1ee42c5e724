"""What can be said against flows without asking anybody. Pure.

Source, unless said otherwise: Alarik 1.0.0-beta-13, ReplicationConfiguration (what a rule can hold) and
InternalBucketController (limits, and what is checked).
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from reconciler.model.finding import FieldPath, Finding
from reconciler.model.relationship import Flow
from reconciler.model.secret import SecretRef
from reconciler.providers.address import AMAZON
from reconciler.providers.alarik.config import AlarikConfig
from reconciler.providers.alarik.convert import MOST, bucket_of, clean_endpoint, desired_target, identity, options_of
from reconciler.providers.alarik.findings import found

__all__ = ["check", "check_together"]

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")
_PREFIX_MAX = 1024
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_SOURCE, _PEER = ("spec", "source", "bucket"), ("spec", "destination", "provider")


def check(flow: Flow) -> Iterator[Finding]:
    """Yield every problem of a flow that an Alarik server owns, with its place."""
    yield from _held(flow)
    yield from _places(flow)
    yield from _peer(flow)
    config = flow.source.spec.config
    if isinstance(config, AlarikConfig) and config.credentials is None:
        yield found("REPL-C430", None, ("spec", "alarik"), provider=flow.source.name)


def check_together(flows: Sequence[Flow]) -> Iterator[Finding]:
    """Yield what the flows of one bucket are too many of, and where two of them mean one thing in two ways."""
    for flow in flows[MOST:]:
        detail = f"{bucket_of(flow)} has {len(flows)} replications; Alarik takes {MOST} rules."
        yield found("REPL-C420", flow.name, _SOURCE, detail)
    yield from _rules(flows)
    yield from _targets(flows)


def _held(flow: Flow) -> Iterator[Finding]:
    spec = flow.spec
    chosen = spec.filter
    fields: tuple[tuple[str, FieldPath, bool], ...] = (
        ("REPL-C401", ("storageClass",), spec.storage_class is not None),
        ("REPL-C402", ("filter", "exclude"), chosen is not None and bool(chosen.exclude)),
        ("REPL-C403", ("filter", "tags"), chosen is not None and bool(chosen.tags)),
        ("REPL-C404", ("schedule",), spec.schedule is not None),
    )
    for code, path, applies in fields:
        if applies:
            yield found(code, flow.name, ("spec", *path))


def _places(flow: Flow) -> Iterator[Finding]:
    source, destination = flow.spec.source, flow.spec.destination
    for side, location in (("source", source), ("destination", destination)):
        if not _BUCKET.fullmatch(name := location.bucket or ""):
            detail = f"{name!r} cannot be a bucket: a name has 3 to 255 letters, digits, `.`, `-` and `_`."
            yield found("REPL-C406", flow.name, ("spec", side, "bucket"), detail)
    prefix = source.prefix or ""
    if len(prefix.encode(errors="surrogatepass")) > _PREFIX_MAX or _CONTROL.search(prefix):
        detail = f"A prefix has at most {_PREFIX_MAX} bytes and no control characters."
        yield found("REPL-C407", flow.name, ("spec", "source", "prefix"), detail)
    if destination.prefix is not None and destination.prefix != prefix:
        detail = f"Objects arrive under the key that they have; they cannot be moved below {destination.prefix!r}."
        hint = "leave `destination.prefix` out" + (f", or write {prefix!r}" if prefix else "")
        yield found("REPL-C405", flow.name, ("spec", "destination", "prefix"), detail, hint=hint)
    config, peer = flow.source.spec.config, flow.peer_s3
    if not isinstance(config, AlarikConfig) or peer is None or source.bucket != destination.bucket:
        return
    if clean_endpoint(config.endpoint) == clean_endpoint(peer.url):
        yield found("REPL-C408", flow.name, ("spec", "destination", "bucket"))


def _peer(flow: Flow) -> Iterator[Finding]:
    peer, name = flow.peer_s3, flow.destination.name
    if peer is None:
        yield found("REPL-C410", flow.name, _PEER, f"{name} cannot be reached over S3.")
        return
    if not peer.access_key_id or peer.secret_access_key is None:
        detail = (
            f"{name} has no lasting key of its own: what this machine finds by itself (environment, profile, role), "
            "and keys that need a session token, cannot be handed to a server."
        )
        yield found("REPL-C411", flow.name, _PEER, detail)
    if not peer.region:
        yield found("REPL-C412", flow.name, _PEER)
    if problem := _url_problem(peer.url):
        yield found("REPL-C413", flow.name, _PEER, f"{name}: {problem}.")
        return
    if peer.ca_file is not None:
        detail = f"{name} has a certificate of an authority of its own; a target has no place for it."
        yield found("REPL-C414", flow.name, _PEER, detail)
    if not peer.path_style and not (urlsplit(peer.url).hostname or "").endswith(AMAZON):
        detail = f"{name} has the bucket in the host name; Alarik addresses every endpoint but AWS's by path."
        yield found("REPL-C415", flow.name, _PEER, detail)


def _url_problem(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return "the endpoint is no URL"
    if not usable:
        return "an endpoint is written https://host or https://host:port"
    if parts.username is not None or parts.password is not None:
        return "an endpoint holds no user and no password"
    return ""


def _rules(flows: Sequence[Flow]) -> Iterator[Finding]:
    by_id: dict[str, list[Flow]] = defaultdict(list)
    for flow in flows:
        by_id[identity(flow)].append(flow)
    for rule, same in by_id.items():
        for flow in same[1:]:
            detail = f"{same[0].name} and {flow.name} are both rule {rule} of {bucket_of(flow)}."
            path = _SOURCE if options_of(flow).id is None else ("spec", "alarik", "id")
            yield found("REPL-C422", flow.name, path, detail)


def _targets(flows: Sequence[Flow]) -> Iterator[Finding]:
    by_id: dict[str, list[Flow]] = {}
    for flow in flows:
        if flow.peer_s3 is None:
            continue
        by_id.setdefault(desired_target(flow).id, []).append(flow)
    for number, sharing in enumerate(by_id.values(), start=1):
        if number > MOST:
            detail = (
                f"The replications of {bucket_of(sharing[0])} lead to {len(by_id)} places; Alarik takes {MOST} targets."
            )
            yield found("REPL-C421", sharing[0].name, ("spec", "destination"), detail)
        first = _keys(sharing[0])
        for flow in sharing[1:]:
            if _keys(flow) != first:
                detail = (
                    f"{sharing[0].name} and {flow.name} lead to the same bucket with one target, but their providers "
                    f"({sharing[0].destination.name}, {flow.destination.name}) name different secrets."
                )
                yield found("REPL-C423", flow.name, _PEER, detail)


def _keys(flow: Flow) -> tuple[str | SecretRef, SecretRef | None]:
    target = desired_target(flow)
    return target.access_key_id, target.secret
