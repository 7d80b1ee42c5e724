"""The findings about flows that Alarik owns: what each code says. Data, and the one way to make a finding of it.

Apart from `check.py` because texts and the rules that pick them are read by different people. Codes: REPL-C4xx for
documents, REPL-W4xx for the world.
"""

from reconciler.model.finding import FieldPath, Finding, Severity
from reconciler.providers.findings import Text, finding

__all__ = ["TEXTS", "found"]

_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


TEXTS = {
    "REPL-C401": Text(
        _ERROR,
        "Alarik cannot choose a storage class",
        "remove `storageClass`, and use a lifecycle rule of the destination bucket",
        "A rule has no such member: objects are written without one and get the bucket's default.",
    ),
    "REPL-C402": Text(
        _ERROR,
        "Alarik cannot leave keys out",
        "remove `filter.exclude`, or use narrower prefixes, one replication for each",
        "A rule chooses by one prefix, and has no exceptions.",
    ),
    "REPL-C403": Text(
        _ERROR,
        "Alarik cannot choose by tags",
        "remove `filter.tags`, and choose by prefix",
        "A rule chooses by one prefix; tags are copied, but not looked at.",
    ),
    "REPL-C404": Text(
        _ERROR,
        "Alarik has no schedule",
        "remove `schedule`",
        "Each object is copied soon after it is written, not at set times.",
    ),
    "REPL-C405": Text(
        _ERROR, "Alarik keeps keys as they are", "leave `destination.prefix` out, or repeat the source's"
    ),
    "REPL-C406": Text(_ERROR, "Not a bucket name", "write the name alone, without s3://, ARN or path"),
    "REPL-C407": Text(_ERROR, "Not a key prefix", "shorten the prefix"),
    "REPL-C408": Text(
        _ERROR,
        "Source and destination are the same bucket",
        "name another destination bucket",
        "The server accepts such a rule, and nothing stops it: every copy is a new version, which is copied again, for "
        "ever.",
    ),
    "REPL-C410": Text(
        _ERROR, "The other end does not speak S3", "name a provider that speaks S3: Alarik copies to buckets only"
    ),
    "REPL-C411": Text(
        _ERROR,
        "Alarik needs a key for the destination",
        "give that provider `credentials` with `accessKeyId` and `secretAccessKey`: a key that lasts, for the server "
        "keeps it and signs with it as long as the rule stands",
    ),
    "REPL-C412": Text(
        _ERROR,
        "The destination's region is not known",
        "set `region` of that provider",
        "The server signs for the region that a target names, and every copy fails if it is another one.",
    ),
    "REPL-C413": Text(_ERROR, "Alarik cannot use this endpoint", "give that provider an endpoint https://host[:port]"),
    "REPL-C414": Text(
        _INFO,
        "Alarik cannot be given a certificate authority",
        "have that authority trusted on the machine that Alarik runs on",
    ),
    "REPL-C415": Text(
        _WARNING,
        "Alarik puts the bucket in the path",
        "ask whether that system takes path-style requests; if so, set `pathStyle: true` where its provider has it",
    ),
    "REPL-C420": Text(
        _ERROR, "Too many rules for one bucket", "cover several prefixes with one replication, or split the bucket"
    ),
    "REPL-C421": Text(
        _ERROR,
        "Too many targets for one bucket",
        "lead several replications to one bucket with one key: they share a target",
    ),
    "REPL-C422": Text(_ERROR, "Two replications, one rule", "give each its own `alarik.id`, or leave it out"),
    "REPL-C423": Text(
        _ERROR,
        "One target, two keys",
        "use the same provider in all of them, or write `accessKeyId` as text where the keys differ",
    ),
    "REPL-C430": Text(
        _WARNING,
        "Without an access key objects cannot be looked at",
        "set `credentials` of the provider beside its `login`",
        "A login opens the console API only. Canaries and comparisons need S3, and its requests are signed with a key.",
    ),
    "REPL-W401": Text(
        _ERROR,
        "Bucket does not exist, or is another user's",
        "create it, or sign in as its owner: Alarik shows a bucket's replication to nobody else, not even to "
        "administrators",
    ),
    "REPL-W402": Text(_WARNING, "Bucket cannot be looked at", "mend the access; versioning and region are not checked"),
    "REPL-W403": Text(_ERROR, "Versioning is not enabled", ""),
    "REPL-W404": Text(_ERROR, "Destination bucket does not exist", "create it, or correct the name"),
    "REPL-W405": Text(
        _WARNING,
        "Destination bucket cannot be looked at",
        "mend the access of that provider; Alarik itself does not look before the first copy",
    ),
    "REPL-W406": Text(_ERROR, "Destination is in another region", ""),
    "REPL-W407": Text(
        _ERROR,
        "Only administrators may replicate to private addresses",
        "use an endpoint with a public name, or let an administrator own the source bucket",
    ),
    "REPL-W408": Text(_WARNING, "The server has another region", ""),
    "REPL-W410": Text(
        _ERROR,
        "Too many rules in the bucket",
        "remove one; those made by others count too, and `repl import` shows them",
    ),
    "REPL-W411": Text(
        _ERROR,
        "Too many targets in the bucket",
        "remove one that no rule uses; those made by others count too, and theirs are never used, for nobody knows "
        "their secret",
    ),
    "REPL-W412": Text(
        _ERROR,
        "An id is twice in a list",
        "the server would crash at the next write: clear both lists with S3's DeleteBucketReplication (that ends all "
        "replication of the bucket), restore what others had, and plan again",
    ),
    "REPL-W414": Text(
        _WARNING,
        "An earlier rule of this replication is there too",
        "remove it on the server, or name it with `alarik.id`: both copy",
    ),
    "REPL-W415": Text(
        _ERROR, "The rule does not send what is there", "write `existing: copy`, apply, and it is sent in the same run"
    ),
    "REPL-W416": Text(_ERROR, "A paused rule sends nothing", "write `state: active` and apply first"),
    "REPL-W417": Text(_WARNING, "Other rules use this target", "look whether they shall go there too"),
    "REPL-W418": Text(
        _ERROR,
        "No room to change the targets safely",
        "a bucket has four targets at most, on the way too: apply in parts with --select, or remove one first",
    ),
    "REPL-W419": Text(_ERROR, "The rule was not read", "plan again"),
    "REPL-W420": Text(
        _INFO,
        "Somebody else's target leads there already",
        "nothing to do: it is left alone, for its secret is not known and its owner may change or remove it",
    ),
}


def found(
    code: str,
    replication: str | None,
    path: FieldPath,
    detail: str = "",
    *,
    hint: str = "",
    severity: Severity | None = None,
    provider: str | None = None,
) -> Finding:
    """Make a finding of a code; what is given takes the place of what its text says."""
    return finding(
        TEXTS, code, path, replication=replication, provider=provider, detail=detail, hint=hint, severity=severity
    )
