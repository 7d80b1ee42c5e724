"""What is wrong with all flows together is said before any call."""

from itertools import permutations, product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.engine.graph import check_graph, graph_of
from reconciler.engine.topology import Link, Topology, topology_of
from reconciler.model.finding import Finding, Severity
from reconciler.model.manifest import Metadata, ProviderDoc, ProviderSpec, ReplicationSpec
from reconciler.model.relationship import Flow
from reconciler.providers.base import Access, Connection, Provider, ProviderType
from reconciler.providers.qumulo import TYPE as QUMULO
from reconciler.providers.s3 import TYPE as S3
from reconciler.testing.memory import TYPE as MEMORY
from reconciler.testing.memory import Secrets, memory_flow, memory_provider

GUARDED = memory_provider("g", {"site": "eu"})
JOBS = memory_provider("j", grain="relationship", continuous=False)
"""Copies whatever is there, whoever brought it."""
OTHER = memory_provider("o", grain="relationship", continuous=False)


def flow(name: str, ends: str, *, provider: ProviderDoc = JOBS, **spec: Any) -> Flow:
    source, _, destination = ends.partition(" -> ")
    return memory_flow(name, (provider, source), (provider, destination), **spec)


def topology(*flows: Flow) -> Topology:
    docs = {flow.owner.name: flow.owner for flow in flows}

    def opened(name: str) -> Provider:
        kind = {"s3": S3, "qumulo": QUMULO}.get(docs[name].spec.type, MEMORY)
        return kind.connect(Connection(doc=docs[name], secrets=Secrets(), access=Access.READ, base=Path()))

    return topology_of(flows, opened)


def real_provider(name: str, kind: ProviderType, config: dict[str, Any]) -> ProviderDoc:
    spec = ProviderSpec(type=kind.info.type, config=kind.info.config.model_validate(config))
    return ProviderDoc(api_version="repl/v1", kind="Provider", metadata=Metadata(name=name), spec=spec)


def codes(*flows: Flow) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for finding in check_graph(topology(*flows)):
        found.setdefault(finding.code, []).append(finding.replication or "")
    return found


def only(*flows: Flow) -> Finding:
    (finding,) = check_graph(topology(*flows))
    return finding


def only_code(code: str, *flows: Flow) -> list[Finding]:
    return [finding for finding in check_graph(topology(*flows)) if finding.code == code]


AWS = real_provider("aws", S3, {"role": "arn:aws:iam::111122223333:role/repl"})
NAS = real_provider("nas", QUMULO, {"host": "nas.example", "token": {"env": "T"}})


def between(source: ProviderDoc, there: Any, destination: ProviderDoc, here: Any, **more: Any) -> Flow:
    """A flow between real systems, which nothing is asked of here."""
    spec = {"source": {"provider": source.name, **there}, "destination": {"provider": destination.name, **here}}
    settings = {"owner_side": "source", "peer_s3": None, "workspace": "test", "labels": {}} | more
    return Flow(spec=ReplicationSpec.model_validate(spec), source=source, destination=destination, **settings)


def test_a_chain_of_a_system_that_forwards_is_fine() -> None:
    assert codes(flow("ab", "a -> b"), flow("bc", "b -> c")) == {}


def test_a_loop_without_a_guard_is_an_error_with_the_whole_way() -> None:
    found = only(flow("ab", "a -> b"), flow("bc", "b -> c"), flow("ca", "c -> a"))
    assert (found.code, found.severity, found.replication) == ("REPL-G001", Severity.ERROR, "ab")
    assert "ab, bc, ca (j:a -> j:b -> j:c -> j:a)" in found.detail


def test_a_loop_through_a_system_that_leaves_replicas_alone_is_active_active() -> None:
    found = only(flow("ab", "a -> b", provider=GUARDED), flow("ba", "b -> a", provider=GUARDED))
    assert (found.code, found.severity) == ("REPL-G002", Severity.INFO)
    assert "memory does not copy again" in found.detail


def test_a_loop_with_a_paused_hop_waits_for_failback() -> None:
    found = only(flow("ab", "a -> b"), flow("ba", "b -> a", state="paused"))
    assert (found.code, "as long as ba is paused" in found.detail) == ("REPL-G002", True)


