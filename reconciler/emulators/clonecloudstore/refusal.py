"""How the services say no: a status, an empty body, and a text in a header, or not even that.

Source: CloneCloudStore's ServerResponseFilter, CcsServerExceptionMapper and StreamHandlerAbstract.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final, Literal

from reconciler.emulators.message import Headers

_PHRASES: Final = {one.value: one.phrase for one in HTTPStatus}

Form = Literal["told", "bare", "stream"]


class Refusal(Exception):
    """A request that is answered with an error.

    ``form``: ``told`` has the text in ``x-clonecloudstore-error``; ``bare`` is an exception that no mapper knows, and
    has none; ``stream`` has none either and closes the connection. ``headers`` go along.
    """

    def __init__(self, status: int, reason: str | None = None, *, form: Form = "told", headers: Headers = ()) -> None:
        self.status = status
        self.reason = reason if reason is not None else _PHRASES.get(status, "Error")
        self.form = form
        self.headers = headers
        super().__init__(self.reason)


def streamed(refusal: Refusal, headers: Headers = ()) -> Refusal:
    """The same, as an endpoint with a stream tells it."""
    return Refusal(refusal.status, refusal.reason, form="stream", headers=headers)
