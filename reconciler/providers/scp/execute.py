"""Sending one planned write, each to the region that takes it.

Each write looks first, so that one in doubt is simply executed again: the service has no idempotency keys.
"""

import re
from collections.abc import Callable, Iterable, Sequence

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.secret import SecretRef
from reconciler.model.step import Call
from reconciler.model.value import Json
from reconciler.providers.base import CallResult, SecretResolver
from reconciler.providers.scp import convert
from reconciler.providers.scp.convert import Shown, going, part
from reconciler.providers.scp.identity import answers_to, is_id
from reconciler.providers.scp.reading import Place, resolve, sourced
from reconciler.providers.scp.regions import Regions

__all__ = ["Executor"]

_REFUSALS = frozenset({ErrorCode.INVALID_ARGUMENT, ErrorCode.FAILED_PRECONDITION, ErrorCode.CONFLICT})
_SPECIAL = r"!#&'*+,\-.:;<=>?@^_`~/|"
_PASSWORD = re.compile(rf"(?=.*[A-Za-z])(?=.*[0-9])(?=.*[{_SPECIAL}])[A-Za-z0-9{_SPECIAL}]{{6,20}}")
"""Source: the vendor's Terraform provider, filestorage_replication."""
_CREATE_HINT = (
    "SCP refuses a replica whose name is taken, a region that it does not offer, a source that is not available or is"
    " itself a replica: plan again, which looks at these"
)
_SET_HINT = (
    "a replication that is being changed takes no other change; one that is paused may take no schedule: resume it"
)
_DELETE_HINT = (
    "apply again, which goes on here; a backup may be deleted with its volume only: write"
    " `scp: {deleteReplicaVolume: true}` if it may go"
)
_VOLUME_HINT = (
    "the replication is gone, the volume stays and is billed: apply this plan again if it was saved, which goes on"
    " here; no new plan knows of the volume, so otherwise delete {volume} in the console of {region}"
)
_AGAIN_S = 5.0
"""Before what is held for a moment is asked for again. Source: seen live: right after its replication is deleted a
volume is refused, and a second later it is not."""


