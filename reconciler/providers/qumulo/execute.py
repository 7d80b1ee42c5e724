"""Sending one planned write, and looking whether an awaited condition holds.

Apart from `provider.py` because here lies what is made of a cluster's undocumented answers: decisions go by status and
by looking again, never by the class of an error.
"""

from collections.abc import Callable

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.secret import SecretRef
from reconciler.model.step import Await, Call
from reconciler.model.value import Json
from reconciler.providers.base import CallResult, Progress, SecretResolver
from reconciler.providers.qumulo import convert
from reconciler.providers.qumulo.client import QumuloClient
from reconciler.providers.qumulo.convert import Status
from reconciler.providers.qumulo.steps import FINISHED, GONE, NOT_RUNNING

__all__ = ["Executor"]

_REFUSALS = frozenset({ErrorCode.CONFLICT, ErrorCode.INVALID_ARGUMENT, ErrorCode.FAILED_PRECONDITION})
_CREATE_HINT = (
    "before it creates anything the cluster checks that the directory exists and that it can reach the bucket with the"
    " key: from where it stands, not from here"
)


class Executor:
    """Executes calls and polls waits on one cluster."""

    def __init__(self, client: QumuloClient, provider: str) -> None:
        self._client = client
        self._provider = provider

    def execute(self, call: Call, secrets: SecretResolver) -> CallResult:
        """Send one write."""
        if call.operation == convert.CREATE:
            return self._create(call, secrets)
        actions: dict[str, Callable[[Call, str], CallResult]] = {
            convert.DELETE: self._delete,
            convert.ABORT: self._abort,
            convert.REPLICATE: self._replicate,
        }
        if (action := actions.get(call.operation)) is None:
            raise self._unknown(call.operation)
        return action(call, _id(call.body) or call.target)

    def poll(self, wait: Await) -> Progress:
        """Look once."""
        looks = {NOT_RUNNING: _not_running, GONE: _gone, FINISHED: _finished}
        if (look := looks.get(wait.condition)) is None:
            raise self._unknown(wait.condition)
        return look(self._client.status(_id(wait.params) or wait.target), wait.params)

    def find(self, relationship_id: str | None, identity: str) -> Status | None:
        """Read a relationship by id, or by identity where there is none; None if it is not there."""
        if relationship_id is not None:
            return self._client.status(relationship_id)
        named = (one for one in sorted(self._client.statuses(), key=lambda one: one.id))
        return next((one for one in named if convert.identity(convert.observed(one)) == identity), None)

    def _create(self, call: Call, secrets: SecretResolver) -> CallResult:
        self._client.refuse_create()
        body = call.body if isinstance(call.body, dict) else {}
        try:
            created = self._client.create({name: self._revealed(value, secrets) for name, value in body.items()})
        except ProviderError as error:
            if error.code in _REFUSALS | {ErrorCode.NOT_FOUND}:
                error.hint = _CREATE_HINT
            raise
        ids: dict[str, Json] = {"id": created.id, "local_directory_id": created.local_directory_id}
        return CallResult(returned={**ids, "provider_id": created.id})

    def _revealed(self, value: Json, secrets: SecretResolver) -> Json:
        if (ref := SecretRef.unmarked(value)) is None:
            return value
        secret = secrets.resolve(ref, send_to=self._client.address).get_secret_value()
        self._client.conceal(secret)
        return secret

    def _delete(self, call: Call, relationship_id: str) -> CallResult:
        try:
            self._client.delete(relationship_id)
        except ProviderError as error:
            if error.code in _REFUSALS:
                raise self._still_running(error, call.operation) from error
            if error.code is not ErrorCode.NOT_FOUND:
                raise
        return CallResult(returned={"id": relationship_id})

    def _abort(self, _call: Call, relationship_id: str) -> CallResult:
        status = self._client.status(relationship_id)
        if status is None or not status.running:
            return CallResult(skipped="no job runs" if status else "the relationship is not there")
        try:
            self._client.abort(relationship_id)
        except ProviderError as error:
            # The job may have ended, or somebody deleted the relationship, between the look and the call.
            if error.code not in _REFUSALS | {ErrorCode.NOT_FOUND} or self._runs(relationship_id):
                raise
        return CallResult(returned={"id": relationship_id})

    def _replicate(self, call: Call, relationship_id: str) -> CallResult:
        status = self.find(_id(call.body), call.target)
        if status is not None and status.running:
            return CallResult(skipped="a job runs already")
        target = status.id if status else relationship_id
        before = status.last_job.end_time.isoformat() if status and status.last_job else None
        try:
            self._client.replicate(target)
        except ProviderError as error:
            if error.code not in _REFUSALS or not self._runs(target):
                raise
            return CallResult(skipped="a job runs already")
        return CallResult(returned={"id": target, "after": before})

    def _runs(self, relationship_id: str) -> bool:
        status = self._client.status(relationship_id)
        return status is not None and status.running

    def _still_running(self, error: ProviderError, operation: str) -> ProviderError:
        return ProviderError(
            error.message,
            code=ErrorCode.FAILED_PRECONDITION,
            provider=self._provider,
            operation=operation,
            status=error.status,
            request_id=error.request_id,
            hint="a relationship is deleted only while no job runs: apply again, which stops the job first",
        )

    def _unknown(self, word: str) -> ProviderError:
        return ProviderError(
            f"nothing here is called {word!r}",
            code=ErrorCode.UNIMPLEMENTED,
            provider=self._provider,
            operation=word,
            hint="the plan was made by another version: plan again",
        )


def _id(value: Json) -> str | None:
    found = value.get("id") if isinstance(value, dict) else None
    return found if isinstance(found, str) else None


def _not_running(status: Status | None, _params: Json) -> Progress:
    if status is None or not status.running:
        return Progress(done=True, detail="no job runs" if status else "the relationship is not there")
    return Progress(done=False, detail=convert.progress_text(status), percent=convert.percent(status))


def _gone(status: Status | None, _params: Json) -> Progress:
    return Progress(done=status is None, detail="gone" if status is None else "still there")


def _finished(status: Status | None, params: Json) -> Progress:
    if status is None:
        return Progress(done=False, failed="the relationship is not there")
    if status.running:
        return Progress(done=False, detail=convert.progress_text(status), percent=convert.percent(status))
    last = status.last_job
    after = params.get("after") if isinstance(params, dict) else None
    if last is None or last.end_time.isoformat() == after:
        return Progress(done=False, detail="no job has started yet")
    if last.error:
        return Progress(done=False, failed=last.error)
    return Progress(done=True, detail="the job succeeded", percent=100.0)
