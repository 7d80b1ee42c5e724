"""YAML events with their marks, from PyYAML's binding of libyaml 0.2.

ruamel.yaml's own C parser binds libyaml 0.1, which refuses `{endpoint: http://host:9000}`; it is not used.
Where PyYAML was built without libyaml its Python parser gives the same events, some thirty times slower.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import yaml

__all__ = ["MAX_DEPTH", "MAX_EVENTS", "events", "value_ends"]

MAX_DEPTH = 64
"""Mappings and lists inside each other. Deeper down libyaml's time grows with the square of the depth."""
MAX_EVENTS = 1_000_000
"""Keys, values and ends of mappings and lists in one file."""

_LOADER: Callable[[str], Any] = yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader


_LEAVES: frozenset[type] = frozenset((yaml.ScalarEvent, yaml.AliasEvent))
_STARTS: frozenset[type] = frozenset((yaml.MappingStartEvent, yaml.SequenceStartEvent))
_ENDS: frozenset[type] = frozenset((yaml.MappingEndEvent, yaml.SequenceEndEvent))


def events(text: str) -> Iterator[Any]:
    """Yield the events of a text without byte order mark; their marks count characters.

    Raises:
        yaml.YAMLError: where the text is not YAML, after all events before that place.
    """
    return iter(_LOADER(text).get_event, None)


def value_ends(text: str) -> dict[int, int]:
    """Return where values end, by where they start, in characters: scalars, aliases, and what stands in { } or [ ].

    Text that is not YAML, or beyond the limits, ends the search.
    """
    ends: dict[int, int] = {}
    open_at: list[int | None] = []
    try:
        for event in islice(events(text), MAX_EVENTS):
            kind = type(event)
            if kind in _LEAVES:
                ends[event.start_mark.index] = event.end_mark.index
            elif kind in _STARTS:
                open_at.append(event.start_mark.index if event.flow_style else None)
                if len(open_at) > MAX_DEPTH:
                    break
            elif kind in _ENDS and (start := open_at.pop()) is not None:
                ends[start] = event.end_mark.index
    except yaml.YAMLError:
        pass  # the reader has reported it
    return ends
