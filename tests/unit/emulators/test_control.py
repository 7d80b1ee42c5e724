"""The side port over a real socket, with an emulator that is no more than a counter."""

import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from reconciler.emulators import world as worlds
from reconciler.emulators.emulator import Context, Options
from reconciler.emulators.gate import Operation
from reconciler.emulators.message import JsonValue, Reply, Request
from reconciler.emulators.server import Handler, Server
from reconciler.emulators.world import Plan, World


class Counter:
    """POST counts up; GET tells the count; a listing has as many entries as the count."""

    def __init__(self, count: int = 0) -> None:
        self.count = count

    def __call__(self, request: Request) -> Reply:
        if request.method == "POST":
            self.count += 1
        return Reply.of_json(200, {"count": self.count, "page": request.page_size})

    def operation(self, request: Request) -> Operation:
        return Operation("Count" if request.method == "POST" else "Tell", request.method == "POST")

    def failure(self, status: int, request: Request) -> Reply:
        return Reply.of_json(status, {"failed": status})

    def frozen(self) -> Handler:
        return Counter(self.count)


class CounterEmulator:
    kind = "counter"

    def __init__(self, options: Options) -> None:
        self.name = options.name
        self.counter = Counter()
        self.server: Server | None = None
        self.colour = "red"

    def start(self, context: Context) -> None:
        self.server = context.serve(context.gate(self.name, self.counter), tls=False)

    def describe(self) -> dict[str, JsonValue]:
        return {"url": self.server.url if self.server else None}

    def state(self) -> JsonValue:
        return {"count": self.counter.count}

    def switches(self) -> dict[str, JsonValue]:
        return {"colour": self.colour}

    def switch(self, values: Mapping[str, JsonValue]) -> None:
        if set(values) != {"colour"}:
            raise ValueError("only a colour")
        self.colour = str(values["colour"])

    def act(self, action: str, arguments: Mapping[str, JsonValue]) -> JsonValue:
        if action != "zero":
            raise ValueError("it can only be set to zero")
        self.counter.count = 0
        return {"arguments": dict(arguments)}

    def stop(self) -> None:
        if self.server is not None:
            self.server.stop()


class Lab:
    def __init__(self, world: World) -> None:
        self.world = world
        ready: Any = world.ready()
        self.control = httpx.Client(base_url=ready["control"], timeout=5)
        self.url = ready["emulators"]["c"]["url"]

    def ask(self, method: str = "GET", path: str = "/", timeout: float = 5) -> httpx.Response:
        # A new connection each time: a pooled one may be closed by the fault before.
        return httpx.request(method, self.url + path, timeout=timeout)


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    monkeypatch.setitem(worlds.KINDS, "counter", f"{__name__}:CounterEmulator")
    with World(Plan([("counter", Options("c"))])) as world:
        made = Lab(world)
        yield made
        made.control.close()


def test_state_tells_of_clock_faults_and_emulators(lab: Lab) -> None:
    lab.ask("POST")
    state = lab.control.get("/state").json()
    assert state["emulators"] == {"c": {"kind": "counter", "switches": {"colour": "red"}, "state": {"count": 1}}}
    assert state["faults"] == []
    assert state["clock"]["frozen"] is False


def test_requests_are_logged_with_operation_and_outcome(lab: Lab) -> None:
    lab.ask("POST", "/a?password=p")
    lab.ask("GET", "/b")
    answer = lab.control.get("/requests").json()
    assert [(row["operation"], row["write"], row["path"], row["status"]) for row in answer["requests"]] == [
        ("Count", True, "/a", 200),
        ("Tell", False, "/b", 200),
    ]
    assert answer["requests"][0]["query"] == "password=***"
    assert lab.control.get(f"/requests?since={answer['last']}").json()["requests"] == []
    assert lab.control.get("/requests?emulator=other").json()["requests"] == []
    lab.control.delete("/requests")
    assert lab.control.get("/requests").json()["requests"] == []


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_status_fault(lab: Lab, status: int) -> None:
    lab.control.post("/faults", json={"kind": "status", "status": status, "retry_after": 7, "operation": "Count"})
    assert lab.ask().status_code == 200
    failed = lab.ask("POST")
    assert (failed.status_code, failed.headers["retry-after"], failed.json()) == (status, "7", {"failed": status})
    assert lab.ask("POST").json()["count"] == 1


def test_a_drop_before_leaves_no_trace_and_a_drop_after_does(lab: Lab) -> None:
    answer = lab.control.post("/faults", json=[{"kind": "drop_before"}, {"kind": "drop_after"}])
    assert len(answer.json()["ids"]) == 2
    for count in (0, 1):
        with pytest.raises(httpx.RemoteProtocolError):
            lab.ask("POST")
        assert lab.world.emulators["c"].state() == {"count": count}
    rows = lab.control.get("/requests").json()["requests"]
    assert [(row["outcome"], row["committed"], row["fault"]) for row in rows] == [
        ("dropped", False, "drop_before"),
        ("dropped", True, "drop_after"),
    ]


