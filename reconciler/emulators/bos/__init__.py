"""Baidu BOS: two regions of one cloud, with data synchronisation rules that really copy."""

from __future__ import annotations

from reconciler.emulators.bos.emulator import BosEmulator
from reconciler.emulators.emulator import Emulator, Options


def build(options: Options) -> Emulator:
    """A cloud with the regions bj and gz, not started. ValueError if a flavour is asked for: there is none."""
    return BosEmulator(options)
