"""What BOS knows about a bucket beside its objects, and who may do what with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from reconciler.emulators.bos.identity import Account
from reconciler.emulators.bos.refusal import Refusal, inappropriate, invalid
from reconciler.emulators.message import JsonValue

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
FULL_CONTROL: Final = "FULL_CONTROL"
PERMISSIONS: Final = frozenset({"READ", "WRITE", "LIST", "MODIFY", FULL_CONTROL})
EVERYBODY: Final = "*"

#: What one permission lets do besides what it is called after.
_IMPLIED: Final[Mapping[str, frozenset[str]]] = {
    FULL_CONTROL: PERMISSIONS,
    "READ": frozenset({"READ", "LIST"}),
    "WRITE": frozenset({"WRITE"}),
    "LIST": frozenset({"LIST"}),
    "MODIFY": frozenset({"MODIFY"}),
}


@dataclass(frozen=True, slots=True)
class Grant:
    """Accounts, by id or ``*``, and what they may."""

    grantees: tuple[str, ...]
    permissions: frozenset[str]

    def wire(self) -> dict[str, JsonValue]:
        return {"grantee": [{"id": one} for one in self.grantees], "permission": sorted(self.permissions)}


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket. Names are unique over all regions and accounts."""

    name: str
    owner: Account
    region: str
    created: datetime
    multi_az: bool = False
    storage_class: str = "STANDARD"
    grants: tuple[Grant, ...] = ()

    def allows(self, account: Account, permission: str) -> bool:
        if account == self.owner:
            return True
        return any(
            permission in _IMPLIED[granted]
            for grant in self.grants
            if EVERYBODY in grant.grantees or account.id in grant.grantees
            for granted in grant.permissions
        )


def check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise Refusal(400, "InvalidBucketName", "The specified bucket is not valid.")


def canned(name: str, owner: Account) -> tuple[Grant, ...]:
    """The grants behind ``x-bce-acl``."""
    mine = Grant((owner.id,), frozenset({FULL_CONTROL}))
    public = {
        "private": (),
        "public-read": (Grant((EVERYBODY,), frozenset({"READ"})),),
        "public-read-write": (Grant((EVERYBODY,), frozenset({"READ", "WRITE"})),),
    }
    if name not in public:
        raise invalid("x-bce-acl must be private, public-read or public-read-write.")
    return (mine, *public[name])


def grants(body: JsonValue) -> tuple[Grant, ...]:
    """The grants of an ``accessControlList``."""
    entries = body.get("accessControlList") if isinstance(body, Mapping) else None
    if not isinstance(entries, list):
        raise inappropriate("Missing: accessControlList")
    return tuple(_grant(entry) for entry in entries)


def _grant(entry: JsonValue) -> Grant:
    grantees = entry.get("grantee") if isinstance(entry, Mapping) else None
    permissions = entry.get("permission") if isinstance(entry, Mapping) else None
    if not isinstance(grantees, list) or not isinstance(permissions, list):
        raise inappropriate("accessControlList needs grantee and permission.")
    names = tuple(str(one["id"]) for one in grantees if isinstance(one, Mapping) and "id" in one)
    granted = frozenset(str(one) for one in permissions)
    if len(names) != len(grantees) or not granted <= PERMISSIONS:
        raise inappropriate("A grantee needs an id, and a permission must be one of the documented ones.")
    return Grant(names, granted)
