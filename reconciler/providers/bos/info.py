"""What is known of BOS without touching the network."""

from reconciler.providers.base import Capability, ProviderInfo
from reconciler.providers.bos.config import BosConfig, BosOptions
from reconciler.providers.bos.effects import EFFECTS

__all__ = ["INFO"]

INFO = ProviderInfo(
    type="bos",
    title="Baidu BOS",
    config=BosConfig,
    options=BosOptions,
    capabilities=frozenset(
        {
            Capability.PAUSE, Capability.DELETES, Capability.STORAGE_CLASS, Capability.EXCLUDE_FILTER,
            Capability.UPDATE, Capability.CONTINUOUS, Capability.RESYNC, Capability.CLIENT_IDS,
            Capability.OWNERSHIP_MARK, Capability.STORE,
        }
    ),
    speaks=frozenset({"bos", "s3"}),
    sends_to=frozenset({"bos"}),
    pulls_from=frozenset(),
    reach="BOS rules lead to BOS buckets only",
    location_keys=frozenset({"bucket", "prefix"}),
    required_location_keys=frozenset({"bucket"}),
    effects=EFFECTS,
    spec="specs/bos/openapi.yaml",
    docs="docs/providers/bos.md",
)  # fmt: skip
