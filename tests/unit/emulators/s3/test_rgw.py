"""The Ceph flavour: two zones, the same buckets, a configuration that comes back with losses."""

import uuid
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, HTTPClientError

from tests.lab.world import RunningWorld, eventually

NAMESPACE = {"s": "http://s3.amazonaws.com/doc/2006-03-01/"}


class Zones:
    def __init__(self, world: RunningWorld) -> None:
        self.world = world
        self.z1 = world.s3("ceph", zone="z1", scheme="http")
        self.z2 = world.s3("ceph", zone="z2", scheme="https")
        self.bucket = f"r-{uuid.uuid4().hex[:12]}"
        self.z1.create_bucket(Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    def rule(self, identity: str = "one", destination: str | None = None, **changes: Any) -> dict[str, Any]:
        return {
            "ID": identity,
            "Priority": 1,
            "Filter": {"Prefix": ""},
            "Status": "Enabled",
            "DeleteMarkerReplication": {"Status": "Disabled"},
            "Destination": {"Bucket": destination or self.arn},
            **changes,
        }

    @property
    def arn(self) -> str:
        return f"arn:aws:s3:::{self.bucket}"

    def configure(self, *rules: dict[str, Any]) -> None:
        self.z1.put_bucket_replication(
            Bucket=self.bucket, ReplicationConfiguration={"Role": "arn:aws:iam::1:role/x", "Rules": list(rules)}
        )

    def read(self, client: Any = None) -> Any:
        return (client or self.z1).get_bucket_replication(Bucket=self.bucket)["ReplicationConfiguration"]

    def body(self, client: Any, key: str, bucket: str | None = None) -> bytes | None:
        try:
            return bytes(client.get_object(Bucket=bucket or self.bucket, Key=key)["Body"].read())
        except ClientError:
            return None


@pytest.fixture
def zones(clean_world: RunningWorld) -> Zones:
    clean_world.switch("ceph", replication_lag_s=0)
    return Zones(clean_world)


def test_buckets_and_their_versioning_are_in_both_zones(zones: Zones) -> None:
    assert zones.bucket in [bucket["Name"] for bucket in zones.z2.list_buckets()["Buckets"]]
    zones.z2.put_bucket_versioning(Bucket=zones.bucket, VersioningConfiguration={"Status": "Enabled"})
    assert zones.z1.get_bucket_versioning(Bucket=zones.bucket)["Status"] == "Enabled"
    zones.z1.delete_bucket(Bucket=zones.bucket)
    assert zones.bucket not in [bucket["Name"] for bucket in zones.z2.list_buckets().get("Buckets", ())]


def test_objects_are_not_shared_without_a_rule(zones: Zones) -> None:
    zones.z1.put_object(Bucket=zones.bucket, Key="k", Body=b"1")
    zones.z2.put_object(Bucket=zones.bucket, Key="l", Body=b"2")
    zones.z1.delete_objects(Bucket=zones.bucket, Delete={"Objects": [{"Key": "l"}]})
    assert zones.body(zones.z2, "k") is None
    assert zones.body(zones.z2, "l") == b"2"


def test_no_configuration_is_an_empty_one(zones: Zones) -> None:
    assert zones.read() == {"Role": ""}
    reply = zones.z1.delete_bucket_replication(Bucket=zones.bucket)
    assert reply["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_what_comes_back_has_losses(zones: Zones) -> None:
    zones.configure(
        zones.rule("off", Status="Disabled", Priority=7, Filter={"Prefix": "off/"}),
        zones.rule(
            "on",
            DeleteMarkerReplication={"Status": "Enabled"},
            SourceSelectionCriteria={"ReplicaModifications": {"Status": "Enabled"}},
        ),
    )
    expected = {
        "Role": "",
        "Rules": [
            {"ID": "on", "Priority": 1, "Status": "Enabled", "Destination": {"Bucket": zones.arn}},
            {
                "ID": "off",
                "Priority": 7,
                "Filter": {"Prefix": "off/"},
                "Status": "Disabled",
                "Destination": {"Bucket": zones.arn},
            },
        ],
    }
    assert zones.read() == expected
    assert zones.read(zones.z2) == expected
    zones.z2.delete_bucket_replication(Bucket=zones.bucket)
    assert zones.read() == {"Role": ""}


def test_filters_come_back_as_v2(zones: Zones) -> None:
    tags = [{"Key": "k", "Value": "v"}]
    old = zones.rule("v1", Prefix="a/")
    for field in ("Filter", "Priority", "DeleteMarkerReplication"):
        del old[field]
    zones.configure(
        old,
        zones.rule("and", Filter={"And": {"Prefix": "b/", "Tags": tags}}),
        zones.rule("tag", Filter={"Tag": tags[0]}),
    )
    found = {rule["ID"]: (rule.get("Filter"), rule["Priority"]) for rule in zones.read()["Rules"]}
    assert found == {
        "v1": ({"Prefix": "a/"}, 0),
        "and": ({"And": {"Prefix": "b/", "Tags": tags}}, 1),
        "tag": ({"Tag": tags[0]}, 1),
    }


@pytest.mark.parametrize("written", ["{}", "arn:aws:s3:::{}"])
@pytest.mark.parametrize(
    ("form", "read"), [("bare", "{}"), ("arn", "arn:aws:s3:::{}"), ("doubled_arn", "arn:aws:s3:::arn:aws:s3:::{}")]
)
def test_the_form_of_a_destination_is_the_server_s(zones: Zones, written: str, form: str, read: str) -> None:
    zones.world.switch("ceph", bucket_form=form)
    zones.configure(zones.rule(destination=written.format("elsewhere")))
    assert zones.read()["Rules"][0]["Destination"] == {"Bucket": read.format("elsewhere")}


@pytest.mark.parametrize("written", ["{}", "arn:aws:s3:::{}"])
def test_a_destination_comes_back_as_it_was_put(zones: Zones, written: str) -> None:
    zones.configure(zones.rule(destination=written.format("elsewhere")))
    assert zones.read()["Rules"][0]["Destination"] == {"Bucket": written.format("elsewhere")}


def test_a_bare_name_is_kept_and_nothing_is_copied(zones: Zones) -> None:
    zones.configure(
        zones.rule("bare", destination=zones.bucket, Filter={"Prefix": "bare/"}),
        zones.rule("arn", Filter={"Prefix": "arn/"}),
    )
    for key in ("bare/k", "arn/k"):
        zones.z1.put_object(Bucket=zones.bucket, Key=key, Body=b"1")
    assert eventually(lambda: zones.body(zones.z2, "arn/k")) == b"1"
    assert zones.body(zones.z2, "bare/k") is None
    zones.world.switch("ceph", bare_names="followed")
    zones.z1.put_object(Bucket=zones.bucket, Key="bare/l", Body=b"2")
    assert eventually(lambda: zones.body(zones.z2, "bare/l")) == b"2"


def test_zones_and_storage_class_are_kept(zones: Zones) -> None:
    document = (
        "<ReplicationConfiguration><Role/><Rule><ID>z</ID><Status>Enabled</Status><Filter><Prefix/></Filter>"
        "<Source><Zone>z1</Zone></Source><Destination><Bucket>b</Bucket><StorageClass>COLD</StorageClass>"
        "<Zone>z2</Zone></Destination></Rule></ReplicationConfiguration>"
    )
    path = f"/{zones.bucket}?replication"
    assert zones.world.send("PUT", path, document.encode(), name="ceph", zone="z1").status_code == 200
    root = ET.fromstring(zones.world.send("GET", path, name="ceph", zone="z2").content)
    assert root.findtext("s:Rule/s:Source/s:Zone", None, NAMESPACE) == "z1"
    assert root.findtext("s:Rule/s:Destination/s:Zone", None, NAMESPACE) == "z2"
    assert root.findtext("s:Rule/s:Destination/s:StorageClass", None, NAMESPACE) == "COLD"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (">Enabled<", ">Paused<", "InvalidArgument"),
        ("<Prefix/>", "<Prefix/><Tag><Key>k</Key><Value>v</Value></Tag>", "InvalidArgument"),
        ("<Bucket>b</Bucket>", "", "MalformedXML"),
        ("</Rule>", "", "MalformedXML"),
    ],
)
def test_what_it_refuses(zones: Zones, old: str, new: str, code: str) -> None:
    document = (
        "<ReplicationConfiguration><Role/><Rule><ID>z</ID><Status>Enabled</Status><Filter><Prefix/></Filter>"
        "<Destination><Bucket>b</Bucket></Destination></Rule></ReplicationConfiguration>"
    ).replace(old, new)
    answer = zones.world.send("PUT", f"/{zones.bucket}?replication", document.encode(), name="ceph", zone="z1")
    assert (answer.status_code, ET.fromstring(answer.content).findtext("Code")) == (400, code)


