"""What can be said against flows of BOS without asking anybody: each on its own, and those of one bucket. Pure.

Source, unless said otherwise: BOS API, PutBucketReplication.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches

from reconciler.model.finding import FieldPath, Finding
from reconciler.model.manifest import Existing
from reconciler.model.relationship import Flow
from reconciler.model.value import Json, canonical_json
from reconciler.model.verification import Level
from reconciler.providers.bos.config import BUCKET, RULE_ID_LENGTH
from reconciler.providers.bos.convert import (
    REMAIN,
    body_size,
    desired_settings,
    exclusions_of,
    identity_of,
    options_of,
    resources_of,
    rule_body,
)
from reconciler.providers.bos.findings import found
from reconciler.providers.bos.identity import is_valid
from reconciler.providers.bos.patterns import bucket_wide, covers, form_of, matches

__all__ = ["CLASSES", "MULTI_AZ", "RULES_MAX", "check", "check_together"]

RULES_MAX = 10
_RESOURCES_MAX, _EXCLUSIONS_MAX = 20, 20
_RULE_BYTES_MAX, _BUCKET_BYTES_MAX = 128 * 1024, 200 * 1024
_KEY_MAX = 1024
"""Bytes of a key in UTF-8. Source: BOS documentation, 'Object naming'."""
MULTI_AZ = "MAZ_"
CLASSES = ("STANDARD", "STANDARD_IA", "COLD", "MAZ_STANDARD", "MAZ_STANDARD_IA")
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_CANARY = ".repl-canary/"

Place = tuple[FieldPath, str]
"""A path below `spec`, and what is written there."""


def check(flow: Flow) -> Iterator[Finding]:
    """Yield every problem of one flow, with its place."""
    for judge in (_unsupported, _id, _buckets, _prefixes, _resources, _globs, _exclusions, _classes, _canary, _size):
        yield from judge(flow)


def check_together(flows: Sequence[Flow]) -> Iterator[Finding]:
    """Yield each problem that the flows of one bucket have with each other, once for every flow that has a part in it.

    Rules of others, which no document knows, are looked at when a plan is made.
    """
    for flow in flows[RULES_MAX:]:
        detail = f"{flow.spec.source.bucket} would have {len(flows)} rules; BOS takes {RULES_MAX}."
        yield found("REPL-C320", flow.name, ("source", "bucket"), detail)
    yield from _shared(flows, identity_of, "REPL-C321", ("bos", "id"), "The id {value}")
    yield from _shared(flows, _content, "REPL-C322", (), "What the rule says")
    total = 0
    for flow in flows:
        total += body_size(_body(flow))
        if total > _BUCKET_BYTES_MAX:
            detail = f"With this one they have {total:,} bytes; BOS takes {_BUCKET_BYTES_MAX:,}."
            yield found("REPL-C323", flow.name, ("source", "bucket"), detail)


def _shared(
    flows: Sequence[Flow], claim: Callable[[Flow], str], code: str, path: FieldPath, what: str
) -> Iterator[Finding]:
    claims: dict[str, list[str]] = defaultdict(list)
    for flow in flows:
        claims[claim(flow)].append(flow.name)
    for value, names in claims.items():
        for name in names if len(names) > 1 else ():
            others = ", ".join(other for other in names if other != name)
            yield found(code, name, path, f"{what.format(value=value)} is that of {others}, too.")


def _body(flow: Flow) -> dict[str, Json]:
    return rule_body(desired_settings(flow), None)


def _content(flow: Flow) -> str:
    return canonical_json({key: value for key, value in _body(flow).items() if key != "id"})


# One flow ----------------------------------------------------------------------------------------------------------


def _unsupported(flow: Flow) -> Iterator[Finding]:
    if flow.spec.schedule is not None:
        yield found("REPL-C301", flow.name, ("schedule",))
    if flow.spec.filter is not None and flow.spec.filter.tags:
        yield found("REPL-C302", flow.name, ("filter", "tags"))


def _id(flow: Flow) -> Iterator[Finding]:
    chosen = options_of(flow).id
    if chosen is not None and not is_valid(chosen):
        detail = (
            f"{chosen!r} has {len(chosen)} characters; an id has 1 to {RULE_ID_LENGTH} letters, digits, `-` and `_`."
        )
        yield found("REPL-C310", flow.name, ("bos", "id"), detail)


def _buckets(flow: Flow) -> Iterator[Finding]:
    source, destination = flow.spec.source.bucket or "", flow.spec.destination.bucket or ""
    for side, name in (("source", source), ("destination", destination)):
        if not BUCKET.fullmatch(name):
            detail = f"{name!r}: a bucket's name has 3 to 63 lower-case letters, digits and inner hyphens."
            yield found("REPL-C314", flow.name, (side, "bucket"), detail)
    if source == destination:
        detail = f"Both are {source}. Bucket names are unique in all of BOS, whatever the region."
        yield found("REPL-C313", flow.name, ("destination", "bucket"), detail)


def _prefixes(flow: Flow) -> Iterator[Finding]:
    ends = {"source": flow.spec.source.prefix or "", "destination": flow.spec.destination.prefix or ""}
    for side, prefix in ends.items():
        if problem := _key_problem(prefix):
            yield found("REPL-C315", flow.name, (side, "prefix"), f"{prefix[:80]!r}: {problem}.")
    if "*" in ends["source"]:
        detail = f"{ends['source'][:80]!r}: BOS reads a star as a wildcard."
        yield found("REPL-C315", flow.name, ("source", "prefix"), detail)
    there = ends["destination"]
    if there and not there.endswith("/"):
        yield found("REPL-C316", flow.name, ("destination", "prefix"))
    if _bytes(there) + _bytes(ends["source"]) >= _KEY_MAX > max(_bytes(there), _bytes(ends["source"])):
        detail = f"A copy's key is this prefix and the whole key, together at most {_KEY_MAX} bytes."
        yield found("REPL-C315", flow.name, ("destination", "prefix"), detail)


def _key_problem(prefix: str) -> str:
    """Say why no key can begin so; empty if one can."""
    if _bytes(prefix) >= _KEY_MAX:
        return f"it has {_bytes(prefix)} bytes, a key at most {_KEY_MAX}"
    if _CONTROL.search(prefix):
        return "it has control characters"
    if prefix.startswith(("/", "\\")):
        return "a key does not begin with a slash"
    return ""


def _resources(flow: Flow) -> Iterator[Finding]:
    given = options_of(flow).resources
    if given is None:
        return
    if len(set(given)) > _RESOURCES_MAX:
        detail = f"A rule takes {_RESOURCES_MAX}; these are {len(set(given))}."
        yield found("REPL-C306", flow.name, ("bos", "resources"), detail)
    prefix = flow.spec.source.prefix or ""
    for index, one in enumerate(given):
        path: FieldPath = ("bos", "resources", index)
        text = one.removesuffix("*")
        problem = _key_problem(text) or ("a star stands at the end only" if "*" in text else "")
        if not one or problem:
            yield found("REPL-C307", flow.name, path, f"{one[:80]!r}: {problem or 'it is empty'}.")
        elif not text.startswith(prefix):
            yield found("REPL-C307", flow.name, path, f"{one[:80]!r} is not within `source.prefix`, {prefix!r}.")
        elif not one.endswith("*"):
            yield found("REPL-C308", flow.name, path)


def _written(flow: Flow) -> tuple[list[Place], list[Place]]:
    """Return the globs, and the patterns of the service's own."""
    chosen = flow.spec.filter.exclude if flow.spec.filter else None
    return (
        [(("filter", "exclude", index), glob) for index, glob in enumerate(chosen or ())],
        [(("bos", "exclude", index), one) for index, one in enumerate(options_of(flow).exclude or ())],
    )


