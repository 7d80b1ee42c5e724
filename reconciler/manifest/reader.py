"""Text to documents in one pass over the parser's events: data and places side by side, mistakes collected."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

import yaml

from reconciler.manifest.codes import Code, Mistake
from reconciler.manifest.documents import RawDocument, Spot, Spots, Template, may_be_template
from reconciler.manifest.events import MAX_DEPTH, MAX_EVENTS
from reconciler.manifest.scalars import SUSPECT, plain
from reconciler.manifest.sources import Sources
from reconciler.manifest.wording import show

__all__ = ["MAX_EXPANDED", "Reader", "Stop"]

MAX_EXPANDED = 100_000
"""Values that the aliases of one file stand for, counted as often as they are used."""

_NO_KEY: Final = object()
_DROPPED: Final = object()
_OPEN: Final = object()


class Stop(Exception):
    """Nothing more can be read of this document, or of this file."""

    def __init__(self, mistake: Mistake, *, whole_file: bool = False) -> None:
        super().__init__(mistake.code)
        self.mistake = mistake
        self.whole_file = whole_file


class Reader:
    """Builds documents from events. One for each file; `base` turns the parser's offsets into places."""

    def __init__(self, sources: Sources) -> None:
        self.base = 0
        self._sources = sources
        self._seen_anchors: set[str] = set()
        self._values = 0
        self._expanded = 0
        self._handlers: dict[type, Callable[[Any], None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._start,
            yaml.MappingEndEvent: self._end_mapping,
            yaml.SequenceStartEvent: self._start,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._alias,
        }
        self._reset()

    def documents(self, events: Iterator[Any]) -> Iterator[RawDocument]:
        """Yield documents that hold something.

        Raises:
            Stop: at a limit.
            yaml.YAMLError: at the first place that is not YAML.
        """
        handlers, start = self._handlers, yaml.DocumentStartEvent
        end = yaml.DocumentEndEvent
        for event in islice(events, MAX_EVENTS):
            handler = handlers.get(event.__class__)
            if handler is not None:
                handler(event)
            elif event.__class__ is end:
                yield from self._finished()
            elif event.__class__ is start:
                self._reset()
        if (event := next(events, None)) is not None:
            at = event.start_mark.index + self.base
            detail = f"more than {MAX_EVENTS:,} keys and values: the rest is not read"
            hint = "split the file"
            raise Stop(Mistake(code=Code.TOO_MANY_VALUES, at=at, detail=detail, hint=hint), whole_file=True)

    def _reset(self) -> None:
        self._data: Any = []
        self._spots: Spots = {}
        self._key: Any = _NO_KEY
        self._key_at = 0
        self._stack: list[tuple[Any, Spots, Any, int, int, int, str | None]] = []
        self._anchors: dict[str, Any] = {}
        self._document = RawDocument(None, Spot(0, 0, None))

    def _finished(self) -> Iterator[RawDocument]:
        document = self._document
        document.data, document.root = self._data[0], self._spots[0]
        if document.data is not None:
            yield document

    def _scalar(self, event: Any) -> None:
        value: Any = event.value
        at = event.start_mark.index + self.base
        self._values += 1
        if "{" in value and may_be_template(value):
            self._template(at)
        elif value[:1] in SUSPECT and event.implicit[0]:
            value = plain(value)
            if value is True or value is False:
                self._document.truths = True
        if event.anchor is not None:
            self._anchor(event.anchor, (value, Spot(at, at, None), 1))
        if event.tag is not None:
            self._tag(event.tag, at)
        self._place(value, at, None)

    def _place(self, value: Any, at: int, inside: Spots | None) -> None:
        data, key = self._data, self._key
        if data.__class__ is list:
            self._spots[len(data)] = Spot(at, at, inside)
            data.append(value)
        elif key is _NO_KEY:
            if value.__class__ is str and value not in data:
                self._key = value
            else:
                self._odd_key(value, at, inside)
            self._key_at = at
        else:
            self._key = _NO_KEY
            if key is not _DROPPED:
                data[key] = value
                self._spots[key] = Spot(self._key_at, at, inside)

    def _start(self, event: Any) -> None:
        at = event.start_mark.index + self.base
        if event.anchor is not None:
            self._anchor(event.anchor, _OPEN)
        if event.tag is not None:
            self._tag(event.tag, at)
        if len(self._stack) >= MAX_DEPTH:
            raise Stop(Mistake(code=Code.TOO_DEEP, at=at, detail=f"more than {MAX_DEPTH} levels"))
        self._values += 1
        self._stack.append((self._data, self._spots, self._key, self._key_at, at, self._values, event.anchor))
        self._data = {} if event.__class__ is yaml.MappingStartEvent else []
        self._spots = {}
        self._key = _NO_KEY

    def _end_mapping(self, event: Any) -> None:
        if "<<" in self._data:
            self._merge()
        self._end(event)

    def _end(self, _: Any) -> None:
        data, spots = self._data, self._spots
        self._data, self._spots, self._key, self._key_at, at, values, anchor = self._stack.pop()
        if anchor is not None:
            self._anchor(anchor, (data, Spot(at, at, spots), self._values - values + 1))
        self._place(data, at, spots)

    def _alias(self, event: Any) -> None:
        at = event.start_mark.index + self.base
        found = self._anchors.get(event.anchor)
        if found is None or found is _OPEN:
            self._unknown_anchor(event.anchor, at, inside_itself=found is _OPEN)
            self._place(None, at, None)
            return
        value, spot, size = found
        self._values += size
        self._expanded += size
        if self._expanded > MAX_EXPANDED:
            detail = f"the aliases of this file stand for more than {MAX_EXPANDED:,} values"
            raise Stop(Mistake(code=Code.ALIAS_BOMB, at=at, detail=detail, hint="write it out"), whole_file=True)
        if may_be_template(value):
            self._template(at)
        self._place(value, at, spot.inside)

    def _anchor(self, name: str, value: Any) -> None:
        self._anchors[name] = value
        self._seen_anchors.add(name)

    def _template(self, at: int) -> None:
        """Remember that the scalar about to be placed may be a template."""
        data = self._data
        if data.__class__ is list:
            self._document.templates.append(Template(data, len(data), at))
        elif self._key is _NO_KEY:
            self._report(Code.TEMPLATE_REFUSED, at, "a key cannot be a template", "templates stand in values only")
        elif self._key is not _DROPPED:
            self._document.templates.append(Template(data, self._key, at))

    def _merge(self) -> None:
        """Lay the mappings under `<<` below the keys written out; the first of several wins."""
        data, spots = self._data, self._spots
        value, spot = data.pop("<<"), spots.pop("<<")
        sources = [(value, spot)] if isinstance(value, dict) else []
        if isinstance(value, list) and spot.inside is not None:
            sources = [(item, spot.inside[index]) for index, item in enumerate(value)]
        if not sources or not all(isinstance(mapping, dict) for mapping, _ in sources):
            detail = f"<< takes a mapping or a list of mappings, found {show(value)}"
            self._report(Code.BAD_MERGE, spot.value_at, detail, "write <<: *anchor")
            return
        for mapping, where in sources:
            for key, inner in mapping.items():
                if key in data or where.inside is None:
                    continue
                data[key], spots[key] = inner, where.inside[key]
                if may_be_template(inner):
                    self._document.templates.append(Template(data, key, spots[key].value_at))

    def _odd_key(self, value: Any, at: int, inside: Spots | None) -> None:
        self._key = _DROPPED
        if isinstance(value, str):
            first = self._sources.place(self._spots[value].key_at)
            detail = f"{show(value)} was written before, at {first}; that one counts"
            self._report(Code.DUPLICATE_KEY, at, detail, "keep one of the two")
            return
        if at in self._document.broken:
            return
        source = self._sources.source_of(at)
        if source.text.startswith("{{", at - source.base - 1):
            self._document.broken.add(at - 1)
            detail = "YAML reads {{ }} without quotes as a mapping"
            self._report(Code.TEMPLATE_NOT_QUOTED, at - 1, detail, 'put it into quotes: "{{ vars.x }}"')
            return
        hint = None if inside is not None or value is None else f'put it into quotes: "{show(value)}"'
        self._report(Code.KEY_NOT_TEXT, at, f"{show(value)} as a key", hint)

    def _unknown_anchor(self, name: str, at: int, *, inside_itself: bool) -> None:
        self._document.broken.add(at)
        hint = None
        if inside_itself:
            hint = "an alias cannot stand inside its own anchor"
        elif name in self._seen_anchors:
            hint = "anchors reach to the end of their document only"
        self._report(Code.UNKNOWN_ANCHOR, at, f"*{name}", hint)

    def _tag(self, tag: str, at: int) -> None:
        self._document.broken.add(at)
        short = tag.replace("tag:yaml.org,2002:", "!!")
        self._report(Code.TAG, at, show(short), "leave the tag out; text that looks like a number goes into quotes")

    def _report(self, code: Code, at: int, detail: str, hint: str | None = None) -> None:
        self._sources.mistakes.append(Mistake(code=code, at=at, detail=detail, hint=hint))
