"""Worlds of Alarik for property tests: what is wanted, what is live, and what somebody does in between."""

import itertools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from hypothesis import strategies as st

from reconciler.emulators import certificate as certificates
from reconciler.emulators.alarik.configuration import Configuration, Rule, Target
from reconciler.model.relationship import Flow
from reconciler.providers.alarik.config import AlarikConfig
from reconciler.providers.alarik.convert import desired_target
from tests.contract.harnesses.alarik import SOURCES, AlarikHarness
from tests.property.kept import OpensOnce

MOST = 4
PLACES = (("there", "dst-a"), ("there", "dst-b"), ("beside", "dst-a"), ("there", "dst-c"), ("beside", "dst-c"))
"""Where rules lead: `there` and `beside` are one server and two keys."""
PREFIXES = ("", "a/", "a/b/", "é %/")
OTHER_KEY = "AKIABESIDE0000000000"


class Wish(NamedTuple):
    """One replication as it is written down."""

    name: str
    group: int
    prefix: str
    to: int
    spec: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What is wanted, what is live, what somebody does in between, and what is wanted then."""

    wanted: tuple[Wish, ...]
    later: tuple[Wish, ...]
    live: tuple["Live", ...]
    by_hand: tuple[tuple[str, int], ...]
    """What is done, and to which of the rules or targets."""
    rotated: frozenset[str]
    """Providers whose secret is another one when `later` is applied."""
    early: bool
    """Whether the server gives secrets back in clear."""


class Live(NamedTuple):
    """One rule that is there at the start."""

    wish: Wish
    ours: bool
    target: str
    """`right`: as wished; `off`: it is disabled; `gone`: it has left the list, and the server has disabled the rule."""


SPECS = st.fixed_dictionaries(
    {},
    optional={
        "state": st.sampled_from(("active", "active", "paused")),
        "deletes": st.sampled_from(("keep", "replicate")),
        "existing": st.sampled_from(("ignore", "copy")),
        "synchronous": st.booleans(),
        "generation": st.sampled_from((1, 2)),
    },
)


def wishes(names: st.SearchStrategy[str]) -> st.SearchStrategy[Wish]:
    places = st.integers(0, len(PLACES) - 1)
    return st.builds(Wish, names, st.sampled_from((0, 0, 0, 1)), st.sampled_from(PREFIXES), places, SPECS)


NAMES = st.sampled_from([f"r-{number}" for number in range(MOST)])
SETS = st.lists(wishes(NAMES), max_size=MOST, unique_by=lambda wish: wish.name).map(tuple)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    wanted = draw(SETS)
    later = {wish.name: wish for wish in wanted if draw(st.booleans())}
    later |= {wish.name: wish._replace(group=later[wish.name].group) if wish.name in later else wish
              for wish in draw(SETS) if draw(st.booleans())}  # fmt: skip
    targets = st.sampled_from(("right", "right", "off", "gone"))
    live = [Live(wish, True, draw(targets)) for wish in wanted if draw(st.booleans())]
    drifted = [one._replace(wish=_drifted(draw, one.wish)) if draw(st.booleans()) else one for one in live]
    foreign = [Live(wish, False, draw(targets)) for wish in draw(st.lists(wishes(st.just("theirs")), max_size=2))]
    hands = st.tuples(
        st.sampled_from(("prefix", "disable", "target-off", "target-gone", "rule-gone")), st.integers(0, 7)
    )
    return Story(
        wanted=wanted,
        later=tuple(sorted(later.values())),
        live=(*drifted, *foreign),
        by_hand=tuple(draw(st.lists(hands, max_size=2))),
        rotated=frozenset(draw(st.lists(st.sampled_from(("there", "beside")), max_size=2))),
        early=draw(st.booleans()),
    )


def _drifted(draw: st.DrawFn, wish: Wish) -> Wish:
    other = draw(wishes(NAMES))
    same = {key: wish.spec[key] for key in ("generation",) if key in wish.spec}
    spec = {key: value for key, value in other.spec.items() if key != "generation"} | same
    return wish._replace(prefix=other.prefix, to=other.to, spec=spec)


# The servers ------------------------------------------------------------------------------------------------------


class Quick(OpensOnce, AlarikHarness):
    """Servers whose lists are put in place, and whose every saved list is noted."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, certificates.issue(directory))
        beside = self.docs["there"].model_dump(by_alias=True)["spec"]["config"]
        beside["credentials"] = {"accessKeyId": OTHER_KEY, "secretAccessKey": {"env": "BESIDE_SECRET"}}
        there = self.docs["there"]
        config = AlarikConfig.model_validate(beside)
        self.docs["beside"] = there.model_copy(
            update={
                "metadata": there.metadata.model_copy(update={"name": "beside"}),
                "spec": there.spec.model_copy(update={"config": config}),
            }
        )
        self.make_bucket("dst-c", name="there")
        self._first = {"THERE_SECRET": self.secrets.by_name["THERE_SECRET"], "BESIDE_SECRET": "beside-first-secret"}
        key = {"accessKey": OTHER_KEY, "secretKey": self._first["BESIDE_SECRET"]}
        assert self.apis["there"].post("/api/v1/users/accessKeys", json=key).status_code == 200
        self.saved: list[tuple[str, Configuration]] = []
        buckets = self.emulators["here"].instance.buckets
        save = buckets.save

        def noted(name: str, configuration: Configuration) -> None:
            self.saved.append((name, configuration))
            save(name, configuration)

        buckets.save = noted  # type: ignore[method-assign]

    def begin(self, story: Story) -> None:
        """Put in place what is live, with nobody's help."""
        self.restore()
        self.switch(mask=not story.early, worker="stopped")
        self.secrets.put(**self._first)
        self._strangers = itertools.count(1)
        self.wire.log.clear()
        self.wire.recorder.clear()
        for bucket in SOURCES:
            held = Configuration()
            for one in story.live:
                if SOURCES[one.wish.group] == bucket:
                    held = self._with(held, one)
            self.hold(bucket, held)

    def _stranger(self) -> UUID:
        """An id as the server makes them: of no name."""
        return UUID(int=next(self._strangers) << 80, version=4)

    def rotate(self, names: frozenset[str]) -> None:
        self.secrets.put(**{f"{name.upper()}_SECRET": f"{name}-second-secret" for name in names})

    def _with(self, held: Configuration, one: Live) -> Configuration:
        flow = self.wished(one.wish)
        target = self.led(one.wish, UUID(desired_target(flow).id) if one.ours else self._stranger())
        if one.target == "off":
            target = replace(target, enabled=False)
        known = one.target == "gone" or held.target(target.id) is not None
        if len(held.rules) == MOST or (len(held.targets) == MOST and not known):
            return held
        rule = self.ruled(one.wish, UUID(self.identity(flow)) if one.ours else self._stranger(), target.id)
        if one.target == "gone" and held.target(target.id) is None:
            return Configuration(held.targets, (*held.rules, replace(rule, enabled=False)))
        return Configuration(held.targets if known else (*held.targets, target), (*held.rules, rule))

    def led(self, wish: Wish, identity: UUID) -> Target:
        """The target that a wish asks for."""
        name, bucket = PLACES[wish.to]
        facts = self.facts["there"]
        key = OTHER_KEY if name == "beside" else str(facts["access_key"])
        secret = self.secrets.by_name[f"{name.upper()}_SECRET"]
        return Target(identity, str(facts["https"]), bucket, key, secret, str(facts["region"]), enabled=True)

    def ruled(self, wish: Wish, identity: UUID, target: UUID) -> Rule:
        """The rule that a wish asks for; what it leaves out is as the server has it by itself."""
        spec = wish.spec
        return Rule(
            id=identity,
            target=target,
            prefix=wish.prefix or None,
            deletes=spec.get("deletes") == "replicate",
            existing=spec.get("existing") == "copy",
            synchronous=spec.get("synchronous", False),
            enabled=spec.get("state") != "paused",
        )

    def wished(self, wish: Wish) -> Flow:
        """The flow of a wish."""
        name, bucket = PLACES[wish.to]
        given = {"state": None, **{key: wish.spec[key] for key in ("state", "deletes", "existing") if key in wish.spec}}
        own = {key: wish.spec[key] for key in ("synchronous", "generation") if key in wish.spec}
        there = {"provider": name, "bucket": bucket}
        here = {"bucket": SOURCES[wish.group], "prefix": wish.prefix}
        return self.made(wish.name, here, there, given | ({"alarik": own} if own else {}))

    def holds(self, bucket: str) -> Configuration:
        found = self.emulators["here"].instance.buckets.find(bucket)
        assert found is not None
        return found.configuration or Configuration()

    def hold(self, bucket: str, held: Configuration) -> None:
        self.emulators["here"].instance.buckets.save(bucket, held)
        self.saved.clear()

    def touch(self, story: Story) -> None:
        """Do by hand what the story says, to the first bucket."""
        held = self.holds(bucket := SOURCES[0])
        for act, number in story.by_hand:
            if act.startswith("target") and held.targets:
                one = held.targets[number % len(held.targets)]
                others = tuple(replace(t, enabled=False) if t is one else t for t in held.targets)
                gone = tuple(t for t in held.targets if t is not one)
                held = held.with_targets(gone if act == "target-gone" else others)
            elif not act.startswith("target") and held.rules:
                rule = held.rules[number % len(held.rules)]
                edited = replace(rule, **({"prefix": "by hand/"} if act == "prefix" else {"enabled": False}))
                rules = tuple(edited if r is rule else r for r in held.rules if r is not rule or act != "rule-gone")
                held = Configuration(held.targets, rules)
        self.hold(bucket, held)
