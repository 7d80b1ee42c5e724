"""How a cluster says no: one exception, and the error body that the vendor's SDK reads."""

from __future__ import annotations

from reconciler.emulators.message import JsonValue, Reply

_BY_STATUS = {
    400: "http_bad_request_error",
    401: "http_unauthorized_error",
    403: "http_forbidden_error",
    404: "http_not_found_error",
    405: "http_method_not_allowed_error",
    409: "http_conflict_error",
    412: "http_precondition_failed_error",
    429: "http_too_many_requests_error",
    500: "http_internal_server_error",
    503: "http_service_unavailable_error",
}


class Refusal(Exception):
    """A request that is answered with an error.

    ``error_class`` is what a client may tell apart errors by; the vendor documents the names but not which call
    gives which, so nothing should depend on it. Source: `qumulo-api` 7.10.2.1, ``lib/request.py``; Qumulo
    administrator guide, audit logging, for the names that start with ``fs_``.
    """

    def __init__(self, status: int, description: str, error_class: str | None = None) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.error_class = error_class or _BY_STATUS.get(status, "http_error")

    def reply(self) -> Reply:
        return Reply.of_json(self.status, error_body(self.error_class, self.description))


def error_body(error_class: str, description: str) -> dict[str, JsonValue]:
    return {
        "module": error_class.partition("_")[0],
        "error_class": error_class,
        "description": description,
        "stack": [],
        "user_visible": True,
    }