@pytest.mark.parametrize("commit", [False, True])
def test_a_timeout_is_silence_then_a_closed_connection(lab: Lab, commit: bool) -> None:
    lab.control.post("/faults", json={"kind": "timeout", "seconds": 0.3, "times": 2, "commit": commit})
    with pytest.raises(httpx.ReadTimeout):
        lab.ask("POST", timeout=0.1)
    with pytest.raises(httpx.RemoteProtocolError):
        lab.ask("POST")
    assert lab.world.emulators["c"].state() == {"count": 2 if commit else 0}


def test_slow_is_late_but_right(lab: Lab) -> None:
    lab.control.post("/faults", json={"kind": "slow", "seconds": 0.2})
    started = time.monotonic()
    assert lab.ask("POST").json()["count"] == 1
    assert time.monotonic() - started >= 0.2


def test_a_stale_read_is_of_before_the_last_write(lab: Lab) -> None:
    lab.ask("POST")
    lab.control.post("/faults", json={"kind": "stale_read", "times": 2})
    lab.ask("POST")
    lab.ask("POST")
    assert [lab.ask().json()["count"] for _ in range(3)] == [2, 2, 3]


def test_a_short_page_is_asked_of_the_emulator(lab: Lab) -> None:
    lab.control.post("/faults", json={"kind": "short_page", "page_size": 3})
    assert [lab.ask().json()["page"] for _ in range(2)] == [3, None]


def test_faults_can_be_read_and_taken_back(lab: Lab) -> None:
    first, second = lab.control.post("/faults", json=[{"kind": "drop_before"}, {"kind": "drop_after"}]).json()["ids"]
    lab.control.delete(f"/faults?id={first}")
    assert [fault["id"] for fault in lab.control.get("/faults").json()] == [second]
    lab.control.delete("/faults")
    assert lab.ask().status_code == 200


def test_the_clock_is_moved(lab: Lab) -> None:
    stood = _now(lab.control.post("/clock", json={"freeze": True}))
    moved = lab.control.post("/clock", json={"advance": 90})
    assert _now(moved) - stood == timedelta(seconds=90)
    assert moved.json()["frozen"] is True
    assert lab.control.post("/clock", json={"resume": True}).json()["frozen"] is False


def test_switches_and_actions_reach_the_emulator(lab: Lab) -> None:
    assert lab.control.post("/emulators/c/switches", json={"colour": "blue"}).json() == {"colour": "blue"}
    assert lab.control.get("/emulators/c/switches").json() == {"colour": "blue"}
    lab.ask("POST")
    assert lab.control.post("/emulators/c/actions/zero", json={"a": 1}).json() == {"arguments": {"a": 1}}
    assert lab.control.post("/emulators/c/actions/zero").json() == {"arguments": {}}
    assert lab.ask().json()["count"] == 0


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("GET", "/nothing", None, 404),
        ("DELETE", "/state", None, 404),
        ("GET", "/emulators/other/switches", None, 404),
        ("POST", "/emulators/c/switches", b'{"size": 1}', 400),
        ("POST", "/emulators/c/switches", b"[]", 400),
        ("POST", "/emulators/c/actions/fly", b"{}", 400),
        ("POST", "/faults", b'{"kind": "explode"}', 400),
        ("POST", "/faults", b"not json", 400),
        ("DELETE", "/faults?id=x", None, 400),
        ("GET", "/requests?since=x", None, 400),
        ("POST", "/clock", b"{}", 400),
        ("POST", "/clock", b'{"advance": "x"}', 400),
        ("POST", "/clock", b'{"advance": true}', 400),
        ("POST", "/clock", b'{"advance": -1}', 400),
        ("POST", "/clock", b'{"rewind": 1}', 400),
    ],
)
def test_what_cannot_be_done_is_said(lab: Lab, method: str, path: str, content: bytes | None, status: int) -> None:
    answer = lab.control.request(method, path, content=content)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_a_page_in_a_browser_is_refused(lab: Lab) -> None:
    assert lab.control.post("/shutdown", headers={"Origin": "https://evil.example"}).status_code == 403
    assert not lab.world.control.finished.is_set()
    assert lab.control.post("/shutdown").status_code == 200
    assert lab.world.control.finished.is_set()


def test_two_of_one_name_and_unknown_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="same name"):
        World(Plan([("s3", Options("a")), ("qumulo", Options("a"))]))
    with pytest.raises(ValueError, match="no emulator of kind"):
        World(Plan([("tape", Options("a"))]))


def _now(answer: httpx.Response) -> datetime:
    return datetime.fromisoformat(answer.json()["now"])
