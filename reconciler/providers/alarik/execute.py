"""Sending one planned write: look first, refuse what the plan did not expect, send only what is still to do.

The server has no condition for its writes, and the last writer wins. So both lists are read right before, each entry
that the plan meant to leave alone is compared with what it was, and goes back exactly as it was just read.
"""

from collections.abc import Callable, Mapping, Sequence

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.step import Call
from reconciler.model.value import Json
from reconciler.providers.alarik import convert
from reconciler.providers.alarik.client import AlarikClient
from reconciler.providers.alarik.convert import Replication, Unreadable, mapping, mappings
from reconciler.providers.alarik.identity import fold
from reconciler.providers.base import CallResult, SecretResolver

__all__ = ["Executor"]

_Raw = Sequence[Mapping[str, Json]]


class Executor:
    """Executes calls on one server."""

    def __init__(self, client: AlarikClient) -> None:
        self._client = client

    def execute(self, call: Call, secrets: SecretResolver) -> CallResult:
        """Send one write. Raises CONFLICT, with nothing sent, if the bucket is not as the plan left it."""
        actions: dict[str, Callable[[Call, SecretResolver], CallResult]] = {
            convert.PUT_TARGETS: self._put_targets,
            convert.PUT_RULES: self._put_rules,
            convert.RESYNC: self._resync,
        }
        if (action := actions.get(call.operation)) is None:
            raise self._error(call, ErrorCode.UNIMPLEMENTED, f"nothing here is called {call.operation!r}")
        self._client.refuse_write(call.operation)
        return action(call, secrets)

    def read(self, bucket: str) -> Replication:
        """Read both lists of a bucket, without secrets."""
        try:
            return convert.read(self._client.targets(bucket), self._client.rules(bucket))
        except Unreadable as error:
            raise self.unreadable(error, f"GET replication of {bucket}") from None

    def unreadable(self, error: Unreadable, operation: str) -> ProviderError:
        """Make the error for an answer that is not as documented."""
        return ProviderError(
            str(error), code=ErrorCode.PROTOCOL, provider=self._client.name, operation=operation,
            hint="is this an Alarik server, and of a version that is known?",
        )  # fmt: skip

    def _put_targets(self, call: Call, secrets: SecretResolver) -> CallResult:
        bucket, entries = _bucket(call), mappings(_member(call, "targets"))
        targets, rules = self._looked(call)
        wanted = [self._entry(call, one, targets) for one in entries]
        stay = {fold(str(one["id"])) for one in wanted}
        for rule in convert.read((), rules).rules:
            if rule.target_id not in stay and any(fold(str(one["id"])) == rule.target_id for one in targets):
                raise self._moved(call, f"rule {rule.id} uses target {rule.target_id} and would be disabled")
        if not targets and not wanted:
            return CallResult(skipped="there is no target any more")
        request = self._client.put_targets(bucket, wanted, secrets, expected=targets)
        return _result(request, "the targets are so already")

    def _put_rules(self, call: Call, _secrets: SecretResolver) -> CallResult:
        bucket, entries = _bucket(call), mappings(_member(call, "rules"))
        _, rules = self._looked(call)
        wanted = [self._entry(call, one, rules) for one in entries]
        if not rules and not wanted:
            return CallResult(skipped="there is no rule any more")
        return _result(self._client.put_rules(bucket, wanted, expected=rules), "the rules are so already")

    def _resync(self, call: Call, _secrets: SecretResolver) -> CallResult:
        return CallResult(request_id=self._client.resync(_bucket(call), str(_member(call, "rule"))))

    def _looked(self, call: Call) -> tuple[_Raw, _Raw]:
        """Read both lists and hold them against what the plan expects."""
        bucket, expect = _bucket(call), _member(call, "expect")
        targets, rules = self._client.targets(bucket), self._client.rules(bucket)
        try:
            live = convert.read(targets, rules)
        except Unreadable as error:
            raise self.unreadable(error, call.operation) from None
        if twice := convert.duplicates(live):
            raise self._error(
                call,
                ErrorCode.FAILED_PRECONDITION,
                f"{', '.join(twice)} is there twice: a write would crash the server",
            )
        now = {
            "targets": {one.id: convert.target_digest(one) for one in live.targets},
            "rules": {one.id: convert.rule_digest(one) for one in live.rules},
        }
        for kind, found in now.items():
            states = mapping(mapping(expect).get(kind))
            if problem := _difference(kind.removesuffix("s"), found, states):
                raise self._moved(call, problem)
        return targets, rules

    def _entry(self, call: Call, entry: Mapping[str, Json], live: _Raw) -> dict[str, Json]:
        """Return what is sent for one entry: one that shows only its id goes as it was just read."""
        if entry.keys() != {"id"}:
            return dict(entry)
        wanted = fold(str(entry["id"]))
        there = next((one for one in live if fold(str(one.get("id", ""))) == wanted), None)
        if there is None:
            raise self._moved(call, f"{wanted} is gone")
        return dict(there)

    def _moved(self, call: Call, what: str) -> ProviderError:
        return self._error(call, ErrorCode.CONFLICT, f"{what}; nothing was sent")

    def _error(self, call: Call, code: ErrorCode, message: str) -> ProviderError:
        return ProviderError(
            message, code=code, provider=self._client.name, operation=call.operation, hint="plan again"
        )


def _difference(what: str, found: Mapping[str, str], states: Mapping[str, Json]) -> str:
    """Say in what a list is not as the plan expects; empty if it is."""
    kept, gone = mapping(states.get("kept")), mapping(states.get("gone"))
    listed = states.get("written")
    written = listed if isinstance(listed, list) else []
    for name, value in kept.items():
        if name not in found:
            return f"{what} {name} has been removed since the plan was made"
        if found[name] != value:
            return f"{what} {name} has been changed since the plan was made"
    for name, value in found.items():
        if name in gone and gone[name] != value:
            return f"{what} {name} has been changed since the plan was made"
        if name not in kept and name not in gone and name not in written:
            return f"{what} {name} has been added since the plan was made"
    return ""


def _result(request: str | None, already: str) -> CallResult:
    return CallResult(request_id=request) if request is not None else CallResult(skipped=already)


def _bucket(call: Call) -> str:
    return str(_member(call, "bucket") or call.target)


def _member(call: Call, name: str) -> Json:
    return mapping(call.body).get(name)
