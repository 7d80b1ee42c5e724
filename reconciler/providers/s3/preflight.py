"""What the buckets at both ends say about a flow. Pure: the facts are read elsewhere."""

from collections.abc import Iterator

from reconciler.model.finding import Finding, Severity
from reconciler.model.manifest import Location, ProviderDoc
from reconciler.model.observation import LocationFacts
from reconciler.model.relationship import Flow, Side
from reconciler.providers.s3.check import Problem
from reconciler.providers.s3.config import Flavour, S3Config

__all__ = ["preflight", "unversioned"]


def preflight(flow: Flow, source: LocationFacts, destination: LocationFacts) -> Iterator[Finding]:
    """Yield what stands in the way. What could not be read is a warning, never taken for good or bad."""
    ends: tuple[tuple[Side, Location, ProviderDoc, LocationFacts], ...] = (
        ("source", flow.spec.source, flow.source, source),
        ("destination", flow.spec.destination, flow.destination, destination),
    )
    for side, location, provider, facts in ends:
        for problem in _end(side, location.bucket or "", provider, facts):
            yield problem.of(flow.name)
    for side in unversioned(flow, source, destination):
        yield _no_versioning(side, flow).of(flow.name)
    if source.facts.get("objectLock") is True and destination.facts.get("objectLock") is False:
        yield Problem(
            "REPL-W016", ("destination", "bucket"), "Object lock at one end only",
            f"{flow.spec.source.bucket} has object lock, {flow.spec.destination.bucket} has not: copies lose their "
            "retention, or are refused.",
            "enable object lock on the destination bucket", Severity.WARNING,
        ).of(flow.name)  # fmt: skip


def unversioned(flow: Flow, source: LocationFacts, destination: LocationFacts) -> tuple[Side, ...]:
    """Return the sides whose bucket is known to lack the versioning that the service insists on."""
    config = flow.source.spec.config
    if isinstance(config, S3Config) and config.flavour is Flavour.RGW:
        return ()
    ends: tuple[tuple[Side, LocationFacts], ...] = (("source", source), ("destination", destination))
    return tuple(
        side
        for side, facts in ends
        if facts.exists and "versioning" in facts.facts and facts.facts["versioning"] != "Enabled"
    )


def _end(side: Side, bucket: str, provider: ProviderDoc, facts: LocationFacts) -> Iterator[Problem]:
    if not facts.readable:
        yield Problem(
            "REPL-W013", (side, "bucket"), "Bucket cannot be looked at",
            f"{bucket} at {provider.name}: {facts.problem or 'no permission'}. Versioning and region are not checked.",
            "grant s3:ListBucket, s3:GetBucketVersioning and s3:GetBucketLocation", Severity.WARNING,
        )  # fmt: skip
    if facts.readable and not facts.exists:
        yield Problem(
            "REPL-W011", (side, "bucket"), "Bucket does not exist",
            f"{bucket} does not exist at {provider.name}.", "create it, with versioning, or correct the name",
        )  # fmt: skip
    config, region = provider.spec.config, facts.facts.get("region")
    if isinstance(config, S3Config) and config.flavour is Flavour.AWS and region not in (None, config.region):
        # Behind an endpoint of one's own the region's name may mean nothing; at AWS it says where the data lies.
        severity = Severity.ERROR if config.endpoint is None else Severity.WARNING
        yield Problem(
            "REPL-W015", (side, "provider"), "Bucket lies in another region",
            f"{bucket} lies in {region}, but {provider.name} says {config.region}.",
            f"use a provider with `region: {region}`", severity,
        )  # fmt: skip


def _no_versioning(side: Side, flow: Flow) -> Problem:
    location = flow.spec.source if side == "source" else flow.spec.destination
    return Problem(
        "REPL-W014", (side, "bucket"), "Versioning is not enabled",
        f"Versioning of {location.bucket} is not enabled; S3 refuses replication then, also of a paused rule.",
        f"aws s3api put-bucket-versioning --bucket {location.bucket} --versioning-configuration Status=Enabled",
    )  # fmt: skip
