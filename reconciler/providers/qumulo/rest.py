"""Shapes of the REST service's other calls: session, files, errors. Pure.

Apart from `convert.py` because nothing here concerns replication. Source: Qumulo REST API guide, session and files.
"""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from reconciler.model.value import Json

__all__ = [
    "ATTRIBUTES",
    "BEARER",
    "DIRECTORY",
    "FILE",
    "PAGE",
    "Attributes",
    "Bearer",
    "DirectoryPage",
    "entry_body",
    "error_message",
    "hint_for",
    "login_body",
]

FILE = "FS_FILE_TYPE_FILE"
DIRECTORY = "FS_FILE_TYPE_DIRECTORY"

_HINTS = {
    401: "is the token or the password of this provider right? Tokens expire, and can be disabled or deleted",
    403: (
        "planning needs the privilege PRIVILEGE_REPLICATION_OBJECT_READ, applying PRIVILEGE_REPLICATION_OBJECT_WRITE;"
        " a directory that a job fills is read-only until the job has ended"
    ),
}


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Bearer(_Wire):
    """The answer to a login."""

    bearer_token: str = Field(min_length=1, repr=False)


class Attributes(_Wire):
    """What is known of a file or directory. Sizes are decimal strings on the wire, times have nine digits."""

    id: str
    name: str
    type: str
    size: int = 0
    modification_time: datetime | None = None


class Paging(_Wire):
    """How to go on: path and query of the next page, or nothing."""

    next: Annotated[str, BeforeValidator(lambda value: "" if value is None else value)] = ""


class DirectoryPage(_Wire):
    """Some entries of a directory."""

    files: list[Attributes]
    paging: Paging = Paging()


class _Error(_Wire):
    error_class: str = ""
    description: str = ""


BEARER: TypeAdapter[Bearer] = TypeAdapter(Bearer)
ATTRIBUTES: TypeAdapter[Attributes] = TypeAdapter(Attributes)
PAGE: TypeAdapter[DirectoryPage] = TypeAdapter(DirectoryPage)


def login_body(username: str, password: str) -> dict[str, Json]:
    """Return the request for a session token."""
    return {"username": username, "password": password}


def entry_body(name: str, *, is_directory: bool) -> dict[str, Json]:
    """Return the request that creates an entry in a directory."""
    return {"name": name, "action": "CREATE_DIRECTORY" if is_directory else "CREATE_FILE"}


def error_message(content: bytes, status: int) -> str:
    """Return `error_class: description` of an error's body; empty where it says nothing, as something in between may.

    Source: the vendor's Python SDK, class RequestError; a 401 may come without any of it.
    """
    try:
        said = _Error.model_validate_json(content)
    except ValidationError:
        said = _Error()
    message = ": ".join(part for part in (said.error_class, said.description) if part)
    return message or ("the cluster does not accept the credentials" if status == 401 else "")


def hint_for(status: int) -> str | None:
    """Return what to do about a status, where there is something general to say."""
    return _HINTS.get(status)
