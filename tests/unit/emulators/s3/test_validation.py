"""What PUT ?replication refuses, row by row, over the wire."""

import base64
import hashlib
import uuid
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from botocore.exceptions import ClientError

from tests.lab.world import RunningWorld

ROLE = "<Role>arn:aws:iam::111122223333:role/replication</Role>"
STATUS = "<Status>Enabled</Status>"
V2 = "<Priority>1</Priority><DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication>"
WHOLE = "<Filter><Prefix></Prefix></Filter>"

MALFORMED = (400, "MalformedXML", "well-formed or did not validate")
SCHEMA = "for this version of Cross Region Replication configuration schema. Please refer to S3 Developer Guide"


@dataclass(frozen=True, slots=True)
class Buckets:
    """``source`` and ``destination`` have versioning; ``plain`` has not."""

    source: str
    destination: str
    other: str
    plain: str


@pytest.fixture(scope="module")
def buckets(world: RunningWorld) -> Buckets:
    client = world.s3()
    names = [f"{kind}-{uuid.uuid4().hex[:8]}" for kind in ("source", "destination", "other", "plain")]
    for name in names:
        client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        if not name.startswith("plain"):
            client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return Buckets(*names)


def _to(inner: str = "", bucket: str = "@destination") -> str:
    return f"<Destination><Bucket>arn:aws:s3:::{bucket}</Bucket>{inner}</Destination>"


def _rule(*parts: str) -> str:
    return f"<Rule>{''.join(parts)}</Rule>"


def _rules(*rules: str, role: str = ROLE) -> str:
    namespace = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
    return f"<ReplicationConfiguration {namespace}>{role}{''.join(rules)}</ReplicationConfiguration>"


def _one(*parts: str, role: str = ROLE) -> str:
    return _rules(_rule(*parts), role=role)


def _v2(*parts: str, destination: str = "") -> str:
    return _one(STATUS, WHOLE, V2, *parts, _to(destination))


def _numbered(number: int, prefix: str = "", bucket: str = "@destination", name: str | None = None) -> str:
    return _rule(
        f"<ID>{name or f'rule-{number}'}</ID><Priority>{number}</Priority>",
        f"<Filter><Prefix>{prefix}</Prefix></Filter>",
        "<DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication>",
        STATUS,
        _to(bucket=bucket),
    )


def _v1(prefix: str, bucket: str = "@destination", extra: str = "", name: str = "") -> str:
    identity = f"<ID>{name}</ID>" if name else ""
    return _rule(identity, f"<Prefix>{prefix}</Prefix>", STATUS, extra, _to(bucket=bucket))


def _tags(*keys: str) -> str:
    return "".join(f"<Tag><Key>{key}</Key><Value>v</Value></Tag>" for key in keys)


MARKERS_ON = "<DeleteMarkerReplication><Status>Enabled</Status></DeleteMarkerReplication>"
CRITERIA = "<SourceSelectionCriteria>{}</SourceSelectionCriteria>"
KMS_OBJECTS = CRITERIA.format("<SseKmsEncryptedObjects><Status>Enabled</Status></SseKmsEncryptedObjects>")
REPLICA_CHANGES = CRITERIA.format("<ReplicaModifications><Status>Enabled</Status></ReplicaModifications>")
KMS_KEY = (
    "<EncryptionConfiguration><ReplicaKmsKeyID>arn:aws:kms:us-east-1:111122223333:key/k</ReplicaKmsKeyID>"
    "</EncryptionConfiguration>"
)
OWNER = "<AccessControlTranslation><Owner>Destination</Owner></AccessControlTranslation>"
RTC = "<ReplicationTime><Status>{}</Status><Time><Minutes>{}</Minutes></Time></ReplicationTime>"
METRICS = "<Metrics><Status>Enabled</Status>{}</Metrics>"
THRESHOLD = "<EventThreshold><Minutes>{}</Minutes></EventThreshold>"

