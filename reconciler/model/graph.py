"""The graph of all flows: places as nodes, replications as edges. What is wrong with it are findings, elsewhere."""

from typing import Self

from pydantic import model_validator

from reconciler.model.value import Value

__all__ = ["Edge", "Graph", "Node"]


class Node(Value):
    """One location of one provider, at one end of at least one flow."""

    id: str
    """Unique in the graph and stable from run to run: `aws-eu:logs/app/`."""
    provider: str
    """Name of the Provider document."""
    type: str
    """The provider's type: `s3`."""
    location: str
    """The place as people write it, without the provider: `logs/app/`, `/projects`."""
    labels: dict[str, str] = {}
    """Labels of the provider, which policies look at."""


class Edge(Value):
    """One replication."""

    replication: str
    source: str
    """Id of a node."""
    destination: str
    """Id of a node; equal to `source` where a flow leads back to its own place."""
    active: bool = True
    """False where the flow is paused."""
    deletes: bool = False
    """Whether deletions travel along it."""
    implied: bool = False
    """True for what goes along with the replication without being written down, where a system takes everything."""


class Graph(Value):
    """All flows together. Nodes ordered by id, edges by replication name, what goes along after the replication."""

    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()

    @model_validator(mode="after")
    def _ends_exist(self) -> Self:
        ids = [node.id for node in self.nodes]
        if len(set(ids)) != len(ids):
            raise ValueError("two nodes have the same id")
        missing = {end for edge in self.edges for end in (edge.source, edge.destination)} - set(ids)
        if missing:
            raise ValueError(f"edges lead to nodes that are not there: {', '.join(sorted(missing))}")
        return self

    def node(self, node_id: str) -> Node:
        """Return the node with this id. Raises KeyError."""
        found = next((node for node in self.nodes if node.id == node_id), None)
        if found is None:
            raise KeyError(node_id)
        return found