def test_without_a_sync_policy_it_is_not_allowed(zones: Zones) -> None:
    zones.world.switch("ceph", sync_policy=False)
    with pytest.raises(ClientError, match="MethodNotAllowed") as caught:
        zones.configure(zones.rule())
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 405


def test_objects_and_deletes_are_carried_over_without_a_status(zones: Zones) -> None:
    zones.configure(zones.rule())
    zones.z1.put_object(Bucket=zones.bucket, Key="k", Body=b"1", Metadata={"m": "1"})
    assert eventually(lambda: zones.body(zones.z2, "k")) == b"1"
    for client in (zones.z1, zones.z2):
        assert "ReplicationStatus" not in client.head_object(Bucket=zones.bucket, Key="k")
    zones.z1.put_object(Bucket=zones.bucket, Key="k", Body=b"2")
    assert eventually(lambda: zones.body(zones.z2, "k") == b"2")
    zones.z1.delete_object(Bucket=zones.bucket, Key="k")
    assert eventually(lambda: zones.body(zones.z2, "k") is None)


def test_it_flows_back_as_well(zones: Zones) -> None:
    zones.configure(zones.rule())
    zones.z2.put_object(Bucket=zones.bucket, Key="k", Body=b"back")
    assert eventually(lambda: zones.body(zones.z1, "k")) == b"back"