REFUSED: dict[str, tuple[str, tuple[int, str, str]]] = {
    # The document
    "not XML": ("nonsense", MALFORMED),
    "nothing": ("", MALFORMED),
    "another document": ("<Tagging/>", MALFORMED),
    "a foreign namespace": (_v2().replace("http://s3.amazonaws.com/doc/2006-03-01/", "urn:x"), MALFORMED),
    "a document type": ('<!DOCTYPE x [<!ENTITY e "e">]>' + _v2(), MALFORMED),
    "an unknown element": (_v2("<Colour>red</Colour>"), MALFORMED),
    "an element twice": (_v2(STATUS), MALFORMED),
    "text between elements": (_v2("text"), MALFORMED),
    "too big": (_v2("<!--" + "x" * (2 * 1024 * 1024) + "-->"), (400, "MaxMessageLengthExceeded", "too big")),
    # Role
    "no role": (_one(STATUS, WHOLE, V2, _to(), role=""), MALFORMED),
    "an empty role": (
        _one(STATUS, WHOLE, V2, _to(), role="<Role/>"),
        (400, "InvalidArgument", "Invalid Role specified in replication configuration"),
    ),
    "a role that is none": (
        _one(STATUS, WHOLE, V2, _to(), role="<Role>admin</Role>"),
        (400, "InvalidArgument", "Invalid Role specified"),
    ),
    # Limits
    "no rules": (_rules(), MALFORMED),
    "1001 rules": (
        _rules(*(_numbered(number, f"p{number}/") for number in range(1001))),
        (400, "InvalidRequest", "cannot exceed 1000"),
    ),
    "a long id": (_v2(f"<ID>{'i' * 256}</ID>"), (400, "InvalidArgument", "Rule Id cannot be greater than 255")),
    "a long prefix": (_rules(_numbered(1, "p" * 1025)), (400, "InvalidArgument", "maximum allowed key length of 1024")),
    "a long prefix in bytes": (_rules(_numbered(1, "é" * 513)), (400, "InvalidArgument", "1024")),
    "a negative priority": (_rules(_numbered(-1)), (400, "InvalidRequest", "Priority must be between")),
    "a priority in words": (_v2().replace("<Priority>1<", "<Priority>one<"), MALFORMED),
    "an id twice": (
        _rules(_numbered(1, name="a"), _numbered(2, name="a")),
        (400, "InvalidArgument", "Rule Id must be unique"),
    ),
    "a priority twice": (
        _rules(_numbered(1, "a/", name="a"), _numbered(1, "b/", name="b")),
        (400, "InvalidRequest", "duplicate priority 1"),
    ),
    # Rules
    "no status": (_one(WHOLE, V2, _to()), MALFORMED),
    "an unknown status": (_v2().replace(">Enabled<", ">Paused<"), MALFORMED),
    "no destination": (_one(STATUS, WHOLE, V2), MALFORMED),
    "neither filter nor prefix": (_one(STATUS, V2, _to()), MALFORMED),
    "filter and prefix": (_v2("<Prefix>a</Prefix>"), MALFORMED),
    "existing objects": (
        _v2("<ExistingObjectReplication><Status>Enabled</Status></ExistingObjectReplication>"),
        MALFORMED,
    ),
    "an empty criterion": (_v2("<SourceSelectionCriteria/>"), (400, "InvalidRequest", "cannot be empty")),
    # V2
    "no priority": (
        _one(STATUS, WHOLE, "<DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication>", _to()),
        (400, "InvalidRequest", f"Priority must be specified {SCHEMA}"),
    ),
    "no word on delete markers": (
        _one(STATUS, WHOLE, "<Priority>1</Priority>", _to()),
        (400, "InvalidRequest", f"DeleteMarkerReplication must be specified {SCHEMA}"),
    ),
    "two filters": (_v2().replace("<Prefix></Prefix>", "<Prefix>a</Prefix>" + _tags("k")), MALFORMED),
    "two tags without and": (_v2().replace("<Prefix></Prefix>", _tags("k", "l")), MALFORMED),
    "a conjunction of one": (_v2().replace("<Prefix></Prefix>", f"<And>{_tags('k')}</And>"), MALFORMED),
    "a tag key twice": (
        _v2().replace("<Prefix></Prefix>", f"<And>{_tags('k', 'k')}</And>"),
        (400, "InvalidRequest", "Duplicate Tag Keys"),
    ),
    "a tag without value": (_v2().replace("<Prefix></Prefix>", "<Tag><Key>k</Key></Tag>"), MALFORMED),
    "delete markers with a tag": (
        _one(STATUS, f"<Filter>{_tags('k')}</Filter><Priority>1</Priority>", MARKERS_ON, _to()),
        (400, "InvalidRequest", "Delete marker replication is not supported if any Tag filter is specified"),
    ),
    "delete markers with tags": (
        _one(STATUS, f"<Filter><And>{_tags('k', 'l')}</And></Filter><Priority>1</Priority>", MARKERS_ON, _to()),
        (400, "InvalidRequest", "Delete marker replication is not supported"),
    ),
    # V1
    "V1 with delete markers": (
        _rules(_v1("", extra=MARKERS_ON)),
        (400, "InvalidRequest", f"DeleteMarkerReplication cannot be used {SCHEMA}"),
    ),
    "V1 with priority": (
        _rules(_v1("", extra="<Priority>1</Priority>")),
        (400, "InvalidRequest", f"Priority cannot be used {SCHEMA}"),
    ),
    "V1 with replica modifications": (
        _rules(_v1("", extra=REPLICA_CHANGES)),
        (400, "InvalidRequest", f"ReplicaModifications cannot be used {SCHEMA}"),
    ),
    "V1 to two destinations": (
        _rules(_v1("a/"), _v1("b/", bucket="@other")),
        (400, "InvalidRequest", "Number of distinct destination bucket ARNs cannot exceed 1"),
    ),
    "V1 with overlapping prefixes": (
        _rules(_v1("a/"), _v1("a/b/")),
        (400, "InvalidRequest", "Found overlapping prefixes 'a/' and 'a/b/'"),
    ),
    "V1 and V2 in one": (_rules(_v1("a/"), _numbered(1, "b/")), (400, "InvalidRequest", "cannot be used")),
    # Destination
    "an unknown storage class": (_v2(destination="<StorageClass>TAPE</StorageClass>"), MALFORMED),
    "a bare bucket name": (
        _v2().replace("arn:aws:s3:::", ""),
        (400, "InvalidArgument", "Invalid bucket ARN"),
    ),
    "an account in words": (_v2(destination="<Account>me</Account>"), (400, "InvalidArgument", "account")),
    "owner without account": (
        _v2(destination=OWNER),
        (400, "InvalidRequest", "Account must be specified if the Owner in AccessControlTranslation has a value"),
    ),
    "another owner": (_v2(destination=OWNER.replace("Destination", "Me", 1)), MALFORMED),
    "a key without criterion": (
        _v2(destination=KMS_KEY),
        (400, "InvalidRequest", "SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present"),
    ),
    "a criterion without key": (
        _v2(KMS_OBJECTS),
        (400, "InvalidRequest", "ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is present"),
    ),
    "time without metrics": (
        _v2(destination=RTC.format("Enabled", 15)),
        (400, "InvalidRequest", "both ReplicationTime and Metrics or neither"),
    ),
    "time of other minutes": (
        _v2(destination=RTC.format("Enabled", 30) + METRICS.format(THRESHOLD.format(15))),
        (400, "InvalidArgument", "Invalid time minute value"),
    ),
    "threshold of other minutes": (
        _v2(destination=RTC.format("Enabled", 15) + METRICS.format(THRESHOLD.format(30))),
        (400, "InvalidArgument", "Invalid event threshold minute value"),
    ),
    "time with metrics without threshold": (
        _v2(destination=RTC.format("Enabled", 15) + METRICS.format("")),
        (400, "InvalidArgument", "Invalid event threshold minute value"),
    ),
    "threshold without time": (
        _v2(destination=METRICS.format(THRESHOLD.format(15))),
        (
            400,
            "InvalidArgument",
            "Metrics cannot contain an event threshold when ReplicationTime is not specified or Disabled",
        ),
    ),
    "threshold with time disabled": (
        _v2(destination=RTC.format("Disabled", 15) + METRICS.format(THRESHOLD.format(15))),
        (400, "InvalidArgument", "Metrics cannot contain an event threshold"),
    ),
    # The world
    "a destination that is not there": (
        _v2().replace("@destination", "no-such-bucket-here"),
        (400, "InvalidRequest", "Destination bucket must exist."),
    ),
    "a destination without versioning": (
        _v2().replace("@destination", "@plain"),
        (400, "InvalidRequest", "Destination bucket must have versioning enabled."),
    ),
    "the source itself": (
        _v2().replace("@destination", "@source"),
        (400, "InvalidRequest", "Destination bucket cannot be the same as the source bucket."),
    ),
}

