"""What the facts of both ends say about a flow. Pure: the facts are read elsewhere.

Facts of a bucket: `status` of the client's row, None without one; `clientId`; `right` of the client, None without one;
`foreign` where it is another client's.
"""

from collections.abc import Iterator

from reconciler.model.finding import Finding
from reconciler.model.observation import LocationFacts
from reconciler.model.relationship import Flow
from reconciler.providers.clonecloudstore.findings import found
from reconciler.providers.clonecloudstore.wire import DEAD, READ_BIT, bits

__all__ = ["preflight"]

_SOURCE, _DESTINATION = ("source", "bucket"), ("destination", "bucket")


def preflight(flow: Flow, source: LocationFacts, destination: LocationFacts) -> Iterator[Finding]:
    """Yield what stands in the way. What could not be read is a warning, never taken for good or bad."""
    yield from _source(flow, source)
    yield from _destination(flow, destination)


def _source(flow: Flow, facts: LocationFacts) -> Iterator[Finding]:
    bucket, name = flow.spec.source.bucket, flow.source.name
    if not facts.readable:
        yield found("REPL-W602", flow.name, _SOURCE, f"{bucket} at {name}: {facts.problem or 'no permission'}.")
        return
    if facts.facts.get("foreign"):
        yield found("REPL-W603", flow.name, _SOURCE, f"{bucket} at {name} belongs to another client.")
    elif not facts.exists:
        status = facts.facts.get("status")
        code = "REPL-W604" if status in DEAD else "REPL-W601"
        yield found(code, flow.name, _SOURCE, f"{name} has no {bucket}" + (f": it is {status}." if status else "."))
    elif "right" in facts.facts and not bits(_text(facts, "right")) & READ_BIT:
        detail = f"{facts.facts.get('clientId')} may {_text(facts, 'right') or 'nothing'} with {bucket} at {name}."
        yield found("REPL-W606", flow.name, _SOURCE, detail)


def _destination(flow: Flow, facts: LocationFacts) -> Iterator[Finding]:
    bucket, name = flow.spec.destination.bucket, flow.destination.name
    if not facts.readable:
        yield found("REPL-W602", flow.name, _DESTINATION, f"{bucket} at {name}: {facts.problem or 'no permission'}.")
    elif facts.facts.get("foreign"):
        yield found("REPL-W603", flow.name, _DESTINATION, f"{bucket} at {name} belongs to another client.")
    elif not facts.exists and "status" not in facts.facts:
        # A bucket that is missing is ordered; here nobody knows that it could be.
        yield found("REPL-W605", flow.name, _DESTINATION, f"{name} has no {bucket}, and nothing more is known.")
    elif (status := _text(facts, "status")) in DEAD:
        yield found("REPL-W604", flow.name, _DESTINATION, f"{bucket} at {name} is {status}.")
    elif status == "DELETING":
        yield found("REPL-W613", flow.name, _DESTINATION, f"{bucket} at {name} is {status}.")


def _text(facts: LocationFacts, key: str) -> str | None:
    value = facts.facts.get(key)
    return value if isinstance(value, str) else None