def test_versions_markers_and_removed_versions_are_carried_over(zones: Zones) -> None:
    zones.z1.put_bucket_versioning(Bucket=zones.bucket, VersioningConfiguration={"Status": "Enabled"})
    zones.configure(zones.rule())

    def listed(client: Any) -> list[tuple[str, bool]]:
        found = client.list_object_versions(Bucket=zones.bucket)
        versions = [(one["VersionId"], False) for one in found.get("Versions", ())]
        return sorted(versions + [(one["VersionId"], True) for one in found.get("DeleteMarkers", ())])

    first = zones.z1.put_object(Bucket=zones.bucket, Key="k", Body=b"1")["VersionId"]
    zones.z1.put_object(Bucket=zones.bucket, Key="k", Body=b"2")
    zones.z1.delete_object(Bucket=zones.bucket, Key="k")
    assert eventually(lambda: len(listed(zones.z2)) == 3)
    assert listed(zones.z2) == listed(zones.z1)
    zones.z1.delete_object(Bucket=zones.bucket, Key="k", VersionId=first)
    assert eventually(lambda: listed(zones.z2) == listed(zones.z1))
    assert len(listed(zones.z2)) == 2


def test_a_rule_to_another_bucket_lands_in_the_one_of_the_same_name(zones: Zones) -> None:
    other = f"{zones.bucket}-y"
    zones.z1.create_bucket(Bucket=other, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    zones.configure(zones.rule(destination=f"arn:aws:s3:::{other}"))
    zones.z1.put_object(Bucket=zones.bucket, Key="k", Body=b"1")
    assert eventually(lambda: zones.body(zones.z2, "k")) == b"1"
    assert zones.body(zones.z2, "k", other) is None
    assert zones.body(zones.z1, "k", other) is None


def test_a_destination_that_is_not_there_is_accepted(zones: Zones) -> None:
    zones.configure(zones.rule(destination="no-such-bucket"))
    assert zones.read()["Rules"][0]["Destination"] == {"Bucket": "no-such-bucket"}


def test_a_destination_changed_in_place_ends_the_server(zones: Zones) -> None:
    zones.configure(zones.rule(destination="one"))
    with pytest.raises(HTTPClientError):
        zones.configure(zones.rule(destination="two"))
    with pytest.raises(EndpointConnectionError):
        zones.z1.list_buckets()
    zones.z2.list_buckets()
    state = zones.world.control("GET", "/state")["emulators"]["ceph"]["state"]["zones"]
    assert (state["z1"]["up"], state["z2"]["up"]) == (False, True)
    assert zones.world.control("POST", "/emulators/ceph/actions/restart", {"zone": "z1"})["z1"] is True
    assert zones.read()["Rules"][0]["Destination"] == {"Bucket": "one"}


def test_delete_then_put_survives(zones: Zones) -> None:
    zones.configure(zones.rule(destination="one"))
    zones.z1.delete_bucket_replication(Bucket=zones.bucket)
    zones.configure(zones.rule(destination="two"))
    assert zones.read()["Rules"][0]["Destination"] == {"Bucket": "two"}


def test_newer_servers_survive_it(zones: Zones) -> None:
    zones.world.switch("ceph", crash_on_destination_change=False)
    zones.configure(zones.rule(destination="one"))
    zones.configure(zones.rule(destination="two"))
    assert zones.read()["Rules"][0]["Destination"] == {"Bucket": "two"}


def test_nothing_moves_while_a_zone_is_down(zones: Zones) -> None:
    zones.configure(zones.rule())
    zones.world.control("POST", "/emulators/ceph/actions/crash", {"zone": "z2"})
    zones.z1.put_object(Bucket=zones.bucket, Key="k", Body=b"1")
    state = zones.world.control("GET", "/state")["emulators"]["ceph"]["state"]
    assert state["replication"]["queued"] == 1
    zones.world.control("POST", "/emulators/ceph/actions/restart")
    assert eventually(lambda: zones.body(zones.z2, "k")) == b"1"


def test_an_act_that_it_does_not_know(world: RunningWorld) -> None:
    url = f"{world.ready['control']}/emulators/ceph/actions"
    assert httpx.post(f"{url}/fly").status_code == 400
    assert httpx.post(f"{url}/restart", json={"zone": "z9"}).status_code == 400


def test_the_log_tells_the_zones_apart(zones: Zones) -> None:
    since = zones.world.last_request()
    zones.z1.list_buckets()
    zones.z2.list_buckets()
    assert [row["part"] for row in zones.world.requests("ceph", since)] == ["z1", "z2"]


def test_a_fault_can_be_bound_to_a_zone(zones: Zones) -> None:
    zones.world.fault(kind="status", status=503, part="z2")
    zones.z1.list_buckets()
    with pytest.raises(ClientError, match="SlowDown"):
        zones.z2.list_buckets()
