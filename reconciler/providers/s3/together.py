"""What the rules of one bucket have with each other, as far as documents tell. Pure.

Source: Amazon S3 API reference, PutBucketReplication ("The maximum number of rules is 1,000") and the types
ReplicationRule and ReplicationConfiguration (ids and priorities are unique in a bucket).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from reconciler.model.finding import Finding
from reconciler.model.relationship import Flow
from reconciler.providers.s3.check import Problem
from reconciler.providers.s3.convert import options_part, rule_id

__all__ = ["RULES_MAX", "check_together", "identity_of"]

RULES_MAX = 1000


def identity_of(flow: Flow) -> str:
    """Return the id of the rule that a flow gets or adopts."""
    return options_part(flow).id or rule_id(flow.workspace, flow.name)


def check_together(flows: Sequence[Flow]) -> Iterator[Finding]:
    """Yield each problem once for every flow that has a part in it."""
    yield from _twice(flows, "id", "REPL-C120", "Two replications want the same rule")
    yield from _twice(flows, "priority", "REPL-C121", "Two replications want the same priority")
    for flow in flows[RULES_MAX:]:
        yield Problem(
            "REPL-C122", ("source", "bucket"), "More rules than a bucket can hold",
            f"{flow.spec.source.bucket} would have {len(flows)} rules; S3 takes {RULES_MAX}.",
            "let one rule do the work of several: a shorter prefix",
        ).of(flow.name)  # fmt: skip


def _twice(flows: Sequence[Flow], option: str, code: str, summary: str) -> Iterator[Finding]:
    claims: dict[str | int, list[str]] = defaultdict(list)
    for flow in flows:
        value = _claimed(flow, option)
        if value is not None:
            claims[value].append(flow.name)
    for value, names in claims.items():
        for name in names if len(names) > 1 else ():
            others = ", ".join(other for other in names if other != name)
            yield Problem(
                code, ("s3", option), summary, f"{option} {value} is claimed by {others}, too.",
                f"give each its own `{option}`, or leave it out",
            ).of(name)  # fmt: skip


def _claimed(flow: Flow, option: str) -> str | int | None:
    if option == "id":
        return identity_of(flow)
    return options_part(flow).priority
