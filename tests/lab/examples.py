"""The example workspaces over running emulators: how each is pointed at them, and how they are made as before."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.lab.bos import Keys, closing_connections, person
from tests.lab.command import Ended, is_configuration, repl
from tests.lab.world import RunningWorld, eventually

WORLD = (
    "--s3", "s3", "--s3", "ceph:rgw", "--qumulo", "nas-1", "--bos", "bos", "--alarik", "alarik-eu:eu-1",
    "--alarik", "alarik-us:us-2", "--scp", "scp", "--clonecloudstore", "ccs:2-strangers", "--seed", "--with-parent",
)  # fmt: skip
"""What `run_world` is started with: every kind of system, with the lab's data."""
CONSOLE_RULE = "console-1"
"""The BOS rule that somebody else made."""
SWITCHES: Mapping[str, Mapping[str, Any]] = {
    "nas-1": {"job_seconds": 0, "public_authorities": "world"},
    "scp": {"minute_s": 0.05, "create_s": 0.2, "change_s": 0.1, "delete_s": 0.2, "region_lag_s": 0.1},
    "ccs": {"topology_cache_s": 0.5, "ownership_cache_s": 0.5},
}
"""What takes minutes by nature is quicker."""


@dataclass(frozen=True, slots=True)
class Example:
    """A copy of one example's folder, and how its README says it is pointed at the lab."""

    folder: Path
    variables: Mapping[str, str]
    environ: Mapping[str, str]
    systems: RunningWorld

    def run(self, command: str, *arguments: str) -> Ended:
        given = [part for name, value in self.variables.items() for part in ("--var", f"{name}={value}")]
        return repl(command, *arguments, *given, cwd=self.folder, env=self.environ)

    def edit(self, name: str, before: str, after: str) -> None:
        path = self.folder / name
        assert before in path.read_text()
        path.write_text(path.read_text().replace(before, after))


def environment(systems: RunningWorld) -> dict[str, str]:
    """Return the variables of all examples."""
    s3, nas, bos, eu, us = (systems.emulator(name) for name in ("s3", "nas-1", "bos", "alarik-eu", "alarik-us"))
    scp = systems.emulator("scp")
    pairs = {"AWS": s3, "AWS_EU": s3, "RGW": s3, "BOS": bos, "ALARIK_NORTH": eu, "ALARIK": eu}
    found = {f"{name}_ACCESS_KEY_ID": facts["access_key"] for name, facts in pairs.items()}
    found |= {f"{name}_SECRET_ACCESS_KEY": facts["secret_key"] for name, facts in pairs.items()}
    return found | {
        "STORE_SOUTH_SECRET_KEY": s3["secret_key"], "NAS_1_TOKEN": nas["token"], "NAS_1_PASSWORD": nas["password"],
        "ALARIK_SOUTH_SECRET_ACCESS_KEY": us["secret_key"], "AWS_US_SECRET_ACCESS_KEY": s3["secret_key"],
        "AWS_SECRET": s3["secret_key"], "BOS_SECRET": bos["secret_key"], "ALARIK_EU_SECRET": eu["secret_key"],
        "ALARIK_US_KEY_ID": us["access_key"], "ALARIK_US_SECRET": us["secret_key"],
        "SCP_ACCESS_KEY": scp["access_key"], "SCP_SECRET_KEY": scp["secret_key"], "FINANCE_CIFS_PASSWORD": "made-Up-2!",
        "AWS_CA_BUNDLE": systems.ca, "SSL_CERT_FILE": systems.ca,
    }  # fmt: skip


def variables(name: str, systems: RunningWorld) -> dict[str, str]:
    """Return what `--var` says for an example."""
    s3, nas, ceph = systems.emulator("s3"), systems.emulator("nas-1"), systems.emulator("ceph")
    eu, us, bos = systems.emulator("alarik-eu"), systems.emulator("alarik-us"), systems.emulator("bos")
    bj, gz = bos["regions"]["bj"], bos["regions"]["gz"]
    volumes, sites = _volumes(systems), _sites(systems)
    cluster = {"nas": nas["host"], "nas_port": str(nas["port"]), "ca": systems.ca}
    archive = cluster | {"store": s3["https"], "store_key_id": s3["access_key"]}
    of_each = {
        "s3-to-s3": {"eu_endpoint": s3["https"], "us_endpoint": s3["https"]},
        "qumulo-archive": archive,
        "qumulo-restore": archive,
        "ceph-zones": {zone: ceph["zones"][zone]["https"] for zone in ("z1", "z2")},
        "guarded": {"endpoint": s3["https"]},
        "bos-to-bos": {"bj": bj["https"], "gz": gz["https"]},
        "alarik-to-s3": {
            "north": eu["https"], "south": us["https"], "aws": s3["https"], "south_key_id": us["access_key"],
            "aws_key_id": s3["access_key"],
        },
        "mixed": cluster | {
            "aws_eu": s3["https"], "aws_us": s3["https"], "aws_key_id": s3["access_key"], "alarik_eu": eu["https"],
            "alarik_us": us["https"], "alarik_eu_key_id": eu["access_key"], "bos_bj": bj["https"],
            "bos_gz": gz["https"], "bos_gz_s3": gz["s3_https"], "bos_key_id": bos["access_key"],
        },
        "scp-volumes": volumes,
        "clonecloudstore-sites": sites | {"ca": systems.ca},
        "six-systems": cluster | sites | {f"scp_{key}": value for key, value in volumes.items()} | {
            "aws_eu": s3["https"], "aws_us": s3["https"], "aws_key_id": s3["access_key"], "bos_bj": bj["https"],
            "bos_gz": gz["https"], "alarik": eu["https"],
        },
    }  # fmt: skip
    return of_each[name]