def _globs(flow: Flow) -> Iterator[Finding]:
    prefix = flow.spec.source.prefix or ""
    globs, patterns = _written(flow)
    for path, glob in globs:
        if bucket_wide(prefix, glob) is None and glob.strip("*"):
            shape = form_of(glob)
            why = (
                "it is none of the three forms that BOS knows"
                if shape is None or set(shape[1]) & set("?[")
                else f"over whole keys BOS would leave out more, for it may begin inside {prefix!r}"
            )
            yield found("REPL-C303", flow.name, path, f"{glob[:80]!r} below {prefix!r}: {why}.")
    for path, one in patterns:
        if form_of(one) is None and one.strip("*"):
            yield found("REPL-C304", flow.name, path, f"{one[:80]!r} is none of the three forms.")
    for path, one in globs + patterns:
        if not one or _CONTROL.search(one) or _bytes(one) > _KEY_MAX:
            detail = f"{one[:80]!r} is empty, has control characters, or is longer than a key."
            yield found("REPL-C304", flow.name, path, detail)


def _exclusions(flow: Flow) -> Iterator[Finding]:
    count = len(exclusions_of(flow) or ())
    if count > _EXCLUSIONS_MAX:
        path: FieldPath = ("filter", "exclude") if flow.spec.filter and flow.spec.filter.exclude else ("bos", "exclude")
        yield found("REPL-C305", flow.name, path, f"A rule takes {_EXCLUSIONS_MAX}; these are {count}.")
    prefix = flow.spec.source.prefix or ""
    globs, patterns = _written(flow)
    for path, one in globs + patterns:
        if (one and not one.strip("*")) or (path[0] == "bos" and covers(one, prefix)):
            yield found("REPL-C317", flow.name, path, f"{one[:80]!r} takes every key below {prefix!r}.")


