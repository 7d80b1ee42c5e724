"""A replication configuration as text that is cut into pieces and put together again byte for byte.

Nothing here knows what a rule means. What is not touched keeps its exact text: unknown elements, blanks and comments.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder, tostring
from xml.parsers import expat

from reconciler.model.value import Json, canonical_json, digest

__all__ = ["MAX_BYTES", "Document", "DocumentError", "Piece", "canonical", "plain_text"]

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
ROOT = "ReplicationConfiguration"
MAX_BYTES = 8 * 1024 * 1024
"""Four times what AWS accepts (2 MB)."""
_MAX_DEPTH = 64
_UTF_8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})


class DocumentError(ValueError):
    """The text is not a replication configuration. The message quotes nothing of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A child of the root, or the text between two of them (then without an element).

    Element names lack the root's namespace prefix. Elements are shared: copy before changing one.
    """

    raw: str
    element: Element | None = None

    def named(self, name: str) -> bool:
        """Say whether this is an element of that name."""
        return self.element is not None and self.element.tag == name


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Document:
    """A configuration: `head`, the pieces, and `tail` make up its exact text."""

    head: str
    pieces: tuple[Piece, ...]
    tail: str
    prefix: str = ""
    """Namespace prefix of the root with its colon; usually none."""

    @classmethod
    def parse(cls, text: str) -> "Document":
        """Cut a text into pieces. Raises DocumentError: not well formed, a DOCTYPE, another root, too large or deep."""
        if len(text) > MAX_BYTES:
            raise DocumentError(f"the answer is longer than {MAX_BYTES} characters")
        return _Slicer(text).slice()

    @classmethod
    def empty(cls) -> "Document":
        """Return a configuration without anything in it."""
        head = f'<?xml version="1.0" encoding="UTF-8"?>\n<{ROOT} xmlns="{NAMESPACE}">'
        return cls(head=head, pieces=(), tail=f"</{ROOT}>")

    def __str__(self) -> str:
        """Return the exact text."""
        return self.head + "".join(piece.raw for piece in self.pieces) + self.tail

    def elements(self, name: str) -> tuple[Element, ...]:
        """Return the root's children of that name, in order."""
        return tuple(p.element for p in self.pieces if p.element is not None and p.element.tag == name)

    def text(self, name: str) -> str:
        """Return the text of the root's first child of that name; empty if there is none."""
        return next((plain_text(element) for element in self.elements(name)), "")

    def edited(
        self, changed: Mapping[int, Element | None], added: Sequence[Element] = (), first: Element | None = None
    ) -> "Document":
        """Return the document with pieces, by their number, replaced or (None) taken out.

        `added` come after the last element, `first` before all. All other text stays as it is.
        """
        kept: list[Piece] = []
        for number, piece in enumerate(self.pieces):
            if number not in changed:
                kept.append(piece)
                continue
            new = changed[number]
            if new is not None:
                kept.append(self._piece(new))
            elif kept and kept[-1].element is None and not kept[-1].raw.strip():
                kept.pop()  # the blanks that led to what is gone
        end = max((n + 1 for n, piece in enumerate(kept) if piece.element is not None), default=0)
        kept[end:end] = [self._piece(element) for element in added]
        if first is not None:
            kept.insert(0, self._piece(first))
        return replace(self, pieces=tuple(kept))

    def fingerprint(self, *names: str) -> str:
        """Return a digest over the root's children of these names and all others; order and blanks do not count.

        An empty element among `names` counts as none at all.
        """
        found = [p.element for p in self.pieces if p.element is not None and isinstance(p.element.tag, str)]
        counted = [e for e in found if len(e) or plain_text(e).strip() or e.tag not in names]
        return digest(sorted((canonical(element) for element in counted), key=canonical_json))

    def _piece(self, element: Element) -> Piece:
        named = deepcopy(element)
        named.tail = None
        for part in named.iter():
            if isinstance(part.tag, str):
                part.tag = part.tag[1:] if part.tag.startswith(":") else _prefixed(part.tag, self.prefix)
        # A carriage return that is written as it stands is read back as a line feed.
        return Piece(tostring(named, encoding="unicode").replace("\r", "&#13;"), element)


