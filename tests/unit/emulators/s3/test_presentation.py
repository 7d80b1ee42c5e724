"""What GET ?replication gives back: byte for byte what was put, or what a switch makes of it."""

import base64
import hashlib
import re
import uuid
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.lab.world import RunningWorld

NAMESPACE = {"s": "http://s3.amazonaws.com/doc/2006-03-01/"}
ROLE = "arn:aws:iam::111122223333:role/replication"


@pytest.fixture
def pair(world: RunningWorld) -> tuple[str, str]:
    names = f"a-{uuid.uuid4().hex[:8]}", f"b-{uuid.uuid4().hex[:8]}"
    for name in names:
        world.s3().create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        world.s3().put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return names


def _put(world: RunningWorld, bucket: str, document: str | bytes) -> None:
    body = document.encode() if isinstance(document, str) else document
    md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
    answer = world.send("PUT", f"/{bucket}?replication", body, {"Content-MD5": md5})
    assert answer.status_code == 200, answer.text


def _get(world: RunningWorld, bucket: str) -> bytes:
    return world.send("GET", f"/{bucket}?replication").content


def _v2_rule(destination: str, number: int = 1, identity: str = "<ID>one</ID>", prefix: str = "") -> str:
    return (
        f"<Rule>{identity}<Priority>{number}</Priority><Filter><Prefix>{prefix}</Prefix></Filter>"
        "<Status>Enabled</Status><DeleteMarkerReplication><Status>Enabled</Status></DeleteMarkerReplication>"
        f"<Destination><Bucket>arn:aws:s3:::{destination}</Bucket></Destination></Rule>"
    )


def _document(*rules: str) -> str:
    return (
        '<ReplicationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Role>{ROLE}</Role>{''.join(rules)}</ReplicationConfiguration>"
    )


def test_every_byte_comes_back(world: RunningWorld, pair: tuple[str, str]) -> None:
    source, destination = pair
    document = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!-- mine -->\n'
        "<ReplicationConfiguration>\n"
        f"  <Rule><Status>Enabled</Status>\n\t<ID>é &amp; &#xe9; <![CDATA[<x>]]></ID><Filter/><Priority>007</Priority>"
        "<DeleteMarkerReplication ><Status >Disabled</Status></DeleteMarkerReplication>"
        f"<Destination><Bucket>arn:aws:s3:::{destination}</Bucket></Destination></Rule>\r\n"
        f"  <Role>{ROLE}</Role>\n</ReplicationConfiguration>\n"
    )
    _put(world, source, document)
    assert _get(world, source) == document.encode()


@pytest.mark.parametrize(
    ("identity", "prefix"),
    [("", ""), ("<ID/>", ""), ("<ID></ID>", ""), ("<ID ></ID >", ""), ("", "s3:"), ("<s3:ID/>", "s3:")],
)
def test_a_missing_id_is_made_up_and_nothing_else_changed(
    world: RunningWorld, pair: tuple[str, str], identity: str, prefix: str
) -> None:
    source, destination = pair
    document = _document(_v2_rule(destination, 1, "<ID>mine</ID>"), _v2_rule(destination, 2, "@"))
    if prefix:
        document = re.sub(r"<(/?)([A-Z])", rf"<\1{prefix}\2", document).replace("xmlns=", "xmlns:s3=")
    _put(world, source, document.replace("@", identity))
    got = _get(world, source).decode()
    tag = f"{prefix}ID"
    made = re.findall(rf"<{tag}>([0-9a-f-]{{36}})</{tag}>", got)
    assert len(made) == 1
    # Where there was no element at all, the made-up one stands first in its rule.
    assert got.replace(f"<{tag}>{made[0]}</{tag}>", "@") == document
    assert _get(world, source).decode() == got


def test_an_empty_id_at_the_end_of_a_rule_is_replaced(world: RunningWorld, pair: tuple[str, str]) -> None:
    source, destination = pair
    document = _document(_v2_rule(destination, 1, "").replace("</Rule>", "<ID/></Rule>"))
    _put(world, source, document)
    assert re.fullmatch(re.escape(document).replace("<ID/>", "<ID>[0-9a-f-]{36}</ID>"), _get(world, source).decode())


def test_made_up_ids_differ(world: RunningWorld, pair: tuple[str, str]) -> None:
    source, destination = pair
    _put(world, source, _document(_v2_rule(destination, 1, ""), _v2_rule(destination, 2, "")))
    found = world.s3().get_bucket_replication(Bucket=source)["ReplicationConfiguration"]["Rules"]
    assert len({rule["ID"] for rule in found}) == 2


def test_boto3_reads_what_boto3_wrote(world: RunningWorld, pair: tuple[str, str]) -> None:
    source, destination = pair
    configuration = _boto3_configuration(destination)
    world.s3().put_bucket_replication(Bucket=source, ReplicationConfiguration=configuration)
    assert world.s3().get_bucket_replication(Bucket=source)["ReplicationConfiguration"] == configuration


def test_a_put_replaces_everything(world: RunningWorld, pair: tuple[str, str]) -> None:
    source, destination = pair
    _put(world, source, _document(_v2_rule(destination, 1), _v2_rule(destination, 2, "<ID>two</ID>")))
    _put(world, source, _document(_v2_rule(destination, 3, "<ID>three</ID>")))
    assert [rule.findtext("s:ID", None, NAMESPACE) for rule in _shown(world, source)] == ["three"]


def test_v1_is_kept_as_v1(world: RunningWorld, pair: tuple[str, str]) -> None:
    source, destination = pair
    document = _document(_v1_rule(destination))
    _put(world, source, document)
    assert _get(world, source) == document.encode()