def test_prefixes_that_contain_each_other_close_a_loop() -> None:
    assert codes(flow("ab", "a/x/ -> b"), flow("ba", "b -> a/y/")) == {}
    assert codes(flow("ab", "a -> b/in/deep/"), flow("ba", "b/in/ -> a")) == {"REPL-G001": ["ab"]}


def test_two_outboxes_that_cross_are_no_loop() -> None:
    """A key would have to begin with `out/` once for every round: it is used up."""
    assert codes(flow("ab", "a/out/ -> b"), flow("ba", "b/out/ -> a")) == {}


def test_prefixes_that_miss_each_other_on_the_way_close_none() -> None:
    # What ab brings lies under b/one/, passes to c/one/, and is not taken on from c/two/.
    flows = [flow("ab", "a -> b/one/"), flow("bc", "b -> c"), flow("ca", "c/two/ -> a")]
    assert codes(*flows) == {}


def test_a_bucket_copied_into_itself_grows_without_end() -> None:
    found = only(flow("aa", "a -> a/copy/"))
    assert found.code == "REPL-G001"
    assert codes(flow("aa", "a -> a/copy/", provider=GUARDED)) == {"REPL-G002": ["aa"]}


def test_tags_that_exclude_each_other_break_a_loop() -> None:
    hot, cold = {"filter": {"tags": {"class": "hot"}}}, {"filter": {"tags": {"class": "cold"}}}
    assert codes(flow("ab", "a -> b", **hot), flow("ba", "b -> a", **cold)) == {}
    assert codes(flow("ab", "a -> b", **hot), flow("ba", "b -> a", **hot)) == {"REPL-G001": ["ab"]}


def test_two_loops_are_two_findings() -> None:
    flows = [flow("ab", "a -> b"), flow("ba", "b -> a"), flow("cd", "c -> d"), flow("dc", "d -> c")]
    assert codes(*flows) == {"REPL-G001": ["ab", "cd"]}


def test_a_second_hop_that_does_not_carry_on_is_a_gap() -> None:
    found = only(flow("ab", "a -> b", provider=GUARDED), flow("bc", "b -> c", provider=GUARDED))
    assert (found.code, found.severity, found.replication) == ("REPL-G003", Severity.WARNING, "bc")
    assert "ab, bc (g:a -> g:b -> g:c)" in found.detail


def test_a_straight_flow_closes_the_gap() -> None:
    flows = [flow("ab", "a -> b", provider=GUARDED), flow("bc", "b -> c", provider=GUARDED)]
    assert "REPL-G003" not in codes(*flows, flow("ac", "a -> c", provider=GUARDED))


@pytest.mark.parametrize(
    ("direct", "closes"),
    [
        ({"ends": "a -> c"}, True),
        ({"ends": "a/x/ -> c/x/"}, False),
        ({"ends": "a -> c", "filter": {"tags": {"team": "one"}}}, False),
        ({"ends": "a -> c", "filter": {"exclude": ["*.tmp"]}}, False),
        ({"ends": "a -> c", "state": "paused"}, False),
    ],
)
def test_only_a_straight_flow_of_all_of_it_closes_the_gap(direct: dict[str, Any], closes: bool) -> None:
    straight = flow("ac", direct.pop("ends"), provider=GUARDED, **direct)
    chain = (flow("ab", "a -> b", provider=GUARDED), flow("bc", "b -> c", provider=GUARDED))
    assert ("REPL-G003" not in codes(*chain, straight)) == closes


def test_a_straight_flow_of_what_the_second_hop_takes_closes_the_gap() -> None:
    chain = (flow("ab", "a -> b", provider=GUARDED), flow("bc", "b/x/ -> c", provider=GUARDED))
    assert "REPL-G003" not in codes(*chain, flow("ac", "a/x/ -> c", provider=GUARDED))
    hot: dict[str, Any] = {"filter": {"tags": {"class": "hot"}}}
    tagged = flow("bc", "b -> c", provider=GUARDED, **hot)
    assert "REPL-G003" not in codes(chain[0], tagged, flow("ac", "a -> c", provider=GUARDED, **hot))


