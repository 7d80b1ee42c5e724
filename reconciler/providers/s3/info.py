"""What is known of S3 without touching the network or importing its SDK."""

from dataclasses import replace

from reconciler.providers.base import Capability, ProviderInfo
from reconciler.providers.s3.config import S3Config, S3Options
from reconciler.providers.s3.effects import EFFECTS

__all__ = ["INFO", "RGW_INFO"]

_CAPABILITIES = frozenset(
    {
        Capability.PAUSE, Capability.DELETES, Capability.STORAGE_CLASS, Capability.TAG_FILTER, Capability.UPDATE,
        Capability.CONTINUOUS, Capability.LOOP_GUARD, Capability.CLIENT_IDS, Capability.OWNERSHIP_MARK,
        Capability.STORE,
    }
)  # fmt: skip
_RGW = _CAPABILITIES - {Capability.DELETES}
"""Ceph sends every deletion on and gives the setting back to nobody: there is nothing to hold."""

INFO = ProviderInfo(
    type="s3",
    title="S3 (AWS, Ceph RGW and compatible servers)",
    config=S3Config,
    options=S3Options,
    capabilities=_CAPABILITIES,
    speaks=frozenset({"s3", "s3-rules"}),
    sends_to=frozenset({"s3-rules"}),
    pulls_from=frozenset(),
    reach="rules of S3 lead to buckets of the same service",
    location_keys=frozenset({"bucket", "prefix"}),
    required_location_keys=frozenset({"bucket"}),
    effects=EFFECTS,
    spec="specs/s3/SOURCE.md",
    docs="docs/providers/s3.md",
    chain="S3 does not replicate replicas (S3-CHAIN), so the last place gets only what is written at the middle one"
    " itself",
    dialects=(("rgw", _RGW),),
)
RGW_INFO = replace(INFO, capabilities=_RGW)
