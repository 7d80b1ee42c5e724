"""Who asks: keys with each request, or a token got by logging in.

Source: alarik, InternalAuthenticator and InternalUserController; Alarik's documents, *Internal API*.
"""

import json
import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.secret import SecretRef
from reconciler.providers.alarik.config import AlarikConfig, Credentials, Login
from reconciler.providers.base import SecretResolver
from reconciler.providers.http import Ask, HttpClient

__all__ = ["LOGIN_PATH", "Session"]

T = TypeVar("T")

LOGIN_PATH = "/api/v1/users/login"


class _Token(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    token: str = Field(min_length=1, repr=False)


_TOKEN: TypeAdapter[_Token] = TypeAdapter(_Token)


class Session:
    """Gives each request what authenticates it. Safe to use from several threads: they log in once, not each by itself.

    A token lives for 24 hours and cannot be renewed. When the server refuses it with 401, which says that the request
    was not carried out, a new one is got and the request is sent again, once. Keys are used as they are.
    """

    def __init__(self, http: HttpClient, config: AlarikConfig, secrets: SecretResolver) -> None:
        self._http = http
        self._config = config
        self._secrets = secrets
        self._headers: Mapping[str, str] = {}
        self._lock = threading.Lock()
        self._keys: tuple[str, SecretStr] | None = None

    def call(self, ask: Ask, send: Callable[[Mapping[str, str]], T]) -> T:
        """Call `send` with the headers that authenticate; again with new ones if a token was refused.

        `ask` says what for: a write on a connection that may only read is refused before anything is resolved or sent.
        """
        self._http.refuse_write(ask)
        headers = self._current()
        try:
            return send(headers)
        except ProviderError as error:
            if error.code is not ErrorCode.UNAUTHENTICATED or self._config.login is None:
                raise
        return send(self._renewed(headers))

    def keys(self) -> tuple[str, SecretStr]:
        """Return access key id and secret key, for the S3 face. Raises FAILED_PRECONDITION where there are none."""
        given = self._config.credentials
        if given is None:
            raise ProviderError(
                "a login signs no S3 request: objects can only be reached with keys",
                code=ErrorCode.FAILED_PRECONDITION, provider=self._http.endpoint.provider, operation="authenticate",
                hint="set `credentials` of the provider beside its `login`",
            )  # fmt: skip
        with self._lock:
            if self._keys is None:
                self._keys = self._resolved(given)
            return self._keys

    def _current(self) -> Mapping[str, str]:
        with self._lock:
            if not self._headers:
                self._headers = self._obtained()
            return self._headers

    def _renewed(self, refused: Mapping[str, str]) -> Mapping[str, str]:
        with self._lock:
            # Another thread may have been faster.
            if self._headers == refused:
                self._headers = self._obtained()
            return self._headers

    def _obtained(self) -> Mapping[str, str]:
        login, given = self._config.login, self._config.credentials
        if login is not None:
            return {"Authorization": f"Bearer {self._logged_in(login)}"}
        if given is None:  # the configuration's own rule: one of the two is there
            return {}
        if self._keys is None:
            self._keys = self._resolved(given)
        return {"X-Access-Key": self._keys[0], "X-Secret-Key": self._keys[1].get_secret_value()}

    def _logged_in(self, login: Login) -> str:
        password = self._secret(login.password, "password", sendable=False)
        ask = Ask(
            method="POST",
            path=LOGIN_PATH,
            operation=f"POST {LOGIN_PATH}",
            headers={"Content-Type": "application/json"},
            content=json.dumps({"username": login.username, "password": password}).encode(),
        )
        answer = self._http.send(ask)
        token = self._http.parse(ask, answer, _TOKEN).token
        self._http.conceal(token)
        if not _sendable(token):
            raise self._http.protocol_error(ask, "the token holds characters that cannot be sent", answer)
        return token

    def _resolved(self, given: Credentials) -> tuple[str, SecretStr]:
        name = given.access_key_id
        key_id = self._secret(name, "accessKeyId") if isinstance(name, SecretRef) else name
        return key_id, SecretStr(self._secret(given.secret_access_key, "secretAccessKey"))

    def _secret(self, ref: SecretRef, what: str, *, sendable: bool = True) -> str:
        value = self._secrets.resolve(ref, send_to=self._config.address).get_secret_value()
        if sendable:
            value = value.strip()
        self._http.conceal(value)
        if not value or (sendable and not _sendable(value)):
            raise ProviderError(
                f"{what} is empty or holds characters that no key has",
                code=ErrorCode.SECRET, provider=self._http.endpoint.provider, operation="authenticate",
                hint=f"look at {ref}: it must hold the secret and nothing else",
            )  # fmt: skip
        return value


def _sendable(value: str) -> bool:
    return value.isascii() and value.isprintable() and " " not in value