ACCEPTED: dict[str, str] = {
    "V2": _v2(),
    "V2 without namespace": _v2().replace(' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"', ""),
    "V2 with a declaration": '<?xml version="1.0" encoding="UTF-8"?>\n' + _v2(),
    "a filter without children": _v2().replace(WHOLE, "<Filter/>"),
    "a tag": _v2().replace("<Prefix></Prefix>", _tags("k")),
    "prefix and tags": _v2().replace("<Prefix></Prefix>", f"<And><Prefix>a/</Prefix>{_tags('k', 'l')}</And>"),
    "V1": _rules(_v1("")),
    "V1 twice": _rules(_v1("a/"), _v1("b/")),
    "disabled": _v2().replace(STATUS, "<Status>Disabled</Status>", 1),
    "everything": _v2(
        CRITERIA.format(
            "<SseKmsEncryptedObjects><Status>Enabled</Status></SseKmsEncryptedObjects>"
            "<ReplicaModifications><Status>Disabled</Status></ReplicaModifications>"
        ),
        destination="<Account>444455556666</Account><StorageClass>GLACIER_IR</StorageClass>"
        + OWNER
        + KMS_KEY
        + RTC.format("Enabled", 15)
        + METRICS.format(THRESHOLD.format(15)),
    ),
    "metrics without time": _v2(destination=METRICS.format("")),
    "time disabled with metrics": _v2(destination=RTC.format("Disabled", 15) + METRICS.format("")),
    "1000 rules": _rules(*(_numbered(number, f"p{number}/") for number in range(1000))),
    "the longest id and prefix": _rules(_numbered(1, "p" * 1024, name="i" * 255)),
    "one destination by two rules": _rules(_numbered(1, "a/"), _numbered(2, "a/")),
    "two destinations": _rules(_numbered(1), _numbered(2, bucket="@other")),
}


