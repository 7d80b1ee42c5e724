"""What is known of SCP without touching the network."""

from reconciler.providers.base import Capability, ProviderInfo
from reconciler.providers.scp.config import ScpConfig, ScpOptions
from reconciler.providers.scp.effects import EFFECTS

__all__ = ["INFO"]

INFO = ProviderInfo(
    type="scp",
    title="Samsung SCP file storage",
    config=ScpConfig,
    options=ScpOptions,
    capabilities=frozenset(
        {
            Capability.PAUSE, Capability.DELETES, Capability.SCHEDULE, Capability.UPDATE, Capability.CONTINUOUS,
            Capability.REPLICA,
        }
    ),
    speaks=frozenset({"scp"}),
    sends_to=frozenset({"scp"}),
    pulls_from=frozenset(),
    reach="SCP replicates a volume to another region of SCP only",
    location_keys=frozenset({"volume"}),
    required_location_keys=frozenset({"volume"}),
    effects=EFFECTS,
    spec="specs/scp/openapi.yaml",
    docs="docs/providers/scp.md",
    chain="it is not documented that a replica can be replicated further, and the service refuses volumes of another"
    " purpose, so the second replication may never be made",
)  # fmt: skip
