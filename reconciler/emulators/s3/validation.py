"""What AWS accepts as a replication configuration, and what it says when it does not.

Texts marked [seen] come from public reports of the service's own answers; [guess] stands for a wording that was not
found, with the code that similar mistakes get. Sources: Amazon S3 API reference (PutBucketReplication and its
types), Amazon S3 user guide ("Replication configuration"); for the texts, public issue trackers of
terraform-provider-aws, crossplane provider-aws, cloudformation-coverage-roadmap, simpleinfra and
terraform-aws-remote-state-s3-backend, and, where these are silent, the Scality Arsenal source.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from xml.etree.ElementTree import Element

from reconciler.emulators.s3.document import Group, Text, flag, parse, text
from reconciler.emulators.s3.errors import S3Error, invalid_argument, invalid_request, malformed
from reconciler.emulators.s3.rules import ARN, FUTURE_FIELD, prefix_of, tag_elements

BODY_LIMIT = 2 * 1024 * 1024
MAX_RULES = 1000
MAX_ID = 255
MAX_PREFIX = 1024

STORAGE_CLASSES = frozenset(
    {
        "STANDARD",
        "REDUCED_REDUNDANCY",
        "STANDARD_IA",
        "ONEZONE_IA",
        "INTELLIGENT_TIERING",
        "GLACIER",
        "DEEP_ARCHIVE",
        "OUTPOSTS",
        "GLACIER_IR",
        "SNOW",
        "EXPRESS_ONEZONE",
        "FSX_OPENZFS",
        "FSX_ONTAP",
    }
)

_ANY = Text()
_STATUS = Group({"Status": Text(frozenset({"Enabled", "Disabled"}))}, required=frozenset({"Status"}))
_TAG = Group({"Key": _ANY, "Value": _ANY}, required=frozenset({"Key", "Value"}))
_MINUTES = Group({"Minutes": Text(number=True)})
_DESTINATION = Group(
    {
        "Bucket": _ANY,
        "Account": _ANY,
        "StorageClass": Text(STORAGE_CLASSES),
        "AccessControlTranslation": Group({"Owner": Text(frozenset({"Destination"}))}, required=frozenset({"Owner"})),
        "EncryptionConfiguration": Group({"ReplicaKmsKeyID": _ANY}),
        "ReplicationTime": Group(
            {**_STATUS.children, "Time": _MINUTES},
            required=frozenset({"Status", "Time"}),
        ),
        "Metrics": Group({**_STATUS.children, "EventThreshold": _MINUTES}, required=frozenset({"Status"})),
    },
    required=frozenset({"Bucket"}),
)
_RULE = Group(
    {
        "ID": _ANY,
        "Priority": Text(number=True),
        "Prefix": _ANY,
        "Filter": Group(
            {
                "Prefix": _ANY,
                "Tag": _TAG,
                "And": Group({"Prefix": _ANY, "Tag": _TAG}, repeated=frozenset({"Tag"})),
            }
        ),
        "Status": Text(frozenset({"Enabled", "Disabled"})),
        "SourceSelectionCriteria": Group({"SseKmsEncryptedObjects": _STATUS, "ReplicaModifications": _STATUS}),
        # ExistingObjectReplication is in the API model, yet no longer accepted: MalformedXML [seen].
        "Destination": _DESTINATION,
        "DeleteMarkerReplication": _STATUS,
    },
    required=frozenset({"Status", "Destination"}),
)
SCHEMA = Group(
    {"Role": _ANY, "Rule": _RULE},
    required=frozenset({"Role", "Rule"}),
    repeated=frozenset({"Rule"}),
)


@dataclass(frozen=True, slots=True)
class Place:
    """What a configuration is checked against: its bucket, and how buckets look at this moment.

    ``versioning`` answers the status of a bucket's versioning ("" for none), None for a bucket that is not there.
    """

    bucket: str
    versioning: Callable[[str], str | None]


def validate(body: bytes, place: Place, *, future: bool = False) -> Element:
    """The parsed configuration, or S3Error: schema first, then role, source versioning, rules, and destinations.

    ``future``: a server that adds ``FutureField`` to its answers takes it back too.
    """
    if len(body) > BODY_LIMIT:
        limit = str(BODY_LIMIT)
        raise S3Error(400, "MaxMessageLengthExceeded", "Your request was too big.", MaxMessageLengthBytes=limit)
    root = parse(body, "ReplicationConfiguration")
    for rule in root.findall("Rule") if future else ():
        for element in rule.findall(FUTURE_FIELD):
            rule.remove(element)
    SCHEMA.check(root)
    for error in _errors(root, place):
        raise error
    return root


def _errors(root: Element, place: Place) -> Iterator[S3Error]:
    rules = root.findall("Rule")
    yield from _role(text(root, "Role") or "")
    if place.versioning(place.bucket) != "Enabled":
        # [seen], for a configuration of disabled rules too.
        yield invalid_request("Versioning must be 'Enabled' on the bucket to apply a replication configuration")
    if len(rules) > MAX_RULES:
        yield invalid_request(f"Number of defined replication rules cannot exceed {MAX_RULES}")  # Arsenal
    legacy = any(rule.find("Filter") is None for rule in rules)
    for rule in rules:
        for check in (_schema_version, _filter, _limits, _delete_markers, _criteria, _destination, _times):
            yield from check(rule, legacy)
    yield from _duplicates(rules)
    if legacy:
        yield from _legacy(rules)
    yield from _destinations(rules, place)


def _role(role: str) -> Iterator[S3Error]:
    if not re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:role/.+", role):
        yield invalid_argument("Invalid Role specified in replication configuration", "Role", role)


def _schema_error(element: str, verb: str) -> S3Error:
    return invalid_request(
        f"{element} {verb} for this version of Cross Region Replication configuration schema. "
        "Please refer to S3 Developer Guide for more information."
    )


def _schema_version(rule: Element, legacy: bool) -> Iterator[S3Error]:
    has_filter, has_prefix = rule.find("Filter") is not None, rule.find("Prefix") is not None
    if has_filter == has_prefix:
        yield malformed()
    if legacy and has_filter:
        yield _schema_error("Filter", "cannot be used")  # [guess], after the two below
    for element in ("Priority", "DeleteMarkerReplication"):
        present = rule.find(element) is not None
        if legacy and present:
            yield _schema_error(element, "cannot be used")  # [seen]
        if not legacy and not present:
            yield _schema_error(element, "must be specified")  # [seen] for DeleteMarkerReplication


def _filter(rule: Element, _legacy: bool) -> Iterator[S3Error]:
    found = rule.find("Filter")
    if found is None:
        return
    # An empty filter stands for the whole bucket: the service returns ``"Filter": {}`` [seen].
    if len(found) > 1:
        yield malformed()
    conjunction = found.find("And")
    if conjunction is not None and len(conjunction) < 2:
        yield malformed()
    keys = [text(tag, "Key") for tag in tag_elements(rule)]
    if len(set(keys)) != len(keys):
        yield invalid_request("Duplicate Tag Keys are not allowed.")


def _limits(rule: Element, _legacy: bool) -> Iterator[S3Error]:
    identity = text(rule, "ID") or ""
    if len(identity) > MAX_ID:
        yield invalid_argument(f"Rule Id cannot be greater than {MAX_ID}", "ID", identity)  # Arsenal
    prefix = prefix_of(rule)
    if len(prefix.encode()) > MAX_PREFIX:
        yield invalid_argument(
            f"Rule prefix cannot be longer than maximum allowed key length of {MAX_PREFIX}", "Prefix", prefix
        )  # Arsenal
    if not 0 <= int(text(rule, "Priority") or 0) <= 2**31 - 1:
        yield invalid_request("Priority must be between 0 and 2147483647.")  # [guess]


def _delete_markers(rule: Element, _legacy: bool) -> Iterator[S3Error]:
    if flag(rule, "DeleteMarkerReplication/Status") and tag_elements(rule):
        yield invalid_request(
            "Delete marker replication is not supported if any Tag filter is specified. "
            "Please refer to S3 Developer Guide for more information."
        )


def _criteria(rule: Element, legacy: bool) -> Iterator[S3Error]:
    criteria = rule.find("SourceSelectionCriteria")
    if criteria is not None and not len(criteria):
        yield invalid_request("SourceSelectionCriteria cannot be empty.")  # [guess]
    if legacy and rule.find("SourceSelectionCriteria/ReplicaModifications") is not None:
        yield _schema_error("ReplicaModifications", "cannot be used")  # [guess], after those of _schema_version


def _destination(rule: Element, _legacy: bool) -> Iterator[S3Error]:
    bucket = text(rule, "Destination/Bucket") or ""
    if not re.fullmatch(rf"{ARN}[a-z0-9][a-z0-9.-]{{1,61}}[a-z0-9]", bucket):
        yield invalid_argument("Invalid bucket ARN", "Bucket", bucket)  # Arsenal
    if rule.find("Destination/AccessControlTranslation") is not None and not text(rule, "Destination/Account"):
        yield invalid_request("Account must be specified if the Owner in AccessControlTranslation has a value")
    account = text(rule, "Destination/Account")
    if account is not None and not re.fullmatch(r"\d{12}", account):
        yield invalid_argument("Invalid account ID", "Account", account)  # [guess]
    kms_objects = rule.find("SourceSelectionCriteria/SseKmsEncryptedObjects") is not None
    if rule.find("Destination/EncryptionConfiguration") is not None and not kms_objects:
        yield invalid_request("SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present.")
    if kms_objects and not text(rule, "Destination/EncryptionConfiguration/ReplicaKmsKeyID"):
        yield invalid_request("ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is present.")


def _times(rule: Element, legacy: bool) -> Iterator[S3Error]:
    time, metrics = rule.find("Destination/ReplicationTime"), rule.find("Destination/Metrics")
    if legacy and time is not None:
        yield _schema_error("ReplicationTime", "cannot be used")  # [guess], after those of _schema_version
    if time is not None and metrics is None:
        yield invalid_request("Replication destination must contain both ReplicationTime and Metrics or neither.")
    if time is not None and text(time, "Time/Minutes") != "15":
        yield invalid_argument("Invalid time minute value", "ReplicationTime", text(time, "Time/Minutes") or "")
    if metrics is None:
        return
    threshold = metrics.find("EventThreshold")
    if time is not None and flag(time, "Status"):
        if threshold is None or text(threshold, "Minutes") != "15":
            yield invalid_argument("Invalid event threshold minute value", "ReplicationMetrics", "")
    elif threshold is not None:
        yield invalid_argument(
            "Metrics cannot contain an event threshold when ReplicationTime is not specified or Disabled", "Metrics", ""
        )  # [seen]


def _duplicates(rules: list[Element]) -> Iterator[S3Error]:
    identities = [identity for rule in rules if (identity := text(rule, "ID"))]
    for identity in identities:
        if identities.count(identity) > 1:
            yield invalid_argument("Rule Id must be unique", "ID", identity)  # Arsenal
    priorities = [int(value) for rule in rules if (value := text(rule, "Priority")) is not None]
    for priority in priorities:
        if priorities.count(priority) > 1:
            yield invalid_request(f"Found duplicate priority {priority}.")  # [guess]


def _legacy(rules: list[Element]) -> Iterator[S3Error]:
    if len({text(rule, "Destination/Bucket") for rule in rules}) > 1:
        yield invalid_request("Number of distinct destination bucket ARNs cannot exceed 1")  # [seen]
    for one, other in combinations((prefix_of(rule) for rule in rules), 2):
        if one.startswith(other) or other.startswith(one):
            yield invalid_request(f"Found overlapping prefixes '{one}' and '{other}'")  # Arsenal


def _destinations(rules: list[Element], place: Place) -> Iterator[S3Error]:
    for name in dict.fromkeys((text(rule, "Destination/Bucket") or "").removeprefix(ARN) for rule in rules):
        if name == place.bucket:
            yield invalid_request("Destination bucket cannot be the same as the source bucket.")
        versioning = place.versioning(name)
        if versioning is None:
            yield invalid_request("Destination bucket must exist.")  # [seen]
        if versioning != "Enabled":
            yield invalid_request("Destination bucket must have versioning enabled.")  # [seen]
