"""The form of queries and bodies. What is not in a form is left aside.

Source: vendor API reference and its Go client 1.1 (patterns, bounds, which members are required).
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from reconciler.emulators.message import Request
from reconciler.emulators.scp.refusal import invalid

_SPECIAL = r"!#&'*+,\-.:;<=>?@^_`~/|"
_PASSWORD = re.compile(rf"(?=.*[A-Za-z])(?=.*\d)(?=.*[{_SPECIAL}])[A-Za-z\d{_SPECIAL}]{{6,20}}")


def _password(value: str) -> str:
    if _PASSWORD.fullmatch(value) is None:
        raise PydanticCustomError("password", "Password should have 6 to 20 letters, digits and special characters")
    return value


Name = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9_]){2,20}$")]
Password = Annotated[str, AfterValidator(_password)]
Retention = Annotated[int, Field(ge=1, le=128)]
Frequency = Literal["5min", "hourly", "daily", "weekly", "monthly"]
TypeName = Annotated[str, Field(pattern=r"^(HDD|SSD|HighPerformanceSSD)$")]
ReplicationType = Annotated[str, Field(pattern=r"^(replication|backup)$")]


class Form(BaseModel):
    """Read from a request. Errors do not repeat what was sent."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class OfVolume(Form):
    volume_id: str


class RegionsQuery(Form):
    type_name: Annotated[str, Field(pattern=r"^(HDD|SSD)$")]
    source_region_name: str
    replication_type: ReplicationType


class VolumesQuery(Form):
    offset: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=0)] = 20
    name: str | None = None
    type_name: TypeName | None = None
    sort: Annotated[str, Field(pattern=r"^(name:asc|name:desc|created_at:asc|created_at:desc)$")] | None = None


class ReplicationCreate(Form):
    name: Name
    region: str
    volume_id: str
    replication_frequency: Annotated[str, Field(pattern=r"^(5min|hourly|daily|weekly|monthly)$")]
    replication_type: ReplicationType
    backup_retention_count: Retention | None = None
    cifs_password: Password | None = Field(default=None, repr=False)


class ReplicationUpdate(Form):
    replication_update_type: Annotated[str, Field(pattern=r"^(policy|modify_schedule)$")]
    replication_policy: Literal["use", "paused"] | None = None
    replication_frequency: Frequency | None = None
    backup_retention_count: Retention | None = None


class Tag(Form):
    key: Annotated[str, Field(max_length=128)]
    value: Annotated[str, Field(max_length=256)] | None = None


class VolumeCreate(Form):
    name: Name
    protocol: Annotated[str, Field(pattern=r"^(NFS|CIFS)$")]
    type_name: TypeName
    cifs_password: Password | None = Field(default=None, repr=False)
    snapshot_id: str | None = None
    tags: list[Tag] | None = None


class VolumeSet(Form):
    file_unit_recovery_enabled: bool


class AccessRuleSet(Form):
    action: Annotated[str, Field(pattern=r"^(add|remove)$")]
    object_id: str
    object_type: Annotated[str, Field(pattern=r"^(VM|BM|GPU|GPU_NODE|ENDPOINT)$")]


Q = TypeVar("Q", bound=Form)
B = TypeVar("B", bound=Form)


def read_query(request: Request, form: type[Q]) -> Q:
    return _settled(_read(form, request.params))


def read_body(request: Request, form: type[B]) -> B:
    return _settled(_body(request, form))


def read_both(request: Request, query: type[Q], body: type[B]) -> tuple[Q, B]:
    """Everything that is wrong with the two is told at once, the query first."""
    one, other = _read(query, request.params), _body(request, body)
    wrong = [text for found in (one, other) if isinstance(found, list) for text in found]
    if isinstance(one, list) or isinstance(other, list):
        raise invalid(wrong)
    return one, other


def _settled(found: Q | list[str]) -> Q:
    if isinstance(found, list):
        raise invalid(found)
    return found


def _body(request: Request, form: type[B]) -> B | list[str]:
    if not request.body:
        return ["Field required"]
    if (request.header("Content-Type") or "").partition(";")[0].strip().lower() != "application/json":
        return ["Input should be a valid dictionary or object to extract fields from"]
    try:
        sent = request.json()
    except (ValueError, RecursionError):
        return ["JSON decode error"]
    return _read(form, sent)


def _read(form: type[Q], sent: object) -> Q | list[str]:
    try:
        return form.model_validate(sent)
    except ValidationError as error:
        return [one["msg"] for one in error.errors(include_input=False, include_url=False)]