class Executor:
    """Executes calls. Every method raises ProviderError and nothing else."""

    def __init__(self, regions: Regions) -> None:
        self._regions = regions

    def execute(self, call: Call, secrets: SecretResolver) -> CallResult:
        """Send one write, or say why nothing needs to be sent."""
        if call.operation == convert.CREATE:
            return self._create(call, secrets)
        actions: dict[str, Callable[[Call, Place], CallResult]] = {
            convert.SET: self._set,
            convert.DELETE: self._delete,
            convert.DELETE_SNAPSHOTS: self._delete_snapshots,
            convert.DELETE_VOLUME: self._delete_volume,
        }
        action = actions.get(call.operation)
        if action is None:
            raise self._error(
                f"SCP cannot execute {call.operation!r}", ErrorCode.UNIMPLEMENTED, call.operation,
                "the plan was made by another version: plan again",
            )  # fmt: skip
        return action(call, Place.read(call.body))

    # Replications ---------------------------------------------------------------------------------------------

    def _create(self, call: Call, secrets: SecretResolver) -> CallResult:
        client = self._regions.own
        client.refuse_write(call.operation)
        body = call.body if isinstance(call.body, dict) else {}
        request, source = part(body, "request"), self._source(str(body.get("source") or ""))
        listed = body.get("known")
        known = {str(one) for one in listed} if isinstance(listed, list) else set()
        there = self._made_already(call, _fitting(sourced(client, source), request, known))
        if there is not None:
            ids = _ids(there.replication_id, there.source_volume_id, there.replication_volume_id)
            return CallResult(returned=ids, skipped="it is there already")
        sent = {name: self._revealed(value, secrets) for name, value in request.items()}
        try:
            made, request_id = client.create({**sent, "volume_id": source})
        except ProviderError as error:
            if error.code in _REFUSALS and not error.hint:
                error.hint = _CREATE_HINT
            raise
        ids = _ids(made.replication_id, made.source_volume_id, made.replication_volume_id)
        return CallResult(returned=ids, request_id=request_id)

    def _made_already(self, call: Call, fitting: Sequence[Shown]) -> Shown | None:
        """Return what this creation has made if it may have been sent before. Raises CONFLICT for what others made."""
        if not fitting:
            return None
        if call.in_doubt and len(fitting) == 1:
            return fitting[0]
        told = ", ".join(sorted(f"{one.replication_volume_name} ({one.replication_id})" for one in fitting))
        why = "which of them is ours cannot be told" if call.in_doubt else "somebody else made it since the plan"
        message = f"a replication that fits {call.target} is there already: {told}; {why}"
        raise self._error(
            message, ErrorCode.CONFLICT, call.operation,
            "plan again, which shows it: it is taken over if it is what the manifest describes; to have another one,"
            " write another `destination.volume`",
        )  # fmt: skip

    def _source(self, written: str) -> str:
        if is_id(written):
            return written
        found = resolve(self._regions.own, written)
        if found is None:
            raise self._error(f"there is no volume {written}", ErrorCode.NOT_FOUND, convert.CREATE, "plan again")
        return found.id

    def _revealed(self, value: Json, secrets: SecretResolver) -> Json:
        if (ref := SecretRef.unmarked(value)) is None:
            return value
        client = self._regions.own
        secret = secrets.resolve(ref, send_to=client.address).get_secret_value()
        client.conceal(secret)
        if _PASSWORD.fullmatch(secret) is None:
            raise self._error(
                "the CIFS password is not one that SCP takes", ErrorCode.SECRET, convert.CREATE,
                f"look at {ref}: 6 to 20 characters, a letter, a digit and a special one among them, and no blank",
            )  # fmt: skip
        return secret

    def _set(self, call: Call, place: Place) -> CallResult:
        client = self._regions.at(place.region, place.provider)
        client.refuse_write(call.operation)
        request = part(call.body, "request") if isinstance(call.body, dict) else {}
        shown = client.replication(place.id, place.replica_volume)
        if shown is None:
            raise self._absent(call, place)
        if going(shown.replication_status):
            raise self._error(
                "the replication is being deleted", ErrorCode.FAILED_PRECONDITION, call.operation,
                f"plan again once {place.region} does not list it any more: what is written down is then made anew",
            )  # fmt: skip
        if _holds(shown, request):
            return CallResult(skipped="it is so already")
        try:
            return CallResult(request_id=client.set_replication(place.id, place.replica_volume, request))
        except ProviderError as error:
            if error.code in _REFUSALS:
                error.hint = _SET_HINT
            raise

    def _absent(self, call: Call, place: Place) -> ProviderError:
        """Return what to say where the replica's region does not show a replication: it may know of a new one later."""
        if self._regions.own.replication(place.id, place.source_volume) is None:
            return self._error("the replication is not there", ErrorCode.NOT_FOUND, call.operation, "plan again")
        error = self._error(
            f"{self._regions.own.config.region} shows the replication, and {place.region} does not",
            ErrorCode.UNAVAILABLE, call.operation,
            f"apply again later; if it stays so, does the document of {place.region} name the same account?",
        )  # fmt: skip
        error.retry_after_s = _AGAIN_S
        return error

    def _delete(self, call: Call, place: Place) -> CallResult:
        client = self._regions.at(place.region, place.provider)
        client.refuse_write(call.operation)
        if all(one.replication_id != place.id for one in client.replications(place.replica_volume)):
            return CallResult(skipped="the replication was not there any more")
        with_volume = isinstance(call.body, dict) and call.body.get("with_volume") is True
        if with_volume:
            try:
                return CallResult(request_id=client.delete_volume(place.replica_volume))
            except ProviderError as error:
                if error.code not in _REFUSALS:
                    raise
        try:
            return CallResult(request_id=client.delete_replication(place.id, place.replica_volume))
        except ProviderError as error:
            if error.code is ErrorCode.NOT_FOUND:
                return CallResult(request_id=error.request_id, skipped="the replication was not there any more")
            if error.code is ErrorCode.CONFLICT:
                if call.in_doubt or _going(client.replication(place.id, place.replica_volume)):
                    # Whether it goes is waited for next.
                    return CallResult(request_id=error.request_id, skipped="it is being deleted already")
                raise _held(error, "the replication is held by another change") from error
            if error.code in _REFUSALS:
                error.hint = _DELETE_HINT
            raise

    # The replica's volume -------------------------------------------------------------------------------------

    def _delete_snapshots(self, call: Call, place: Place) -> CallResult:
        client = self._regions.at(place.region, place.provider)
        client.refuse_write(call.operation)
        last: str | None = None
        gone = 0
        for snapshot in client.snapshots(place.replica_volume):
            try:
                last = client.delete_snapshot(place.replica_volume, snapshot)
            except ProviderError as error:
                if error.code is not ErrorCode.NOT_FOUND:
                    if error.code in _REFUSALS:
                        error.hint = _left(place)
                    raise
            else:
                gone += 1
        return CallResult(request_id=last, skipped="" if gone else "there are none")

    def _delete_volume(self, call: Call, place: Place) -> CallResult:
        client = self._regions.at(place.region, place.provider)
        client.refuse_write(call.operation)
        volume = client.volume(place.replica_volume)
        if volume is None or going(volume.state):
            return CallResult(skipped="the volume is being deleted" if volume else "the volume was not there any more")
        try:
            return CallResult(request_id=client.delete_volume(place.replica_volume))
        except ProviderError as error:
            if error.code is ErrorCode.NOT_FOUND:
                return CallResult(request_id=error.request_id, skipped="the volume was not there any more")
            if error.code in _REFUSALS:
                held = _held(error, f"volume {place.replica_volume} in {place.region} is not let go")
                held.hint = _left(place)
                raise held from error
            raise

    def _error(self, message: str, code: ErrorCode, operation: str, hint: str) -> ProviderError:
        return ProviderError(message, code=code, provider=self._regions.own.name, operation=operation, hint=hint)