def test_what_the_second_hop_would_not_take_anyway_makes_no_gap() -> None:
    hot, cold = ({"tags": {"class": value}} for value in ("hot", "cold"))
    first = flow("ab", "a -> b", provider=GUARDED, filter=hot)
    assert codes(first, flow("bc", "b -> c", provider=GUARDED, filter=cold)) == {}
    assert "REPL-G003" in codes(first, flow("bc", "b -> c", provider=GUARDED, filter=hot))


def test_what_another_kind_of_system_brings_is_carried_on() -> None:
    """S3 replicates an object that an ordinary client put there, whoever that client is."""
    archive = between(NAS, {"path": "/a"}, AWS, {"bucket": "b"}, name="archive")
    assert codes(archive, between(AWS, {"bucket": "b"}, AWS, {"bucket": "c"}, name="dr")) == {}


def test_a_loop_over_two_systems_is_one_although_each_would_guard_its_own() -> None:
    archive = between(NAS, {"path": "/a"}, AWS, {"bucket": "b"}, name="archive")
    restore = between(AWS, {"bucket": "b"}, NAS, {"path": "/a/"}, name="restore", owner_side="destination")
    assert codes(archive, restore) == {"REPL-G001": ["archive"]}


def test_directories_contain_what_is_below_them_and_not_what_begins_alike() -> None:
    def into(path: str, name: str) -> Flow:
        return between(AWS, {"bucket": f"b-{name}"}, NAS, {"path": path}, name=name, owner_side="destination")

    assert codes(into("/a", "f1"), into("/a/b", "f2")) == {"REPL-G004": ["f2"]}
    assert codes(into("/a", "f1"), into("/ab", "f2")) == {}
    assert codes(into("/", "f1"), into("/ab", "f2")) == {"REPL-G004": ["f2"]}


def test_s3_keeps_prefixes_so_that_two_of_them_share_a_bucket_in_peace() -> None:
    """The destination's prefix is the source's: both write into one bucket and never meet."""
    logs = between(AWS, {"bucket": "logs", "prefix": "app/"}, AWS, {"bucket": "dr"}, name="logs")
    web = between(AWS, {"bucket": "web", "prefix": "www/"}, AWS, {"bucket": "dr"}, name="web")
    assert codes(logs, web) == {}


def test_many_others_are_not_all_named() -> None:
    found = only_code("REPL-G004", *(flow(f"f{n}", f"a{n} -> z") for n in range(9)))
    assert "f0, f1, f2, f3, f4 and others" in found[-1].detail


@pytest.mark.parametrize(("others", "more"), [(5, False), (6, True)])
def test_that_there_are_others_is_said_where_there_are(others: int, more: bool) -> None:
    flows = [flow(f"f{number}", f"a{number} -> all") for number in range(others + 1)]
    told = [one.detail for one in check_graph(topology(*flows)) if one.replication == f"f{others}"]
    assert [" and others write" in detail for detail in told] == [more]


def test_many_chains_are_not_all_named() -> None:
    firsts = [flow(f"f{n}", f"a{n} -> b/{n}/", provider=GUARDED) for n in range(9)]
    (found,) = only_code("REPL-G003", *firsts, flow("last", "b -> c", provider=GUARDED))
    assert "f4, last" in found.detail
    assert "and others" in found.detail


def test_a_paused_hop_makes_no_gap() -> None:
    flows = [flow("ab", "a -> b", provider=GUARDED, state="paused"), flow("bc", "b -> c", provider=GUARDED)]
    assert codes(*flows) == {}


def test_different_sources_into_one_destination_collide() -> None:
    found = only(flow("a1", "a -> z"), flow("b1", "b -> z/in/"))
    assert (found.code, found.severity, found.replication) == ("REPL-G004", Severity.WARNING, "b1")
    assert found.path == ("spec", "destination")


@pytest.mark.parametrize(
    "ends",
    [("a/x/ -> z/x/", "a/y/ -> z/y/"), ("a -> z/1/", "b -> z/2/"), ("a -> y", "b -> z")],
)
def test_destinations_apart_do_not_collide(ends: tuple[str, str]) -> None:
    assert codes(flow("f1", ends[0]), flow("f2", ends[1])) == {}


