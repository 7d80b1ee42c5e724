"""SCP File Storage in this process, with recorded exchanges, and clients that sign for themselves."""

import base64
import contextlib
import hashlib
import hmac
import ssl
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from reconciler.emulators.certificate import Certificate
from reconciler.emulators.clock import Clock
from reconciler.emulators.emulator import Options
from reconciler.emulators.faults import Faults
from reconciler.emulators.requestlog import RequestLog
from reconciler.emulators.scp import ScpEmulator
from tests.contract.referee import Referee
from tests.lab.recorder import Recorder, RecordingContext

DOCUMENT = Path(__file__).parents[2] / "specs" / "scp" / "openapi.yaml"
WEST, EAST = "kr-west1", "kr-east1"
PASSWORD = "cifspwd0!!"


class Signed(httpx.Auth):
    """Signs as the vendor's documents say, by code of its own. ``account`` is sent and signed if it is given."""

    def __init__(self, access_key: str, secret_key: str, account: str = "", *, skew: float = 0.0) -> None:
        self.access_key, self.secret_key, self.account, self.skew = access_key, secret_key, account, skew

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        stamp = str(int((time.time() + self.skew) * 1000))
        request.headers["Scp-Accesskey"] = self.access_key
        request.headers["Scp-Signature"] = self.signature(request.method, str(request.url), stamp, self.account)
        request.headers["Scp-Timestamp"] = stamp
        request.headers["Scp-ClientType"] = "Openapi"
        if self.account:
            request.headers["Scp-AccountId"] = self.account
        yield request

    def signature(self, method: str, url: str, stamp: str, account: str, kind: str = "Openapi") -> str:
        text = f"{method}{url}{stamp}{self.access_key}{account}{kind}"
        return base64.b64encode(hmac.new(self.secret_key.encode(), text.encode(), hashlib.sha256).digest()).decode()


HEADERS = {"Accept-Language": "en-US", "Scp-Api-Version": "filestorage 1.1"}