def _fitting(shown: Iterable[Shown], request: dict[str, Json], known: set[str]) -> list[Shown]:
    """Return what a creation could have made: replications as asked for that were not there at plan time."""
    return [
        one
        for one in shown
        if one.replication_id not in known
        and one.replication_volume_region == request.get("region")
        and one.replication_type in ("", request.get("replication_type"))
        and answers_to(one.replication_volume_name, str(request.get("name")))
    ]


def _holds(shown: Shown, request: dict[str, Json]) -> bool:
    """Say whether a replication is already as a request would make it."""
    held = shown.model_dump()
    return all(held.get(key) == value for key, value in request.items() if key != "replication_update_type")


def _left(place: Place) -> str:
    return _VOLUME_HINT.format(volume=place.replica_volume, region=place.region)


def _going(shown: Shown | None) -> bool:
    """Say whether a replication is gone or on its way."""
    return shown is None or going(shown.replication_status)


def _held(error: ProviderError, what: str) -> ProviderError:
    """Return a refusal as one that may pass: the host tries again for a while."""
    return ProviderError(
        f"{what}: {error.message}",
        code=ErrorCode.UNAVAILABLE,
        provider=error.provider,
        operation=error.operation,
        status=error.status,
        request_id=error.request_id,
        retry_after_s=_AGAIN_S,
        hint="another change of it is under way: apply again when that is done",
    )


def _ids(replication_id: str, source: str, replica: str) -> dict[str, Json]:
    return {
        "id": replication_id,
        "source_volume": source,
        "replica_volume": replica,
        "provider_id": convert.provider_id(replication_id, source),
    }
