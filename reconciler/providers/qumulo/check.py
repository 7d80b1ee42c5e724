"""What can be said about a flow without a network, and what the facts of both its ends say. Pure.

`judge` and `judge_world` yield every problem at once. Codes: REPL-C2xx for documents, REPL-W1xx for the world.
Source, unless said otherwise: Qumulo administrator guide, *Using Qumulo Shift-From* and *Using Qumulo Shift-To*.
"""

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from reconciler.model.finding import FieldPath, Finding
from reconciler.model.manifest import Deletes, Existing, State
from reconciler.model.observation import LocationFacts
from reconciler.model.relationship import Flow
from reconciler.providers.address import AMAZON
from reconciler.providers.findings import finding
from reconciler.providers.qumulo.certificate import Authority
from reconciler.providers.qumulo.config import BucketStyle, QumuloConfig
from reconciler.providers.qumulo.convert import COPY_FROM, COPY_TO, Target, desired, options_of
from reconciler.providers.qumulo.findings import TEXTS
from reconciler.providers.qumulo.rest import DIRECTORY

__all__ = ["judge", "judge_world"]

_LONGEST_KEY = 1024


class _Case:
    """One flow, and the making of findings about it."""

    def __init__(self, flow: Flow, pem: str | None = None) -> None:
        self.flow = flow
        self.target: Target = desired(flow, pem)
        self.own_side = flow.owner_side
        self.peer_side = "destination" if flow.owner_side == "source" else "source"
        self.peer_provider: FieldPath = ("spec", self.peer_side, "provider")

    def make(self, code: str, path: FieldPath, detail: str = "") -> Finding:
        return finding(TEXTS, code, path, replication=self.flow.name, detail=detail)

    def make_of_provider(self, code: str, key: str, detail: str = "") -> Finding:
        return finding(TEXTS, code, ("spec", "qumulo", key), provider=self.flow.owner.name, detail=detail)


def judge(flow: Flow, config: QumuloConfig, own: Authority, authority: Authority) -> Iterator[Finding]:
    """Yield what is wrong with a flow.

    `own` is what the cluster's CA file came to, `authority` the object store's.
    """
    case = _Case(flow, authority.pem)
    if not config.verify_tls:
        yield case.make_of_provider("REPL-C230", "verifyTls")
    if own.problem:
        yield case.make_of_provider("REPL-C231", "caFile", f"{own.problem}.")
    yield from _portable(case)
    yield from _paths(case)
    if flow.peer_s3 is None:
        yield case.make("REPL-C210", case.peer_provider, f"{flow.peer.name} cannot be reached over S3.")
        return
    yield from _store(case, flow.peer_s3.url)
    yield from _keys(case)
    if authority.problem:
        given = ("spec", "qumulo", "caFile") if options_of(flow).ca_file else case.peer_provider
        yield case.make("REPL-C217", given, f"{authority.problem}.")


def judge_world(flow: Flow, source: LocationFacts, destination: LocationFacts) -> Iterator[Finding]:
    """Yield what the facts of both ends say against a flow that shall run."""
    case = _Case(flow)
    own, peer = (source, destination) if flow.owner_side == "source" else (destination, source)
    yield from _directory(case, own)
    yield from _bucket(case, peer)


def _portable(case: _Case) -> Iterator[Finding]:
    spec = case.flow.spec
    filtered = spec.filter is not None and bool(spec.filter.exclude or spec.filter.tags)
    fields = (
        ("REPL-C201", "state", spec.state is State.PAUSED),
        ("REPL-C202", "deletes", spec.deletes is Deletes.REPLICATE),
        ("REPL-C203", "filter", filtered),
        ("REPL-C204", "storageClass", spec.storage_class is not None),
        ("REPL-C205", "existing", spec.existing is Existing.IGNORE),
        ("REPL-C206", "schedule", spec.schedule is not None),
    )
    for code, key, applies in fields:
        if applies:
            yield case.make(code, ("spec", key))


def _paths(case: _Case) -> Iterator[Finding]:
    here, there = ("spec", case.own_side, "path"), ("spec", case.peer_side, "prefix")
    path, prefix = case.target.path, case.flow.peer_location.prefix or ""
    if problem := _path_problem(path.removeprefix("/")):
        yield case.make("REPL-C220", here, f"{path!r}: {problem}.")
    if problem := _path_problem(prefix.removesuffix("/")):
        yield case.make("REPL-C221", there, f"{prefix!r}: {problem}.")
    elif prefix and not prefix.endswith("/"):
        yield case.make(
            "REPL-C223", there, f"Only keys below `{prefix}/` take part, not others that begin with `{prefix}`."
        )
    if (length := len(prefix.encode())) >= _LONGEST_KEY:
        yield case.make(
            "REPL-C222", there, f"It has {length} bytes; keys, files' paths included, stay below {_LONGEST_KEY}."
        )
    if case.target.direction == COPY_FROM and path == "/":
        yield case.make("REPL-C224", here)


