"""What a change on SCP does beyond the calls that make it."""

from reconciler.model.finding import Severity
from reconciler.model.step import EffectRule

__all__ = ["EFFECTS", "ORPHAN", "PAUSE_FIRST", "REPLACE", "SECRET", "VOLUME_DELETED"]

_LIVE = "seen live and published by users of the service"

ORPHAN = EffectRule(
    id="SCP-ORPHAN-VOLUME",
    provider="scp",
    severity=Severity.WARNING,
    blocks=False,
    when="A replication is deleted or replaced.",
    happens=(
        "The replica's volume stays where it is, with its snapshots, is writable from then on, and is billed until"
        " somebody deletes it. It also keeps its name: another volume of that name may be refused."
    ),
    instead=(
        "Keep it on purpose, as the last copy, and delete it in the console of its region when it is not wanted any"
        " more; or write `scp: {deleteReplicaVolume: true}` and apply that before the replication is deleted."
    ),
    source=f"SCP API reference, DeleteVolumeReplication; {_LIVE}.",
)

VOLUME_DELETED = EffectRule(
    id="SCP-VOLUME-DELETED",
    provider="scp",
    severity=Severity.WARNING,
    blocks=True,
    when="A replication is deleted or replaced, and `scp.deleteReplicaVolume` is true.",
    happens=(
        "All snapshots of the replica's volume are deleted, and then the volume with all the data in it. That cannot be"
        " taken back."
    ),
    instead="Write `deleteReplicaVolume: false`, apply that first, and delete the volume by hand when nobody needs it.",
    source="SCP API reference, DeleteVolume and DeleteSnapshot.",
)

PAUSE_FIRST = EffectRule(
    id="SCP-PAUSE-FIRST",
    provider="scp",
    severity=Severity.INFO,
    blocks=False,
    when="A replication that is in use is deleted or replaced.",
    happens=(
        "The service deletes only what is paused: the replication is paused, that is waited for, and then it is"
        " deleted, both at the replica's region. From the pause on nothing is copied, also if the deletion fails."
    ),
    instead="Nothing needs to be done. If the deletion fails, apply again: it goes on where it was.",
    source=f"SCP API reference, SetVolumeReplication; {_LIVE}.",
)

REPLACE = EffectRule(
    id="SCP-REPLACE",
    provider="scp",
    severity=Severity.WARNING,
    blocks=True,
    when="The replica's name or region, the type or the CIFS password changes.",
    happens=(
        "The service changes policy, frequency and retention only. For all else the replication is deleted and a new"
        " one created, with another volume as its replica: everything is transferred again, and until that is done"
        " there is no replica that is kept up."
    ),
    instead=(
        "To stay safe meanwhile, write a second replication with another name for its replica, and remove the first"
        " when the second is complete. A CIFS password that shall not be changed at the replica need not be managed:"
        " remove `scp.cifsPassword` once the replication is made."
    ),
    source="SCP API reference, ReplicationUpdateRequest; the vendor's Terraform provider, which forces a new resource.",
    loses_protection=True,
    recopies=True,
)

SECRET = EffectRule(
    id="SCP-SECRET-UNREADABLE",
    provider="scp",
    severity=Severity.INFO,
    blocks=False,
    when="A replication with a CIFS password is created, adopted or changed.",
    happens=(
        "The password is sent when the replication is created and with no other request, and the service never shows"
        " it. The receipt keeps a salted digest of what the manifest said at the last apply, and only by that is"
        " another value noticed: a change by hand is not, nor any change where the receipt is lost."
    ),
    instead="Keep receipts, and change the password nowhere else.",
    source=(
        "SCP API reference, ReplicationUpdateRequest and ReplicationShowResponse, which have no such member; only"
        " ReplicationCreateRequest has."
    ),
)

EFFECTS = (ORPHAN, VOLUME_DELETED, PAUSE_FIRST, REPLACE, SECRET)
