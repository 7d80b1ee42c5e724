"""Samsung Cloud Platform File Storage: volumes in two regions, and replications that really move their files."""

from __future__ import annotations

from reconciler.emulators.emulator import Emulator, Options
from reconciler.emulators.scp.emulator import ScpEmulator


def build(options: Options) -> Emulator:
    """Both regions of one account, not started. ValueError if a flavour is asked for: there is none."""
    return ScpEmulator(options)


__all__ = ["ScpEmulator", "build"]
