"""An S3 world that keeps replication configurations faithfully and really replicates."""

from reconciler.emulators.s3.emulator import build

__all__ = ["build"]