@dataclass(slots=True)
class Lab:
    """One account. ``west`` and ``east`` are its owner's clients for the two hosts."""

    emulator: ScpEmulator
    clock: Clock
    faults: Faults
    log: RequestLog
    recorder: Recorder
    certificate: Certificate
    west: httpx.Client = field(init=False)
    east: httpx.Client = field(init=False)
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack, repr=False)

    @property
    def facts(self) -> dict[str, Any]:
        return self.emulator.describe()

    @property
    def state(self) -> dict[str, Any]:
        return dict(self.emulator.state())  # type: ignore[arg-type]

    def client(self, region: str, auth: httpx.Auth | None = None, *, scheme: str = "http") -> httpx.Client:
        facts = self.facts
        context = ssl.create_default_context(cafile=str(self.certificate.ca))
        made = httpx.Client(
            base_url=facts["regions"][region][scheme],
            auth=auth or Signed(facts["access_key"], facts["secret_key"]),
            headers=HEADERS,
            verify=context,
            trust_env=False,
            timeout=30,
        )
        return self._stack.enter_context(made)

    def host(self, region: str) -> httpx.Client:
        return {WEST: self.west, EAST: self.east}[region]

    def mount(self, volume: str) -> Path:
        return Path(self.facts["mount_root"]) / volume

    def files(self, volume: str) -> dict[str, bytes]:
        """What is in a volume, by path."""
        mount = self.mount(volume)
        return {str(path.relative_to(mount)): path.read_bytes() for path in mount.rglob("*") if path.is_file()}

    def write(self, volume: str, path: str, data: bytes = b"data") -> None:
        goal = self.mount(volume) / path
        goal.parent.mkdir(parents=True, exist_ok=True)
        goal.write_bytes(data)

    def volume(self, name: str = "source", region: str = WEST, protocol: str = "NFS", **more: Any) -> str:
        if protocol == "CIFS":
            more = {"cifs_password": PASSWORD, **more}
        body = {"name": name, "protocol": protocol, "type_name": "HDD", **more}
        answer = self.host(region).post("/v1/volumes", json=body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["volume_id"])

    def create(self, source: str, name: str = "replica", **changes: Any) -> dict[str, Any]:
        """A replication from west to east that has just been asked for."""
        answer = self.west.post("/v1/replications", json=request(source, name=name, **changes))
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    def used(self, source: str, name: str = "replica", **changes: Any) -> dict[str, Any]:
        """A replication that is in use, as show has it."""
        made = self.create(source, name, **changes)
        self.clock.advance(self.emulator.cloud.settings.create_s)
        shown = self.show(made["replication_id"], source)
        assert shown["replication_policy"] == "use"
        return shown

    def show(self, replication: str, volume: str, region: str = WEST) -> dict[str, Any]:
        answer = self.host(region).get(f"/v1/replications/{replication}", params={"volume_id": volume})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def listed(self, volume: str, region: str = WEST) -> list[str]:
        answer = self.host(region).get("/v1/replications", params={"volume_id": volume})
        assert answer.status_code == 200, answer.text
        return [one["replication_id"] for one in answer.json()["replications"]]

    def put(self, shown: Mapping[str, Any], **body: Any) -> httpx.Response:
        """A change, sent where it must go."""
        return self.host(shown["replication_volume_region"]).put(
            f"/v1/replications/{shown['replication_id']}",
            params={"volume_id": shown["replication_volume_id"]},
            json=body,
        )

    def delete(self, shown: Mapping[str, Any]) -> httpx.Response:
        return self.host(shown["replication_volume_region"]).delete(
            f"/v1/replications/{shown['replication_id']}", params={"volume_id": shown["replication_volume_id"]}
        )

    def pause(self, shown: Mapping[str, Any]) -> None:
        answer = self.put(shown, replication_update_type="policy", replication_policy="paused")
        assert answer.is_success, answer.text
        self.clock.advance(self.emulator.cloud.settings.change_s)

    def end(self, shown: Mapping[str, Any]) -> None:
        """Pause, delete, and let it disappear from both regions."""
        self.pause(shown)
        assert self.delete(shown).is_success
        settings = self.emulator.cloud.settings
        self.clock.advance(settings.delete_s + settings.region_lag_s)

    def snapshots(self, volume: str, region: str = WEST) -> list[dict[str, Any]]:
        answer = self.host(region).get("/v1/snapshots", params={"volume_id": volume})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["snapshots"])

    def judge(self) -> None:
        """Hold everything that was said against the document."""
        Referee(DOCUMENT).judge_all(self.recorder.exchanges)


def request(source: str, **changes: Any) -> dict[str, Any]:
    """A create request; a member given as None is left out."""
    body = {
        "name": "replica",
        "volume_id": source,
        "region": EAST,
        "replication_frequency": "hourly",
        "replication_type": "replication",
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def error(answer: httpx.Response) -> tuple[int, str, Any]:
    """Status, code and detail of the envelope's one error."""
    (one,) = answer.json()["errors"]
    assert one["status"] == answer.status_code
    return answer.status_code, one["code"], one["detail"]


@contextlib.contextmanager
def start(directory: Path, certificate: Certificate, *, seed: bool = False) -> Iterator[Lab]:
    """Run an account until the block ends."""
    lab = Lab(ScpEmulator(Options("scp", seed=seed)), Clock(), Faults(), RequestLog(), Recorder(), certificate)
    context = RecordingContext(
        clock=lab.clock,
        faults=lab.faults,
        log=lab.log,
        certificate=certificate,
        tls=certificate.server_context(),
        directory=directory,
        recorder=lab.recorder,
    )
    with lab._stack as stack:
        stack.callback(lab.emulator.stop)
        stack.callback(lab.clock.stop)
        lab.emulator.start(context)
        lab.west, lab.east = lab.client(WEST), lab.client(EAST)
        yield lab