def test_part_of_a_flow_again_is_no_collision() -> None:
    found = only(flow("all", "a -> z"), flow("part", "a/x/ -> z/x/", storage_class="COLD"))
    assert (found.code, found.severity) == ("REPL-G008", Severity.INFO)
    assert codes(flow("all", "a -> z"), flow("part", "a/x/ -> z/y/")) == {"REPL-G004": ["part"]}


def test_the_same_flow_twice_is_an_error_also_through_another_document_of_the_same_system() -> None:
    alias = memory_provider("alias", world="j", grain="relationship", continuous=False)
    found = only(flow("f1", "a -> b"), memory_flow("f2", (alias, "a"), (JOBS, "b")))
    assert (found.code, found.severity, found.replication) == ("REPL-G005", Severity.ERROR, "f2")


def test_another_filter_makes_another_flow() -> None:
    tagged = flow("f2", "a -> b", filter={"tags": {"k": "v"}})
    assert codes(flow("f1", "a -> b"), tagged) == {"REPL-G008": ["f2"]}
    assert codes(flow("f1", "a -> b", filter={"tags": {"k": "w"}}), tagged) == {}


def test_a_place_copied_onto_itself_is_an_error() -> None:
    found = only(flow("f", "a/p/ -> a/p/"))
    assert (found.code, found.severity, found.path) == ("REPL-G006", Severity.ERROR, ("spec", "destination"))


@pytest.mark.parametrize(
    ("code", "flows", "where", "path"),
    [
        ("REPL-G001", {"x": "a -> b", "y": "b -> a"}, "x", ("spec",)),
        ("REPL-G003", {"x": "b -> c", "y": "a -> b"}, "x", ("spec", "source")),
        ("REPL-G004", {"x": "a -> c", "y": "b -> c"}, "y", ("spec", "destination")),
        ("REPL-G005", {"x": "a -> c", "y": "a -> c"}, "y", ("spec",)),
        ("REPL-G006", {"x": "a -> a"}, "x", ("spec", "destination")),
        ("REPL-G007", {"x": "b -> c", "y": "a -> b"}, "y", ("spec", "deletes")),
        ("REPL-G008", {"x": "a -> c", "y": "a/x/ -> c/x/"}, "y", ("spec", "source")),
    ],
)
def test_a_finding_stands_where_it_can_be_mended(
    code: str, flows: dict[str, str], where: str, path: tuple[str, ...]
) -> None:
    provider = GUARDED if code == "REPL-G003" else JOBS
    made = [flow(name, ends, provider=provider, deletes="replicate") for name, ends in flows.items()]
    (found,) = [one for one in check_graph(topology(*made)) if one.code == code]
    assert (found.replication, found.path) == (where, path)
    assert found.hint


def test_systems_of_other_names_are_other_places() -> None:
    assert codes(memory_flow("f", (JOBS, "a"), (OTHER, "a")), memory_flow("g", (OTHER, "a"), (GUARDED, "a"))) == {}


def test_deletions_that_travel_on_are_told_with_their_way() -> None:
    flows = [
        flow(name, ends, deletes="replicate") for name, ends in (("ab", "a -> b"), ("bc", "b -> c"), ("cd", "c -> d"))
    ]
    found = only(*flows)
    assert (found.code, found.severity, found.replication) == ("REPL-G007", Severity.INFO, "ab")
    assert "j:a -> j:b -> j:c -> j:d" in found.detail


def test_a_deletion_of_more_goes_further_than_what_came_there_first() -> None:
    """The narrow flow gets to `on` first, with what no further flow reads."""
    ways = {
        "start": "a -> b",
        "narrow": "b/x/ -> d/x/",
        "w1": "b -> c",
        "w2": "c -> d",
        "on": "d -> e",
        "z": "e/y/ -> f",
    }
    found = check_graph(topology(*(flow(name, ends, deletes="replicate") for name, ends in ways.items())))
    (told,) = [one for one in found if one.code == "REPL-G007"]
    assert told.replication == "start"
    assert "(start, w1, w2, on, z)" in told.detail


