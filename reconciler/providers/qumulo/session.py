"""The bearer token that goes with every request: given, or got by logging in.

Source: Qumulo administrator guide, *Creating and using bearer tokens* and *Creating and using access tokens*.
"""

import json
import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

from pydantic import SecretStr

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.secret import SecretRef
from reconciler.providers.base import SecretResolver
from reconciler.providers.http import Ask, HttpClient
from reconciler.providers.qumulo.config import QumuloConfig
from reconciler.providers.qumulo.rest import BEARER, login_body

__all__ = ["LOGIN_PATH", "Session"]

T = TypeVar("T")

LOGIN_PATH = "/v1/session/login"


class Session:
    """Gives each request its token. Safe to use from several threads: they log in once, not each on its own.

    A token got by logging in is valid for ten hours. When the cluster refuses it with 401, which says that the request
    was not carried out, a new one is got and the request is sent again, once. A configured token is used as it is.
    """

    def __init__(self, http: HttpClient, config: QumuloConfig, secrets: SecretResolver) -> None:
        self._http = http
        self._config = config
        self._secrets = secrets
        self._token = SecretStr("")
        self._lock = threading.Lock()

    def call(self, ask: Ask, send: Callable[[Mapping[str, str]], T]) -> T:
        """Call `send` with the headers that authenticate; again with new ones if the token was refused.

        `ask` says what for: a write on a connection that may only read is refused before anything is resolved or sent.
        """
        self._http.refuse_write(ask)
        token = self._current()
        try:
            return send(_headers(token))
        except ProviderError as error:
            if error.code is not ErrorCode.UNAUTHENTICATED or self._config.token is not None:
                raise
        return send(_headers(self._renewed(token)))

    def _current(self) -> SecretStr:
        with self._lock:
            if not self._token:
                self._token = self._configured() if self._config.token else self._login()
            return self._token

    def _renewed(self, refused: SecretStr) -> SecretStr:
        with self._lock:
            # Another thread may have been faster.
            if self._token == refused:
                self._token = self._login()
            return self._token

    def _configured(self) -> SecretStr:
        token = self._resolved(self._config.token).get_secret_value().strip()
        self._http.conceal(token)
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise ProviderError(
                "the token is empty or holds characters that no token has",
                code=ErrorCode.SECRET,
                provider=self._http.endpoint.provider,
                operation="authenticate",
                hint=f"look at {self._config.token}: it must hold the token and nothing else",
            )
        return SecretStr(token)

    def _login(self) -> SecretStr:
        password = self._resolved(self._config.password).get_secret_value()
        self._http.conceal(password)
        ask = Ask(
            method="POST",
            path=LOGIN_PATH,
            operation=f"POST {LOGIN_PATH}",
            headers={"Content-Type": "application/json"},
            content=json.dumps(login_body(self._config.username or "", password)).encode(),
        )
        answer = self._http.send(ask)
        token = self._http.parse(ask, answer, BEARER).bearer_token
        self._http.conceal(token)
        if not token.isascii() or not token.isprintable():
            raise self._http.protocol_error(ask, "the token holds characters that cannot be sent", answer)
        return SecretStr(token)

    def _resolved(self, ref: SecretRef | None) -> SecretStr:
        # The configuration's own rule: one of token and password is there, and it is the one asked for.
        return self._secrets.resolve(ref, send_to=self._config.address) if ref else SecretStr("")


def _headers(token: SecretStr) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.get_secret_value()}"}
