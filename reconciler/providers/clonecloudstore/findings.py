"""The findings about flows between sites of CloneCloudStore: what each code says. Data.

Codes: REPL-C6xx for documents, REPL-W6xx for the world.
"""

from reconciler.model.finding import FieldPath, Finding, Severity
from reconciler.providers.findings import Text, finding

__all__ = ["TEXTS", "found"]

_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


TEXTS = {
    "REPL-C601": Text(
        _ERROR,
        "CloneCloudStore has no storage class",
        "remove `storageClass`",
        "Neither an object nor an order has such a member.",
    ),
    "REPL-C602": Text(
        _ERROR,
        "CloneCloudStore cannot filter",
        "remove `filter`; give what shall not be copied a bucket of its own",
        "Everything in every bucket goes to every site that is UP.",
    ),
    "REPL-C603": Text(
        _ERROR,
        "CloneCloudStore has no schedule",
        "remove `schedule`",
        "Each object is ordered soon after it is written, not at set times.",
    ),
    "REPL-C604": Text(_ERROR, "Not a bucket name", "use the name that the server would make, or another one"),
    "REPL-C605": Text(
        _ERROR,
        "Both buckets have one name",
        "write the source's bucket as `destination.bucket`",
        "An order carries one bucket name; copies cannot go to a bucket of another name.",
    ),
    "REPL-C606": Text(_ERROR, "Source and destination are one site", "name the provider of another site"),
    "REPL-C607": Text(
        _ERROR,
        "Two clients, one replication",
        "use two providers with one `clientId`: an order is carried out in the name of the source's client",
    ),
    "REPL-C608": Text(
        _ERROR,
        "Canaries could not be removed",
        "write `verify: {level: status}`",
        "With `deletes: keep` the client may delete nothing at the destination, canaries included.",
    ),
    "REPL-C609": Text(
        _ERROR,
        "The canary would get another name",
        "rename the replication, or write `verify: {level: status}`",
    ),
    "REPL-C610": Text(
        _ERROR,
        "Nothing can be deleted at the destination",
        "write `deletes: replicate`, or remove `conflicts: replace` and `prune: true`",
        "With `deletes: keep` orders to delete are refused there.",
    ),
    "REPL-C611": Text(
        _WARNING,
        "A canary may need longer",
        "give `verify.within` more than the time that a site's list is believed (`topologyCache`)",
    ),
    "REPL-C612": Text(
        _WARNING,
        "Nothing copies existing objects",
        "write `existing: copy`, or remove these options",
        "`conflicts` and `prune` are about copying existing objects only.",
    ),
    "REPL-C620": Text(
        _ERROR,
        "One pair of sites, active and paused",
        "give all replications between two sites in one direction the same `state`",
        "A site is UP or DOWN for another one, for all buckets.",
    ),
    "REPL-C621": Text(_ERROR, "The same bucket twice", "remove one of them"),
    "REPL-C622": Text(
        _ERROR,
        "One site, two addresses",
        "give providers of one site the same `replicator` or `topologyUri`",
    ),
    "REPL-W601": Text(_ERROR, "Bucket does not exist", "create it, or correct the name"),
    "REPL-W602": Text(_WARNING, "Bucket cannot be looked at", "mend the access; plans are made without its state"),
    "REPL-W603": Text(_ERROR, "Bucket is another client's", "name that client in `clientId`, or use another bucket"),
    "REPL-W604": Text(
        _ERROR,
        "Bucket is in a state that no call leads out of",
        "have it mended in that site's database, or use another bucket",
    ),
    "REPL-W605": Text(
        _ERROR,
        "It is not known whether the destination can have the bucket",
        "make that site reachable and plan again",
    ),
    "REPL-W606": Text(
        _ERROR,
        "The client may not read at the source",
        "give it the right: copies are fetched in its name",
    ),
    "REPL-W607": Text(
        _WARNING,
        "What is done at the destination comes back",
        "if that is not meant, set the source to DOWN in the destination's list by hand, or remove it and plan again",
    ),
    "REPL-W608": Text(
        _ERROR, "A paused pair is not copied", "write `state: active` and apply; `existing: copy` copies what is there"
    ),
    "REPL-W609": Text(_ERROR, "The pair was not read", "plan again"),
    "REPL-W610": Text(
        _ERROR,
        "A replication of the same pair wants another state",
        "plan all replications of the pair together, with one `state`",
    ),
    "REPL-W612": Text(
        _ERROR,
        "What comes back cannot be told from what is extra",
        "remove `prune: true`, or the replication the other way",
    ),
    "REPL-W613": Text(
        _ERROR,
        "Bucket is being deleted",
        "plan again once it is gone: it is then ordered anew; if it stays so, have it mended in that site's database",
    ),
    "REPL-W614": Text(
        _INFO,
        "What is still to be copied waits until the pair is active",
        "nothing; the plan that resumes the pair copies it",
    ),
    "REPL-W611": Text(
        _INFO,
        "The sites go on knowing each other",
        "to end all replication, remove each from the other's list: DELETE /administration/topologies/{site}",
    ),
}


def found(code: str, replication: str, path: FieldPath, detail: str = "", *, hint: str = "") -> Finding:
    """Make a finding about one replication. `path` starts below `spec`."""
    return finding(TEXTS, code, ("spec", *path), replication=replication, detail=detail, hint=hint)
