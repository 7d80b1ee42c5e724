from collections.abc import Iterable
from typing import Any

import pytest

from reconciler.model.finding import Finding
from reconciler.model.observation import LocationFacts
from reconciler.model.secret import SecretRef
from reconciler.providers.alarik.check import check, check_together
from reconciler.providers.alarik.findings import TEXTS
from reconciler.providers.alarik.preflight import is_internal, preflight
from tests.unit.providers.alarik.flows import AMAZON, FOREIGN_RULE, PEER, SECRET, flow, server


def codes(findings: Iterable[Finding]) -> list[str]:
    return [one.code for one in findings]


def test_a_good_flow_has_nothing_against_it() -> None:
    subject = flow(
        prefix="p/", to_prefix="p/", state="paused", deletes="replicate", existing="copy",
        options={"synchronous": True, "generation": 3},
    )  # fmt: skip
    assert codes(check(subject)) == []
    assert codes(check(flow(peer=AMAZON))) == []
    assert codes(check_together([flow(name) for name in "abcd"])) == []


def peer(**changes: Any) -> dict[str, Any]:
    return {"peer": PEER.model_copy(update=changes)}


@pytest.mark.parametrize(
    ("given", "code", "path"),
    [
        ({"storage_class": "GLACIER"}, "REPL-C401", ("storageClass",)),
        ({"filter": {"exclude": ["*.tmp"]}}, "REPL-C402", ("filter", "exclude")),
        ({"filter": {"tags": {"a": "b"}}}, "REPL-C403", ("filter", "tags")),
        ({"schedule": {"every": "1h"}}, "REPL-C404", ("schedule",)),
        ({"to_prefix": "v1/"}, "REPL-C405", ("destination", "prefix")),
        ({"prefix": "a/", "to_prefix": ""}, "REPL-C405", ("destination", "prefix")),
        ({"to": "s3://x"}, "REPL-C406", ("destination", "bucket")),
        ({"bucket": "a/b"}, "REPL-C406", ("source", "bucket")),
        ({"prefix": "a" * 1025}, "REPL-C407", ("source", "prefix")),
        ({"prefix": "a\x00"}, "REPL-C407", ("source", "prefix")),
        ({"prefix": "a\x7f"}, "REPL-C407", ("source", "prefix")),
        ({"to": "photos", **peer(url="https://ALARIK.example:8080/")}, "REPL-C408", ("destination", "bucket")),
        ({"peer": None}, "REPL-C410", ("destination", "provider")),
        (peer(access_key_id=None, secret_access_key=None), "REPL-C411", ("destination", "provider")),
        (peer(secret_access_key=None), "REPL-C411", ("destination", "provider")),
        (peer(region=""), "REPL-C412", ("destination", "provider")),
        (peer(url="ftp://h"), "REPL-C413", ("destination", "provider")),
        (peer(url="https://"), "REPL-C413", ("destination", "provider")),
        (peer(url="https://h:99999"), "REPL-C413", ("destination", "provider")),
        (peer(url="https://u:p@h"), "REPL-C413", ("destination", "provider")),
        (peer(ca_file="/ca.pem"), "REPL-C414", ("destination", "provider")),
        (peer(path_style=False), "REPL-C415", ("destination", "provider")),
    ],
)
def test_each_problem_has_its_code_and_place(given: dict[str, Any], code: str, path: tuple[str, ...]) -> None:
    (found,) = check(flow(**given))
    assert (found.code, found.path, found.replication) == (code, ("spec", *path), "photos-dr")
    assert found.summary == TEXTS[code].summary
    assert found.hint


def test_all_at_once() -> None:
    subject = flow(
        storage_class="X", schedule={"every": "1h"}, filter={"exclude": ["a"], "tags": {"b": "c"}}, peer=None
    )
    assert codes(check(subject)) == ["REPL-C401", "REPL-C402", "REPL-C403", "REPL-C404", "REPL-C410"]


def test_the_same_name_on_another_server_is_another_bucket() -> None:
    assert codes(check(flow(to="photos"))) == []


def test_a_login_alone_cannot_look_at_objects() -> None:
    own = server(credentials=None, login={"username": "u", "password": {"env": "P"}})
    (found,) = check(flow(own=own))
    assert (found.code, found.provider, found.severity) == ("REPL-C430", "ala", "warning")


class TestTogether:
    def test_the_fifth_rule_is_too_many(self) -> None:
        found = list(check_together([flow(name) for name in "abcdef"]))
        assert [(one.code, one.replication) for one in found] == [("REPL-C420", "e"), ("REPL-C420", "f")]
        assert "6 replications" in found[0].detail

    def test_shared_targets_count_once(self) -> None:
        flows = [flow(str(number), to=f"bucket-{number}") for number in range(5)]
        assert codes(check_together(flows)) == ["REPL-C420", "REPL-C421"]
        shared = [flow(str(number), to="bucket") for number in range(4)]
        assert codes(check_together(shared)) == []

    def test_two_flows_of_one_rule(self) -> None:
        first, second = flow("a", options={"id": FOREIGN_RULE}), flow("b", options={"id": FOREIGN_RULE.lower()})
        (found,) = check_together([first, second])
        assert (found.code, found.replication, found.path) == ("REPL-C422", "b", ("spec", "alarik", "id"))

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ({"secret_access_key": SecretRef(env="A")}, {"secret_access_key": SecretRef(env="B")}),
            ({"access_key_id": SecretRef(env="A")}, {"access_key_id": SecretRef(env="B")}),
        ],
    )
    def test_one_target_has_one_key(self, one: dict[str, Any], other: dict[str, Any]) -> None:
        (found,) = check_together([flow("a", **peer(**one)), flow("b", **peer(**other))])
        assert (found.code, found.replication) == ("REPL-C423", "b")

    def test_flows_without_a_face_are_left_to_others(self) -> None:
        assert codes(check_together([flow("a", peer=None), flow("b", peer=None)])) == []


