"""What is not known about BOS, as switches: each value is a behaviour that the real one may have.

Where the vendor's documents are silent, an adapter has to work with every value. The first value of each is the
default: what the documents make likelier. Sources for what is known: ``specs/bos/SOURCE.md``.
"""

from __future__ import annotations

from typing import Final

from reconciler.emulators.switchboard import Choices, Numbers, Table

CHOICES: Final[Choices] = {
    # What GET and list tell of a rule.
    "echo_not_include_resource": (True, False),
    "echo_destination_prefix": (True, False),
    "echo_dest_region": (True, False),
    "create_time_name": ("create_time", "createTime"),
    # destination.storageClass where none was given.
    "destination_storage_class": ("empty", "absent", "REMAIN"),
    # replicateHistory.storageClass where none was given.
    "history_storage_class": ("REMAIN", "absent", "empty"),
    # replicateHistory where it is off.
    "history_off": ("absent", "null"),
    # List of a bucket without rules.
    "empty_list": ("empty", "not_found"),
    "list_order": ("created", "id", "newest"),
    # DELETE of a rule: answer, and the answer where there is no such rule.
    "delete_reply": (204, 200),
    "delete_missing": (404, 204),
    # PUT with an id that is still being deleted (see delete_seconds).
    "put_while_deleting": ("refuse", "accept"),
    # PUT whose id differs between query and body: the query's counts, the body's counts, or 400.
    "id_mismatch": ("query", "body", "refuse"),
    # resource "bucket/abc" without a star: every key that starts so, or that key alone.
    "bare_resource": ("prefix", "exact"),
    # PUT of a rule on a bucket with versioning: 400, or accepted and nothing is copied.
    "versioned_source": ("refuse", "ignore"),
    # Versioning switched on while there are rules: accepted (copying ends), or 400.
    "versioning_with_rules": ("allow", "refuse"),
    # Status of a PUT that breaks a rule about rules: enabled to disabled, an equal rule, one too many.
    "rule_refusal_status": (400, 409, 403),
    # A destination that does not exist.
    "target_missing": ("no_such_bucket", "invalid_argument"),
    # What is sent to an enabled rule's bucket by another rule: copied on, or not.
    "copy_replicas": (False, True),
    # historyReplicationPercent once everything is copied; and its JSON form.
    "percent_when_done": (100, 0),
    "percent_form": ("integer", "float"),
    # latestReplicationTime: its JSON form, and what it is before anything was copied.
    "latest_time_form": ("number", "string"),
    "latest_time_never": (0, "absent"),
    # DeleteBucket of a bucket with rules.
    "bucket_in_use_status": (409, 403, 400),
    "signature_status": (403, 400),
    "expired_status": (400, 403),
    # A bucket of another region than the endpoint's.
    "wrong_region": ("not_found", "forbidden", "serve"),
    "delete_missing_object": (404, 204),
    # status of the versioning of a bucket that never had it.
    "versioning_never": ("disabled", "absent"),
    # Whether the list of buckets says which are multi-AZ.
    "list_multi_az": (True, False),
    # Replication, or queued work waiting.
    "worker": ("running", "stopped"),
}

#: Seconds are of the emulated clock, except for clock_skew_s.
NUMBERS: Final[Numbers] = {
    # The copies of one pass over the existing objects are spread over so long.
    "history_seconds": (0.3, 0, 86_400),
    # Between a write and its replica.
    "lag_seconds": (0.2, 0, 86_400),
    # Between a copy that failed and the next try.
    "retry_seconds": (5.0, 0.1, 86_400),
    # From DELETE of a rule until it is gone; it is still told of, and copies no more.
    "delete_seconds": (0.0, 0, 86_400),
    # How far the server's clock is from the real one, for signatures. The emulated clock is not used for these, so
    # that advancing it does not lock every client out.
    "clock_skew_s": (0.0, -1e9, 1e9),
    # The most keys on one page.
    "page_limit": (1000, 1, 1000),
}


class Switches(Table):
    """The present values."""

    def __init__(self) -> None:
        super().__init__(CHOICES, NUMBERS)
