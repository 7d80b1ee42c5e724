"""What can be changed about a running Alarik from outside, over the control port."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

DEFAULT_REGION = "us-east-1"


class AlarikSwitches(BaseModel):
    """The first value of each is what release 1.0.0-beta-13 does where its source tells.

    ``region``: what the process was started with (``ALARIK_REGION``). ``is_admin``: whether the described user is an
    administrator; only such a one may replicate to loopback, where every lab is. ``internal_host_check``: the check
    that says so. ``mask``: secrets come back as eight bullets; false is 1.0.0-beta-1 to beta-6, which return them in
    clear, know no placeholder (a mask that is sent is stored), and look the bucket up last. ``duplicate_ids``: what
    the next PUT of targets does once a list with a repeated id was stored: the process dies and stays down until it is
    restarted, dies and comes back, or answers 500. ``save_gap_s``: real seconds between reading the bucket's record
    and writing it back in a PUT of targets or rules; of two such PUTs at once the later save loses what the other
    wrote. ``uuid_case``, ``dates``, ``decode_text``: forms that the source leaves to its libraries.
    ``sessions_unavailable``: the record of a session's user cannot be read (503).

    ``worker``: the outbox, or stopped: queued work waits. ``fail_next_deliveries``: so many attempts fail without
    reaching the target; counts down. ``pace_s``: emulated seconds between two deliveries of the same key to the same
    target. Alarik has no such pause; here it keeps a loop of two servers from eating the machine. ``tick_s``: how often
    the outbox looks for work that has come due, in emulated seconds; new work wakes it at once.
    ``synchronous_timeout_s``: real seconds that a write waits for its synchronous rules. ``clock_skew_s``: how far the
    server's clock is from the real one, for signatures (the emulated clock is not used for these).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    region: Annotated[str, Field(min_length=1)] = DEFAULT_REGION
    is_admin: bool = True
    internal_host_check: bool = True
    mask: bool = True
    duplicate_ids: Literal["crash", "restart", "error"] = "crash"
    save_gap_s: Annotated[float, Field(ge=0, le=60)] = 0.0
    uuid_case: Literal["upper", "lower"] = "upper"
    dates: Literal["seconds", "fractional"] = "seconds"
    decode_text: Literal["current", "older"] = "current"
    sessions_unavailable: bool = False
    worker: Literal["running", "stopped"] = "running"
    fail_next_deliveries: Annotated[int, Field(ge=0)] = 0
    pace_s: Annotated[float, Field(ge=0)] = 0.2
    tick_s: Annotated[float, Field(gt=0)] = 2.0
    synchronous_timeout_s: Annotated[float, Field(gt=0, le=60)] = 20.0
    clock_skew_s: float = 0.0
