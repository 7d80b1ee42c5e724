"""Drawing programs read what is written, whatever places and replications are called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.graph import Edge, Graph, Node
from reconciler.report.clean import clean
from reconciler.report.graph import graph_text
from tests.unit.report.graph_languages import Drawing, dot, mermaid

READERS = {"dot": dot, "mermaid": mermaid}
ODD = [
    'a "quoted" name', "a]b[c", "{{ x }}", "<script>", "back\\slash", "ends with \\", "new\nline", "tab\there", "#35;",
    "end", "subgraph", "n0", "--> x", "a|b", "ünï ☃ 𝛑", "&amp;", "`code`", "%% comment", "// no", "- item", "1. item",
    "\u202eright to left", "\x1b[31mred", "",
]  # fmt: skip


def graph(*names: str) -> Graph:
    """Every place sends to the next one, and to itself; the second is paused, the third goes along."""
    nodes = tuple(
        Node(id=f"p{at % 2}:{at}:{name}", provider=f"p{at % 2} {name[:3]}", type="s3", location=name)
        for at, name in enumerate(names)
    )
    edges = [
        Edge(replication=f"r{name}", source=nodes[at].id, destination=nodes[(at + 1) % len(nodes)].id,
             active=at % 3 != 1, implied=at % 3 == 2)
        for at, name in enumerate(names)
    ]  # fmt: skip
    return Graph(nodes=nodes, edges=tuple(edges))


def judged(form: str, drawn: Graph) -> Drawing:
    found = READERS[form](graph_text(drawn, form))
    assert len(found.nodes) == len(drawn.nodes)
    assert sorted(found.nodes) == sorted(one for _, inside in found.groups for one in inside)
    assert {end for one in found.edges for end in one[:2]} <= set(found.nodes)
    assert len(found.edges) == len(drawn.edges)
    return found


@pytest.mark.parametrize("form", READERS)
@pytest.mark.parametrize("name", ODD)
def test_an_odd_name_is_drawn_as_it_is(form: str, name: str) -> None:
    found = judged(form, graph(name, "plain"))
    labels = set(found.nodes.values())
    assert (clean(name) or "p0:0:") in labels or clean(name) in labels


@pytest.mark.parametrize("form", READERS)
@given(names=st.lists(st.text(max_size=12), min_size=1, max_size=5, unique=True))
def test_any_names_are_drawn(form: str, names: list[str]) -> None:
    found = judged(form, graph(*names))
    assert [edge[3] for edge in found.edges] == [("solid", "dashed", "bold")[at % 3] for at in range(len(names))]
    for (_, _, label, _), name in zip(found.edges, names, strict=True):
        assert label.startswith(clean(f"r{name}"))


@pytest.mark.parametrize("form", READERS)
def test_nothing_is_drawn_of_nothing(form: str) -> None:
    assert READERS[form](graph_text(Graph(), form)) == Drawing()
