"""YAML events with their marks, from PyYAML's binding of libyaml 0.2.

ruamel.yaml's own C parser binds libyaml 0.1, which refuses `{endpoint: http://host:9000}`; it is not used.
Where PyYAML was built without libyaml its Python parser gives the same events, some thirty times slower.
"""

from collections.abc import Callable, Iterator
from typing import Any

import yaml

__all__ = ["events", "scalar_ends"]

_LOADER: Callable[[str], Any] = yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader


_LEAVES: frozenset[type] = frozenset((yaml.ScalarEvent, yaml.AliasEvent))


def events(text: str) -> Iterator[Any]:
    """Yield the events of a text without byte order mark; their marks count characters.

    Raises:
        yaml.YAMLError: where the text is not YAML, after all events before that place.
    """
    return iter(_LOADER(text).get_event, None)


def scalar_ends(text: str) -> dict[int, int]:
    """Return where each scalar and alias ends, by where it starts, in characters; as far as `text` is YAML."""
    ends: dict[int, int] = {}
    try:
        for event in events(text):
            if type(event) in _LEAVES:
                ends[event.start_mark.index] = event.end_mark.index
    except yaml.YAMLError:
        pass  # the reader has reported it
    return ends
