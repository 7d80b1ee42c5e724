"""The findings about flows that BOS owns: what each code says. Data.

Source, unless a text says otherwise: BOS API, PutBucketReplication.
"""

from reconciler.model.finding import FieldPath, Finding, Severity
from reconciler.providers.findings import Text, finding

__all__ = ["TEXTS", "found"]

_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


TEXTS = {
    "REPL-C301": Text(
        _ERROR,
        "BOS has no schedule",
        "remove `schedule`",
        "A rule copies each object soon after it is written, not at set times.",
    ),
    "REPL-C302": Text(
        _ERROR,
        "BOS cannot choose by tags",
        "remove `filter.tags`; choose by prefix, and leave out with `filter.exclude`",
        "A rule chooses by the beginning of keys and leaves out by patterns of keys.",
    ),
    "REPL-C303": Text(
        _ERROR,
        "BOS cannot leave out by this glob",
        "write one of `prefix*`, `*suffix` and `*infix*`, with text that is no glob itself and does not begin inside"
        " `source.prefix`; patterns of whole keys go under `bos.exclude`",
    ),
    "REPL-C304": Text(
        _ERROR,
        "Not a pattern of BOS",
        "write one of `prefix*`, `*suffix` and `*infix*`: of whole keys, from the bucket's root, without the bucket",
    ),
    "REPL-C305": Text(
        _ERROR, "Too many exclusions", "let one pattern do the work of several, or write several replications"
    ),
    "REPL-C306": Text(_ERROR, "Too many resources", "let one prefix do the work of several, or use several rules"),
    "REPL-C307": Text(
        _ERROR, "Not a resource of BOS", "write the beginning of keys and a star, as `logs/app*`, within the prefix"
    ),
    "REPL-C308": Text(
        _WARNING,
        "A resource without a star",
        "end it in a star",
        "Whether BOS takes it for one key or for the beginning of keys is not documented. It is sent as written.",
    ),
    "REPL-C309": Text(
        _ERROR,
        "The canary would not be copied",
        "write `verify: {level: status}`, or let the rule cover `.repl-canary/` below the source's prefix",
    ),
    "REPL-C310": Text(
        _ERROR, "Not the id of a rule", "copy the id from the console, or leave `bos.id` out to have one made"
    ),
    "REPL-C311": Text(_ERROR, "Not a storage class of BOS", "leave it out to keep the class of each object"),
    "REPL-C312": Text(
        _ERROR,
        "A class for copies that nobody makes",
        "add `existing: copy`, or remove `bos.historyStorageClass`",
        "It is for what was there before the rule, which is copied with `existing: copy` only.",
    ),
    "REPL-C313": Text(_ERROR, "Source and destination are the same bucket", "name another destination bucket"),
    "REPL-C314": Text(_ERROR, "Not a bucket name", "write the name alone, without bos:/ or a path"),
    "REPL-C315": Text(_ERROR, "Not a key prefix", "correct the prefix"),
    "REPL-C316": Text(
        _WARNING,
        "The destination's prefix has no slash at its end",
        "end it with a slash",
        "BOS calls it a path and shows it with a slash: what it makes of another form is not documented.",
    ),
    "REPL-C317": Text(
        _ERROR, "Everything is left out", "remove this exclusion, or set `state: paused` if nothing shall be copied"
    ),
    "REPL-C318": Text(_ERROR, "The rule is too long", "use fewer or shorter resources and exclusions"),
    "REPL-C320": Text(
        _ERROR, "More rules than a bucket can hold", "let one rule do the work of several: a shorter prefix"
    ),
    "REPL-C321": Text(_ERROR, "Two replications want the same rule", "give each its own `bos.id`, or leave it out"),
    "REPL-C322": Text(_ERROR, "Two rules are equal but for the id", "remove one of them, or let them differ"),
    "REPL-C323": Text(
        _ERROR, "The rules of the bucket are too long together", "use fewer or shorter resources and exclusions"
    ),
    "REPL-W301": Text(_ERROR, "The bucket does not exist", "create it, or correct `bucket`"),
    "REPL-W302": Text(
        _WARNING, "The bucket could not be looked at", "give the provider's key the right to read the bucket"
    ),
    "REPL-W303": Text(_ERROR, "The bucket lies in another region", "use a provider of that region"),
    "REPL-W304": Text(
        _ERROR,
        "Versioning is enabled on the source",
        "suspend versioning of the source bucket, or replicate from another one; see `repl explain"
        " BOS-VERSIONED-SOURCE`",
    ),
    "REPL-W305": Text(
        _WARNING,
        "Versioning is suspended on the source",
        "watch the canary",
        "BOS does not replicate from a bucket with versioning; what it does once that is suspended is not documented.",
    ),
    "REPL-W306": Text(
        _ERROR, "The bucket does not take this storage class", "leave it out to keep the class of each object"
    ),
    "REPL-W310": Text(
        _WARNING,
        "Exclusions that nobody can see would be lost",
        "look in the console whether the rule leaves something out, and write that, or `filter: {exclude: []}`",
    ),
    "REPL-W311": Text(
        _ERROR, "A paused rule sends nothing", "resume it with `state: active`: that starts the copy, too"
    ),
    "REPL-W312": Text(
        _ERROR,
        "This rule does not copy what was there before",
        "write `existing: copy`; that change sends everything by itself",
        "Written again, a rule without it starts from what is written from then on: nothing would be sent again.",
    ),
    "REPL-W313": Text(
        _ERROR, "The bucket holds as many rules as it can", "remove a rule that is not needed, then apply"
    ),
    "REPL-W314": Text(_ERROR, "The bucket holds this rule already", "two rules may not differ in their id alone"),
    "REPL-W315": Text(
        _ERROR,
        "A protected rule would be deleted",
        "apply `protect: false` first, in a change of its own",
        "An enabled rule cannot be disabled, only deleted and created disabled; `protect: true` forbids the deletion.",
    ),
}


def found(
    code: str, replication: str, path: FieldPath, detail: str = "", *, hint: str = "", severity: Severity | None = None
) -> Finding:
    """Make a finding about one replication. `path` starts below `spec`."""
    return finding(TEXTS, code, ("spec", *path), replication=replication, detail=detail, hint=hint, severity=severity)
