"""What is said about the flows of real provider types together, over all six of them."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from reconciler.cli.app import run
from reconciler.cli.catalog import RegistryCatalog
from reconciler.engine.check import Checked, check
from reconciler.engine.connect import Connections
from reconciler.manifest.load import load
from reconciler.model.finding import Finding, Severity
from reconciler.providers.registry import Registry
from reconciler.testing.memory import Secrets

_KEYS = "credentials: {accessKeyId: AK, secretAccessKey: {env: S}}"


def _scp(region: str) -> str:
    keys = "credentials: {accessKey: AK, secretKey: {env: S}}"
    return f"scp: {{region: {region}, environment: e, accountId: a1, {keys}}}"


def _site(letter: str, client: str = "client1") -> str:
    urls = ", ".join(
        f"{name}: 'https://{name}.{letter}.example.com'" for name in ("accessor", "replicator", "administration")
    )
    return f"clonecloudstore: {{site: site-{letter}, clientId: {client}, {urls}}}"


PROVIDERS = {
    "aws": f"s3: {{region: eu-west-1, role: 'arn:aws:iam::111122223333:role/r', {_KEYS}}}",
    "aws-us": f"s3: {{region: us-east-1, role: 'arn:aws:iam::111122223333:role/r', {_KEYS}}}",
    "bj": f"bos: {{region: bj, {_KEYS}}}",
    "gz": f"bos: {{region: gz, {_KEYS}}}",
    "al": f"alarik: {{endpoint: 'https://al.example.com', {_KEYS}}}",
    "be": f"alarik: {{endpoint: 'https://be.example.com', region: eu-2, {_KEYS}}}",
    "nas": "qumulo: {host: nas.example.com, token: {env: T}}",
    "west": _scp("kr-west1"),
    "west-too": _scp("kr-west1"),
    "east": _scp("kr-east1"),
    "south": _scp("kr-south1"),
    "a": _site("a"),
    "b": _site("b"),
    "c": _site("c"),
    "a-other": _site("a", "client2"),
}
LABELS = {
    "a": "{zone: in, owner: one}", "b": "{zone: in}", "c": "{zone: out}", "a-other": "{zone: in, owner: secret}",
    "al": "{zone: in}", "be": "{zone: mid}", "gz": "{zone: out}", "bj": "{zone: out}", "nas": "{zone: in}",
    "west": "{zone: in}", "east": "{zone: mid}", "south": "{zone: out}", "aws": "{zone: in}", "aws-us": "{zone: out}",
}  # fmt: skip
_VOLUMES = {"west", "west-too", "east", "south"}


def checked(folder: Path, flows: Sequence[str], policy: str = "") -> Checked:
    """Flows as `name a/bucket b/bucket key=value`; what the manifests are that say so."""
    lines = [policy] if policy else []
    for name, spec in PROVIDERS.items():
        metadata = f"{{name: {name}, labels: {LABELS.get(name, '{}')}}}"
        lines += ["---", "apiVersion: repl/v1", "kind: Provider", f"metadata: {metadata}", f"spec: {{{spec}}}"]
    for flow in flows:
        name, source, destination, *more = flow.split()
        lines += ["---", "apiVersion: repl/v1", "kind: Replication", f"metadata: {{name: {name}}}", "spec:"]
        lines += [f"  source: {_location(source)}", f"  destination: {_location(destination)}"]
        lines += ["  verify: {level: status}", *(f"  {one.replace('=', ': ')}" for one in more)]
    (folder / "all.yaml").write_text("\n".join(lines) + "\n")
    registry = Registry.installed()
    workspace = load([folder], catalog=RegistryCatalog(registry))
    with Connections(workspace, registry, Secrets()) as connections:
        found = check(workspace, registry, connections)
    assert len(found.flows) == len(flows), [finding.detail for finding in found.errors]
    return found


def _location(text: str) -> str:
    provider, place, *prefix = text.split("/", 2)
    if provider in _VOLUMES:
        return f"{{provider: {provider}, volume: {place}}}"
    if provider == "nas":
        return f"{{provider: nas, path: /{place}}}"
    return f"{{provider: {provider}, bucket: {place}" + (f", prefix: '{prefix[0]}'}}" if prefix else "}")


def judged(folder: Path, *flows: str, letter: str = "G", policy: str = "") -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for finding in checked(folder, flows, policy).findings:
        if finding.code.startswith(f"REPL-{letter}"):
            found.setdefault(finding.code, []).append(finding)
    return found


def ends(kind: str) -> tuple[str, str, str]:
    """Three places of a kind between which flows can lead."""
    return {
        "s3": ("aws/abc", "aws-us/bcd", "aws/cde"),
        "bos": ("bj/abc", "gz/bcd", "bj/cde"),
        "alarik": ("al/abc", "be/bcd", "al/cde"),
        "qumulo": ("nas/abc", "al/bcd", "nas/cde"),
        "scp": ("west/vol_a", "east/vol_b", "south/vol_c"),
        "clonecloudstore": ("a/abc", "b/abc", "c/abc"),
    }[kind]


KINDS = ("s3", "bos", "alarik", "qumulo", "scp", "clonecloudstore")


@pytest.mark.parametrize(
    ("kind", "code", "words"),
    [
        ("s3", "REPL-G002", "s3 does not copy again"),
        ("bos", "REPL-G001", "nothing on this way keeps"),
        ("alarik", "REPL-G001", "nothing on this way keeps"),
        ("qumulo", "REPL-G001", "nothing on this way keeps"),
        ("scp", "REPL-G001", "none has data of its own"),
        ("clonecloudstore", "REPL-G002", "clonecloudstore does not copy again"),
    ],
)
def test_both_ways(tmp_path: Path, kind: str, code: str, words: str) -> None:
    """Between sites that is how CloneCloudStore is meant to be used; a volume of SCP cannot be both."""
    one, other, _ = ends(kind)
    found = judged(tmp_path, f"r1 {one} {other}", f"r2 {other} {one}")
    loops = [finding for group in ("REPL-G001", "REPL-G002") for finding in found.get(group, [])]
    assert [finding.code for finding in loops] == [code]
    assert words in loops[0].detail
    assert "REPL-G012" not in found


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("s3", "S3 does not replicate replicas (S3-CHAIN)"),
        ("bos", ""),
        ("alarik", ""),
        ("qumulo", ""),
        ("scp", "not documented that a replica can be replicated further"),
        ("clonecloudstore", "nothing that came by order"),
    ],
)
def test_chains(tmp_path: Path, kind: str, words: str) -> None:
    one, middle, last = ends(kind)
    found = judged(tmp_path, f"r1 {one} {middle}", f"r2 {middle} {last}")
    gaps = [finding.detail for finding in found.get("REPL-G003", [])]
    assert len(gaps) == bool(words)
    assert all(words in gap and "r1, r2 (" in gap for gap in gaps)


def test_a_straight_flow_closes_the_gap_between_sites(tmp_path: Path) -> None:
    found = judged(tmp_path, "r1 a/abc b/abc", "r2 b/abc c/abc", "r3 a/abc c/abc")
    assert "REPL-G003" not in found


@pytest.mark.parametrize("first", ["alarik", "bos", "qumulo"])
def test_a_chain_over_kinds_carries_on(tmp_path: Path, first: str) -> None:
    into = {"alarik": "al/src aws/mid", "bos": "bj/src gz/mid", "qumulo": "nas/src aws/mid"}[first]
    on = "gz/mid bj/end" if first == "bos" else "aws/mid aws-us/end"
    assert judged(tmp_path, f"r1 {into}", f"r2 {on}") == {}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_twice(tmp_path: Path, kind: str) -> None:
    one, other, _ = ends(kind)
    found = judged(tmp_path, f"r1 {one} {other}", f"r2 {one} {other}")
    assert [finding.replication for finding in found["REPL-G005"]] == ["r2"]
    assert found["REPL-G005"][0].severity is Severity.ERROR


def test_other_patterns_of_one_bucket_make_another_flow(tmp_path: Path) -> None:
    one, other = (f"""bj/abc gz/dst bos={{"resources":["{pattern}/*"]}}""" for pattern in "ab")
    assert "REPL-G005" not in judged(tmp_path, f"r1 {one}", f"r2 {other}")
    assert "REPL-G005" in judged(tmp_path, f"r1 {one}", f"r2 {one}")


@pytest.mark.parametrize(
    ("kind", "flows", "code"),
    [
        ("s3", ("aws/abc aws-us/dst", "aws/bcd aws-us/dst"), "REPL-G004"),
        ("bos", ("bj/abc gz/dst", "bj/bcd gz/dst/in/"), "REPL-G004"),
        ("alarik", ("al/abc be/dst", "al/bcd be/dst"), "REPL-G004"),
        ("qumulo", ("nas/abc aws/dst/p/", "nas/bcd aws/dst"), "REPL-G004"),
        ("scp", ("west/vol_a east/vol_z", "south/vol_b east/vol_z"), "REPL-G010"),
        ("clonecloudstore", ("a/abc c/abc", "b/abc c/abc"), "REPL-G004"),
        ("mixed", ("al/abc aws/dst", "nas/abc aws/dst"), "REPL-G004"),
    ],
)
def test_two_into_one(tmp_path: Path, kind: str, flows: tuple[str, str], code: str) -> None:
    found = judged(tmp_path, *(f"r{number} {flow}" for number, flow in enumerate(flows)))
    assert [finding.replication for finding in found[code]] == ["r1"], kind
    assert found[code][0].severity is (Severity.ERROR if code == "REPL-G010" else Severity.WARNING)
    words = {"scp": "would write there too", "clonecloudstore": "the first to arrive stays"}
    assert words.get(kind, "overwrite each other") in found[code][0].detail


# Volumes of SCP ----------------------------------------------------------------------------------------------------


def test_a_volume_is_the_same_through_any_document_of_its_region(tmp_path: Path) -> None:
    found = judged(tmp_path, "r1 west/vol_a east/vol_z", "r2 west-too/vol_a east/vol_z")
    assert "REPL-G005" in found


def test_volumes_of_one_name_in_other_regions_are_other_volumes(tmp_path: Path) -> None:
    assert judged(tmp_path, "r1 west/vol_a east/vol_z", "r2 south/vol_a west/vol_z") == {}


@pytest.mark.parametrize(("name", "known"), [("vol_b", True), ("vol_b3f9a1c", True), ("vol_bx", False)])
def test_a_replica_is_known_by_the_name_that_the_service_gave_it(tmp_path: Path, name: str, known: bool) -> None:
    found = judged(tmp_path, "r1 west/vol_a east/vol_b", f"r2 east/{name} south/vol_c")
    assert ("REPL-G003" in found) == known


def test_one_replica_by_name_and_by_id_of_its_source_is_an_error(tmp_path: Path) -> None:
    volume = "0a1b2c3d-0000-4000-8000-000000000001"
    found = judged(tmp_path, "r1 west/vol_a east/vol_z", f"r2 west/{volume} east/vol_z")
    assert "REPL-G010" in found


def test_deletions_in_a_volume_go_with_it(tmp_path: Path) -> None:
    found = judged(tmp_path, "r1 west/vol_a east/vol_b", "r2 east/vol_b south/vol_c")
    assert "west:vol_a -> east:vol_b -> south:vol_c" in found["REPL-G007"][0].detail


# Sites of CloneCloudStore ------------------------------------------------------------------------------------------


def test_what_is_done_to_copies_comes_back_where_a_site_gets_everything(tmp_path: Path) -> None:
    found = judged(tmp_path, "r1 a/abc b/abc", "r2 b/xyz a/xyz")
    assert [finding.replication for finding in found["REPL-G012"]] == ["r1", "r2"]
    assert "what is written or deleted at a:xyz (r2), which are copies" in found["REPL-G012"][0].detail
    paused = judged(tmp_path, "r1 a/abc b/abc state=paused", "r2 b/xyz a/xyz")
    assert "REPL-G012" not in paused


def test_a_bucket_goes_to_every_site_that_one_of_them_goes_to(tmp_path: Path) -> None:
    found = judged(tmp_path, "r1 a/abc b/abc", "r2 a/xyz c/xyz")
    assert "xyz of r2 goes there, too" in found["REPL-G013"][0].detail
    assert "abc of r1 goes there, too" in found["REPL-G013"][1].detail
    assert judged(tmp_path, "r1 a/abc b/abc", "r2 a/xyz b/xyz") == {}


def test_what_goes_along_is_drawn(tmp_path: Path) -> None:
    graph = checked(tmp_path, ["r1 a/abc b/abc", "r2 a/xyz b/xyz", "r3 b/abc c/abc state=paused"]).graph
    drawn = [(edge.replication, edge.source, edge.destination, edge.implied) for edge in graph.edges]
    assert drawn == [
        ("r1", "a:abc", "b:abc", False), ("r1", "a:*", "b:*", True), ("r2", "a:xyz", "b:xyz", False),
        ("r3", "b:abc", "c:abc", False),
    ]  # fmt: skip
    assert graph.node("a:*").location == "every other bucket"


def test_deletions_are_kept_at_a_site_from_all_or_from_none(tmp_path: Path) -> None:
    found = judged(tmp_path, "r1 a/abc c/abc deletes=keep", "r2 b/abc c/abc deletes=replicate")
    assert (found["REPL-G011"][0].replication, found["REPL-G011"][0].severity) == ("r1", Severity.ERROR)
    assert "REPL-G011" not in judged(tmp_path, "r1 a/abc c/abc deletes=keep", "r2 b/abc c/abc deletes=keep")
    assert "REPL-G011" not in judged(tmp_path, "r1 a/abc c/abc deletes=keep", "r2 a/abc b/abc deletes=replicate")


# Deletions ---------------------------------------------------------------------------------------------------------


def test_deletions_reach_what_keeps_by_another_way(tmp_path: Path) -> None:
    flows = (
        "r1 al/abc be/abc deletes=replicate", "r2 be/abc aws/abc deletes=replicate", "r3 al/abc aws/abc deletes=keep",
    )  # fmt: skip
    found = judged(tmp_path, *flows)
    (told,) = found["REPL-G009"]
    assert (told.replication, told.severity, told.path) == ("r3", Severity.WARNING, ("spec", "deletes"))
    assert "r1, r2 (al:abc -> be:abc -> aws:abc)" in told.detail
    kept = [flow.replace("replicate", "keep") if "r2" in flow else flow for flow in flows]
    assert "REPL-G009" not in judged(tmp_path, *kept)
    assert "REPL-G009" not in judged(tmp_path, *(f"{flow} state=paused" if "r2" in flow else flow for flow in flows))


def test_every_branch_that_deletions_take_is_told(tmp_path: Path) -> None:
    found = judged(tmp_path, "r1 al/abc be/abc deletes=replicate", "r2 be/abc aws/abc deletes=replicate",
                   "r3 be/abc gz/abc deletes=replicate", "r4 gz/abc bj/abc deletes=replicate")  # fmt: skip
    (told,) = found["REPL-G007"]
    assert "al:abc -> be:abc -> aws:abc (r1, r2)" in told.detail
    assert "al:abc -> be:abc -> gz:abc -> bj:abc (r1, r3, r4)" in told.detail


# Policies ----------------------------------------------------------------------------------------------------------

NOT_OUT = """apiVersion: repl/v1
kind: Policy
metadata: {name: p}
spec: {flows: [{deny: {from: {zone: in}, to: {zone: out}}, reason: stays inside}]}"""
NOT_SECRET = """apiVersion: repl/v1
kind: Policy
metadata: {name: p}
spec: {flows: [{deny: {from: {owner: secret}, to: {zone: in}}, reason: is secret}]}"""


@pytest.mark.parametrize(
    ("flows", "code", "severity"),
    [
        (("al/abc be/abc", "be/abc gz/abc"), "REPL-P002", Severity.ERROR),
        (("nas/abc be/abc", "be/abc gz/abc"), "REPL-P002", Severity.ERROR),
        (("nas/abc be/abc", "be/xyz gz/abc"), "", None),
        (("west/vol_a east/vol_b", "east/vol_b south/vol_c"), "REPL-P002", Severity.ERROR),
        (("west/vol_a east/vol_b", "east/vol_b3f9a1c south/vol_c"), "REPL-P002", Severity.ERROR),
        (("west/vol_a south/vol_b",), "REPL-P001", Severity.ERROR),
        (("aws/abc aws-us/abc",), "REPL-P001", Severity.ERROR),
        (("a/abc c/abc",), "REPL-P001", Severity.ERROR),
        (("al/abc be/abc", "be/abc al/abc"), "", None),
    ],
)  # fmt: skip
def test_a_policy_holds_along_the_way(
    tmp_path: Path, flows: tuple[str, ...], code: str, severity: Severity | None
) -> None:
    found = judged(tmp_path, *(f"r{n} {flow}" for n, flow in enumerate(flows)), letter="P", policy=NOT_OUT)
    wanted = {code: {severity}} if code else {}
    assert {key: {one.severity for one in group} for key, group in found.items()} == wanted


def test_between_sites_a_copy_of_what_is_there_is_a_way(tmp_path: Path) -> None:
    """b is in no zone of the rule's source here: only by way of it a reaches c."""
    policy = NOT_OUT.replace("{zone: in}", "{owner: one}")
    flows = ("r1 a/abc b/abc", "r2 b/xyz c/xyz")
    found = judged(tmp_path, *flows, letter="P", policy=policy)
    assert [finding.severity for finding in found["REPL-P002"]] == [Severity.WARNING]
    assert "does not carry it on by itself" in found["REPL-P002"][0].detail
    copied = judged(tmp_path, flows[0], f"{flows[1]} existing=copy", letter="P", policy=policy)
    assert [finding.severity for finding in copied["REPL-P002"]] == [Severity.ERROR]