def _put(world: RunningWorld, buckets: Buckets, document: str, bucket: str | None = None) -> tuple[int, str, str]:
    for name in ("source", "destination", "other", "plain"):
        document = document.replace(f":::@{name}", f":::{getattr(buckets, name)}").replace(
            f"@{name}", getattr(buckets, name)
        )
    body = document.encode()
    md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
    answer = world.send("PUT", f"/{bucket or buckets.source}?replication", body, {"Content-MD5": md5})
    if not answer.content:
        return answer.status_code, "", ""
    error = ET.fromstring(answer.content)
    return answer.status_code, error.findtext("Code") or "", error.findtext("Message") or ""


@pytest.mark.parametrize("name", REFUSED)
def test_refused_and_nothing_is_changed(world: RunningWorld, buckets: Buckets, name: str) -> None:
    document, (status, code, message) = REFUSED[name]
    world.send("DELETE", f"/{buckets.source}?replication")
    got = _put(world, buckets, document)
    assert got[:2] == (status, code), got
    assert message in got[2]
    assert world.send("GET", f"/{buckets.source}?replication").status_code == 404


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(world: RunningWorld, buckets: Buckets, name: str) -> None:
    assert _put(world, buckets, ACCEPTED[name]) == (200, "", "")
    root = ET.fromstring(world.send("GET", f"/{buckets.source}?replication").content)
    rules = [element for element in root if element.tag.endswith("Rule")]
    assert len(rules) == ACCEPTED[name].count("<Rule>")


