"""The calls of an Alarik server's own API, one method each: paths, bodies and answers.

Source: alarik, InternalBucketController. The lists of targets and of rules are each replaced whole, and the server has
no condition for that: a list that has moved since it was looked at is refused here, at the last moment.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.observation import LocationFacts
from reconciler.model.secret import SecretRef
from reconciler.model.value import Json
from reconciler.providers.alarik.config import AlarikConfig
from reconciler.providers.alarik.failure import expected_region, explain
from reconciler.providers.alarik.s3_face import S3Face
from reconciler.providers.alarik.session import LOGIN_PATH, Session
from reconciler.providers.alarik.targets import SECRET, Held, same
from reconciler.providers.base import Connection, SecretResolver
from reconciler.providers.http import Answer, Ask, Endpoint, HttpClient

__all__ = ["AlarikClient"]

T = TypeVar("T")
_USER = "/api/v1/users/auth"
_READS = frozenset({("POST", LOGIN_PATH), ("POST", _USER)})
"""Requests that change nothing though they are POSTs."""
_PAGE = 100
_JSON = {"Content-Type": "application/json"}


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class _Targets(_Wire):
    targets: list[dict[str, Json]] = Field(repr=False)


class _Rules(_Wire):
    rules: list[dict[str, Json]]


class _Tasks(_Wire):
    tasks: list[dict[str, Json]]


class _Versioning(_Wire):
    status: str


class _User(_Wire):
    is_admin: bool = Field(alias="isAdmin")


class _Named(_Wire):
    name: str


class _Count(_Wire):
    total: int


class _Page(_Wire):
    items: list[_Named]
    metadata: _Count


_TARGETS: TypeAdapter[_Targets] = TypeAdapter(_Targets)
_RULES: TypeAdapter[_Rules] = TypeAdapter(_Rules)
_TASKS: TypeAdapter[_Tasks] = TypeAdapter(_Tasks)
_VERSIONING: TypeAdapter[_Versioning] = TypeAdapter(_Versioning)
_PAGES: TypeAdapter[_Page] = TypeAdapter(_Page)
_USERS: TypeAdapter[_User] = TypeAdapter(_User)


class AlarikClient:
    """One server. Safe to use from several threads. Every method raises ProviderError and nothing else.

    Opened with the first request, which is when secrets are resolved. Reads are repeated after 429, 5xx and resets,
    writes are sent once. No secret of a target leaves this object, on whatever version of the server.
    """

    def __init__(self, connection: Connection) -> None:
        config = connection.doc.spec.config
        if not isinstance(config, AlarikConfig):
            raise TypeError(f"{connection.doc.name} is not configured as `alarik`")
        self.config = config
        self.name = connection.doc.name
        self._http = HttpClient(
            Endpoint(
                provider=self.name,
                url=config.endpoint,
                access=connection.access,
                limits=connection.limits,
                timeout_s=connection.timeout_s,
                ca_file=connection.base / config.ca_file if config.ca_file else None,
                reads=_READS,
                explain=explain,
            )
        )
        self._session = Session(self._http, config, connection.secrets)
        self.s3 = S3Face(connection, config, self._session)

    def refuse_write(self, operation: str) -> None:
        """Raise READ_ONLY for `METHOD path` on a connection that may only read. Nothing has been sent then."""
        method, _, path = operation.partition(" ")
        self._http.refuse_write(_ask(method, path))

    # Replication ----------------------------------------------------------------------------------------------

    def targets(self, bucket: str) -> list[dict[str, Json]]:
        """Read a bucket's targets in the server's order, each with the mask for its secret; none if there is no bucket.

        A bucket of another user looks like none: see `bucket_facts`.
        """
        held = self._if_there(lambda: self._held(bucket))
        return held.shown() if held else []

    def rules(self, bucket: str) -> list[dict[str, Json]]:
        """Read a bucket's rules in the server's order; none if there is no bucket, or it is another user's."""
        found = self._if_there(lambda: self._read(_ask("GET", _path(bucket, "rules")), _RULES))
        return list(found.rules) if found else []

    def put_targets(
        self,
        bucket: str,
        targets: Sequence[Mapping[str, Json]],
        secrets: SecretResolver,
        *,
        expected: Sequence[Mapping[str, Json]] | None = None,
    ) -> str | None:
        """Replace the list of targets. Returns the request's id; None if the list was already so and nothing was sent.

        A `secretAccessKey` that is a marked reference is resolved and sent; one that is the mask, or missing, stays as
        the server has it: which is the mask again on servers that mask, and on older ones the value itself, read just
        before. `expected` is the list as it was planned upon: if it has moved since, CONFLICT is raised and nothing is
        sent. Raises FAILED_PRECONDITION for a secret to be kept of a target that is not there, and where an id is twice
        in a list, for the server would not survive the next write.
        """
        ask = _ask("PUT", _path(bucket, "targets"))
        self._http.refuse_write(ask)
        held = self._held(bucket)
        self._refuse_twice(ask, targets, held.entries)
        if held.is_already(targets):
            return None
        self._refuse_moved(ask, "targets", held.shown(), targets, expected)
        sent = [held.merged(one) | self._revealed(one, secrets) for one in targets]
        if missing := [one["id"] for one in sent if not one.get(SECRET)]:
            raise self._refusal(
                ask, f"the secret of target {missing[0]} shall be kept, but the server has no such target"
            )
        return self._put(ask, {"targets": list(sent)}, _TARGETS)

    def put_rules(
        self,
        bucket: str,
        rules: Sequence[Mapping[str, Json]],
        *,
        expected: Sequence[Mapping[str, Json]] | None = None,
    ) -> str | None:
        """Replace the list of rules, as `put_targets` does that of targets. Returns the request's id, or None.

        Queued work of rules that are not in the list any more is dropped by the server.
        """
        ask = _ask("PUT", _path(bucket, "rules"))
        self._http.refuse_write(ask)
        now = self._read(_ask("GET", _path(bucket, "rules")), _RULES).rules
        self._refuse_twice(ask, rules)
        if same(now, rules):
            return None
        self._refuse_moved(ask, "rules", now, rules, expected)
        return self._put(ask, {"rules": [dict(one) for one in rules]}, _RULES)

    def resync(self, bucket: str, rule_id: str) -> str | None:
        """Copy all that matches an enabled rule once more. Returns the request's id. Never repeated: each is a copy."""
        return _request_id(self._send(_ask("POST", _path(bucket, f"rules/{quote(rule_id, safe='')}/resync"))))

    def tasks(self, bucket: str) -> list[dict[str, Json]]:
        """Read what waits or has failed, newest first, 100 at most; none without the bucket. What is done is gone."""
        found = self._if_there(lambda: self._read(_ask("GET", _path(bucket, "tasks")), _TASKS))
        return list(found.tasks) if found else []

    # Buckets --------------------------------------------------------------------------------------------------

    def buckets(self) -> list[str]:
        """Return the names of the user's own buckets."""
        names: list[str] = []
        page = 1
        while True:
            found = self._read(_ask("GET", f"/api/v1/buckets?page={page}&per={_PAGE}"), _PAGES)
            names += (one.name for one in found.items)
            if not found.items or len(names) >= found.metadata.total:
                return sorted(set(names))
            page += 1

    def bucket_facts(self, bucket: str) -> LocationFacts:
        """Read what a bucket looks like. Facts that cannot be known are left out:

        `owned`; `admin`: of the user; `versioning`: "Enabled", "Suspended" or None; `queued` and `failed` tasks, of the
        100 that are shown; `masks_secrets`: False on servers that give secrets back in clear, known where there are
        targets; `region`: what the server is configured for, with keys only.
        """
        facts: dict[str, Json] = {"admin": self.is_admin()}
        versioning = self._if_there(lambda: self._read(_ask("GET", _bucket(bucket, "versioning")), _VERSIONING))
        if versioning is None:
            return self._not_owned(bucket, facts)
        facts |= {"owned": True, "versioning": None if versioning.status == "Disabled" else versioning.status}
        states = [one.get("state") for one in self.tasks(bucket)]
        facts |= {"queued": states.count("pending"), "failed": states.count("failed")}
        held = self._if_there(lambda: self._held(bucket))
        if held and held.entries:
            facts["masks_secrets"] = held.masked
        if self.config.credentials is not None:
            facts["region"] = self._region(bucket)
        return LocationFacts(exists=True, facts=facts)

    def is_admin(self) -> bool:
        """Say whether the user is an administrator."""
        return self._read(_ask("POST", _USER), _USERS).is_admin

    def close(self) -> None:
        """Release connections. May be called twice."""
        self._http.close()
        self.s3.close()

    # Inside ---------------------------------------------------------------------------------------------------

    def _held(self, bucket: str) -> Held:
        found = Held(self._read(_ask("GET", _path(bucket, "targets")), _TARGETS).targets)
        for secret in found.in_clear():
            self._http.conceal(secret)
        return found

    def _revealed(self, entry: Mapping[str, Json], secrets: SecretResolver) -> dict[str, Json]:
        """Return the members of an entry that are marked references, resolved."""
        return {name: secret for name, value in entry.items() if (secret := self._resolved(value, secrets)) is not None}

    def _resolved(self, value: Json, secrets: SecretResolver) -> str | None:
        if (ref := SecretRef.unmarked(value)) is None:
            return None
        secret = secrets.resolve(ref, send_to=self.config.address).get_secret_value()
        self._http.conceal(secret)
        return secret

    def _not_owned(self, bucket: str, facts: dict[str, Json]) -> LocationFacts:
        theirs = f"not a bucket of this user's at {self.name}: the owner's keys are needed"
        if self.config.credentials is None:
            return LocationFacts(exists=False, facts=facts, problem=theirs)
        try:
            self.s3.head_bucket(bucket)
        except ProviderError as error:
            if error.code is ErrorCode.NOT_FOUND:
                return LocationFacts(exists=False, facts=facts)
            if error.code is not ErrorCode.PERMISSION_DENIED:
                raise
        return LocationFacts(exists=True, facts=facts | {"owned": False}, problem=theirs)

    def _region(self, bucket: str) -> str:
        try:
            return self.s3.location(bucket)
        except ProviderError as error:
            if (region := expected_region(error.message)) is None:
                raise
            return region

    def _refuse_twice(self, ask: Ask, *lists: Sequence[Mapping[str, Json]]) -> None:
        for entries in lists:
            ids = [str(one.get("id", "")).lower() for one in entries]
            if len(set(ids)) != len(ids):
                raise self._refusal(ask, "an id is twice in the list; the server would crash at the write after that")

    def _refuse_moved(
        self,
        ask: Ask,
        what: str,
        now: Sequence[Mapping[str, Json]],
        wanted: Sequence[Mapping[str, Json]],
        expected: Sequence[Mapping[str, Json]] | None,
    ) -> None:
        if expected is None or same(now, expected) or same(now, wanted):
            return
        raise ProviderError(
            f"the {what} of the bucket have changed since they were looked at; nothing was sent",
            code=ErrorCode.CONFLICT, provider=self.name, operation=ask.operation, hint="plan again",
        )  # fmt: skip

    def _refusal(self, ask: Ask, message: str) -> ProviderError:
        return ProviderError(
            message, code=ErrorCode.FAILED_PRECONDITION, provider=self.name, operation=ask.operation, hint="plan again"
        )

    def _put(self, ask: Ask, body: Json, shape: TypeAdapter[T]) -> str | None:
        whole = Ask(
            method=ask.method, path=ask.path, operation=ask.operation, headers=_JSON,
            content=json.dumps(body, ensure_ascii=False).encode(),
        )  # fmt: skip
        answer = self._send(whole)
        self._http.parse(whole, answer, shape)  # another answer is no sign that anything was stored
        return _request_id(answer)

    def _send(self, ask: Ask) -> Answer:
        def send(headers: Mapping[str, str]) -> Answer:
            return self._http.send(
                Ask(
                    method=ask.method, path=ask.path, operation=ask.operation, headers={**ask.headers, **headers},
                    content=ask.content,
                )
            )  # fmt: skip

        return self._session.call(ask, send)

    def _read(self, ask: Ask, shape: TypeAdapter[T]) -> T:
        return self._http.parse(ask, self._send(ask), shape)

    def _if_there(self, look: Callable[[], T]) -> T | None:
        try:
            return look()
        except ProviderError as error:
            if error.code is ErrorCode.NOT_FOUND:
                return None
            raise


def _ask(method: str, path: str) -> Ask:
    return Ask(method=method, path=path, operation=f"{method} {path.partition('?')[0]}")


def _bucket(bucket: str, what: str) -> str:
    return f"/api/v1/buckets/{quote(bucket, safe='')}/{what}"


def _path(bucket: str, what: str) -> str:
    return _bucket(bucket, f"replication/{what}")


def _request_id(answer: Answer) -> str | None:
    return answer.headers.get("x-amz-request-id") or answer.headers.get("x-request-id")