def _path_problem(path: str) -> str:
    """Say why a path without slashes at its ends does not do; empty if it does, as the empty path does."""
    parts = path.split("/") if path else []
    if "" in parts:
        return "it has an empty part, as `//` or a slash too many at an end make one"
    if {".", ".."} & set(parts):
        return "`.` and `..` are not allowed"
    if ".snapshot" in parts:
        return "`.snapshot` is where the cluster shows its snapshots"
    if any(ord(character) < 32 or ord(character) == 127 for character in path):
        return "it has control characters"
    return ""


def _store(case: _Case, url: str) -> Iterator[Finding]:
    if problem := _url_problem(url):
        yield case.make("REPL-C211", case.peer_provider, f"{url}: {problem}.")
        return
    target = case.target
    if not target.region:
        yield case.make("REPL-C213", case.peer_provider)
    if not target.address.endswith(AMAZON):
        yield case.make("REPL-C216", case.peer_provider, f"{target.address} is another object store.")
    if target.bucket_style is not BucketStyle.VIRTUAL_HOSTED:
        return
    bucket, host = ("spec", case.peer_side, "bucket"), f"{target.bucket}.{target.address}"
    if _is_address(target.address):
        yield case.make("REPL-C214", bucket, f"In virtual-hosted style the host would be {host}, which is no name.")
    elif "." in target.bucket:
        yield case.make("REPL-C215", bucket, f"A wildcard certificate for {target.address} does not cover {host}.")


def _url_problem(url: str) -> str:
    try:
        parts = urlsplit(url)
        no_port = parts.port == 0
    except ValueError:
        return "it is not a URL"
    if parts.scheme != "https":
        return "a cluster speaks HTTPS only"
    if not parts.hostname or no_port:
        return "it names no host, or no port that can be"
    if parts.path.strip("/") or parts.query or parts.fragment or parts.username is not None:
        return "a cluster takes a host and a port, and nothing else of a URL"
    return ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _keys(case: _Case) -> Iterator[Finding]:
    secrets = case.target.secrets
    known = case.target.access_key_id is not None or "qumulo.credentials.accessKeyId" in secrets
    if not known or "qumulo.credentials.secretAccessKey" not in secrets:
        peer = case.flow.peer.name
        yield case.make(
            "REPL-C212", case.peer_provider, f"{peer} has no explicit key that could be handed to the cluster."
        )


def _directory(case: _Case, own: LocationFacts) -> Iterator[Finding]:
    here, path, name = ("spec", case.own_side, "path"), case.target.path, case.flow.owner.name
    if not own.readable:
        yield case.make("REPL-W103", here, f"{name} does not show {path}: {own.problem or 'no permission'}.")
    elif not own.exists:
        yield case.make("REPL-W101", here, f"{name} has no {path}.")
    elif own.facts.get("type") not in (None, DIRECTORY):
        yield case.make("REPL-W102", here, f"{path} on {name} is of type {own.facts.get('type')}.")


def _bucket(case: _Case, peer: LocationFacts) -> Iterator[Finding]:
    there, target, name = ("spec", case.peer_side, "bucket"), case.target, case.flow.peer.name
    region = peer.facts.get("region")
    if not peer.readable:
        yield case.make("REPL-W105", there, f"{name} does not show {target.bucket}: {peer.problem or 'no permission'}.")
    elif not peer.exists:
        yield case.make("REPL-W104", there, f"{name} has no bucket {target.bucket}.")
    elif region and region != target.region and target.address.endswith(AMAZON):
        # Other object stores take any region, or call theirs what they like.
        given = ("spec", "qumulo", "region") if options_of(case.flow).region else there
        detail = f"{target.bucket} is in {region}; requests would be signed for {target.region}."
        yield case.make("REPL-W106", given, detail)
    if peer.facts.get("objectLock") is True and target.direction == COPY_TO:
        yield case.make(
            "REPL-W107", there, f"{target.bucket} on {name} has it; whether with a retention is not known here."
        )
