"""XML documents from clients: parsed without trusting them, and held against a schema that is data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

from reconciler.emulators.s3.errors import malformed

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


@dataclass(frozen=True, slots=True)
class Text:
    """An element with text: one of ``values`` if given, a whole number if ``number``."""

    values: frozenset[str] | None = None
    number: bool = False

    def check(self, element: Element) -> None:
        value = element.text or ""
        if len(element) or (self.values is not None and value not in self.values):
            raise malformed()
        if self.number and not value.strip().removeprefix("-").isdecimal():
            raise malformed()


@dataclass(frozen=True, slots=True)
class Group:
    """An element with children. ``required`` must be there, ``repeated`` may be there more than once."""

    children: Mapping[str, Text | Group]
    required: frozenset[str] = field(default=frozenset())
    repeated: frozenset[str] = field(default=frozenset())

    def check(self, element: Element) -> None:
        if (element.text or "").strip():
            raise malformed()
        seen: set[str] = set()
        for child in element:
            if (child.tail or "").strip():
                raise malformed()
            specification = self.children.get(child.tag)
            if specification is None or (child.tag in seen and child.tag not in self.repeated):
                raise malformed()
            seen.add(child.tag)
            specification.check(child)
        if not self.required <= seen:
            raise malformed()


def parse(body: bytes, root: str) -> Element:
    """The document's root, its tags without namespace. MalformedXML unless it is well-formed and so named.

    A document type declaration is refused: S3 has no use for one, and entities are how small XML grows big.
    """
    if b"<!DOCTYPE" in body:
        raise malformed()
    try:
        body.decode("utf-8")
        element = ET.fromstring(body)  # noqa: S314  (no document type, so no entities)
    except (ET.ParseError, LookupError, ValueError) as error:
        raise malformed() from error
    for node in element.iter():
        namespace, closed, tag = node.tag.rpartition("}")
        if closed and namespace != "{" + NAMESPACE:
            raise malformed()
        node.tag = tag
    if element.tag != root:
        raise malformed()
    return element


def text(element: Element, path: str) -> str | None:
    """The text at a path: None if the element is absent, "" if it is empty."""
    found = element.find(path)
    return None if found is None else found.text or ""


def flag(element: Element, path: str) -> bool:
    return text(element, path) == "Enabled"


def serialise(root: Element) -> bytes:
    root.set("xmlns", NAMESPACE)
    return ('<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")).encode()
