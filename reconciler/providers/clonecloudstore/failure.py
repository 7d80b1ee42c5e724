"""What a service says when it refuses, in our words.

Errors have no body; a text stands in a header, and endpoints with a stream leave that out too.
Source: CloneCloudStore 0.8.0, ServerResponseFilter, CcsServerExceptionMapper, StreamHandlerAbstract.
"""

from reconciler.errors import ErrorCode
from reconciler.providers.http import Answer, Explanation

__all__ = ["CLIENT", "OPERATION", "TARGET", "TYPE", "explain"]

_PREFIX = "x-clonecloudstore-"
CLIENT, OPERATION, TARGET, TYPE = (f"{_PREFIX}{name}" for name in ("client-id", "op-id", "target-id", "type"))
_ERROR, _MODULE = f"{_PREFIX}error", f"{_PREFIX}module"
_HINTS = {
    403: "the client lacks a right on this bucket: see /administration/ownerships of that site",
    406: "the object is being stored, or the bucket is not empty",
    409: "it is there already; objects cannot be written over",
    410: "it was deleted",
    500: "the server says no more; its log may. It answers so to names that it does not take, and to objects whose "
    "state allows nothing (ERR_UPL, ERR_DEL)",
}
_BETWEEN = "this is no answer of CloneCloudStore but of something in front of it, or the address is another service's"


def explain(answer: Answer) -> Explanation:
    """Read an answer that is an error. A 404 of something else is no absence."""
    operation = answer.headers.get(OPERATION)
    if answer.status in (404, 410) and _MODULE not in answer.headers and operation is None:
        return Explanation(
            code=ErrorCode.PROTOCOL, message=f"HTTP status {answer.status}, not by CloneCloudStore", hint=_BETWEEN
        )
    code = ErrorCode.FAILED_PRECONDITION if answer.status == 406 else None
    return Explanation(
        message=answer.headers.get(_ERROR, ""), code=code, hint=_HINTS.get(answer.status), request_id=operation
    )
