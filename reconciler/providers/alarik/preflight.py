"""What the facts of both ends say about a flow. Pure: the facts are read elsewhere."""

import re
import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_network
from urllib.parse import urlsplit

from reconciler.model.finding import Finding, Severity
from reconciler.model.observation import LocationFacts
from reconciler.model.relationship import Flow
from reconciler.providers.address import AMAZON
from reconciler.providers.alarik.config import AlarikConfig
from reconciler.providers.alarik.convert import bucket_of
from reconciler.providers.alarik.findings import found

__all__ = ["is_internal", "preflight"]

_SOURCE, _DESTINATION = ("spec", "source", "bucket"), ("spec", "destination", "bucket")
_STRICT = frozenset({"alarik", "bos"})
"""Systems that refuse a signature for any region but their own; of others only Amazon is known to."""
_INTERNAL = tuple(
    map(ip_network, ("0.0.0.0/8", "10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"))
)
_NUMBERS = re.compile(r"[0-9a-fx.]+", re.IGNORECASE)


def preflight(flow: Flow, source: LocationFacts, destination: LocationFacts) -> Iterator[Finding]:
    """Yield what stands in the way. What could not be read is a warning, never taken for good or bad."""
    yield from _source(flow, source)
    yield from _destination(flow, destination)
    if source.facts.get("admin") is False and flow.peer_s3 is not None and is_internal(flow.peer_s3.url):
        host = urlsplit(flow.peer_s3.url).hostname
        detail = f"{flow.source.name}'s user is no administrator, and {host} is private: the server answers 403."
        yield found("REPL-W407", flow.name, ("spec", "destination", "provider"), detail)


def is_internal(url: str) -> bool:
    """Say whether the server takes an endpoint for private or loopback. It looks at the text and asks no name server.

    IPv4 counts in every form that C libraries read: `127.1`, `0x7f000001`, `017700000001`, `2130706433`.
    Source: Alarik 1.0.0-beta-13, WebhookURLValidator.
    """
    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    if ":" in host:
        return _is_internal_v6(host.partition("%")[0])
    if not _NUMBERS.fullmatch(host):
        return False
    try:
        address = IPv4Address(socket.inet_aton(host))
    except OSError:
        return False
    return any(address in network for network in _INTERNAL)


def _is_internal_v6(host: str) -> bool:
    try:
        address = IPv6Address(host)
    except ValueError:
        return False
    return address.is_loopback or address.compressed.startswith(("fe80:", "fc", "fd"))


def _source(flow: Flow, facts: LocationFacts) -> Iterator[Finding]:
    bucket, name = bucket_of(flow), flow.source.name
    if not facts.readable:
        detail = f"{bucket} at {name}: {facts.problem or 'no permission'}."
        yield found("REPL-W402", flow.name, _SOURCE, detail)
        return
    if not facts.exists or facts.facts.get("owned") is False:
        detail = f"{name} shows no {bucket}" + (f": {facts.problem}." if facts.problem else ".")
        yield found("REPL-W401", flow.name, _SOURCE, detail)
        return
    versioning = facts.facts.get("versioning")
    if "versioning" in facts.facts and versioning != "Enabled":
        state = "suspended" if versioning == "Suspended" else "not enabled"
        detail = f"Versioning of {bucket} is {state}; the server takes no list of rules then, paused ones included."
        hint = (
            f"aws --endpoint-url {getattr(flow.source.spec.config, 'endpoint', 'URL')} s3api put-bucket-versioning "
            f"--bucket {bucket} --versioning-configuration Status=Enabled, or the switch in the console"
        )
        yield found("REPL-W403", flow.name, _SOURCE, detail, hint=hint)
    config, region = flow.source.spec.config, facts.facts.get("region")
    if isinstance(config, AlarikConfig) and isinstance(region, str) and region != config.region:
        detail = f"The server says {region}, {name} says {config.region}: canaries, and copies to it, would be refused."
        hint = f"set `region: {region}` of {name}"
        yield found("REPL-W408", flow.name, ("spec", "source", "provider"), detail, hint=hint)


def _destination(flow: Flow, facts: LocationFacts) -> Iterator[Finding]:
    bucket, name, peer = flow.spec.destination.bucket, flow.destination.name, flow.peer_s3
    if not facts.readable:
        detail = f"{bucket} at {name}: {facts.problem or 'no permission'}."
        yield found("REPL-W405", flow.name, _DESTINATION, detail)
    elif not facts.exists:
        yield found("REPL-W404", flow.name, _DESTINATION, f"{name} has no bucket {bucket}.")
    region = facts.facts.get("region")
    if peer is not None and isinstance(region, str) and region and region != peer.region:
        strict = flow.destination.spec.type in _STRICT or (urlsplit(peer.url).hostname or "").endswith(AMAZON)
        detail = f"{bucket} is in {region}; Alarik would sign for {peer.region}, and every copy would be refused."
        hint = f"set `region: {region}` of {name}, or use a provider that has it"
        severity = Severity.ERROR if strict else Severity.WARNING
        yield found("REPL-W406", flow.name, _DESTINATION, detail, hint=hint, severity=severity)
