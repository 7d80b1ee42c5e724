"""The findings about flows that SCP owns: what each code says. Data.

Source, unless a text says otherwise: SCP API reference, File Storage 1.1.
"""

from reconciler.model.finding import FieldPath, Finding, Severity
from reconciler.providers.findings import Text, finding

__all__ = ["TEXTS", "found"]

_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


TEXTS = {
    "REPL-C501": Text(
        _ERROR,
        "SCP cannot filter",
        "remove `filter`; put what shall not be copied on another volume",
        "A replication copies a whole volume.",
    ),
    "REPL-C502": Text(
        _ERROR,
        "SCP has no storage class",
        "remove `storageClass`",
        "The replica is a volume of the same type as its source.",
    ),
    "REPL-C503": Text(
        _ERROR,
        "SCP replicates deletions",
        "write `deletes: replicate`; to keep what was deleted, use `scp: {type: backup}` or snapshots of the volume",
        "The replica is an image of the whole volume: what is deleted at the source is gone there after the next run.",
    ),
    "REPL-C504": Text(
        _ERROR,
        "SCP always copies what is there",
        "write `existing: copy`, or leave it out",
        "A new replication begins with a transfer of the whole volume.",
    ),
    "REPL-C505": Text(
        _ERROR,
        "Not a schedule of SCP",
        "write 5m, 1h, 1d, 7d or 30d",
        "A replication runs every 5 minutes, hourly, daily, weekly or monthly: `5m`, `1h`, `1d`, `7d`, `30d`.",
    ),
    "REPL-C506": Text(
        _INFO,
        "No schedule",
        "write `schedule: {every: 1h}`, or another of 5m, 1d, 7d and 30d",
        "A new replication runs hourly, and one that is there is left as it is.",
    ),
    "REPL-C507": Text(
        _WARNING,
        "Nothing here can prove it",
        "mount both volumes and write `verify: {mounts: {source: /mnt/a, destination: /mnt/b}}`; without that"
        " `verify: {level: status}` tells what is known to be wrong, and proves nothing",
        "The service gives no access to files: canaries and comparisons need both volumes mounted on this machine.",
    ),
    "REPL-C508": Text(
        _ERROR,
        "The proof is given up before the replication runs",
        "write a longer `verify.within`, or `verify: {level: status}`",
    ),
    "REPL-C509": Text(
        _ERROR,
        "Both ends are in one region",
        "name a provider of another region as the destination's",
        "The service refuses a replica in the region of its source.",
    ),
    "REPL-C510": Text(
        _ERROR,
        "Not a name for a replica",
        "write 3 to 21 lower-case letters, digits and underscores, a letter first",
    ),
    "REPL-C511": Text(_ERROR, "Not a volume", "write the volume's name as the console shows it, or its id"),
    "REPL-C512": Text(
        _ERROR,
        "The two ends are parts of different clouds",
        "name two providers of the same `environment`, and of the same account",
    ),
    "REPL-C513": Text(
        _WARNING,
        "A count of backups, but no backup",
        "write `type: backup`, or remove `retention`",
        "`retention` says how many backups are kept. The service takes it for a `replication`, too; whether it means"
        " anything there is not documented.",
    ),
    "REPL-C514": Text(
        _WARNING,
        "How a backup ends is not documented",
        "write `deleteReplicaVolume: true` if the backups may go with it",
        "The vendor's own Terraform provider deletes a backup by deleting its volume. A deletion that leaves the volume"
        " is tried here, and may be refused.",
    ),
    "REPL-C520": Text(
        _ERROR, "Two replications want the same replica", "give each a name of its own in `destination.volume`"
    ),
    "REPL-W501": Text(_ERROR, "The volume does not exist", "create it, or correct `volume`"),
    "REPL-W502": Text(
        _WARNING,
        "The volume could not be looked at",
        "the provider's key needs filestorage:ListVolumes and ShowVolume",
    ),
    "REPL-W503": Text(_WARNING, "The volume is not available", "look at it in the console before you apply"),
    "REPL-W504": Text(
        _ERROR, "SCP offers no replication to that region", "name a provider of one of the regions that it offers"
    ),
    "REPL-W505": Text(
        _WARNING,
        "A password for a volume that has none",
        "remove `scp.cifsPassword`",
        "The source is an NFS volume, and so will be its replica.",
    ),
    "REPL-W506": Text(
        _ERROR,
        "A CIFS volume needs a password for its replica",
        "write `scp: {cifsPassword: {env: NAME}}`; once the replication is made it may be removed again",
        "The source is a CIFS volume, and its replica is made with a password of its own.",
    ),
    "REPL-W507": Text(
        _WARNING,
        "A volume of the replica's name exists",
        "if it is left from an earlier replication and not needed, delete it; else choose another `destination.volume`",
    ),
    "REPL-W508": Text(
        _ERROR,
        "The replica's name would still be taken",
        "choose another `destination.volume`, or let the old replica go: `scp: {deleteReplicaVolume: true}`",
    ),
    "REPL-W509": Text(
        _ERROR, "No provider reaches the replica's region", "add a provider document of type `scp` for that region"
    ),
    "REPL-W510": Text(_ERROR, "The replication's ids are not known", "plan again"),
}


def found(code: str, replication: str, path: FieldPath, detail: str = "", *, hint: str = "") -> Finding:
    """Make a finding about one replication. `path` starts below `spec`."""
    return finding(TEXTS, code, ("spec", *path), replication=replication, detail=detail, hint=hint)
