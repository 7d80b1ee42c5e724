"""Data for a cloud that should not start empty: buckets in both regions, and a rule that somebody else made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reconciler.emulators.bos.cloud import Cloud
from reconciler.emulators.bos.identity import OTHER, OWNER
from reconciler.emulators.bos.rule import parse
from reconciler.emulators.message import JsonValue

#: Buckets of the owner, with their regions.
BUCKETS: Final[Mapping[str, str]] = {
    "prod-images": "bj",
    "prod-thumbs": "bj",
    "archive-images": "bj",
    "dr-images": "gz",
    "dr-thumbs": "gz",
    "dr-archive": "gz",
}
#: Multi-AZ, in bj.
MULTI_AZ: Final = "prod-ledger"
#: Of the other account, in gz.
FOREIGN: Final = "partner-images"

#: What was there before any rule, by bucket and key.
OBJECTS: Final[Mapping[str, Mapping[str, bytes]]] = {
    "prod-images": {f"raw/2026/11/{day:02}.jpeg": bytes(range(256)) * day for day in range(1, 11)}
    | {"index.json": b"{}\n", "tmp/upload-1.part": b"\0" * 64},
    "prod-thumbs": {"small/1.png": b"thumb 1", "small/2.png": b"thumb 2"},
    "archive-images": {"2019/a.tif": b"a" * 512, "2020/b.tif": b"b" * 512},
}
#: The one object in archive storage, which no rule copies.
ARCHIVED: Final = ("archive-images", "2018/old.tif")

#: The rule nobody of this project made: bucket and body.
RULE_BUCKET: Final = "prod-thumbs"
RULE: Final[Mapping[str, JsonValue]] = {
    "id": "console-1",
    "status": "enabled",
    "resource": [f"{RULE_BUCKET}/*"],
    "destination": {"bucket": "dr-thumbs"},
    "replicateHistory": {},
    "replicateDeletes": "disabled",
}


def seed(cloud: Cloud) -> None:
    """Make the buckets, the objects and the rule."""
    with cloud.lock:
        for name, region in BUCKETS.items():
            cloud.create_bucket(name, OWNER, region)
        cloud.create_bucket(MULTI_AZ, OWNER, "bj", multi_az=True)
        cloud.create_bucket(FOREIGN, OTHER, "gz")
        for name, objects in OBJECTS.items():
            for key, body in objects.items():
                cloud.objects.write(cloud.buckets[name], key, body, (), None)
        name, key = ARCHIVED
        cloud.objects.write(cloud.buckets[name], key, b"old" * 100, (), "ARCHIVE")
        cloud.replication.put(cloud.buckets[RULE_BUCKET], parse(str(RULE["id"]), RULE_BUCKET, RULE))