GOOD = {"owned": True, "admin": True, "versioning": "Enabled", "region": "us-east-1"}


def facts(**changes: Any) -> LocationFacts:
    return LocationFacts(exists=True, facts={**GOOD, **changes})


class TestPreflight:
    def judged(self, source: LocationFacts, destination: LocationFacts | None = None, **given: Any) -> list[Finding]:
        there = destination or LocationFacts(exists=True, facts={"region": "eu-9"})
        return list(preflight(flow(**given), source, there))

    def test_all_is_well(self) -> None:
        assert self.judged(facts()) == []
        assert self.judged(LocationFacts(exists=True), LocationFacts(exists=True)) == []

    @pytest.mark.parametrize(
        ("source", "code", "word"),
        [
            (LocationFacts(exists=False), "REPL-W401", "photos"),
            (LocationFacts(exists=True, facts={"owned": False}, problem="not ours"), "REPL-W401", "not ours"),
            (LocationFacts(exists=True, readable=False, problem="why"), "REPL-W402", "why"),
            (facts(versioning="Suspended"), "REPL-W403", "suspended"),
            (facts(versioning=None), "REPL-W403", "not enabled"),
            (facts(region="eu-2"), "REPL-W408", "eu-2"),
        ],
    )
    def test_the_source(self, source: LocationFacts, code: str, word: str) -> None:
        (found,) = self.judged(source)
        assert found.code == code
        assert word in found.detail
        assert found.hint

    @pytest.mark.parametrize(
        ("destination", "code"),
        [
            (LocationFacts(exists=False), "REPL-W404"),
            (LocationFacts(exists=True, readable=False), "REPL-W405"),
        ],
    )
    def test_the_destination(self, destination: LocationFacts, code: str) -> None:
        (found,) = self.judged(facts(), destination)
        assert found.code == code

    @pytest.mark.parametrize(
        ("given", "severity"),
        [
            ({"peer_type": "alarik"}, "error"),
            ({"peer_type": "bos"}, "error"),
            ({"peer": AMAZON}, "error"),
            ({}, "warning"),
        ],
    )
    def test_another_region_names_the_right_one(self, given: dict[str, Any], severity: str) -> None:
        (found,) = self.judged(facts(), LocationFacts(exists=True, facts={"region": "ap-1"}), **given)
        assert (found.code, found.severity) == ("REPL-W406", severity)
        assert "`region: ap-1`" in (found.hint or "")

    def test_an_ordinary_user_may_not_send_to_private_addresses(self) -> None:
        private = peer(url="https://10.1.2.3:9000")
        assert codes(self.judged(facts(admin=False), **private)) == ["REPL-W407"]
        assert codes(self.judged(facts(admin=True), **private)) == []
        unknown = {name: value for name, value in GOOD.items() if name != "admin"}
        assert codes(self.judged(LocationFacts(exists=True, facts=unknown), **private)) == []
        assert codes(self.judged(facts(admin=False))) == []


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "LOCALHOST", "a.localhost", "127.0.0.1", "127.1", "127.255.255.254", "10.0.0.1", "172.16.0.1",
        "172.31.255.255", "192.168.1.1", "169.254.169.254", "0.0.0.0", "0x7f000001", "0x7f.1", "017700000001",
        "2130706433", "[::1]", "[fe80::1]", "[fe80::1%25eth0]", "[fc00::1]", "[fd12::1]",
    ],
)  # fmt: skip
def test_private_in_every_spelling(host: str) -> None:
    assert is_internal(f"https://{host}:9000")


@pytest.mark.parametrize(
    "host",
    ["peer.example", "172.32.0.1", "172.15.0.1", "11.0.0.1", "8.8.8.8", "[2001:db8::1]", "localhost.example", "[::2]",
     "1.2.3.4.5", "999.1.1.1", "fd.example", "192.169.0.1", "abc"],
)  # fmt: skip
def test_public_or_only_a_name(host: str) -> None:
    """A name is not looked up: what it leads to is not what the server judges."""
    assert not is_internal(f"https://{host}:9000")


def test_no_url_is_nowhere() -> None:
    assert not is_internal("https://[::1")


def test_every_text_is_whole() -> None:
    for code, text in TEXTS.items():
        assert code.startswith(("REPL-C4", "REPL-W4"))
        assert text.summary[0].isupper()
        assert not text.summary.endswith(".")
        assert SECRET.env not in text.hint  # type: ignore[operator]


@pytest.mark.parametrize("prefix", ["\u3000/", "\u00a0", "\u2028", "\U0001f600/", " a b ", "//", "../"])
def test_any_text_that_a_key_can_begin_with_is_a_prefix(prefix: str) -> None:
    assert "REPL-C407" not in [finding.code for finding in check(flow(prefix=prefix))]