def _classes(flow: Flow) -> Iterator[Finding]:
    options = options_of(flow)
    given: tuple[tuple[FieldPath, str | None], ...] = (
        (("storageClass",), flow.spec.storage_class),
        (("bos", "historyStorageClass"), options.history_storage_class),
    )
    for path, name in given:
        if name is not None and name not in (*CLASSES, REMAIN):
            near = get_close_matches(name.upper().replace("-", "_"), CLASSES, n=1)
            detail = f"{name[:80]!r} is none of {', '.join(CLASSES)}, and {REMAIN} for that of the original."
            yield found("REPL-C311", flow.name, path, detail, hint=f"did you mean {near[0]}?" if near else "")
    if options.history_storage_class is not None and flow.spec.existing is not Existing.COPY:
        yield found("REPL-C312", flow.name, ("bos", "historyStorageClass"))


def _canary(flow: Flow) -> Iterator[Finding]:
    """Find what the host cannot see: whether a canary falls under resources and patterns of the service's own."""
    options = options_of(flow)
    if flow.spec.verify.level is Level.STATUS:
        return
    key = f"{flow.spec.source.prefix or ''}{_CANARY}"
    if options.resources and not any(covers(one, key) for one in resources_of(flow)):
        detail = f"It would be written below {key!r}, which none of the resources covers."
        yield found("REPL-C309", flow.name, ("bos", "resources"), detail)
    for index, one in enumerate(options.exclude or ()):
        if form_of(one) is not None and matches(one, f"{key}{flow.name}"):
            detail = f"It would be written below {key!r}, which {one!r} leaves out."
            yield found("REPL-C309", flow.name, ("bos", "exclude", index), detail)


def _size(flow: Flow) -> Iterator[Finding]:
    size = body_size(_body(flow))
    if size > _RULE_BYTES_MAX:
        yield found("REPL-C318", flow.name, (), f"It has {size:,} bytes; BOS takes {_RULE_BYTES_MAX:,}.")


def _bytes(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))