@pytest.mark.parametrize("status", [None, "Suspended"])
def test_the_source_needs_versioning_even_for_a_disabled_rule(
    world: RunningWorld, buckets: Buckets, bucket: str, status: str | None
) -> None:
    if status:
        world.s3().put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})
    document = _v2().replace(STATUS, "<Status>Disabled</Status>", 1)
    assert _put(world, buckets, document, bucket) == (
        400,
        "InvalidRequest",
        "Versioning must be 'Enabled' on the bucket to apply a replication configuration",
    )


def test_a_bucket_that_is_not_there(world: RunningWorld, buckets: Buckets) -> None:
    assert _put(world, buckets, _v2(), "no-such-bucket-here")[:2] == (404, "NoSuchBucket")


def test_a_checksum_is_required_and_checked(world: RunningWorld, buckets: Buckets) -> None:
    path, body = f"/{buckets.source}?replication", b"<x/>"
    missing = world.send("PUT", path, body)
    assert (missing.status_code, ET.fromstring(missing.content).findtext("Code")) == (400, "InvalidRequest")
    assert b"Content-MD5 OR x-amz-checksum-" in missing.content
    for header, value, code in (
        ("Content-MD5", "bm9uc2Vuc2Vub25zZW5zZQ==", "BadDigest"),
        ("Content-MD5", "short", "InvalidDigest"),
        ("x-amz-checksum-crc32", "AAAAAA==", "BadDigest"),
        ("x-amz-checksum-sha256", "AAAAAA==", "BadDigest"),
    ):
        wrong = world.send("PUT", path, body, {header: value})
        assert (wrong.status_code, ET.fromstring(wrong.content).findtext("Code")) == (400, code)


def test_versioning_cannot_be_suspended_under_a_configuration(world: RunningWorld, buckets: Buckets) -> None:
    client = world.s3()
    assert _put(world, buckets, _v2())[0] == 200
    suspend: dict[str, Any] = {"Bucket": buckets.source, "VersioningConfiguration": {"Status": "Suspended"}}
    with pytest.raises(ClientError, match="InvalidBucketState") as caught:
        client.put_bucket_versioning(**suspend)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
    assert client.get_bucket_versioning(Bucket=buckets.source)["Status"] == "Enabled"
    client.delete_bucket_replication(Bucket=buckets.source)
    client.put_bucket_versioning(**suspend)
    client.put_bucket_versioning(Bucket=buckets.source, VersioningConfiguration={"Status": "Enabled"})


def test_without_a_configuration(world: RunningWorld, buckets: Buckets) -> None:
    client = world.s3()
    for _ in range(2):
        reply = client.delete_bucket_replication(Bucket=buckets.other)
        assert reply["ResponseMetadata"]["HTTPStatusCode"] == 204
    with pytest.raises(ClientError, match="ReplicationConfigurationNotFoundError") as caught:
        client.get_bucket_replication(Bucket=buckets.other)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    for call in (client.get_bucket_replication, client.delete_bucket_replication):
        with pytest.raises(ClientError, match="NoSuchBucket"):
            call(Bucket="no-such-bucket-here")


def test_a_configuration_goes_with_its_bucket(world: RunningWorld, buckets: Buckets, bucket: str) -> None:
    client = world.s3()
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert _put(world, buckets, _v2(), bucket)[0] == 200
    client.delete_bucket(Bucket=bucket)
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    with pytest.raises(ClientError, match="ReplicationConfigurationNotFoundError"):
        client.get_bucket_replication(Bucket=bucket)


def test_another_owner_is_denied(world: RunningWorld, buckets: Buckets) -> None:
    client = world.s3()
    with pytest.raises(ClientError, match="AccessDenied"):
        client.get_bucket_replication(Bucket=buckets.source, ExpectedBucketOwner="999999999999")
    client.get_bucket_versioning(Bucket=buckets.source, ExpectedBucketOwner=world.emulator("s3")["account"])
