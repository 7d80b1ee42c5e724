"""Ids of rules: valid for every name, stable, told apart, and recognised."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.providers.bos.identity import is_ours, is_valid, rule_id

NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)


@given(NAMES, NAMES)
def test_every_name_has_a_valid_id_that_its_workspace_knows(workspace: str, name: str) -> None:
    made = rule_id(workspace, name)
    assert is_valid(made)
    assert len(made) <= 20
    assert is_ours(workspace, made)
    assert made == rule_id(workspace, name)


@given(NAMES, NAMES, NAMES)
def test_other_names_have_other_ids(workspace: str, one: str, other: str) -> None:
    assert (rule_id(workspace, one) == rule_id(workspace, other)) == (one == other)


@given(NAMES, NAMES, NAMES)
def test_another_workspace_does_not_claim_it(mine: str, theirs: str, name: str) -> None:
    assert is_ours(theirs, rule_id(mine, name)) == (mine == theirs)


def test_ids_do_not_change_from_release_to_release() -> None:
    """A live rule is found by them: another id would make a second rule beside the first."""
    assert rule_id("default", "logs-to-dr") == "logs-to-dr3su5w5ueni"
    assert rule_id("default", "a") == "a-vipdmwwpajjb"


def test_names_that_begin_alike_differ() -> None:
    made = {rule_id("w", f"logs-archive-{number}") for number in range(5000)}
    assert len(made) == 5000


@pytest.mark.parametrize("text", ["", "a" * 21, "a.b", "a b", "é", "a\n", "a/b"])
def test_what_is_no_id(text: str) -> None:
    assert not is_valid(text)


@pytest.mark.parametrize("text", ["sample-bucket", "rule_1-A", "", "a", "logs-to-aaaaaaaaaaaa", "LOGS-TO-AAAAAAAAAAAA"])
def test_ids_of_others_are_not_ours(text: str) -> None:
    assert not is_ours("default", text)
