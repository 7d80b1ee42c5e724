"""What the buckets at both ends say about a flow. Pure: the facts are read elsewhere."""

from collections.abc import Iterator

from reconciler.model.finding import Finding
from reconciler.model.manifest import Location, ProviderDoc, State
from reconciler.model.observation import LocationFacts
from reconciler.model.relationship import Flow, Side
from reconciler.providers.bos.check import MULTI_AZ
from reconciler.providers.bos.config import BosConfig
from reconciler.providers.bos.convert import REMAIN, options_of
from reconciler.providers.bos.findings import found

__all__ = ["preflight"]


def preflight(flow: Flow, source: LocationFacts, destination: LocationFacts) -> Iterator[Finding]:
    """Yield what stands in the way. What could not be read is a warning, never taken for good or bad."""
    yield from _end(flow, "source", flow.spec.source, flow.source, source)
    yield from _end(flow, "destination", flow.spec.destination, flow.destination, destination)
    if flow.spec.state is not State.PAUSED:
        yield from _versioning(flow, source)
    yield from _classes(flow, destination)


def _end(flow: Flow, side: Side, location: Location, provider: ProviderDoc, facts: LocationFacts) -> Iterator[Finding]:
    bucket, path = location.bucket or "", (side, "bucket")
    if not facts.readable:
        detail = f"{bucket} at {provider.name}: {facts.problem or 'no permission'}. Its region is not known."
        yield found("REPL-W302", flow.name, path, detail)
        return
    if not facts.exists:
        yield found("REPL-W301", flow.name, path, f"{provider.name} has no bucket {bucket}.")
        return
    if facts.problem:
        yield found("REPL-W302", flow.name, path, f"{bucket} at {provider.name}: {facts.problem}.")
    region, config = facts.facts.get("region"), provider.spec.config
    if isinstance(config, BosConfig) and region not in (None, "", config.region):
        detail = f"{bucket} lies in {region}, but {provider.name} says {config.region}."
        yield found("REPL-W303", flow.name, (side, "provider"), detail, hint=f"use a provider with `region: {region}`")


def _versioning(flow: Flow, source: LocationFacts) -> Iterator[Finding]:
    held, path = source.facts.get("versioning"), ("source", "bucket")
    if held == "Enabled":
        detail = f"{flow.spec.source.bucket} has it; BOS does not replicate such a bucket."
        yield found("REPL-W304", flow.name, path, detail)
    elif held == "Suspended":
        yield found("REPL-W305", flow.name, path)


def _classes(flow: Flow, destination: LocationFacts) -> Iterator[Finding]:
    """Hold classes against the kind of bucket, where that is known: those of several zones go with such a bucket."""
    several = destination.facts.get("multi_az")
    if not isinstance(several, bool):
        return
    given = (
        (("storageClass",), flow.spec.storage_class),
        (("bos", "historyStorageClass"), options_of(flow).history_storage_class),
    )
    for path, name in given:
        if name is not None and name != REMAIN and name.startswith(MULTI_AZ) is not several:
            kind = "keeps data in several zones" if several else "keeps data in one zone"
            takes = "MAZ_STANDARD and MAZ_STANDARD_IA" if several else "STANDARD, STANDARD_IA and COLD"
            detail = f"{flow.spec.destination.bucket} {kind}, so that copies there may be {takes}, not {name}."
            yield found("REPL-W306", flow.name, path, detail)
