"""The rules of all buckets: what may be written over what, and what each start of a rule copies.

Source: BOS API reference, PutBucketReplication (2025-11-03); BOS Python SDK guide (2026-06-08).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from reconciler.emulators.bos import presentation
from reconciler.emulators.bos.bucket import Bucket
from reconciler.emulators.bos.objects import Touch
from reconciler.emulators.bos.record import Record
from reconciler.emulators.bos.refusal import Refusal, denied, invalid, no_such_bucket
from reconciler.emulators.bos.rule import ALL_RULES_BYTES, CLASSES, MOST_RULES, MULTI_AZ_CLASSES, Rule
from reconciler.emulators.bos.task import Kind, Task
from reconciler.emulators.message import JsonValue

if TYPE_CHECKING:
    from reconciler.emulators.bos.cloud import Cloud

_STARTS_KEPT: Final = 1000


class Replication:
    """Records by bucket and id. All methods want the cloud's lock held."""

    def __init__(
        self,
        cloud: Cloud,
        push: Callable[[Task, float], None],
        records: Mapping[str, Mapping[str, Record]] = MappingProxyType({}),
    ) -> None:
        self._cloud = cloud
        self._push = push
        self._records: dict[str, dict[str, Record]] = {bucket: dict(of_id) for bucket, of_id in records.items()}
        self._number = 0
        self._starts: deque[Mapping[str, JsonValue]] = deque(maxlen=_STARTS_KEPT)

    def records(self, bucket: str) -> list[Record]:
        """The rules of a bucket, the oldest first; the ones whose end is still to come are among them."""
        now = self._cloud.clock.monotonic()
        present = self._records.get(bucket, {})
        for rule_id, record in list(present.items()):
            if record.gone_at is not None and record.gone_at <= now:
                del present[rule_id]
        return sorted(present.values(), key=lambda record: record.number)

    def record(self, bucket: str, rule_id: str) -> Record | None:
        return next((one for one in self.records(bucket) if one.rule.id == rule_id), None)

    def update(self, bucket: str, record: Record) -> None:
        """Replace what is kept of a rule that is there."""
        self._records[bucket][record.rule.id] = record

    def put(self, bucket: Bucket, rule: Rule) -> None:
        """Create or overwrite a rule. ``Refusal`` if it must not be."""
        self._check_target(bucket, rule)
        self._check_versioning(bucket.name)
        present = self.records(bucket.name)
        existing = self.record(bucket.name, rule.id)
        if existing is not None and existing.gone_at is not None:
            if self._cloud.switches["put_while_deleting"] == "refuse":
                raise self._refused("The rule is still being deleted.")
            existing = None
        self._check_others(rule, existing, [one.rule for one in present if one.rule.id != rule.id])
        restarted = existing is not None and existing.rule.enabled and rule.enabled
        if existing is None:
            self._number += 1
            record = Record(rule, int(self._cloud.clock.now().timestamp()), self._number)
        else:
            record = replace(existing, rule=rule, restarts=existing.restarts + restarted)
        self._records.setdefault(bucket.name, {})[rule.id] = record
        if rule.enabled:
            self._start(bucket.name, record, "restarted" if restarted else "enabled" if existing else "created")

    def delete(self, bucket: str, rule_id: str) -> bool:
        """End a rule, at once or a while from now. Whether there was one."""
        record = self.record(bucket, rule_id)
        if record is None:
            return False
        if record.gone_at is None:
            gone_at = self._cloud.clock.monotonic() + self._cloud.switches.number("delete_seconds")
            self.update(bucket, replace(record, gone_at=gone_at))
            self.records(bucket)
        return True

    def observe(self, touch: Touch) -> None:
        """A key of a bucket was changed: note what its rules owe for that."""
        if touch.replica and not self._cloud.switches["copy_replicas"]:
            return
        if touch.bucket not in self._cloud.buckets or self._cloud.objects.versioning(touch.bucket) == "Enabled":
            return
        for record in self.records(touch.bucket):
            rule = record.rule
            if record.active and self._covers(touch.bucket, touch.key, rule) and (rule.deletes or not touch.deleted):
                kind: Kind = "delete" if touch.deleted else "new"
                seconds = self._cloud.switches.number("lag_seconds")
                self._push(Task(touch.bucket, rule.id, record.run, kind, touch.key), seconds)

    def describe(self, bucket: str) -> dict[str, JsonValue]:
        """Per rule: what it has done, and its progress as the API would tell it."""
        return {
            record.rule.id: {**record.wire(), "progress": presentation.progress(record, self._cloud.switches)}
            for record in self.records(bucket)
        }

    def starts(self) -> list[JsonValue]:
        """Every start of a rule, the oldest first; also of rules that are gone."""
        return list(self._starts)

    def frozen(self, cloud: Cloud) -> Replication:
        """The rules as they are now, for reading."""
        return Replication(cloud, self._push, self._records)

    def _start(self, bucket: str, record: Record, reason: str) -> None:
        run = record.run + 1
        keys: list[str] = []
        if record.rule.history:
            keys = [key for key in self._cloud.objects.keys(bucket) if self._covers(bucket, key, record.rule)]
        self.update(bucket, replace(record, run=run, history_total=len(keys), history_done=0))
        self._starts.append({"bucket": bucket, "rule": record.rule.id, "reason": reason, "existing": len(keys)})
        if self._cloud.objects.versioning(bucket) == "Enabled":
            return
        seconds = self._cloud.switches.number("history_seconds")
        for number, key in enumerate(keys, 1):
            self._push(Task(bucket, record.rule.id, run, "existing", key), seconds * number / len(keys))

    def _covers(self, bucket: str, key: str, rule: Rule) -> bool:
        return rule.covers(bucket, key, exact=self._cloud.switches["bare_resource"] == "exact")

    def _check_target(self, bucket: Bucket, rule: Rule) -> None:
        target = self._cloud.buckets.get(rule.destination)
        if target is None:
            if self._cloud.switches["target_missing"] == "no_such_bucket":
                raise no_such_bucket()
            raise invalid("The destination bucket does not exist.")
        if not target.allows(bucket.owner, "WRITE"):
            raise denied("The owner of the source bucket may not write to the destination bucket.")
        if not rule.classes() <= (MULTI_AZ_CLASSES if target.multi_az else CLASSES):
            raise invalid("The destination bucket cannot hold that storage class.")

    def _check_versioning(self, bucket: str) -> None:
        if self._cloud.objects.versioning(bucket) == "Enabled" and self._cloud.switches["versioned_source"] == "refuse":
            raise invalid("Data synchronisation is not supported for a source bucket with versioning.")

    def _check_others(self, rule: Rule, existing: Record | None, others: list[Rule]) -> None:
        if existing is not None and existing.rule.enabled and not rule.enabled:
            raise self._refused("A rule that is enabled cannot be overwritten with a disabled one.")
        if existing is None and len(others) >= MOST_RULES:
            raise self._refused(f"A bucket has at most {MOST_RULES} replication rules.")
        if any(other.configuration == rule.configuration for other in others):
            raise self._refused("Two rules must not be identical except for their ids.")
        if sum(other.size for other in others) + rule.size > ALL_RULES_BYTES:
            raise Refusal(400, "EntityTooLarge", "All rules of a bucket have at most 200 KB together.")

    def _refused(self, message: str) -> Refusal:
        status = self._cloud.switches.whole("rule_refusal_status")
        codes = {400: "InvalidArgument", 403: "OperationNotAllowed", 409: "OperationConflict"}
        return Refusal(status, codes[status], message)
