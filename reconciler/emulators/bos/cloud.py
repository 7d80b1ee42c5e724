"""The whole of BOS: buckets of all accounts in all regions, their objects and rules."""

from __future__ import annotations

import copy
from typing import Final

from reconciler.emulators.agenda import Agenda
from reconciler.emulators.bos.bucket import Bucket, canned, check_name
from reconciler.emulators.bos.carrier import Carrier
from reconciler.emulators.bos.identity import Account, Identities
from reconciler.emulators.bos.objects import Objects
from reconciler.emulators.bos.refusal import Refusal, denied, invalid, no_such_bucket
from reconciler.emulators.bos.replication import Replication
from reconciler.emulators.bos.switches import Switches
from reconciler.emulators.bos.uploads import Uploads
from reconciler.emulators.clock import Clock
from reconciler.emulators.s3.store import Store

REGIONS: Final = ("bj", "gz")


class Cloud:
    """Everything there is. ``lock`` guards all of it; ``worker`` copies once started."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.switches = Switches()
        self.identities = Identities()
        self.buckets: dict[str, Bucket] = {}
        self.carrier = Carrier(self)
        self.worker = Agenda("bos-replication", clock, self.carrier, lambda: self.switches["worker"] == "stopped")
        self.replication = Replication(self, self.worker.push)
        self.objects = Objects(Store("bos"), self.replication.observe)
        self.lock = self.objects.store.lock
        self.uploads = Uploads(clock)

    def stop(self) -> None:
        """After the clock was stopped."""
        self.worker.join()
        self.objects.store.close()

    def bucket(self, name: str, account: Account, permission: str, region: str | None = None) -> Bucket:
        """A bucket for somebody who wants to do something with it. ``Refusal`` if it is not there, or not for them.

        ``region``: where it was asked for, None where that does not matter.
        """
        found = self.buckets.get(name)
        if found is None:
            raise no_such_bucket()
        if region not in (None, found.region):
            elsewhere = self.switches["wrong_region"]
            if elsewhere == "not_found":
                raise no_such_bucket()
            if elsewhere == "forbidden":
                raise denied("The bucket is in another region.")
        if not found.allows(account, permission):
            raise denied()
        return found

    def create_bucket(self, name: str, owner: Account, region: str, *, multi_az: bool = False) -> Bucket:
        check_name(name)
        with self.lock:
            if name in self.buckets:
                raise Refusal(409, "BucketAlreadyExists")
            self.objects.create_bucket(name)
            usual = "MAZ_STANDARD" if multi_az else "STANDARD"
            made = Bucket(name, owner, region, self.clock.now(), multi_az, usual, canned("private", owner))
            self.buckets[name] = made
            return made

    def delete_bucket(self, bucket: Bucket) -> None:
        """``Refusal`` while there is an object in it, or a rule on it."""
        with self.lock:
            if self.replication.records(bucket.name):
                raise Refusal(
                    self.switches.whole("bucket_in_use_status"),
                    "ReplicationStatusNotEmpty",
                    "The bucket has a replication configuration.",
                )
            self.objects.delete_bucket(bucket.name)
            self.uploads.forget(bucket.name)
            del self.buckets[bucket.name]

    def set_versioning(self, bucket: Bucket, status: str) -> None:
        """``status`` is Enabled or Suspended."""
        with self.lock:
            refuses = self.switches["versioning_with_rules"] == "refuse"
            if status == "Enabled" and refuses and self.replication.records(bucket.name):
                raise invalid("Versioning is not supported for a bucket with data synchronisation.")
            self.objects.set_versioning(bucket.name, status)

    def owned(self, account: Account) -> list[Bucket]:
        with self.lock:
            return [self.buckets[name] for name in sorted(self.buckets) if self.buckets[name].owner == account]

    def frozen(self) -> Cloud:
        """Everything as it is now, for reading."""
        with self.lock:
            taken = copy.copy(self)
            taken.buckets = dict(self.buckets)
            taken.objects = Objects(self.objects.store.frozen(), lambda _touch: None)
            taken.lock = taken.objects.store.lock
            taken.uploads = self.uploads.frozen()
            taken.replication = self.replication.frozen(taken)
            return taken
