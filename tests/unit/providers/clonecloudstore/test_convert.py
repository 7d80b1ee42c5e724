"""When a bucket is replicated between two sites, and what of it can be said."""

from dataclasses import replace

import pytest

from reconciler.engine.diff import differences
from reconciler.model.observation import ABSENT
from reconciler.providers.clonecloudstore import convert
from reconciler.providers.clonecloudstore.convert import Ground
from reconciler.providers.clonecloudstore.identity import pair_key, sites_of, way_of
from reconciler.providers.clonecloudstore.wire import READ_WRITE, ObjectRow, Topology, bits
from tests.unit.providers.clonecloudstore.flows import PAIR, SCOPE, back, flow, ground, known


def live(held: Ground) -> dict[str, convert.Settings]:
    state = convert.observation(SCOPE, held).container(PAIR)
    return {one.identity: one.settings for one in state.relationships} if state else {}


def test_a_pair_has_one_key_from_both_ends() -> None:
    assert pair_key("site-b", "site-a") == pair_key("site-a", "site-b") == SCOPE.key
    assert sites_of(SCOPE.key) == ("site-a", "site-b")


@pytest.mark.parametrize(
    ("status", "state"), [("UP", "active"), ("DOWN", "paused"), ("UNKNOWN", None), ("DELETED", None), (None, None)]
)
def test_state_is_how_the_source_knows_the_destination(status: str | None, state: str | None) -> None:
    found = live(ground(status, invoices="READY"))
    assert [one["state"] for one in found.values()] == ([] if state is None else [state])


@pytest.mark.parametrize("status", ["UP", "DOWN", "UNKNOWN"])
def test_the_destination_must_know_the_source_in_whatever_state(status: str) -> None:
    assert "site-a->site-b/client1/invoices" in live(ground("UP", status, invoices="READY"))
    assert live(ground("UP", None, invoices="READY")) == {}


@pytest.mark.parametrize("status", ["UPLOAD", "ERR_UPL", "DELETING", "DELETED", "ERR_DEL"])
def test_both_buckets_must_be_ready(status: str) -> None:
    assert live(ground(invoices=status, there={"invoices": "OWNER"})) == {}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("right", "deletes"),
    [
        ("OWNER", "replicate"), ("READ_WRITE", "keep"), ("READ", None), ("WRITE", None), ("DELETE", None),
        ("DELETE_WRITE", None), ("DELETE_READ", None), ("UNKNOWN", None), ("SOMETHING_NEW", None),
    ],
)  # fmt: skip
def test_rights_at_the_destination_decide(right: str, deletes: str | None) -> None:
    found = live(ground(invoices="READY", there={"invoices": right}))
    assert [one["deletes"] for one in found.values()] == ([] if deletes is None else [deletes])


def test_both_directions_are_told_apart() -> None:
    found = live(ground("UP", "DOWN", invoices="READY"))
    assert {name: one["state"] for name, one in found.items()} == {
        "site-a->site-b/client1/invoices": "active",
        "site-b->site-a/client1/invoices": "paused",
    }


def test_what_is_desired_is_what_is_read_back() -> None:
    held = ground("UP", "UP", invoices="READY")
    for subject in (flow(state="active", deletes="replicate"), back(), flow()):
        desired = convert.normalise(subject)
        assert desired.identity == way_of(subject).identity
        assert not differences(live(held)[desired.identity], desired.settings)


def test_addresses_and_names_in_the_lists_are_managed() -> None:
    held = ground(invoices="READY")
    here = held.half("site-a")
    wrong = replace(here, topology=known("site-b", uri="http://elsewhere/", name="other"))
    found = live(Ground(halves={**held.halves, "site-a": wrong}))
    (field,) = differences(next(iter(found.values())), convert.normalise(flow()).settings)
    assert (field.dotted, field.before) == ("clonecloudstore.push", "http://elsewhere (as 'other')")


def test_ignore_is_the_same_as_nothing() -> None:
    assert convert.normalise(flow(existing="ignore")) == convert.normalise(flow())
    assert convert.normalise(flow(existing="copy")).settings["existing"] == "copy"


def test_what_was_copied_cannot_be_read() -> None:
    state = convert.observation(SCOPE, ground(invoices="READY")).container(PAIR)
    assert state is not None
    assert state.relationships[0].unreadable == ("existing",)


@pytest.mark.parametrize(
    ("held", "there"),
    [
        (Ground(), False),
        (ground(None, None), False),
        (ground("UP", "UP"), False),
        (ground("UP", None), True),
        (ground(None, "UNKNOWN"), True),
        (ground("UP", "UNKNOWN", invoices="READY"), True),
    ],
)
def test_a_pair_is_there_when_something_is_replicated_or_begun(held: Ground, there: bool) -> None:
    assert (convert.observation(SCOPE, held).fingerprint(PAIR) != ABSENT) == there


def test_everything_that_was_read_is_kept_for_planning() -> None:
    for held in (ground(None, None), ground("UP", "UP", invoices="READY", other="DELETED")):
        observed = convert.observation(SCOPE, held)
        assert convert.ground_of(observed, None) == held
    assert convert.ground_of(None, None) == Ground()


def test_rights_are_sums() -> None:
    assert [bits(one) for one in ("READ", "WRITE", READ_WRITE, "DELETE", "OWNER", "UNKNOWN", None)] == [
        1, 2, 3, 4, 7, 0, 0
    ]  # fmt: skip


def test_rows_with_nulls_are_read() -> None:
    found = Topology.model_validate({"id": "x", "name": None, "uri": None, "status": None, "more": 1})
    assert (found.name, found.uri, found.status) == ("", "", "UNKNOWN")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [(("h", 1), ("h", 1), True), (("h", 1), ("g", 1), False), ((None, 1), ("g", 1), True), ((None, 1), ("g", 2), False),
     (("h", 1), ("h", 2), False)],
)  # fmt: skip
def test_content_is_compared_as_far_as_rows_tell(
    one: tuple[str | None, int], other: tuple[str | None, int], same: bool
) -> None:
    rows = [ObjectRow(name="n", status="READY", hash=digest, size=size).listed() for digest, size in (one, other)]
    assert rows[0].same_content(rows[1]) == same
