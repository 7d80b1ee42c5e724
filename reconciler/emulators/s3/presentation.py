"""How GET ?replication shows a stored configuration: as it was put, or changed as the switches say."""

from __future__ import annotations

import copy
from collections.abc import Callable
from uuid import uuid4
from xml.etree.ElementTree import Element, SubElement
from xml.parsers import expat

from reconciler.emulators.s3.document import serialise
from reconciler.emulators.s3.rules import FUTURE_FIELD, prefix_of, tag_elements
from reconciler.emulators.s3.switches import AwsSwitches


def with_ids(body: bytes) -> bytes:
    """The document with an ID in every rule that has none; every other byte as it was.

    ``body`` is a valid configuration. The service makes up such IDs, which no client can foresee.
    """
    return _splice(body, _ids_missing(body))


def is_faithful(switches: AwsSwitches) -> bool:
    """Whether what is read is byte for byte what was written."""
    return not any(applies(switches) for applies, _ in _CHANGES)


def changed(root: Element, switches: AwsSwitches) -> bytes:
    """The configuration as a server with these switches returns it."""
    shown = copy.deepcopy(root)
    for applies, change in _CHANGES:
        if applies(switches):
            change(shown, switches)
    return serialise(shown)


def migrated(root: Element) -> Element:
    """A V1 configuration as the console leaves it behind; a V2 one as it is."""
    result = copy.deepcopy(root)
    for number, rule in enumerate(result.findall("Rule"), start=1):
        old = rule.find("Prefix")
        if old is None:
            continue
        prefix = prefix_of(rule)
        rule.remove(old)
        SubElement(rule, "Priority").text = str(number)
        SubElement(SubElement(rule, "Filter"), "Prefix").text = prefix
        SubElement(SubElement(rule, "DeleteMarkerReplication"), "Status").text = "Disabled"
    return result


def _reverse(root: Element, _switches: AwsSwitches) -> None:
    rules = root.findall("Rule")
    for rule in rules:
        root.remove(rule)
    root.extend(reversed(rules))


def _unknown_field(root: Element, _switches: AwsSwitches) -> None:
    for rule in root.findall("Rule"):
        if rule.find(FUTURE_FIELD) is None:
            SubElement(SubElement(rule, FUTURE_FIELD), "Status").text = "Enabled"


def _empty_filter(root: Element, switches: AwsSwitches) -> None:
    for rule in root.findall("Rule"):
        found = rule.find("Filter")
        if found is None or prefix_of(rule) or tag_elements(rule):
            continue
        if switches.empty_filter == "absent":
            rule.remove(found)
        else:
            found.clear()


def _defaults(root: Element, _switches: AwsSwitches) -> None:
    for rule in root.findall("Rule"):
        destination = rule.find("Destination")
        if destination is not None and destination.find("StorageClass") is None:
            SubElement(destination, "StorageClass").text = "STANDARD"
        criteria = rule.find("SourceSelectionCriteria")
        if criteria is None:
            criteria = SubElement(rule, "SourceSelectionCriteria")
        for name in ("SseKmsEncryptedObjects", "ReplicaModifications"):
            if criteria.find(name) is None:
                SubElement(SubElement(criteria, name), "Status").text = "Disabled"


_CHANGES: tuple[tuple[Callable[[AwsSwitches], bool], Callable[[Element, AwsSwitches], None]], ...] = (
    (lambda switches: switches.echo_v1, lambda _root, _switches: None),
    (lambda switches: switches.rule_order == "reversed", _reverse),
    (lambda switches: switches.empty_filter != "as_put", _empty_filter),
    (lambda switches: switches.fill_defaults, _defaults),
    (lambda switches: switches.add_unknown_field, _unknown_field),
)


def _splice(body: bytes, insertions: list[tuple[int, int, bytes]]) -> bytes:
    for start, end, piece in sorted(insertions, reverse=True):
        body = body[:start] + piece + body[end:]
    return body


class _Reader:
    """Finds, by byte offset, the rules without an ID and the IDs without text."""

    def __init__(self, body: bytes) -> None:
        self.insertions: list[tuple[int, int, bytes]] = []
        self._body = body
        self._path: list[str] = []
        self._rule_opened = 0
        self._id_start = 0
        self._id_text = ""
        self._has_id = False
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.Parse(body, True)

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        self._path.append(name.rpartition(":")[2])
        at = self._parser.CurrentByteIndex
        if self._path[1:] == ["Rule"]:
            self._rule_opened = self._body.index(b">", at) + 1
            self._has_id = False
        elif self._path[1:] == ["Rule", "ID"]:
            self._id_start = at
            self._id_text = ""

    def _text(self, data: str) -> None:
        if self._path[1:] == ["Rule", "ID"]:
            self._id_text += data

    def _end(self, name: str) -> None:
        prefix, colon, _ = name.rpartition(":")
        at = self._parser.CurrentByteIndex
        if self._path[1:] == ["Rule", "ID"]:
            self._has_id = True
            if not self._id_text:
                # Of ``<ID/>`` expat reports the end as an event of its own, which lies where the tag has ended.
                end = self._body.index(b">", at) + 1 if self._body.startswith(b"</", at) and self._opened(at) else at
                self.insertions.append((self._id_start, end, _new_id(prefix + colon)))
        elif self._path[1:] == ["Rule"] and not self._has_id:
            self.insertions.append((self._rule_opened, self._rule_opened, _new_id(prefix + colon)))
        self._path.pop()

    def _opened(self, at: int) -> bool:
        return not self._body[self._id_start : at].rstrip().endswith(b"/>")


def _ids_missing(body: bytes) -> list[tuple[int, int, bytes]]:
    return _Reader(body).insertions


def _new_id(prefix: str) -> bytes:
    return f"<{prefix}ID>{uuid4()}</{prefix}ID>".encode()
