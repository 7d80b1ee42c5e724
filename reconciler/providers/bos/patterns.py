"""The patterns of keys that BOS knows, and which globs below a prefix say exactly the same. Pure.

The service knows three forms for what is left out, over whole keys: `prefix*`, `*suffix`, `*infix*`. A glob in
`filter.exclude` is about keys below `source.prefix`. Where both would differ for any key there is no translation.
Source: BOS API, PutBucketReplication; BOS documentation of the Python SDK.
"""

from enum import StrEnum

__all__ = ["Form", "bucket_wide", "covers", "form_of", "matches", "relative"]

_SPECIAL = frozenset("*?[")


class Form(StrEnum):
    """What a pattern looks at."""

    PREFIX = "prefix*"
    SUFFIX = "*suffix"
    INFIX = "*infix*"


def form_of(pattern: str) -> tuple[Form, str] | None:
    """Read a pattern of the service's: its form and the text in it; None if it is none of the three."""
    text = pattern.strip("*")
    forms = {f"{text}*": Form.PREFIX, f"*{text}": Form.SUFFIX, f"*{text}*": Form.INFIX}
    found = forms.get(pattern) if text and "*" not in text else None
    return (found, text) if found else None


def bucket_wide(prefix: str, glob: str) -> str | None:
    """Translate a glob about keys below a prefix into a pattern about whole keys; None if none says the same.

    A suffix or infix may not begin inside the prefix: below `app/` the glob `*/x` leaves out `app/a/x` but not `app/x`,
    while BOS would leave out both.
    """
    found = form_of(glob)
    if found is None or _SPECIAL & set(found[1]):
        return None
    form, text = found
    if form is Form.PREFIX:
        return f"{prefix}{text}*" if "*" not in prefix else None
    if _meets(prefix, text) or (form is Form.INFIX and text in prefix):
        return None
    return glob


def relative(prefix: str, pattern: str) -> str | None:
    """Return the glob below a prefix that `bucket_wide` makes this pattern of; None if there is none."""
    glob = pattern.removeprefix(prefix) if not pattern.startswith("*") else pattern
    return glob if bucket_wide(prefix, glob) == pattern else None


def covers(pattern: str, prefix: str) -> bool:
    """Say whether a pattern takes every key that starts with a prefix."""
    found = form_of(pattern)
    if found is None:
        return pattern == "*"
    form, text = found
    return prefix.startswith(text) if form is Form.PREFIX else text in prefix if form is Form.INFIX else False


def matches(pattern: str, key: str) -> bool:
    """Say whether a pattern takes a key."""
    found = form_of(pattern)
    if found is None:
        return pattern == "*"
    form, text = found
    return {Form.PREFIX: key.startswith(text), Form.SUFFIX: key.endswith(text), Form.INFIX: text in key}[form]


def _meets(prefix: str, text: str) -> bool:
    """Say whether an end of the prefix is a beginning of the text."""
    return any(text.startswith(prefix[start:]) for start in range(len(prefix)))