def test_deletions_of_objects_with_other_tags_do_no_harm_to_what_is_kept() -> None:
    hot, cold = ({"tags": {"class": value}} for value in ("hot", "cold"))
    kept = flow("kept", "a -> c", deletes="keep", filter=hot)
    assert codes(kept, flow("other", "b -> c", deletes="replicate", filter=cold)) == {}
    assert "REPL-G009" in codes(kept, flow("other", "b -> c", deletes="replicate", filter=hot))
    assert "REPL-G009" not in codes(kept, flow("other", "b -> c", deletes="replicate", filter=hot, state="paused"))


def test_deletions_at_a_place_that_is_fed_in_part_are_told_for_the_rest() -> None:
    ways = {"feed": "a -> b/x/", "main": "b -> c", "on": "c/y/ -> d"}
    found = check_graph(topology(*(flow(name, ends, deletes="replicate") for name, ends in ways.items())))
    told = {one.replication: one.detail for one in found if one.code == "REPL-G007"}
    assert "(feed, main)" in told["feed"]
    assert "(main, on)" in told["main"]
    assert "on" not in told


def test_deletions_stop_where_a_hop_leaves_alone_what_replication_brought() -> None:
    chain = [
        flow(name, ends, provider=GUARDED, deletes="replicate") for name, ends in (("ab", "a -> b"), ("bc", "b -> c"))
    ]
    assert "REPL-G007" not in codes(*chain)


def test_deletions_stop_where_a_hop_keeps() -> None:
    assert codes(flow("ab", "a -> b", deletes="replicate"), flow("bc", "b -> c", deletes="keep")) == {}


def test_the_drawing_shows_places_as_written() -> None:
    graph = graph_of(
        [flow("ab", "a/x/ -> b", deletes="replicate"), flow("bc", "b -> c", state="paused", provider=GUARDED)]
    )
    assert [node.id for node in graph.nodes] == ["g:b", "g:c", "j:a/x/", "j:b"]
    assert graph.node("g:b").labels == {"site": "eu"}
    assert [(e.replication, e.active, e.deletes) for e in graph.edges] == [("ab", True, True), ("bc", False, False)]


def test_ten_thousand_flows_are_judged_without_looking_at_all_pairs() -> None:
    flows = [flow(f"f{n}", f"a{n} -> b{n}") for n in range(5000)] + [
        flow(f"g{n}", f"b{n} -> c{n}") for n in range(5000)
    ]
    counted = 0

    made = topology(*flows)
    reading = made.reading

    def counting(place: Any) -> Any:
        nonlocal counted
        for link in reading(place):
            counted += 1
            yield link

    made.reading = counting  # type: ignore[method-assign]
    assert check_graph(made) == ()
    assert counted < 20 * len(flows)


PLACES = st.sampled_from(["a", "a/x/", "a/x/y/", "b", "b/x/", "c", "c/y/"])


PLACES = st.sampled_from(["a", "a/x/", "a/x/y/", "b", "b/x/", "c", "c/y/"])
KEYS = ["".join(parts) + "k" for size in range(5) for parts in product(("x/", "y/"), repeat=size)]


@given(st.lists(st.tuples(PLACES, PLACES), max_size=5))
def test_a_loop_is_reported_exactly_where_a_key_goes_round(ends: list[tuple[str, str]]) -> None:
    """The referee sends real keys round every sequence of flows, many times."""
    flows = [flow(f"f{n}", f"{source} -> {destination}") for n, (source, destination) in enumerate(ends)]
    made = topology(*flows)
    reported = any(found.code == "REPL-G001" for found in check_graph(made))
    links = [link for link in made.links if link.source != link.destination]
    ways = [way for size in range(1, len(links) + 1) for way in permutations(links, size)]
    assert reported == any(goes_round(way, key) for way in ways for key in KEYS)


def goes_round(way: tuple[Link, ...], key: str) -> bool:
    holder, key = way[0].source.holder, way[0].source.path + key
    for _ in range(12):
        for link in way:
            if holder != link.source.holder or not key.startswith(link.source.path):
                return False
            holder, key = link.destination.holder, link.destination.path + key[len(link.source.path) :]
    return True
