"""A Qumulo cluster: object replication, the file system over REST, users and tokens."""

from __future__ import annotations

from reconciler.emulators.emulator import Emulator, Options
from reconciler.emulators.qumulo.emulator import QumuloEmulator


def build(options: Options) -> Emulator:
    """A cluster, not started. ValueError if a flavour is asked for: there is none."""
    return QumuloEmulator(options)
