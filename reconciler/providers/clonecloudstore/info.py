"""What is known of CloneCloudStore without touching the network or importing an SDK."""

from reconciler.providers.base import Capability, ProviderInfo
from reconciler.providers.clonecloudstore.config import CloneCloudStoreConfig, CloneCloudStoreOptions
from reconciler.providers.clonecloudstore.effects import EFFECTS

__all__ = ["INFO"]

INFO = ProviderInfo(
    type="clonecloudstore",
    title="CloneCloudStore",
    config=CloneCloudStoreConfig,
    options=CloneCloudStoreOptions,
    capabilities=frozenset(
        {
            Capability.PAUSE, Capability.DELETES, Capability.UPDATE, Capability.CONTINUOUS, Capability.RESYNC,
            Capability.CLIENT_IDS, Capability.STORE, Capability.LOOP_GUARD, Capability.WHOLE_SYSTEM,
        }
    ),
    speaks=frozenset({"ccs"}),
    sends_to=frozenset({"ccs"}),
    pulls_from=frozenset(),
    reach="a site of CloneCloudStore replicates to other sites of CloneCloudStore only",
    location_keys=frozenset({"bucket"}),
    required_location_keys=frozenset({"bucket"}),
    effects=EFFECTS,
    spec="specs/clonecloudstore/openapi.yaml",
    docs="docs/providers/clonecloudstore.md",
    chain="a site orders onward only what clients write to it, and nothing that came by order, so"
    " the last place gets only what is written at the middle one itself",
)  # fmt: skip
