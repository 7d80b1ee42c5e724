"""Flows that carry a canary on, beside the one that is verified, and what came of it."""

from dataclasses import replace
from typing import Any

from reconciler.model.relationship import Flow
from reconciler.model.verification import Check, Verification
from reconciler.testing.memory import LoggedRequest, MemoryWorld, open_memory
from reconciler.verify.run import Job
from tests.unit.verify.scene import Scene, flow, named


def other(scene: Scene, made: Flow, **live: Any) -> Job:
    """Make a flow live that is not verified, as the command describes it: with no relationship."""
    for end, world in ((made.spec.source, scene.here), (made.spec.destination, scene.there)):
        assert end.bucket is not None
        world.buckets.setdefault(end.bucket, {})
    return replace(scene.job(made, **live), relationship=None)


def stall(scene: Scene, name: str = "whole") -> Job:
    """Describe a flow that is live, and brings nothing."""
    covering = other(scene, flow(name, destination="c"))
    scene.here.rules["a"][f"repl.test.{name}"].document["filter"]["exclude"] = ["*"]
    return covering


def unapplied(made: Flow) -> Job:
    """Describe a flow that only its manifest knows."""
    return Job(
        flow=made, provider=open_memory(made.owner), relationship=None, source=open_memory(made.source),
        destination=open_memory(made.destination),
    )  # fmt: skip


def onward(scene: Scene) -> Job:
    """Make a flow live from the destination's bucket to a third one of the same system."""
    scene.there.buckets["c"] = {}
    made = flow("onward", "b", "c")
    return replace(scene.job(replace(made, source=made.destination)), relationship=None)


def left(scene: Scene) -> list[str]:
    """Keys of canaries anywhere, after all that is under way has arrived."""
    scene.clock.advance(600)
    MemoryWorld.settle_all()
    return scene.left()


def cleanup(answer: Verification) -> list[Check]:
    return named(answer, "cleanup")


def looked_at(world: MemoryWorld, bucket: str) -> list[LoggedRequest]:
    return [request for request in world.log if request.target.startswith(f"{bucket}/")]
