"""The ?replication sub-resource as Ceph RGW serves it: translated into a bucket sync policy, and back with losses.

Source: ceph/ceph src/rgw/rgw_rest_s3.cc, and radosgw 16.2.15 as it was observed: the configuration belongs to the
bucket in all zones, Role and delete markers are not kept, nothing is checked against the destination, a rule that names
it without the head of an ARN copies nothing, and changing the destination of a rule in place ends the process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, SubElement

from reconciler.emulators.message import Hangup, Reply, Request
from reconciler.emulators.s3.document import parse, serialise, text
from reconciler.emulators.s3.errors import S3Error, invalid_argument, malformed
from reconciler.emulators.s3.rules import ARN, Rule, bucket_of, prefix_of, read_rules, tag_elements
from reconciler.emulators.s3.switches import RgwSwitches
from reconciler.emulators.switchboard import Board

_HEADS = {"bare": "", "arn": ARN, "doubled_arn": ARN + ARN}


@dataclass(slots=True)
class SyncPolicies:
    """What the zones of one zone group share: per bucket its rules."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    by_bucket: dict[str, list[Element]] = field(default_factory=dict)


class RgwReplication:
    """``crash`` ends the server that is asked, as the request is being served."""

    def __init__(self, policies: SyncPolicies, board: Board[RgwSwitches], crash: Callable[[], None]) -> None:
        self._policies = policies
        self._board = board
        self._crash = crash

    def put(self, bucket: str, request: Request) -> Reply:
        if not self._board.now.sync_policy:
            raise S3Error(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
        root = parse(request.body, "ReplicationConfiguration")
        rules = root.findall("Rule")
        if not rules:
            raise malformed()
        for rule in rules:
            _check(rule)
        with self._policies.lock:
            if self._board.now.crash_on_destination_change and self._moves(bucket, rules):
                self._crash()
                raise Hangup
            self._policies.by_bucket[bucket] = rules
        return Reply(200)

    def get(self, bucket: str) -> Reply:
        """Also without a configuration: an empty one, with status 200."""
        root = Element("ReplicationConfiguration")
        SubElement(root, "Role")
        stored = self._policies.by_bucket.get(bucket, [])
        # The sync policy has one group for enabled rules and one for the others, and is read in that order.
        for rule in sorted(stored, key=lambda rule: text(rule, "Status") != "Enabled"):
            root.append(_shown(rule, _HEADS.get(self._board.now.bucket_form)))
        return Reply(200, (("Content-Type", "application/xml"),), serialise(root))

    def delete(self, bucket: str) -> Reply:
        self.forget(bucket)
        return Reply(200)

    def forget(self, bucket: str) -> None:
        with self._policies.lock:
            self._policies.by_bucket.pop(bucket, None)

    def rules(self, bucket: str) -> tuple[Rule, ...]:
        """The rules that something comes of."""
        root = Element("ReplicationConfiguration")
        stored = self._policies.by_bucket.get(bucket, [])
        root.extend(stored if self._board.now.bare_names == "followed" else filter(_names_an_arn, stored))
        return read_rules(root)

    def locks_versioning(self, bucket: str) -> bool:  # noqa: ARG002  (never, here)
        return False

    def frozen(self) -> RgwReplication:
        with self._policies.lock:
            policies = SyncPolicies(by_bucket=dict(self._policies.by_bucket))
        return RgwReplication(policies, self._board, self._crash)

    def _moves(self, bucket: str, rules: list[Element]) -> bool:
        before = {text(rule, "ID"): _destination(rule) for rule in self._policies.by_bucket.get(bucket, [])}
        return any(before.get(text(rule, "ID"), _destination(rule)) != _destination(rule) for rule in rules)


def _check(rule: Element) -> None:
    for path in ("Status", "DeleteMarkerReplication/Status"):
        status = text(rule, path)
        if status not in {"Enabled", "Disabled"} and (status is not None or path == "Status"):
            raise invalid_argument("Argument not valid", path.rpartition("/")[0] or "Status", status or "")
    found = rule.find("Filter")
    if found is not None and len(found) > 1:
        raise invalid_argument("Argument not valid", "Filter", "")
    if not text(rule, "Destination/Bucket"):
        raise malformed()
    if not (text(rule, "Priority") or "0").isdecimal():
        raise malformed()


def _names_an_arn(rule: Element) -> bool:
    return (text(rule, "Destination/Bucket") or "").startswith(ARN)


def _destination(rule: Element) -> str:
    return bucket_of(text(rule, "Destination/Bucket") or "")


def _shown(rule: Element, head: str | None) -> Element:
    shown = Element("Rule")
    SubElement(shown, "ID").text = text(rule, "ID") or ""
    SubElement(shown, "Priority").text = text(rule, "Priority") or "0"
    SubElement(shown, "Status").text = text(rule, "Status")
    _show_filter(shown, prefix_of(rule), tag_elements(rule))
    source_zones = [element.text for element in rule.findall("Source/Zone")]
    if source_zones:
        source = SubElement(shown, "Source")
        for zone in source_zones:
            SubElement(source, "Zone").text = zone
    destination = SubElement(shown, "Destination")
    bucket = SubElement(destination, "Bucket")
    bucket.text = text(rule, "Destination/Bucket") if head is None else head + _destination(rule)
    for name in ("StorageClass", "Zone"):
        for element in rule.findall(f"Destination/{name}"):
            SubElement(destination, name).text = element.text
    owner = text(rule, "Destination/AccessControlTranslation/Owner")
    if owner:
        SubElement(SubElement(destination, "AccessControlTranslation"), "Owner").text = owner
    return shown


def _show_filter(shown: Element, prefix: str, tags: list[Element]) -> None:
    if not prefix and not tags:
        return
    holder = SubElement(shown, "Filter")
    if bool(prefix) + len(tags) > 1:
        holder = SubElement(holder, "And")
    if prefix:
        SubElement(holder, "Prefix").text = prefix
    for tag in tags:
        copied = SubElement(holder, "Tag")
        for name in ("Key", "Value"):
            SubElement(copied, name).text = text(tag, name)
