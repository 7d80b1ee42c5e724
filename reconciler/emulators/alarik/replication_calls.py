"""Targets, rules and tasks of a bucket. Source: Alarik's InternalBucketController, whose order of checks this is."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Final

from reconciler.emulators.alarik.buckets import Bucket
from reconciler.emulators.alarik.call import Call, Route
from reconciler.emulators.alarik.configuration import MASK, MOST, NEW, Configuration, Rule, Target
from reconciler.emulators.alarik.hosts import check_structure, is_internal
from reconciler.emulators.alarik.refusal import Refusal, answer
from reconciler.emulators.message import JsonValue, Reply

TASKS_SHOWN: Final = 100


def list_targets(call: Call) -> Reply:
    return _targets(call, _configuration(call).targets)


def put_targets(call: Call) -> Reply:
    """Replace the whole list."""
    user, name = call.user, call.parts["bucketName"]
    sent = tuple(Target.read(item) for item in call.body().items("targets"))
    if len(sent) > MOST:
        raise Refusal(400, f"A bucket may have at most {MOST} replication targets.")
    if not call.instance.settings.mask:
        # Up to beta-6 the bucket was looked up last.
        sent = tuple(_accepted(call, target, {}) for target in sent)
    stored = _stored(call.instance.buckets.owned(name, user))
    if call.instance.settings.mask:
        known = {target.id: target for target in stored.targets}
        if len(known) < len(stored.targets):
            call.instance.die()
        sent = tuple(_accepted(call, target, known) for target in sent)
    call.instance.pause(call.instance.settings.save_gap_s)
    call.instance.buckets.save(name, stored.with_targets(sent))
    return _targets(call, sent)


def list_rules(call: Call) -> Reply:
    return _rules(call, _configuration(call).rules)


def put_rules(call: Call) -> Reply:
    """Replace the whole list, and drop what is queued for rules that are no longer in it."""
    user, name = call.user, call.parts["bucketName"]
    sent = tuple(Rule.read(item) for item in call.body().items("rules"))
    if len(sent) > MOST:
        raise Refusal(400, f"A bucket may have at most {MOST} replication rules.")
    stored = _stored(call.instance.buckets.owned(name, user))
    if sent and call.instance.buckets.versioning(name) != "Enabled":
        raise Refusal(400, "Replication rules require the bucket's versioning to be Enabled.")
    if any(stored.target(rule.target) is None for rule in sent):
        raise Refusal(400, "Rule references an unknown replication target.")
    sent = tuple(replace(rule, id=uuid.uuid4()) if rule.id == NEW else rule for rule in sent)
    call.instance.pause(call.instance.settings.save_gap_s)
    call.instance.buckets.save(name, Configuration(stored.targets, sent))
    call.instance.replication.outbox.purge(name, frozenset(rule.id for rule in sent))
    return _rules(call, sent)


def resync(call: Call) -> Reply:
    user = call.user
    identity = call.identity("ruleId", "Invalid rule id")
    bucket = call.instance.buckets.owned(call.parts["bucketName"], user)
    stored = _stored(bucket)
    rule = stored.rule(identity)
    if rule is None:
        raise Refusal(404, "Replication rule not found")
    if not rule.enabled:
        raise Refusal(400, "Cannot resync a disabled replication rule.")
    if not rule.existing:
        raise Refusal(400, "This rule has not opted into existing-object replication (replicateExisting).")
    target = stored.target(rule.target)
    if target is None or not target.enabled:
        raise Refusal(400, "This rule's replication target is missing or disabled.")
    call.instance.replication.resync(bucket.name, rule, target)
    return Reply(202)


def list_tasks(call: Call) -> Reply:
    bucket = call.instance.buckets.owned(call.parts["bucketName"], call.user)
    tasks = call.instance.replication.outbox.of(bucket.name)[:TASKS_SHOWN]
    return answer({"tasks": [task.shown(call.instance.settings) for task in tasks]})


def retry_task(call: Call) -> Reply:
    user = call.user
    identity = call.identity("taskId", "Invalid task id")
    bucket = call.instance.buckets.owned(call.parts["bucketName"], user)
    task = call.instance.replication.outbox.retry(bucket.name, identity)
    if task is None:
        raise Refusal(404, "Replication task not found")
    call.instance.replication.wake()
    return answer(task.shown(call.instance.settings))


def _accepted(call: Call, target: Target, known: dict[uuid.UUID, Target]) -> Target:
    """The target as it is stored. ``Refusal`` if it cannot be."""
    settings = call.instance.settings
    check_structure(target.endpoint)
    if settings.internal_host_check and is_internal(target.endpoint) and not call.is_admin:
        raise Refusal(
            403, "Only administrators can configure replication targets pointing at private or loopback addresses."
        )
    if not target.bucket:
        raise Refusal(400, "Each replication target requires a destination bucket.")
    if target.id == NEW:
        # A mask that comes with it is taken for a secret.
        target = replace(target, id=uuid.uuid4())
    elif settings.mask and target.secret_key == MASK:
        before = known.get(target.id)
        target = replace(target, secret_key="" if before is None else before.secret_key)
    if not target.access_key or not target.secret_key:
        raise Refusal(400, "Each replication target requires credentials.")
    return target


def _configuration(call: Call) -> Configuration:
    return _stored(call.instance.buckets.owned(call.parts["bucketName"], call.user))


def _stored(bucket: Bucket) -> Configuration:
    return bucket.configuration or Configuration()


def _targets(call: Call, targets: tuple[Target, ...]) -> Reply:
    shown: list[JsonValue] = [target.shown(call.instance.settings) for target in targets]
    return answer({"targets": shown})


def _rules(call: Call, rules: tuple[Rule, ...]) -> Reply:
    shown: list[JsonValue] = [rule.shown(call.instance.settings) for rule in rules]
    return answer({"rules": shown})


_AT = "/buckets/{bucketName}/replication"

ROUTES: Final = (
    Route("GET", f"{_AT}/targets", "getReplicationTargets", list_targets),
    Route("PUT", f"{_AT}/targets", "setReplicationTargets", put_targets, write=True),
    Route("GET", f"{_AT}/rules", "getReplicationRules", list_rules),
    Route("PUT", f"{_AT}/rules", "setReplicationRules", put_rules, write=True),
    Route("POST", f"{_AT}/rules/{{ruleId}}/resync", "resyncReplicationRule", resync, write=True),
    Route("GET", f"{_AT}/tasks", "listReplicationTasks", list_tasks),
    Route("POST", f"{_AT}/tasks/{{taskId}}/retry", "retryReplicationTask", retry_task, write=True),
)