def test_switch_echo_v1(clean_world: RunningWorld, pair: tuple[str, str]) -> None:
    source, destination = pair
    _put(clean_world, source, _document(_v1_rule(destination)))
    clean_world.switch("s3", echo_v1=True)
    (rule,) = clean_world.s3().get_bucket_replication(Bucket=source)["ReplicationConfiguration"]["Rules"]
    assert rule["Filter"] == {"Prefix": "logs/"}
    assert rule["Priority"] == 1
    assert rule["DeleteMarkerReplication"] == {"Status": "Disabled"}
    assert "Prefix" not in rule


def test_switch_rule_order(clean_world: RunningWorld, pair: tuple[str, str]) -> None:
    source, destination = pair
    _put(clean_world, source, _document(*(_v2_rule(destination, n, f"<ID>{n}</ID>", f"{n}/") for n in range(3))))
    clean_world.switch("s3", rule_order="reversed")
    assert [rule.findtext("s:ID", None, NAMESPACE) for rule in _shown(clean_world, source)] == ["2", "1", "0"]


def test_switch_add_unknown_field(clean_world: RunningWorld, pair: tuple[str, str]) -> None:
    source, destination = pair
    _put(clean_world, source, _document(_v2_rule(destination)))
    clean_world.switch("s3", add_unknown_field=True)
    (rule,) = _shown(clean_world, source)
    assert rule.findtext("s:FutureField/s:Status", None, NAMESPACE) == "Enabled"


@pytest.mark.parametrize(("form", "children"), [("as_put", 1), ("bare", 0), ("absent", None)])
def test_switch_empty_filter(clean_world: RunningWorld, pair: tuple[str, str], form: str, children: int | None) -> None:
    source, destination = pair
    selective = _v2_rule(destination, 2, "<ID>two</ID>", "a/")
    _put(clean_world, source, _document(_v2_rule(destination), selective))
    clean_world.switch("s3", empty_filter=form)
    whole, other = (rule.find("s:Filter", NAMESPACE) for rule in _shown(clean_world, source))
    assert (None if whole is None else len(whole)) == children
    assert other is not None
    assert other.findtext("s:Prefix", None, NAMESPACE) == "a/"


def test_switch_fill_defaults(clean_world: RunningWorld, pair: tuple[str, str]) -> None:
    source, destination = pair
    _put(clean_world, source, _document(_v2_rule(destination)))
    clean_world.switch("s3", fill_defaults=True)
    (rule,) = clean_world.s3().get_bucket_replication(Bucket=source)["ReplicationConfiguration"]["Rules"]
    assert rule["Destination"]["StorageClass"] == "STANDARD"
    assert rule["SourceSelectionCriteria"] == {
        "SseKmsEncryptedObjects": {"Status": "Disabled"},
        "ReplicaModifications": {"Status": "Disabled"},
    }


@pytest.mark.parametrize(
    "values", [{"colour": "red"}, {"rule_order": "random"}, {"replication_lag_s": -1}, {"worker": "stopped", "x": 1}]
)
def test_a_switch_that_cannot_be_changes_nothing(world: RunningWorld, values: dict[str, Any]) -> None:
    import httpx

    url = f"{world.ready['control']}/emulators/s3/switches"
    before = httpx.get(url).json()
    assert httpx.post(url, json=values).status_code == 400
    assert httpx.get(url).json() == before


def test_a_stale_read_is_of_the_configuration_before(clean_world: RunningWorld, pair: tuple[str, str]) -> None:
    source, destination = pair
    first, second = _document(_v2_rule(destination)), _document(_v2_rule(destination, 2, "<ID>two</ID>"))
    _put(clean_world, source, first)
    clean_world.fault(kind="stale_read", operation="GetBucketReplication")
    _put(clean_world, source, second)
    assert _get(clean_world, source) == first.encode()
    assert _get(clean_world, source) == second.encode()


def _v1_rule(destination: str) -> str:
    return (
        "<Rule><ID>old</ID><Prefix>logs/</Prefix><Status>Enabled</Status>"
        f"<Destination><Bucket>arn:aws:s3:::{destination}</Bucket></Destination></Rule>"
    )


def _shown(world: RunningWorld, bucket: str) -> list[ET.Element]:
    return ET.fromstring(_get(world, bucket)).findall("s:Rule", NAMESPACE)


def _boto3_configuration(destination: str) -> dict[str, Any]:
    return {
        "Role": ROLE,
        "Rules": [
            {
                "ID": "all",
                "Priority": 3,
                "Filter": {"And": {"Prefix": "a/", "Tags": [{"Key": "k", "Value": "v"}]}},
                "Status": "Disabled",
                "SourceSelectionCriteria": {
                    "SseKmsEncryptedObjects": {"Status": "Enabled"},
                    "ReplicaModifications": {"Status": "Enabled"},
                },
                "Destination": {
                    "Bucket": f"arn:aws:s3:::{destination}",
                    "Account": "111122223333",
                    "StorageClass": "STANDARD_IA",
                    "AccessControlTranslation": {"Owner": "Destination"},
                    "EncryptionConfiguration": {"ReplicaKmsKeyID": "arn:aws:kms:us-east-1:111122223333:key/k"},
                    "ReplicationTime": {"Status": "Enabled", "Time": {"Minutes": 15}},
                    "Metrics": {"Status": "Enabled", "EventThreshold": {"Minutes": 15}},
                },
                "DeleteMarkerReplication": {"Status": "Disabled"},
            }
        ],
    }
