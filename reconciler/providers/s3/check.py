"""What can be said against a replication without asking anybody. Pure.

Sources: Amazon S3 API reference (PutBucketReplication and its types), Amazon S3 user guide ('Bucket naming rules',
'Object tags', 'Setting up replication'); for Ceph, its source rgw_rest_s3.cc and a measurement of 16.2.15.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from reconciler.model.finding import FieldPath, Finding, Severity
from reconciler.model.manifest import Deletes, Existing, Location
from reconciler.model.relationship import Flow, Settings
from reconciler.providers.s3.config import ROLE, Flavour, S3Config, Switch
from reconciler.providers.s3.convert import desired_settings, options_part, part

__all__ = ["PRIORITY_MAX", "Problem", "check", "conflicts"]

PRIORITY_MAX = 2**31 - 1
PREFIX_MAX = 1024
_TAGS_MAX, _TAG_KEY_MAX, _TAG_VALUE_MAX = 10, 128, 256
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_LOOSE_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")
_ADDRESS = re.compile(r"\d{1,3}(\.\d{1,3}){3}")
_TAG_TEXT = re.compile(r"[\w\s+\-=.:/@]*")
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML 1.0 cannot hold, not even escaped."""
_CLASSES = (
    "STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE",
    "OUTPOSTS", "GLACIER_IR", "SNOW", "EXPRESS_ONEZONE", "FSX_OPENZFS", "FSX_ONTAP",
)  # fmt: skip
_NOT_ON_CEPH = (
    "role", "account", "owner", "kms_key", "sse_kms", "replica_modifications", "replication_time", "metrics",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding without its replication: code, where in `spec`, what, why, and the way out."""

    code: str
    path: FieldPath
    summary: str
    detail: str
    hint: str
    severity: Severity = Severity.ERROR

    def of(self, replication: str) -> Finding:
        """Return the finding about one replication."""
        return Finding(
            code=self.code,
            severity=self.severity,
            summary=self.summary,
            detail=self.detail,
            hint=self.hint,
            replication=replication,
            path=("spec", *self.path),
        )


def check(flow: Flow) -> Iterator[Finding]:
    """Yield every problem of a flow that an S3 provider owns, with its place."""
    rules = (
        _buckets, _prefixes, _peer, _unsupported, _storage_class, _tags, _numbers, _role, _account, _ceph,
    )  # fmt: skip
    for rule in rules:
        for problem in rule(flow):
            yield problem.of(flow.name)
    for problem in conflicts(desired_settings(flow), _flavour(flow)):
        yield problem.of(flow.name)


def conflicts(settings: Settings, flavour: Flavour) -> Iterator[Problem]:
    """Yield what does not go together in one rule, given its normal form: as desired, or as it would become."""
    options, tags = part(settings, "s3"), part(settings, "filter").get("tags")
    bucket = part(settings, "destination").get("bucket")
    if flavour is Flavour.AWS and part(settings, "source").get("bucket") == bucket:
        yield Problem(
            "REPL-C112", ("destination", "bucket"), "Source and destination are the same bucket",
            f"A bucket cannot replicate into itself: both are {bucket}.", "name another destination bucket",
        )  # fmt: skip
    if settings.get("deletes") == Deletes.REPLICATE and tags:
        yield Problem(
            "REPL-C109", ("deletes",), "Deletes cannot follow where tags choose the objects",
            "A delete marker has no tags, so S3 refuses `deletes: replicate` together with `filter.tags`.",
            "use `deletes: keep`, or choose the objects by prefix",
        )  # fmt: skip
    if options.get("owner") == "destination" and not options.get("account"):
        yield Problem(
            "REPL-C110", ("s3", "owner"), "The new owner's account is missing",
            "`owner: destination` needs to know the account that owns the destination bucket.",
            "add `s3.account` here, or `account` to the destination's provider",
        )  # fmt: skip
    if options.get("sseKms") == Switch.ENABLED and not options.get("kmsKey"):
        yield Problem(
            "REPL-C111", ("s3", "sseKms"), "The key for the copies is missing",
            "Objects encrypted with KMS can only be copied with a key for the destination.",
            "add `s3.kmsKey`: a key of the destination's region, or use `sseKms: disabled`",
        )  # fmt: skip
    if options.get("kmsKey") and "sseKms" not in options:
        yield Problem(
            "REPL-C111", ("s3", "kmsKey"), "The selection of encrypted objects is missing",
            "S3 takes a key only together with the choice whether objects encrypted with KMS are copied.",
            "add `s3.sseKms: enabled`",
        )  # fmt: skip
    if options.get("replicationTime") == Switch.ENABLED and options.get("metrics") == Switch.DISABLED:
        yield Problem(
            "REPL-C118", ("s3", "metrics"), "Replication time control needs metrics",
            "S3 refuses `replicationTime: enabled` without metrics.", "leave `s3.metrics` out, or enable it",
        )  # fmt: skip


def _config(flow: Flow) -> S3Config:
    config = flow.source.spec.config
    return config if isinstance(config, S3Config) else S3Config()


def _flavour(flow: Flow) -> Flavour:
    return _config(flow).flavour


def _buckets(flow: Flow) -> Iterator[Problem]:
    ends: tuple[tuple[str, Location], ...] = (("source", flow.spec.source), ("destination", flow.spec.destination))
    for side, location in ends:
        name = location.bucket or ""
        if _flavour(flow) is not Flavour.AWS:
            good, rule = bool(_LOOSE_BUCKET.fullmatch(name)), "3 to 255 letters, digits, `.`, `-` and `_`"
        else:
            good = bool(_BUCKET.fullmatch(name)) and ".." not in name and not _ADDRESS.fullmatch(name)
            rule = "3 to 63 lower-case letters, digits, `.` and `-`, and is no IP address"
        if not good:
            yield Problem(
                "REPL-C101", (side, "bucket"), "Not a bucket name",
                f"{name!r} cannot be a bucket: a name has {rule}.",
                "write the name alone, without s3://, ARN or path",
            )  # fmt: skip


def _prefixes(flow: Flow) -> Iterator[Problem]:
    prefix, there = flow.spec.source.prefix or "", flow.spec.destination.prefix
    if len(prefix.encode(errors="surrogatepass")) > PREFIX_MAX or _UNWRITABLE.search(prefix):
        yield Problem(
            "REPL-C102", ("source", "prefix"), "Not a key prefix",
            f"A prefix has at most {PREFIX_MAX} bytes and no control characters other than tab and line ends.",
            "shorten the prefix",
        )  # fmt: skip
    if there is not None and there != prefix:
        yield Problem(
            "REPL-C103", ("destination", "prefix"), "S3 keeps keys as they are",
            f"Objects below {prefix!r} arrive under the same key; they cannot be moved below {there!r}.",
            f"leave `destination.prefix` out, or write {prefix!r}",
        )  # fmt: skip


def _peer(flow: Flow) -> Iterator[Problem]:
    own, peer = _config(flow), flow.destination.spec.config
    if own.flavour is Flavour.GENERIC:
        return
    if not isinstance(peer, S3Config) or peer.flavour is not own.flavour:
        kind = peer.flavour.value if isinstance(peer, S3Config) else flow.destination.spec.type
        yield Problem(
            "REPL-C119", ("destination", "provider"), "The other end is another system",
            f"Buckets of flavour {own.flavour.value} replicate among themselves only; {flow.destination.name} is "
            f"{kind}.",
            "choose ends of one system, or one that can drive the other (`repl providers`)",
        )  # fmt: skip
    elif own.flavour is Flavour.AWS and peer.partition != own.partition:
        yield Problem(
            "REPL-C119", ("destination", "provider"), "The other end is in another partition of AWS",
            f"{own.region} is in {own.partition}, {peer.region} in {peer.partition}: S3 does not join them.",
            "choose two regions of one partition",
        )  # fmt: skip


def _unsupported(flow: Flow) -> Iterator[Problem]:
    spec = flow.spec
    if spec.filter is not None and spec.filter.exclude is not None:
        yield Problem(
            "REPL-C104", ("filter", "exclude"), "S3 cannot leave keys out",
            "A rule chooses by prefix and tags; it has no exceptions.",
            "remove `filter.exclude`; tag what shall be copied and use `filter.tags`, or use narrower prefixes",
        )  # fmt: skip
    if spec.schedule is not None:
        yield Problem(
            "REPL-C105", ("schedule",), "S3 has no schedule",
            "S3 copies each object soon after it is written, not at set times.", "remove `schedule`",
        )  # fmt: skip
    if spec.existing is Existing.COPY:
        yield Problem(
            "REPL-C106", ("existing",), "S3 rules do not copy what is there already",
            "No setting of a rule does that: AWS answers MalformedXML to ExistingObjectReplication.",
            "write `existing: ignore`, and copy once with S3 Batch Replication; see `repl explain S3-NO-RETRO`",
        )  # fmt: skip


def _storage_class(flow: Flow) -> Iterator[Problem]:
    given = flow.spec.storage_class
    if given is None or given in _CLASSES or _flavour(flow) is not Flavour.AWS:
        return
    near = get_close_matches(given.upper().replace("-", "_"), _CLASSES, n=1)
    yield Problem(
        "REPL-C107", ("storageClass",), "Not a storage class",
        f"{given!r} is none of: {', '.join(_CLASSES)}.", f"did you mean {near[0]}?" if near else "choose one of these",
    )  # fmt: skip


def _tags(flow: Flow) -> Iterator[Problem]:
    tags = (flow.spec.filter.tags if flow.spec.filter else None) or {}
    if len(tags) > _TAGS_MAX:
        yield Problem(
            "REPL-C108", ("filter", "tags"), "Too many tags",
            f"An object has at most {_TAGS_MAX} tags, so none can have these {len(tags)}.", "use fewer tags",
        )  # fmt: skip
    for key, value in tags.items():
        too_long = len(key) > _TAG_KEY_MAX or len(value) > _TAG_VALUE_MAX
        odd = _flavour(flow) is Flavour.AWS and not _TAG_TEXT.fullmatch(key + value)
        if not key or too_long or odd or _UNWRITABLE.search(key + value):
            yield Problem(
                "REPL-C108", ("filter", "tags", key), "Not a tag",
                f"A tag's key has 1 to {_TAG_KEY_MAX} characters, its value at most {_TAG_VALUE_MAX}: letters, digits, "
                "blanks and + - = . _ : / @",
                "no object can carry this tag: correct it",
            )  # fmt: skip


def _numbers(flow: Flow) -> Iterator[Problem]:
    options = options_part(flow)
    if options.priority is not None and not 0 <= options.priority <= PRIORITY_MAX:
        yield Problem(
            "REPL-C114", ("s3", "priority"), "Not a priority",
            f"{options.priority} is not between 0 and {PRIORITY_MAX}.", "leave `priority` out to get the next free one",
        )  # fmt: skip
    if options.id is not None and _UNWRITABLE.search(options.id):
        yield Problem(
            "REPL-C116", ("s3", "id"), "Not a rule id",
            "A rule's id has no control characters.", "copy the id as `repl import` shows it",
        )  # fmt: skip


def _role(flow: Flow) -> Iterator[Problem]:
    role = options_part(flow).role
    if _flavour(flow) is Flavour.AWS and role is not None and not ROLE.fullmatch(role):
        yield Problem(
            "REPL-C115", ("s3", "role"), "Not the ARN of a role",
            f"{role!r} is not written arn:aws:iam::<account>:role/<name>.", "copy the ARN from IAM",
        )  # fmt: skip


def _account(flow: Flow) -> Iterator[Problem]:
    account = options_part(flow).account
    if account and not re.fullmatch(r"\d{12}", account):
        yield Problem(
            "REPL-C117", ("s3", "account"), "Not an account", f"{account!r} is not 12 digits.",
            "write the account's number in quotes, without hyphens",
        )  # fmt: skip


def _ceph(flow: Flow) -> Iterator[Problem]:
    if _flavour(flow) is not Flavour.RGW:
        return
    options = options_part(flow)
    for name in _NOT_ON_CEPH:
        if getattr(options, name) is not None:
            key = type(options).model_fields[name].alias or name
            yield Problem(
                "REPL-C113", ("s3", key), "Ceph does not keep this setting",
                f"Ceph accepts `{key}` in a rule and drops it, so nothing would come of it.", f"remove `s3.{key}`",
            )  # fmt: skip
    if flow.spec.deletes is Deletes.KEEP:
        yield Problem(
            "REPL-C113", ("deletes",), "Ceph sends every deletion on",
            "Between zones deletions always follow, whatever the rule says: `deletes: keep` cannot be held.",
            "write `deletes: replicate`, or leave `deletes` out",
        )  # fmt: skip
