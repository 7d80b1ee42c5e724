"""The suite is worth something: each promise that a provider breaks makes a case fail."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.errors import ProviderError
from reconciler.model.observation import Health, HealthState, LocationFacts, Observation
from reconciler.providers.base import Access, Provider
from reconciler.testing.harness import FaultKind
from reconciler.testing.host import Host
from reconciler.testing.plugin import Board
from reconciler.testing.suite import ProviderSuite
from tests.contract.harnesses.memory import MemoryHarness

# (access of the connection, the sound provider) to the methods that are not sound.
Fault = Callable[[Access, Any], dict[str, Any]]


class Broken:
    """A provider with some methods replaced."""

    def __init__(self, sound: Provider, methods: dict[str, Any]) -> None:
        self._sound = sound
        self._methods = methods

    def __getattr__(self, name: str) -> Any:
        return self._methods.get(name) or getattr(self._sound, name)


class BrokenHarness(MemoryHarness):
    def __init__(self, fault: Fault, **config: Any) -> None:
        super().__init__(**config)
        self._fault = fault

    def connect(self, access: Access = Access.WRITE, provider: str | None = None) -> Provider:
        sound = super().connect(access, provider)
        broken: Any = Broken(sound, self._fault(access, sound))
        return broken


class BrokenStore:
    def __init__(self, sound: Any, **methods: Any) -> None:
        self._sound = sound
        self._methods = methods

    def __getattr__(self, name: str) -> Any:
        return self._methods.get(name) or getattr(self._sound, name)


def _observed(sound: Any, change: Callable[[Any], Any]) -> Callable[..., Any]:
    def observe(scope: Any) -> Any:
        seen = sound.observe(scope)
        states = (
            state.model_copy(update={"relationships": tuple(map(change, state.relationships))})
            for state in seen.containers
        )
        return seen.model_copy(update={"containers": tuple(states)})

    return observe


def forgets_a_setting(_access: Access, sound: Any) -> dict[str, Any]:
    def without(known: Any) -> Any:
        return known.model_copy(update={"settings": {k: v for k, v in known.settings.items() if k != "storageClass"}})

    return {"observe": _observed(sound, without)}


def claims_all(_access: Access, sound: Any) -> dict[str, Any]:
    return {"observe": _observed(sound, lambda known: known.model_copy(update={"owned": True}))}


def reads_twice(_access: Access, sound: Any) -> dict[str, Any]:
    def observe(scope: Any) -> Any:
        sound.observe(scope)
        return sound.observe(scope)

    return {"observe": observe}


def writes_twice(_access: Access, sound: Any) -> dict[str, Any]:
    def execute(call: Any, secrets: Any) -> Any:
        sound.execute(call, secrets)
        return sound.execute(call, secrets)

    return {"execute": execute}


def plans_too_much(_access: Access, sound: Any) -> dict[str, Any]:
    def steps(diff: Any) -> Any:
        planned = sound.steps(diff)
        again = [step.model_copy(update={"id": f"{step.id}-again"}) for step in planned.steps]
        return replace(planned, steps=(*planned.steps, *again))

    return {"steps": steps}


def drops_what_others_made(_access: Access, sound: Any) -> dict[str, Any]:
    def steps(diff: Any) -> Any:
        return sound.steps(replace(diff, state=None))

    return {"steps": steps}


def repeats_what_is_in_doubt(_access: Access, sound: Any) -> dict[str, Any]:
    def execute(call: Any, secrets: Any) -> Any:
        try:
            return sound.execute(call, secrets)
        except ProviderError as error:
            if not error.ambiguous:
                raise
            return sound.execute(call, secrets)

    return {"execute": execute}


def changes_its_mind(_access: Access, sound: Any) -> dict[str, Any]:
    counted = iter(range(1_000_000))

    def normalise(flow: Any) -> Any:
        made = sound.normalise(flow)
        return made.model_copy(update={"settings": made.settings | {"state": f"{next(counted)}"}})

    return {"normalise": normalise}


def keeps_quiet_about_what_it_lacks(_access: Access, _sound: Any) -> dict[str, Any]:
    return {"check": lambda _flow: ()}


def finds_fault_with_everything(_access: Access, sound: Any) -> dict[str, Any]:
    def check(flow: Any) -> Iterable[Any]:
        gone = LocationFacts(exists=False)
        return sound.preflight(flow, gone, gone)

    return {"check": check}


def overlooks_missing_ends(_access: Access, _sound: Any) -> dict[str, Any]:
    return {"preflight": lambda *_: ()}


def is_always_well(_access: Access, _sound: Any) -> dict[str, Any]:
    return {"health": lambda _known: Health(state=HealthState.OK)}


def writes_while_reading(access: Access, sound: Any) -> dict[str, Any]:
    def observe(scope: Any) -> Any:
        if access is Access.WRITE:
            sound.store(SimpleNamespace(bucket="b", prefix="")).write("trace", BytesIO(b""), 0)
        return sound.observe(scope)

    return {"observe": observe}


def lists_backwards(_access: Access, sound: Any) -> dict[str, Any]:
    def store(location: Any) -> Any:
        held = sound.store(location)
        return BrokenStore(held, list=lambda prefix="": iter(list(held.list(prefix))[::-1]))

    return {"store": store}


def lists_by_characters(_access: Access, sound: Any) -> dict[str, Any]:
    def store(location: Any) -> Any:
        held = sound.store(location)

        def listed(prefix: str = "") -> Iterator[Any]:
            return iter(sorted(held.list(prefix), key=lambda facts: facts.key.encode("utf-16-be")))

        return BrokenStore(held, list=listed)

    return {"store": store}


def purges_nothing(_access: Access, sound: Any) -> dict[str, Any]:
    return {"store": lambda location: BrokenStore(sound.store(location), purge=lambda _key: None)}


def makes_checksums_up(_access: Access, sound: Any) -> dict[str, Any]:
    def store(location: Any) -> Any:
        held = sound.store(location)

        def head(key: str) -> Any:
            facts = held.head(key)
            return facts and facts.model_copy(update={"checksums": {"md5": "0" * 32}})

        return BrokenStore(held, head=head)

    return {"store": store}


def misreads_the_end(_access: Access, sound: Any) -> dict[str, Any]:
    def store(location: Any) -> Any:
        held = sound.store(location)
        return BrokenStore(held, read=lambda key: BytesIO(held.read(key).read()[:-1]))

    return {"store": store}


def writes_over_reading_connections(_access: Access, sound: Any) -> dict[str, Any]:
    sound._connection = replace(sound._connection, access=Access.WRITE)
    return {}


def tells_secrets(_access: Access, sound: Any) -> dict[str, Any]:
    def execute(call: Any, secrets: Any) -> Any:
        result = sound.execute(call, secrets)
        return replace(result, returned={**result.returned, "sent": "memory-token-that-nobody-may-see"})

    return {"execute": execute}


def treats_refusals_as_absence(_access: Access, sound: Any) -> dict[str, Any]:
    def observe(scope: Any) -> Any:
        try:
            return sound.observe(scope)
        except ProviderError:
            return Observation(scope=scope)

    return {"observe": observe}


BREACHES: tuple[tuple[Fault, str], ...] = (
    (forgets_a_setting, "test_second_plan_is_empty_after_create"),
    (forgets_a_setting, "test_created_is_as_desired"),
    (claims_all, "test_foreign_relationships_are_seen_and_not_claimed"),
    (reads_twice, "test_one_request_for_a_scope"),
    (writes_twice, "test_no_write_beyond_the_plan"),
    (plans_too_much, "test_as_many_writes_as_containers_differ"),
    (drops_what_others_made, "test_foreign_relationships_stay_byte_for_byte"),
    (changes_its_mind, "test_normalise_is_stable_and_leaves_its_input"),
    (keeps_quiet_about_what_it_lacks, "test_every_missing_capability_is_an_error_before_the_network"),
    (finds_fault_with_everything, "test_sound_flows_have_no_errors"),
    (overlooks_missing_ends, "test_a_missing_end_is_found_before_apply"),
    (is_always_well, "test_health_is_never_ok_without_ground"),
    (is_always_well, "test_a_paused_flow_is_not_well"),
    (is_always_well, "test_a_failing_data_plane_is_not_well"),
    (writes_while_reading, "test_reads_send_no_write"),
    (writes_over_reading_connections, "test_no_call_passes_a_reading_connection"),
    (treats_refusals_as_absence, "test_what_cannot_be_read_is_not_planned"),
    (tells_secrets, "test_not_in_the_state_folder"),
)
STORE_BREACHES: tuple[tuple[Fault, str], ...] = (
    (lists_backwards, "test_listed_in_the_order_of_bytes"),
    (lists_by_characters, "test_listed_in_the_order_of_bytes"),
    (makes_checksums_up, "test_no_checksum_is_made_up"),
    (misreads_the_end, "test_read_as_written"),
)


def sound(_access: Access, _sound: Any) -> dict[str, Any]:
    return {}


def run(fault: Fault, case: str, root: Path, *arguments: Any) -> None:
    harness = BrokenHarness(fault, with_token=case == "test_not_in_the_state_folder")
    host = Host(harness, root)
    try:
        getattr(ProviderSuite(), case)(host, *arguments)
    finally:
        host.close()


@pytest.mark.parametrize(("fault", "case"), BREACHES, ids=lambda value: getattr(value, "__name__", ""))
def test_a_broken_promise_fails_its_case(fault: Fault, case: str, tmp_path: Path) -> None:
    run(sound, case, tmp_path / "sound")
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        run(fault, case, tmp_path / "broken")


@pytest.mark.parametrize(("fault", "case"), STORE_BREACHES, ids=lambda value: getattr(value, "__name__", ""))
def test_a_broken_store_fails_its_case(fault: Fault, case: str) -> None:
    for broken in (False, True):
        harness = BrokenHarness(fault if broken else sound)
        store = harness.connect().store(harness.location())
        if not broken:
            getattr(ProviderSuite(), case)(store)
            continue
        with pytest.raises(AssertionError):
            getattr(ProviderSuite(), case)(store)


def test_a_purge_that_leaves_something_fails_its_case(tmp_path: Path) -> None:
    run(sound, "test_purge_leaves_nothing", tmp_path / "sound")
    with pytest.raises(AssertionError):
        run(purges_nothing, "test_purge_leaves_nothing", tmp_path / "broken")


@pytest.mark.parametrize("grain", ["container", "relationship"])
def test_repeating_what_is_in_doubt_fails_its_case(grain: str, tmp_path: Path) -> None:
    harness = BrokenHarness(repeats_what_is_in_doubt, grain=grain)
    host = Host(harness, tmp_path)
    with pytest.raises(pytest.fail.Exception):
        ProviderSuite().test_a_lost_write_is_ambiguous_and_not_repeated(host, FaultKind.LOST_ANSWER)


# The table -----------------------------------------------------------------------------------------------------


def report(outcome: str, column: str, row: str, reason: str = "") -> Any:
    longrepr = ("file", 1, f"Skipped: {reason}") if outcome == "skipped" else None
    return SimpleNamespace(
        failed=outcome == "failed",
        skipped=outcome == "skipped",
        when="call",
        longrepr=longrepr,
        user_properties=[("conformance", [column, row])],
    )


def test_the_table_has_a_row_for_each_case_and_a_column_for_each_provider() -> None:
    board = Board()
    for one in (
        report("passed", "s3", "store: a"),
        report("passed", "s3", "store: a"),
        report("failed", "s3", "store: b"),
        report("passed", "s3", "store: b"),
        report("skipped", "nas", "store: a", "needs pause: no capability of the provider here"),
        report("passed", "nas", "names: c"),
    ):
        board.pytest_runtest_logreport(one)
    assert board.lines() == [
        "case      nas      s3",
        "names: c  ok",
        "store: a  - pause  ok",
        "store: b           FAIL",
    ]


def test_every_case_has_a_topic_and_says_what_it_is_about() -> None:
    cases = {name: getattr(ProviderSuite, name) for name in dir(ProviderSuite) if name.startswith("test_")}
    assert len(cases) > 60
    for name, case in cases.items():
        assert case.__doc__, name
        assert any(vars(base).get("topic") for base in ProviderSuite.__mro__ if name in vars(base)), name
