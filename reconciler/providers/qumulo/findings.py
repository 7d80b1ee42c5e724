"""The findings about flows that a cluster owns: what each code says. Data.

Apart from `check.py` because texts and the rules that pick them are read by different people.
"""

from reconciler.model.finding import Severity
from reconciler.providers.findings import Text

__all__ = ["TEXTS"]

_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


TEXTS = {
    "REPL-C201": Text(
        _ERROR,
        "Qumulo cannot pause a replication",
        "remove the replication (files and objects stay), or leave it and start no jobs",
        "A relationship has no paused state: it runs one job when it is created, and others when somebody starts them.",
    ),
    "REPL-C202": Text(
        _ERROR,
        "Qumulo does not replicate deletes",
        "write `deletes: keep`, and let a lifecycle rule of the bucket, or people, remove what is no longer wanted",
        "A job adds and overwrites. What was deleted at the source stays at the destination.",
    ),
    "REPL-C203": Text(
        _ERROR,
        "Qumulo cannot filter",
        "remove the filter, and choose a directory or prefix that holds what shall be copied",
        "A job copies everything below the directory or folder.",
    ),
    "REPL-C204": Text(
        _ERROR,
        "Qumulo cannot choose a storage class",
        "remove `storageClass`, and use a lifecycle rule of the bucket",
        "Objects are written without one and get the bucket's default.",
    ),
    "REPL-C205": Text(
        _ERROR,
        "Qumulo always copies what is there",
        "write `existing: copy`, or leave it out",
        "Creating a relationship starts a job, and the job copies all there is.",
    ),
    "REPL-C206": Text(
        _INFO,
        "Qumulo has no schedule for buckets",
        "run `repl resync NAME` as often, for example from cron",
        "The cluster starts no job by itself: the schedule only says how old the last success may be.",
    ),
    "REPL-C210": Text(
        _ERROR,
        "The other end does not speak S3",
        "name a provider that speaks S3: a cluster copies to and from buckets",
    ),
    "REPL-C211": Text(
        _ERROR,
        "Qumulo cannot use this endpoint",
        "give the other provider an endpoint with HTTPS, such as https://s3.example:9000",
    ),
    "REPL-C212": Text(
        _ERROR,
        "The cluster needs a key for the bucket",
        "write `qumulo: {credentials: {accessKeyId: ID, secretAccessKey: {env: NAME}}}`, or give that provider"
        " explicit keys: what this machine finds by itself is not handed on",
    ),
    "REPL-C213": Text(
        _ERROR,
        "The region is not known",
        "set `region` at the other provider, or write `qumulo: {region: NAME}`",
        "A cluster signs its requests for a region, and the other end's provider names none.",
    ),
    "REPL-C214": Text(_ERROR, "A bucket cannot stand before an IP address", "write `qumulo: {bucketStyle: path}`"),
    "REPL-C215": Text(_WARNING, "The bucket's name has dots", "write `qumulo: {bucketStyle: path}`"),
    "REPL-C216": Text(
        _INFO,
        "Qumulo supports Amazon S3 only",
        "other stores work over the same API, but the vendor does not help with them: try it before you rely on it",
    ),
    "REPL-C217": Text(
        _ERROR,
        "The object store's CA file cannot be used",
        "name a PEM file with the certificate of the authority that signed the object store's certificate",
    ),
    "REPL-C220": Text(_ERROR, "Not the path of a directory", "write an absolute path such as /projects/a"),
    "REPL-C221": Text(_ERROR, "Not a folder that Qumulo can use", "write a prefix such as archive/v1/"),
    "REPL-C222": Text(_ERROR, "The prefix is too long", "shorten the prefix"),
    "REPL-C223": Text(_INFO, "Qumulo takes the prefix for a folder", "end the prefix with a slash to say so"),
    "REPL-C224": Text(
        _WARNING,
        "The whole file system becomes read-only",
        "copy into a directory of its own",
        "While a job copies from a bucket, the directory that it fills is read-only for all clients: here, the root.",
    ),
    "REPL-C230": Text(
        _WARNING,
        "The cluster's certificate is not checked",
        "name the PEM file of the authority that signed the cluster's certificate as `caFile`",
        "With `verifyTls: false` whoever stands in between can pose as the cluster, and gets its token or password and"
        " the secret keys of the object stores.",
    ),
    "REPL-C231": Text(
        _ERROR,
        "The cluster's CA file cannot be used",
        "name a PEM file with the certificate of the authority that signed the cluster's certificate",
    ),
    "REPL-W101": Text(
        _ERROR,
        "The directory does not exist",
        "create it, or correct `path`: a relationship is not created for a directory that is not there",
    ),
    "REPL-W102": Text(_ERROR, "The path is not a directory", "name a directory"),
    "REPL-W103": Text(
        _WARNING, "The directory could not be looked at", "give the provider's account the right to see it"
    ),
    "REPL-W104": Text(_ERROR, "The bucket does not exist", "create it, or correct `bucket`"),
    "REPL-W105": Text(
        _WARNING,
        "The bucket could not be looked at",
        "the cluster looks with its own key when the relationship is created, and refuses if it cannot",
    ),
    "REPL-W106": Text(
        _ERROR, "The bucket is in another region", "use a provider for that region, or write `qumulo: {region: NAME}`"
    ),
    "REPL-W107": Text(
        _WARNING,
        "The bucket has Object Lock",
        "a cluster refuses a bucket with a default retention: remove that, or copy to another bucket",
    ),
    "REPL-W120": Text(_ERROR, "The relationship's id is not known", "plan again"),
}
