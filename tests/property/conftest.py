"""Profiles of hypothesis: in CI the same examples every time, so that a failure is one of the change at hand."""

import os

import pytest
from hypothesis import HealthCheck, settings

_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "print_blob": True}

settings.register_profile("ci", derandomize=True, database=None, **_COMMON)
settings.register_profile("dev", **_COMMON)
settings.register_profile("long", max_examples=2000, **_COMMON)
settings.load_profile(os.environ.get("REPL_HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cheap digests, and nothing that waits for a disk: neither what is hashed nor a crash is the matter here."""
    monkeypatch.setattr("reconciler.engine.digests._COST", {"n": 2, "r": 1, "p": 1})
    monkeypatch.setattr("os.fsync", lambda _file: None)
