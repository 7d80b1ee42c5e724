"""Ids that the client chooses: a replication's rule and its target get the same ones in every run. Pure.

A server invents an id only for the all-zero one and keeps any other. It writes ids in capitals and reads both cases.
Source: Alarik 1.0.0-beta-13, InternalBucketController (setReplicationTargets, setReplicationRules).
"""

from uuid import UUID, uuid5

from reconciler.model.value import canonical_json

__all__ = ["fold", "is_chosen", "rule_id", "target_id"]

_NAMESPACE = UUID("5f1c1e0e-3f0b-5b0e-9d0c-a1a51c000001")
"""Ours alone. Another one would give every rule and target another id."""


def fold(text: str) -> str:
    """Return an id in the one spelling that ids are compared in: capitals, as the server writes them."""
    return text.strip().upper()


def is_chosen(text: str) -> bool:
    """Say whether an id was derived from a name, as ours are (UUID version 5); the server's own are random."""
    try:
        return UUID(text).version == 5
    except ValueError:
        return False


def rule_id(workspace: str, name: str, generation: int) -> str:
    """Return the id of a replication's rule. Another generation is another rule."""
    return _derived("rule", workspace, name, generation)


def target_id(
    workspace: str, *, endpoint: str, bucket: str, region: str, access_key_id: str | None, number: int = 0
) -> str:
    """Return the id of a target, equal for all replications of a workspace that go to one place with one key.

    `access_key_id` is None where a manifest gives it by reference, so that it is not known to a plan. `number`: 0 for
    the first choice, 1 and more for those after it, where a target that leads elsewhere has the ones before.
    """
    more = (number,) if number else ()
    return _derived("target", workspace, endpoint, bucket, region, access_key_id, *more)


def _derived(*parts: str | int | None) -> str:
    return fold(str(uuid5(_NAMESPACE, canonical_json(list(parts)))))
