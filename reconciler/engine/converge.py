"""Holds what is live against what was planned for a container."""

from reconciler.engine.diff import shown_differences
from reconciler.model.observation import Observation
from reconciler.model.plan import ContainerPlan
from reconciler.model.relationship import Relationship

__all__ = ["find", "shortfalls"]


def shortfalls(item: ContainerPlan, observation: Observation) -> tuple[str, ...]:
    """Say in what the container is not as planned, one line for each difference. Empty means that it is,
    as far as the provider shows it."""
    lines: list[str] = []
    for desired in item.desired:
        live = find(observation, desired.identity)
        if live is None:
            lines.append(f"{desired.identity}: not there")
            continue
        lines += [
            f"{desired.identity}: {field.dotted} is {field.before!r}, not {field.after!r}"
            for field in shown_differences(live, desired.settings)
        ]
    lines += [f"{identity}: still there" for identity in item.gone if find(observation, identity) is not None]
    return tuple(lines)


def find(observation: Observation, identity: str) -> Relationship | None:
    """Return the live relationship of this identity, or that may have been made under it; None if there is none."""
    live = [one for state in observation.containers for one in state.relationships]
    exact = next((one for one in live if one.identity == identity), None)
    return exact or next((known for one in live if (known := one.known_as(identity)) is not None), None)
