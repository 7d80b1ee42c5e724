"""Objects of both ends of a flow, put there directly, and what a comparison says of them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from reconciler.model.verification import Level, Verification
from reconciler.testing.memory import MemoryObject
from reconciler.verify.run import Job
from tests.unit.verify.scene import Scene, flow

OLD = datetime(2025, 6, 1, tzinfo=UTC)


def put(scene: Scene, where: str, key: str, data: bytes = b"data", at: datetime = OLD) -> None:
    bucket = (scene.here if where == "a" else scene.there).buckets[where]
    bucket[key] = MemoryObject(data=data, modified_at=at)


def both(scene: Scene, *keys: str, data: bytes = b"data") -> None:
    for key in keys:
        put(scene, "a", key, data)
        put(scene, "b", key, data)


def compared(
    scene: Scene, level: str = "size", *, since: datetime | None = None, job: Job | None = None, **spec: Any
) -> Verification:
    job = job or scene.job(flow(**({"existing": "copy"} | spec)))
    (answer,) = scene.verify(replace(job, since=since), level=Level(level), canary=False, parallelism=3)
    return answer


def seen(answer: Verification) -> dict[str, str]:
    assert answer.compared is not None
    return {one.key: one.verdict.value for one in answer.compared.differences}
