import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reconciler.model.graph import Edge, Graph, Node
from reconciler.report.graph import FORMATS, graph_text
from reconciler.report.style import Style

A = Node(id="aws-eu:logs/app/", provider="aws-eu", type="s3", location="logs/app/")
B = Node(id="aws-us:dr", provider="aws-us", type="s3", location="dr")
C = Node(id="nas-1:/p", provider="nas-1", type="qumulo", location="/p")
GRAPH = Graph(
    nodes=(A, B, C),
    edges=(
        Edge(replication="back", source=B.id, destination=A.id, active=False, deletes=True),
        Edge(replication="forth", source=A.id, destination=B.id),
    ),
)


def test_mermaid() -> None:
    assert graph_text(GRAPH, "mermaid") == (
        "flowchart LR\n"
        '  subgraph p0["aws-eu (s3)"]\n'
        '    n0["logs/app/"]\n'
        "  end\n"
        '  subgraph p1["aws-us (s3)"]\n'
        '    n1["dr"]\n'
        "  end\n"
        '  subgraph p2["nas-1 (qumulo)"]\n'
        '    n2["/p"]\n'
        "  end\n"
        '  n1 -.->|"back (paused, deletes too)"| n0\n'
        '  n0 -->|"forth"| n1\n'
    )


def test_dot() -> None:
    found = graph_text(GRAPH, "dot")
    assert found.startswith("digraph replications {\n")
    assert '  n1 -> n0 [label="back (paused, deletes too)", style=dashed];\n' in found
    assert found.endswith("}\n")


def test_text_says_what_an_edge_does_in_words() -> None:
    assert graph_text(GRAPH, "text") == (
        "aws-eu:logs/app/ (s3)\n"
        "  → aws-us:dr  forth\n"
        "aws-us:dr (s3)\n"
        "  → aws-eu:logs/app/  back (paused, deletes too)\n"
        "\n"
        "2 flows between 3 places.\n"
    )
    assert graph_text(GRAPH, "text", Style(color=False, width=80, unicode=False)).isascii()
    assert graph_text(Graph(), "text") == "0 flows between 0 places.\n"


def test_what_goes_along_is_no_place_and_no_flow_of_the_sum() -> None:
    nodes = [Node(id=f"{at}:{place}", provider=at, type="t", location=place) for at in "ab" for place in ("b", "rest")]
    edges = (
        Edge(replication="r", source="a:b", destination="b:b"),
        Edge(replication="r", source="a:rest", destination="b:rest", implied=True),
    )
    assert graph_text(Graph(nodes=tuple(nodes), edges=edges), "text").endswith("1 flow between 2 places.\n")


def test_json_can_be_read_back() -> None:
    assert Graph.model_validate_json(graph_text(GRAPH, "json")) == GRAPH


def test_an_unknown_format_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="mermaid, dot, json, text"):
        graph_text(GRAPH, "svg")


def hostile(name: str) -> Graph:
    node = Node(id=name, provider=name, type=name, location=name)
    return Graph(nodes=(node,), edges=(Edge(replication=name, source=name, destination=name),))


@given(st.text(min_size=1))
def test_no_name_breaks_out_of_its_quotes(name: str) -> None:
    for line in graph_text(hostile(name), "mermaid").splitlines()[1:]:
        assert re.fullmatch(
            r'  (subgraph p0\["[^"\[\]<>|`]*"\]|  n0\["[^"\[\]<>|`]*"\]|end|n0 -->\|"[^"\[\]<>|`]*"\| n0)', line
        )
    for line in graph_text(hostile(name), "dot").splitlines():
        assert re.sub(r"\\.", "", line).count('"') in (0, 2)
        assert line.isprintable()
    assert json.loads(graph_text(hostile(name), "json"))["nodes"][0]["location"] == name
    assert set(FORMATS) == {"mermaid", "dot", "json", "text"}


def test_a_backslash_stays_a_backslash_in_dot() -> None:
    assert r'label="a\\nb\"c"' in graph_text(hostile('a\\nb"c'), "dot")


def test_a_graph_holds_together() -> None:
    with pytest.raises(ValidationError, match="not there: nowhere"):
        Graph(nodes=(A,), edges=(Edge(replication="x", source=A.id, destination="nowhere"),))
    with pytest.raises(ValidationError, match="same id"):
        Graph(nodes=(A, A))
    assert GRAPH.node(B.id) == B
    with pytest.raises(KeyError):
        GRAPH.node("nowhere")
