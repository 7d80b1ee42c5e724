"""All that can be said without the network: owners, what providers cannot hold, the graph, policies."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.engine.connect import Connections
from reconciler.engine.flows import resolve_flows
from reconciler.engine.graph import check_graph, graph_of
from reconciler.engine.policy import check_policies
from reconciler.engine.topology import topology_of
from reconciler.manifest.workspace import LoadedWorkspace
from reconciler.model.finding import Finding, Severity
from reconciler.model.graph import Graph
from reconciler.model.observation import ScopeRef
from reconciler.model.relationship import Flow
from reconciler.providers.registry import Registry

__all__ = ["Checked", "check", "placed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What `validate` knows."""

    flows: tuple[Flow, ...]
    """Ordered by name; those with errors of their own are left out where nothing sensible could be made of them."""
    graph: Graph
    findings: tuple[Finding, ...]
    """Those of the documents included; errors first."""

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings that end it here."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.ERROR)


def check(workspace: LoadedWorkspace, registry: Registry, connections: Connections) -> Checked:
    """Judge a workspace. Never touches the network; every finding of every file at once."""
    resolved = resolve_flows(workspace, registry)
    topology = topology_of(resolved.flows, connections.provider)
    graph = graph_of(resolved.flows, topology)
    found = [
        *(finding for flow in resolved.flows for finding in connections.provider(flow.owner.name).check(flow)),
        *_together(resolved.flows, connections),
        *check_graph(topology),
        *check_policies(workspace.policies.values(), topology, workspace.providers.values()),
    ]
    located = [placed(workspace, finding) for finding in found]
    everything = {finding.sort_key: finding for finding in (*workspace.findings, *resolved.findings, *located)}
    return Checked(flows=resolved.flows, graph=graph, findings=tuple(everything[key] for key in sorted(everything)))


def _together(flows: Sequence[Flow], connections: Connections) -> Iterator[Finding]:
    """Let providers judge the flows of each scope as a whole."""
    scopes: dict[ScopeRef, list[Flow]] = defaultdict(list)
    for flow in flows:
        scopes[connections.provider(flow.owner.name).scope(flow)].append(flow)
    for scope in sorted(scopes, key=str):
        yield from connections.provider(scope.provider).check_together(scopes[scope])


def placed(workspace: LoadedWorkspace, finding: Finding) -> Finding:
    """Return the finding with its place in the files, where it names a document."""
    if finding.replication is not None:
        return finding.at(workspace.locate("Replication", finding.replication, finding.path))
    if finding.provider is not None:
        return finding.at(workspace.locate("Provider", finding.provider, finding.path))
    return finding
