"""What can be changed about running File Storage from outside, over the control port."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(ge=0, le=86_400)]
Word = Annotated[str, Field(max_length=40)]


class ScpSwitches(BaseModel):
    """Where the vendor's documents are silent, an adapter has to work with every value. Sources of what is known:
    ``specs/scp/SOURCE.md``. Seconds are of the emulated clock, but for signatures.

    Who may call. ``skew_s``: by how much a timestamp may be off (null: by anything); ``clock_skew_s``: how far the
    server's clock is from the real one, for signatures (the emulated clock is not used for these, so that advancing it
    locks nobody out). ``account_header``: whether a call without Scp-AccountId is refused. ``entitled``: false answers
    401, rejected by the gateway. ``denied_actions``: these answer 403, as ``filestorage:CreateVolumeReplication``.

    How long things take. ``create_s``: until a replication is ``use``; ``create_outcome``: what becomes of one created
    from now on; ``baseline_s``: from then to the first transfer; ``change_s``: until a PUT is seen in show;
    ``delete_s``: until a deleted replication leaves the replica's region, and ``region_lag_s`` more until it leaves the
    source's; ``volume_create_s`` and ``volume_delete_s``. Live, a replication is gone within some 20 s. ``worker``:
    transfers, or transfers waiting. ``minute_s``: seconds that a minute of a schedule takes, so that a demonstration
    need not wait for five of them.

    What answers look like. ``write_status``: of PUT and DELETE of a replication; 200 has no body, as API 1.0 had it.
    ``echo``: whether the answer to a PUT shows what was asked or what still holds. ``name_suffix``: names of new
    volumes, replicas too, get six characters more. ``policy_while_creating``, ``settled_status``, ``paused_status``,
    ``busy_status``, ``deleting_status``, ``error_status``: words that no document lists (a null is as when settled).
    ``source_access``, ``replica_purpose``: likewise. ``count``: of all that matches, or of the page. ``name_filter``:
    how ``name`` selects volumes. ``either_id``: list and show answer for the volume of the other region too.
    ``unknown_volume``: a list for a volume that is not there is 404, or empty.

    What is refused. ``replications_per_volume``: as a source (null: any number). ``backup_delete``: how a replication
    of type backup goes: with its volume, on its own, or either. ``blocking_snapshots``: which must go before their
    volume can. ``system_snapshots``: whether those of a replication that is there can be deleted.
    ``schedule_needs_use``: whether frequency and retention of a paused replication can be changed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    skew_s: Annotated[float, Field(gt=0)] | None = 300.0
    clock_skew_s: float = 0.0
    account_header: Literal["optional", "required"] = "optional"
    entitled: bool = True
    denied_actions: tuple[str, ...] = ()

    create_s: Seconds = 2.0
    create_outcome: Literal["use", "error", "stuck"] = "use"
    baseline_s: Seconds = 0.0
    change_s: Seconds = 1.0
    delete_s: Seconds = 2.0
    region_lag_s: Seconds = 0.5
    volume_create_s: Seconds = 0.0
    volume_delete_s: Seconds = 0.5
    worker: Literal["running", "stopped"] = "running"
    minute_s: Annotated[float, Field(gt=0, le=60)] = 60.0

    write_status: Literal[202, 200] = 202
    echo: Literal["present", "asked"] = "present"
    name_suffix: bool = False
    policy_while_creating: Word = "none"
    settled_status: Word = "available"
    paused_status: Word | None = None
    busy_status: Word | None = "updating"
    deleting_status: Word = "deleting"
    error_status: Word = "error"
    source_access: Word = "rw"
    replica_purpose: Word = "replication"
    count: Literal["total", "page"] = "total"
    name_filter: Literal["contains", "exact"] = "contains"
    either_id: bool = True
    unknown_volume: Literal["404", "empty"] = "404"

    replications_per_volume: Annotated[int, Field(ge=1)] | None = None
    backup_delete: Literal["volume", "replication", "either"] = "volume"
    blocking_snapshots: Literal["all", "system", "none"] = "all"
    system_snapshots: Literal["locked", "deletable"] = "locked"
    schedule_needs_use: bool = False
