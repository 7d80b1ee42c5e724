"""What each finding about the graph says, and how places and ways are written. Pure."""

from collections.abc import Sequence

from reconciler.engine.topology import Link, place_text
from reconciler.model.finding import FieldPath, Finding, Severity
from reconciler.model.graph import Node
from reconciler.model.manifest import Location, ProviderDoc

__all__ = ["MOST_NAMED", "end_of", "found", "listed", "node_of", "route"]

MOST_NAMED = 5
"""How many others a finding names."""

_RULES: dict[str, tuple[Severity, str, str]] = {
    "REPL-G001": (
        Severity.ERROR,
        "Data would go round without end",
        "remove or pause one of them, or give them prefixes that do not contain each other",
    ),
    "REPL-G002": (Severity.INFO, "Flows lead in a circle", "nothing to do, if both sides are meant to take writes"),
    "REPL-G003": (
        Severity.WARNING,
        "Chain that does not carry on",
        "add a flow from the first place straight to the last",
    ),
    "REPL-G004": (
        Severity.WARNING,
        "Several flows into one destination",
        "give each source a prefix or folder of its own",
    ),
    "REPL-G005": (Severity.ERROR, "The same flow twice", "remove one of them"),
    "REPL-G006": (Severity.ERROR, "Source and destination are the same place", "name another destination"),
    "REPL-G007": (
        Severity.INFO,
        "Deletions travel further than one hop",
        "leave `deletes: replicate` out at the hop where it shall stop",
    ),
    "REPL-G008": (
        Severity.INFO,
        "Some objects have two flows",
        "nothing to do, if one sets something that the other does not",
    ),
    "REPL-G009": (
        Severity.WARNING,
        "Deletions reach a place that is meant to keep",
        "write `deletes: keep` at the other flow too, or give this one a place of its own",
    ),
    "REPL-G010": (Severity.ERROR, "A replica has one source", "name another destination"),
    "REPL-G011": (
        Severity.ERROR,
        "Deletions get through from all sources or from none",
        "write the same `deletes` at all flows into it",
    ),
    "REPL-G012": (
        Severity.WARNING,
        "What is done to copies comes back",
        "write only at the source; or, if both sides are meant to take writes, write these flows down too",
    ),
    "REPL-G013": (
        Severity.INFO,
        "More goes along than is written down",
        "nothing to do, if the data may go there; else use a system of its own for it",
    ),
}
"""Code to severity, summary and hint."""


def route(links: Sequence[Link]) -> str:
    """Write a path with its places: `eu:a -> us:b -> ap:c`."""
    start = links[0].flow
    return " -> ".join((node_of(start.source, start.spec.source).id, *map(end_of, links)))


def end_of(link: Link) -> str:
    """Write where a flow leads: `us:b`."""
    return node_of(link.flow.destination, link.flow.spec.destination).id


def node_of(provider: ProviderDoc, location: Location) -> Node:
    """Return a place as the drawing has it."""
    text = place_text(location)
    return Node(
        id=f"{provider.name}:{text}",
        provider=provider.name,
        type=provider.spec.type,
        location=text,
        labels=provider.metadata.labels,
    )


def listed(names: Sequence[str]) -> str:
    """Name some, and say that there are others."""
    return ", ".join(names[:MOST_NAMED]) + (" and others" if len(names) > MOST_NAMED else "")


def found(code: str, link: Link, detail: str, path: FieldPath = ("spec",)) -> Finding:
    """Make a finding that stands at a link's replication."""
    severity, summary, hint = _RULES[code]
    return Finding(
        code=code, severity=severity, summary=summary, detail=detail, hint=hint, replication=link.name, path=path
    )
