import pytest

from reconciler.emulators.requestlog import Entry, RequestLog, redact


def test_entries_are_numbered_on_arrival_and_completed_later() -> None:
    log = RequestLog()
    first, second = _begin(log), _begin(log, emulator="b", path="/second")
    log.finish(second, status=200, committed=True, fault=None)
    answer = log.since()
    assert [(row["seq"], row["outcome"], row["status"]) for row in answer["requests"]] == [  # type: ignore[union-attr, index, call-overload]
        (1, "open", None),
        (2, "answered", 200),
    ]
    log.finish(first, status=None, committed=False, fault="drop_before")
    (row,) = log.since(0, "a")["requests"]  # type: ignore[misc, union-attr]
    assert (row["outcome"], row["fault"], row["committed"]) == ("dropped", "drop_before", False)  # type: ignore[index, call-overload]


def test_since_and_clear_keep_the_numbers() -> None:
    log = RequestLog()
    for _ in range(3):
        _begin(log)
    assert [row["seq"] for row in log.since(2)["requests"]] == [3]  # type: ignore[union-attr, index, call-overload]
    log.clear()
    assert log.since() == {"requests": [], "last": 3, "dropped": 0}
    assert _begin(log).seq == 4


def test_the_oldest_go_when_it_is_full_and_are_counted() -> None:
    log = RequestLog(capacity=2)
    for _ in range(5):
        _begin(log)
    answer = log.since()
    assert [row["seq"] for row in answer["requests"]] == [4, 5]  # type: ignore[union-attr, index, call-overload]
    assert answer["dropped"] == 3


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("X-Amz-Signature=abc&X-Amz-Date=1", "X-Amz-Signature=***&X-Amz-Date=1"),
        ("a=1&x-amz-security-token=t%2Fq", "a=1&x-amz-security-token=***"),
        ("continuation-token=abc&uploadId=u", "continuation-token=abc&uploadId=u"),
        ("password=p", "password=***"),
        ("", ""),
    ],
)
def test_what_grants_access_is_not_kept(query: str, shown: str) -> None:
    assert redact(query) == shown


def _begin(log: RequestLog, emulator: str = "a", path: str = "/") -> Entry:
    return log.begin(
        emulator=emulator,
        at="",
        method="GET",
        path=path,
        query="",
        write=False,
        operation=None,
        size=0,
        agent="",
    )
