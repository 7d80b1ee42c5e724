"""Data for a server that should not start empty: buckets with objects, and somebody else's replication."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from reconciler.emulators.alarik.buckets import STORE_REGION
from reconciler.emulators.alarik.configuration import Configuration, Rule, Target
from reconciler.emulators.alarik.identity import AccessKey, User
from reconciler.emulators.message import Request

if TYPE_CHECKING:
    from reconciler.emulators.alarik.instance import Instance

#: Buckets of the described user, and whether they have versions.
BUCKETS: Final = {"uploads": True, "uploads-copy": True, "legacy-copy": True, "unversioned": False}

#: What was there before any rule, by bucket and key.
OBJECTS: Final = {
    "uploads": {
        **{f"uploads/2026/{number:02}.bin": bytes([number]) * 2048 for number in range(1, 7)},
        "legacy/report.csv": b"day,bytes\n1,2048\n",
        "index.html": b"<!doctype html><title>uploads</title>\n",
    },
    "unversioned": {"notes.txt": b"nothing here has a version\n"},
}

#: Somebody made these in the console: they are not `repl`'s to change.
FOREIGN_TARGET: Final = uuid.UUID("7b0e4c52-5d3f-4c7e-9a66-0d5b8f1c2a31")
FOREIGN_RULE: Final = uuid.UUID("c1f6a9de-28b4-4f0e-8d57-6e93b7a4f502")
FOREIGN_PREFIX: Final = "legacy/"


def seed(instance: Instance, owner: User, key: AccessKey, url: str) -> None:
    """Make buckets and objects, then the foreign rule, which leads to another bucket of this server."""
    for name, versioned in BUCKETS.items():
        instance.buckets.create(name, owner, instance.clock.now(), versioned=versioned)
        for path, body in OBJECTS.get(name, {}).items():
            headers = (("Content-Type", "application/octet-stream"),)
            instance.store.answer(Request("PUT", f"/{name}/{quote(path)}", "", headers, body), STORE_REGION)
    region = instance.settings.region
    target = Target(FOREIGN_TARGET, url, "legacy-copy", key.access_key, key.secret_key, region, enabled=True)
    rule = Rule(
        FOREIGN_RULE, FOREIGN_TARGET, FOREIGN_PREFIX, deletes=False, existing=False, synchronous=False, enabled=True
    )
    instance.buckets.save("uploads", Configuration((target,), (rule,)))
