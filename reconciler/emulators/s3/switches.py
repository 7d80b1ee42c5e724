"""What can be changed about a running S3 world from outside, over the control port."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Switches(BaseModel):
    """Of every flavour.

    ``worker``: replication, or queued work waiting. ``replication_lag_s``: emulated seconds between a write and its
    replica. ``role_denied``: the replication role may do nothing, every copy fails. ``denied_operations``: these
    answer 403 AccessDenied. ``clock_skew_s``: how far the server's clock is from the real one, for signatures;
    the emulated clock is not used for these, so that advancing it does not lock every client out.
    ``region_check``: a request signed for another region than the bucket's is refused (AWS does so; here one
    endpoint serves all regions and the usual is to let it pass).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    worker: Literal["running", "stopped"] = "running"
    replication_lag_s: Annotated[float, Field(ge=0)] = 0.2
    role_denied: bool = False
    denied_operations: tuple[str, ...] = ()
    clock_skew_s: float = 0.0
    region_check: bool = False


class AwsSwitches(Switches):
    """How GET ?replication differs from what was PUT. With all of these at their first value: not at all.

    ``echo_v1``: a V1 configuration comes back as V2 (Filter, Priority in order, delete markers Disabled) and
    behaves as such, as after a visit in the console (terraform-provider-aws#5940). ``rule_order``: in which order
    rules come back. ``add_unknown_field``: each rule has one more element, ``FutureField``. ``empty_filter``: how a
    filter that selects everything comes back: left out, or as ``<Filter/>``. ``fill_defaults``: elements that were
    left out come back with the value that they stand for.
    """

    echo_v1: bool = False
    rule_order: Literal["as_put", "reversed"] = "as_put"
    add_unknown_field: bool = False
    empty_filter: Literal["as_put", "absent", "bare"] = "as_put"
    fill_defaults: bool = False


class RgwSwitches(Switches):
    """``bucket_form``: how a destination comes back: 16.2.15 answers with what was put (measured), others with the bare
    name, with an ARN, or with the ARN's head twice. ``bare_names``: what becomes of rules whose destination is a bare
    name: 16.2.15 keeps them and copies nothing (measured). ``sync_policy``: without one in the zone group,
    PUT ?replication is refused. ``crash_on_destination_change``: the server dies when a rule's destination changes in
    place.
    """

    bucket_form: Literal["as_put", "bare", "arn", "doubled_arn"] = "as_put"
    bare_names: Literal["ignored", "followed"] = "ignored"
    sync_policy: bool = True
    crash_on_destination_change: bool = True
