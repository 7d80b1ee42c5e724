"""What is known of Alarik without touching the network or importing an SDK."""

from reconciler.providers.alarik.config import AlarikConfig, AlarikOptions
from reconciler.providers.alarik.effects import EFFECTS
from reconciler.providers.base import Capability, ProviderInfo

__all__ = ["INFO"]

INFO = ProviderInfo(
    type="alarik",
    title="Alarik",
    config=AlarikConfig,
    options=AlarikOptions,
    capabilities=frozenset(
        {
            Capability.PAUSE, Capability.DELETES, Capability.UPDATE, Capability.CONTINUOUS, Capability.RESYNC,
            Capability.CLIENT_IDS, Capability.STORE,
        }
    ),
    speaks=frozenset({"s3"}),
    sends_to=frozenset({"s3"}),
    pulls_from=frozenset(),
    reach="rules of Alarik lead from its own buckets to any bucket that speaks S3",
    location_keys=frozenset({"bucket", "prefix"}),
    required_location_keys=frozenset({"bucket"}),
    effects=EFFECTS,
    spec="specs/alarik/openapi.yaml",
    docs="docs/providers/alarik.md",
)  # fmt: skip
