"""An Alarik server: buckets over S3 and over its own JSON API, and a replication engine that really copies."""

from __future__ import annotations

from reconciler.emulators.alarik.emulator import AlarikEmulator
from reconciler.emulators.emulator import Emulator, Options


def build(options: Options) -> Emulator:
    """A server, not started. Its flavour is its region (``ALARIK_REGION``); us-east-1 if none is given."""
    return AlarikEmulator(options)


__all__ = ["AlarikEmulator", "build"]
