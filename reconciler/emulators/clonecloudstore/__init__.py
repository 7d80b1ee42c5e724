"""CloneCloudStore: sites of five services each, which order objects from one another and pull them over HTTP."""

from __future__ import annotations

from reconciler.emulators.clonecloudstore.emulator import CloneCloudStoreEmulator
from reconciler.emulators.emulator import Emulator, Options


def build(options: Options) -> Emulator:
    """Sites, not started. ValueError for a flavour other than ``2``, ``3``, ``2-strangers``, ``3-strangers``."""
    return CloneCloudStoreEmulator(options)


__all__ = ["CloneCloudStoreEmulator", "build"]