def _volumes(systems: RunningWorld) -> dict[str, str]:
    scp = systems.emulator("scp")
    regions = {name: scp["regions"][f"kr-{name}1"]["https"] for name in ("west", "east")}
    return regions | {"account": scp["account_id"], "mounts": scp["share_root"]}


def _sites(systems: RunningWorld) -> dict[str, str]:
    services = ("accessor", "replicator", "administration")
    found = systems.emulator("ccs")["sites"]
    urls = {f"{site[-1]}_{name}": urls["https"][name] for site, urls in found.items() for name in services}
    return urls | {"topology_cache": "1s"}


def configuration_writes(systems: RunningWorld, since: int) -> list[dict[str, Any]]:
    """Return the writes of replication configuration since a mark, on every system."""
    log = [entry for name in systems.ready["emulators"] for entry in systems.requests(name, since)]
    return [entry for entry in log if entry["write"] and is_configuration(entry)]


def buckets(systems: RunningWorld, name: str) -> dict[str, Any]:
    """Return what the emulator of BOS or Alarik says of its buckets."""
    return dict(systems.control("GET", "/state")["emulators"][name]["state"]["buckets"])


@contextmanager
def bos(systems: RunningWorld) -> Iterator[Any]:
    """Open bj with the vendor's own client."""
    facts = systems.emulator("bos")
    with closing_connections():
        yield person(facts["regions"]["bj"]["http"], Keys(facts["access_key"], facts["secret_key"]))


def alarik(systems: RunningWorld, name: str) -> httpx.Client:
    """Open a server's console API as the owner of its buckets; the caller closes it."""
    facts = systems.emulator(name)
    keys = {"X-Access-Key": facts["access_key"], "X-Secret-Key": facts["secret_key"]}
    trusted = ssl.create_default_context(cafile=systems.ca)
    return httpx.Client(base_url=f"{facts['https']}/api/v1/buckets/", headers=keys, verify=trusted)


def remove_all(systems: RunningWorld) -> None:
    """Leave no rule and no relationship but those that were there at the start."""
    for bucket in ("logs", "media"):
        systems.s3().delete_bucket_replication(Bucket=bucket)
    _remove_relationships(systems)
    _remove_volumes(systems)
    _part_sites(systems)
    with bos(systems) as cloud:
        for bucket, held in buckets(systems, "bos").items():
            for rule in held["rules"].keys() - {CONSOLE_RULE}:
                cloud.delete_bucket_replication(bucket, rule)
    for name in ("alarik-eu", "alarik-us"):
        with alarik(systems, name) as http:
            for kind in ("rules", "targets"):  # in this order no rule loses its target
                place = f"uploads/replication/{kind}"
                first = [one for one in http.get(place).json()[kind] if not is_ours(one)]
                assert http.put(place, json={kind: first}).status_code == 200


def _remove_volumes(systems: RunningWorld) -> None:
    """Leave the volumes and the replication that were there at the start."""
    state = systems.control("GET", "/state")["emulators"]["scp"]["state"]
    acts = "/emulators/scp/actions"
    for name, one in state["replications"].items():
        if one["replication_volume_name"] != "ledger_dr":
            systems.control("POST", f"{acts}/drop-replication", {"replication_id": name})
    for name, volume in state["volumes"].items():
        if volume["name"].endswith("_dr") and volume["name"] != "ledger_dr":
            systems.control("POST", f"{acts}/drop-volume", {"volume": name})


def _part_sites(systems: RunningWorld) -> None:
    """Let the sites know nothing of each other again."""
    facts, acts = systems.emulator("ccs"), "/emulators/ccs/actions"
    for here, there in (("site-a", "site-b"), ("site-b", "site-a")):
        httpx.delete(f"{facts['sites'][here]['administration']}/administration/topologies/{there}")
    state = systems.control("GET", "/state")["emulators"]["ccs"]["state"]
    for bucket in state["sites"]["site-b"]["buckets"]:
        systems.control("POST", f"{acts}/forget-row", {"site": "site-b", "bucket": bucket})
    httpx.delete(f"{facts['sites']['site-b']['administration']}/administration/ownerships/{facts['client_id']}")
    systems.control("POST", f"{acts}/expire-caches", {})


def is_ours(entry: Mapping[str, Any]) -> bool:
    """Say whether an id was chosen by `repl`: it is a UUID of version 5, and the server makes version 4."""
    return str(entry["id"])[14] == "5"


def _remove_relationships(systems: RunningWorld) -> None:
    nas = systems.emulator("nas-1")
    trusted = ssl.create_default_context(cafile=systems.ca)
    bearer = {"Authorization": f"Bearer {nas['token']}"}
    with httpx.Client(base_url=nas["url"], headers=bearer, verify=trusted) as http:
        place = "/v3/replication/object-relationships/"
        for relationship in http.get(place).json():
            eventually(lambda one=relationship["id"]: http.delete(f"{place}{one}").status_code in (200, 404))