def canonical(element: Element) -> Json:
    """Return an element as JSON that is equal for equal meaning: children sorted, blanks between them left out."""
    children = [child for child in element if isinstance(child.tag, str)]
    text = plain_text(element).strip() if children else plain_text(element)
    attributes: dict[str, Json] = {n: v for n, v in sorted(element.attrib.items()) if not n.startswith("xmlns")}
    return [element.tag, attributes, text, sorted((canonical(child) for child in children), key=canonical_json)]


def plain_text(element: Element) -> str:
    """Return an element's own text, without that of its children and of comments."""
    return "".join([element.text or "", *(child.tail or "" for child in element)])


def _prefixed(tag: str, prefix: str) -> str:
    return tag if ":" in tag else prefix + tag


class _Slicer:
    """Reads a text once, and notes where each child of the root begins and ends."""

    def __init__(self, text: str) -> None:
        self._data = text.encode()
        self._depth = 0
        self._prefix = ""
        self._bounds: list[tuple[int, int, Element]] = []
        self._begin = 0
        self._ended = False
        self._head_end: int | None = None
        self._tail_begin = 0
        self._builder = TreeBuilder(insert_comments=True, insert_pis=True)
        # Names stay as they are written: namespaces are the root's, and a rule is cut out of its context.
        self._parser = expat.ParserCreate("utf-8")
        self._parser.XmlDeclHandler = self._declaration
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.CommentHandler = self._comment
        self._parser.ProcessingInstructionHandler = self._instruction
        self._parser.DefaultHandler = self._other

    def slice(self) -> Document:
        try:
            self._parser.Parse(self._data, True)
        except expat.ExpatError as error:
            raise DocumentError(f"the answer is not well-formed XML: {expat.errors.messages[error.code]}") from None
        if self._head_end is None or not self._data.startswith(b"</", self._tail_begin):
            # `<Root/>`: there is nothing to cut.
            return Document(head=self._data.decode(), pieces=(), tail="", prefix=self._prefix)
        pieces: list[Piece] = []
        at = self._head_end
        for begin, end, element in self._bounds:
            if begin > at:
                pieces.append(Piece(self._cut(at, begin)))
            pieces.append(Piece(self._cut(begin, end), element))
            at = end
        if self._tail_begin > at:
            pieces.append(Piece(self._cut(at, self._tail_begin)))
        head, tail = self._cut(0, self._head_end), self._cut(self._tail_begin, len(self._data))
        return Document(head=head, pieces=tuple(pieces), tail=tail, prefix=self._prefix)

    def _cut(self, begin: int, end: int) -> str:
        return self._data[begin:end].decode()

    def _mark(self) -> int:
        """Note that something new begins here, which is where the thing before it ended."""
        here = self._parser.CurrentByteIndex
        if self._depth == 1 and self._head_end is None:
            self._head_end = here
        if self._ended:
            self._ended = False
            self._bounds.append((self._begin, here, self._builder.close()))
        return here

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        here = self._mark()
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise DocumentError(f"the answer is nested deeper than {_MAX_DEPTH} elements")
        if self._depth == 1:
            self._prefix, _, name = tag.rpartition(":")
            self._prefix += ":" if self._prefix else ""
            if name != ROOT:
                raise DocumentError(f"the answer is not a {ROOT}")
            return
        if self._depth == 2:
            self._begin = here
            self._builder = TreeBuilder(insert_comments=True, insert_pis=True)
        self._builder.start(self._plain(tag), attributes)

    def _plain(self, tag: str) -> str:
        if not self._prefix:
            return tag
        return tag.removeprefix(self._prefix) if tag.startswith(self._prefix) else tag if ":" in tag else f":{tag}"

    def _end(self, tag: str) -> None:
        here = self._mark()
        if self._depth == 1:
            self._tail_begin = here
        else:
            self._builder.end(self._plain(tag))
            self._ended = self._depth == 2
        self._depth -= 1

    def _characters(self, data: str) -> None:
        self._mark()
        if self._depth > 1:
            self._builder.data(data)

    def _comment(self, data: str) -> None:
        self._mark()
        if self._depth > 1:
            self._builder.comment(data)

    def _instruction(self, target: str, data: str) -> None:
        self._mark()
        if self._depth > 1:
            self._builder.pi(target, data)

    def _other(self, _data: str) -> None:
        self._mark()

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _UTF_8:
            raise DocumentError("the answer declares an encoding other than UTF-8")

    def _doctype(self, *_: Any) -> None:
        raise DocumentError("the answer has a DOCTYPE, which no S3 configuration has")
