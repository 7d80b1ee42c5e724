"""What the YAML parser complains about, in words, and where reading goes on after it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from reconciler.manifest.codes import Code, Mistake
from reconciler.manifest.documents import RawDocument
from reconciler.manifest.events import events
from reconciler.manifest.reader import Reader, Stop
from reconciler.manifest.sources import Source, Sources

__all__ = ["MAX_RESTARTS", "parse"]

MAX_RESTARTS = 20
"""So often is reading taken up again at the next `---` of one file."""

_DOCUMENT_START = re.compile(r"^---(?=\s|\Z)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Words:
    """What to say for one of the parser's problems."""

    part: str
    """Found in the parser's own message."""
    detail: str
    hint: str
    at_context: bool = False
    """Whether the place to show is where the unfinished thing began."""
    says_where: bool = False
    """Whether to mention that place."""


_WORDS = (
    _Words(
        "mapping values are not allowed", "a second `: ` in one value, or a line indented too far", "quote the value"
    ),
    _Words("could not find expected ':'", "a key without `:` after it", "write `key: value`", at_context=True),
    _Words("did not find expected key", "this line fits no mapping above it", "check the indentation"),
    _Words("did not find expected '-'", "this line fits no list above it", "check the indentation and the `- `"),
    _Words(
        "did not find expected ',' or '}'",
        "a mapping in braces goes on without `,` or `}`",
        "close it with }",
        says_where=True,
    ),
    _Words(
        "did not find expected ',' or ']'",
        "a list in brackets goes on without `,` or `]`",
        "close it with ]",
        says_where=True,
    ),
    _Words("unexpected end of stream", "the quotes opened here are never closed", "close the quotes", at_context=True),
    _Words("unexpected document indicator", "the quotes opened here are never closed", "close them", at_context=True),
    _Words("unknown escape character", "this \\ escape does not exist", "use single quotes, or write \\\\"),
    _Words("invalid Unicode character escape", "this \\ escape is no character", "write the character itself"),
    _Words("cannot start any token", "a value cannot begin with this character", "quote the value"),
    _Words("block sequence entries", "a list item cannot stand here", "start the list on a line of its own"),
    _Words("mapping keys are not allowed", "a `? ` key cannot stand here", "quote the value"),
    _Words("expected <document start>", "text after the end of a document", "put --- between documents"),
    _Words("expected node content", "a value is missing here", "write the value, or quote it"),
    _Words("incompatible YAML document", "this version of YAML is not known", "leave the %YAML line out"),
    _Words("undefined tag handle", "tags are not supported", "leave the tag out, or quote the value"),
    _Words("comment or line break", "text after | or > on the same line", "start the text on the next line"),
)

_NEVER_CLOSED = _Words("", "the { or [ opened here is never closed", "close it", at_context=True)
_GOES_ON = _Words("", "something stands after the end of a value", "quote the whole value, or break the line here")
_AFTER_A_VALUE = ("did not find expected key", "did not find expected '-' indicator")


def parse(source: Source, sources: Sources) -> Iterator[RawDocument]:
    """Yield the documents of one file; after a place that cannot be read, go on at the next `---`."""
    reader = Reader(sources)
    offset = 0
    for restart in range(MAX_RESTARTS + 1):
        reader.base = source.base + offset
        try:
            yield from reader.documents(events(source.text[offset:] if offset else source.text))
        except Stop as stop:
            mistake = stop.mistake
            if stop.whole_file or mistake.at is None:
                sources.mistakes.append(mistake)
                return
            stopped = mistake.at - source.base
        except yaml.YAMLError as error:
            mistake = _mistake(error, source, sources, offset, restart)
            stopped = _stopped_at(error, offset)
        else:
            return
        sources.mistakes.append(mistake)
        start = _DOCUMENT_START.search(source.text, max(stopped, offset + 1))
        if start is None:
            return
        offset = start.start()


def _stopped_at(error: yaml.YAMLError, offset: int) -> int:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return offset + (mark.index if mark is not None else getattr(error, "position", 0))


def _mistake(error: yaml.YAMLError, source: Source, sources: Sources, offset: int, restart: int) -> Mistake:
    stopped = min(_stopped_at(error, offset), len(source.text))
    _, start, line = source.line_at(stopped)
    indent = line[: len(line) - len(line.lstrip(" \t"))]
    if "\t" in indent:
        at, hint = source.base + start + indent.index("\t"), "indent with spaces"
        return Mistake(code=Code.TAB, at=at, detail="a tab before the text", hint=hint)
    context = getattr(error, "context_mark", None)
    began = stopped if context is None else offset + context.index
    words = _words(error, source, stopped, stopped > start + len(indent))
    detail = words.detail
    if words is _NEVER_CLOSED and began == stopped:
        began = max(source.text.rfind(opener, 0, stopped) for opener in "{[")
    if words.says_where and began != stopped:
        detail += f"; it began at {sources.place(source.base + began)}"
    if restart == MAX_RESTARTS:
        detail += "; the rest of the file is not read"
    at = source.base + (began if words.at_context else stopped)
    return Mistake(code=Code.SYNTAX, at=at, detail=detail, hint=words.hint)


def _words(error: yaml.YAMLError, source: Source, stopped: int, inside_line: bool) -> _Words:
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
    over = not source.text[stopped:].strip() or _DOCUMENT_START.match(source.text, stopped) is not None
    if over and "flow" in (getattr(error, "context", None) or ""):
        return _NEVER_CLOSED
    if inside_line and problem in _AFTER_A_VALUE:
        return _GOES_ON
    return next((words for words in _WORDS if words.part in problem), _Words("", problem, "quote the value"))