def test_what_goes_along_in_another_client_s_name_is_denied_too(tmp_path: Path) -> None:
    (found,) = judged(tmp_path, "r1 a/abc b/abc", letter="P", policy=NOT_SECRET)["REPL-P003"]
    assert (found.replication, found.severity) == ("r1", Severity.ERROR)
    assert "a-other, which is the same system" in found.detail
    assert judged(tmp_path, "r1 b/abc c/abc", letter="P", policy=NOT_SECRET) == {}


# The command -------------------------------------------------------------------------------------------------------


def test_the_command_tells_what_is_about_the_graph_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checked(tmp_path, ["r1 west/vol_a east/vol_b", "r2 a/abc b/abc", "r3 b/abc c/abc"])
    assert run(["graph", "-f", str(tmp_path), "--format", "dot"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("digraph replications {")
    assert "REPL-G003" in printed.err
    assert "REPL-C506" not in printed.err


@pytest.mark.parametrize("form", ["text", "mermaid", "dot", "json"])
def test_an_empty_folder_is_an_empty_graph(tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    assert run(["graph", "-f", str(tmp_path), "--format", form]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("flows", "told"), [(500, False), (501, True)])
def test_more_edges_than_mermaid_draws_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flows: int, told: bool
) -> None:
    checked(tmp_path, [f"s{number} aws/src-{number} aws-us/dst-{number}" for number in range(flows)])
    assert run(["graph", "-f", str(tmp_path), "--format", "mermaid"]) == 0
    printed = capsys.readouterr()
    assert printed.out.count("-->") == flows
    assert ("maxEdges" in printed.err) == told


def test_five_hundred_flows_of_all_kinds_are_judged_at_once(tmp_path: Path) -> None:
    kinds = ("s{0} aws/src-{0} aws-us/dst-{0}", "q{0} nas/dir-{0} al/in-{0}", "l{0} al/in-{0} be/out-{0}",
             "v{0} west/vol_{0}_a east/rep_{0}_a", "c{0} a/bucket-{0} b/bucket-{0}")  # fmt: skip
    flows = [kind.format(number) for number in range(100) for kind in kinds]
    found = checked(tmp_path, flows, NOT_SECRET)
    assert len(found.graph.edges) == len(flows) + 1
    # What goes along does so once, not once for each flow.
    assert [one.replication for one in found.findings if one.code == "REPL-P003"] == ["c0"]
