"""Names and ids of volumes."""

import pytest

from reconciler.providers.scp.identity import answers_to, is_id, is_new_name, is_volume, stems


@pytest.mark.parametrize("name", ["abc", "a_1", "data_dr", "a" * 21])
def test_names_for_replicas(name: str) -> None:
    assert is_new_name(name)


@pytest.mark.parametrize("name", ["", "ab", "a" * 22, "1ab", "_ab", "Abc", "a-b", "a b", "abé", "abc\n"])
def test_what_is_no_name_for_a_replica(name: str) -> None:
    assert not is_new_name(name)


def test_ids_are_told_from_names() -> None:
    assert is_id("bfdbabf2-04d9-4e8b-a205-020f8e6da438")
    assert is_id("BFDBABF2-04D9-4E8B-A205-020F8E6DA438")
    assert not is_id("bfdbabf204d94e8ba205020f8e6da438")
    assert not is_id("data")
    assert all(map(is_volume, ["data", "bfdbabf2-04d9-4e8b-a205-020f8e6da438", "data_ab12cd", "my-data"]))
    assert not any(map(is_volume, ["", "a b", "../x", "Data", "a/b"]))


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("dataf55a24", "data"),
        ("data_f55a24", "data"),
        ("data_f55a24", "data_"),
        ("dataz1y2x3", "data"),
        ("datafacade", "data"),
    ],
)
def test_a_name_may_have_got_an_end(name: str, asked: str) -> None:
    assert asked in stems(name)
    assert answers_to(name, asked)


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("data_backup", "data"),
        ("data", "dat"),
        ("ab1234567", "ab"),
        ("x", "x1"),
        ("Dataf55a24", "Data"),
        ("a-bf55a24", "a-b"),
    ],
)
def test_other_ends_mean_another_name(name: str, asked: str) -> None:
    assert not answers_to(name, asked)


def test_the_name_itself_is_meant_first() -> None:
    assert answers_to("data_202401", "data_202401")
