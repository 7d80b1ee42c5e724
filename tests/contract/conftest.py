"""Fixtures of the lab."""

from tests.lab.fixtures import bucket, certificate, lab, objects, odd_objects

__all__ = ["bucket", "certificate", "lab", "objects", "odd_objects"]
