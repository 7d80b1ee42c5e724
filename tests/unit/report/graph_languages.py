"""Strict readers of the two languages that graphs are drawn from: what they take, the drawing programs take.

DOT after the grammar of Graphviz ("The DOT Language"), of which only what is needed is taken. Mermaid after its page on
flowcharts: quoted texts hold no quote, and `#35;` stands for a character.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Drawing:
    """What a drawing program would draw."""

    nodes: dict[str, str] = field(default_factory=dict)
    """Labels by id."""
    groups: list[tuple[str, list[str]]] = field(default_factory=list)
    """Labels with the ids of the nodes within."""
    edges: list[tuple[str, str, str, str]] = field(default_factory=list)
    """From, to, label and kind: solid, dashed or bold."""


_DOT = re.compile(r'\s*(?:("(?:[^"\\\n]|\\.)*")|(->)|([A-Za-z_][A-Za-z_0-9]*)|([{}\[\];=,]))')


def dot(text: str) -> Drawing:
    """Read a digraph. AssertionError for what is none."""
    tokens, at = [], 0
    while text[at:].strip():
        match = _DOT.match(text, at)
        assert match is not None, text[at : at + 60]
        tokens.append(next(part for part in match.groups() if part is not None))
        at = match.end()
    drawing = Drawing()
    rest = iter(tokens)
    assert [next(rest) for _ in range(3)] == ["digraph", "replications", "{"]
    _statements(rest, drawing, None)
    assert next(rest, None) is None
    return drawing


def _statements(tokens: Iterator[str], drawing: Drawing, group: int | None) -> None:
    for token in tokens:
        if token == "}":
            return
        assert re.fullmatch(r"[A-Za-z_]\w*", token), token
        if token == "subgraph":
            assert next(tokens).startswith("cluster_")
            assert next(tokens) == "{"
            drawing.groups.append(("", []))
            _statements(tokens, drawing, len(drawing.groups) - 1)
            continue
        _statement(token, tokens, drawing, group)


def _statement(first: str, tokens: Iterator[str], drawing: Drawing, group: int | None) -> None:
    following = next(tokens)
    if following == "=":
        value = next(tokens)
        if first == "label" and group is not None:
            drawing.groups[group] = (_unquoted(value), drawing.groups[group][1])
        assert next(tokens) == ";"
        return
    other = None
    if following == "->":
        other = next(tokens)
        following = next(tokens)
    assert following == "["
    attributes: dict[str, str] = {}
    while True:
        name, equals, value, end = (next(tokens) for _ in range(4))
        assert equals == "="
        attributes[name] = _unquoted(value)
        if end == "]":
            break
        assert end == ","
    assert next(tokens) == ";"
    if other is not None:
        drawing.edges.append((first, other, attributes["label"], attributes.get("style", "solid")))
    elif first != "node":
        drawing.nodes[first] = attributes["label"]
        assert group is not None
        drawing.groups[group][1].append(first)


def _unquoted(token: str) -> str:
    if not token.startswith('"'):
        return token
    # In a label a backslash begins an escape: only those of itself and of the quote are used.
    assert re.fullmatch(r'"(?:[^"\\]|\\["\\])*"', token), token
    # And Graphviz puts a character in place of each HTML entity.
    return html.unescape(re.sub(r"\\(.)", r"\1", token[1:-1]))


_TEXT = r'"([^"\n]+)"'
_MERMAID = {
    "group": re.compile(rf"  subgraph (p\d+)\[{_TEXT}\]"),
    "node": re.compile(rf"    (n\d+)\[{_TEXT}\]"),
    "end": re.compile(r"  end"),
    "edge": re.compile(rf"  (n\d+) (-->|-\.->|==>)\|{_TEXT}\| (n\d+)"),
}
_ARROWS = {"-->": "solid", "-.->": "dashed", "==>": "bold"}


def mermaid(text: str) -> Drawing:
    """Read a flowchart. AssertionError for what is none."""
    first, *lines = text.splitlines()
    assert first == "flowchart LR"
    drawing, inside = Drawing(), False
    for line in lines:
        kind, match = next(
            ((kind, found) for kind, form in _MERMAID.items() if (found := form.fullmatch(line))), ("", None)
        )
        assert match is not None, line
        if kind == "group":
            assert not inside
            inside = True
            drawing.groups.append((_meant(match[2]), []))
        elif kind == "node":
            assert inside
            drawing.nodes[match[1]] = _meant(match[2])
            drawing.groups[-1][1].append(match[1])
        elif kind == "end":
            assert inside
            inside = False
        else:
            assert not inside
            drawing.edges.append((match[1], match[4], _meant(match[3]), _ARROWS[match[2]]))
    assert not inside
    return drawing


def _meant(text: str) -> str:
    assert not re.search(r"[<>`|\[\]{}&\\]", text), text
    assert not re.search(r"#(?!\d+;)", text), text
    return re.sub(r"#(\d+);", lambda match: chr(int(match[1])), text)
