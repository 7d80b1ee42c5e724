"""What the worlds share."""

import pytest


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cheap digests, and nothing that waits for a disk: neither what is hashed nor a crash is the matter here."""
    monkeypatch.setattr("reconciler.engine.digests._COST", {"n": 2, "r": 1, "p": 1})
    monkeypatch.setattr("os.fsync", lambda _file: None)
