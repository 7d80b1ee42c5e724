"""What is not known about a cluster, as switches: each value is a behaviour that a real one may have.

Where the vendor's documents are silent, an adapter has to work with every value. The first value of each is the
default. Sources for what is known: ``specs/qumulo/SOURCE.md``.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Final

from reconciler.emulators.message import JsonValue

#: Name: allowed values, the usual one first.
CHOICES: Final[Mapping[str, tuple[JsonValue, ...]]] = {
    # Form of object_folder in answers, after the leading slash is gone: as given, without or with a trailing slash.
    "folder_form": ("keep", "strip", "slash"),
    # ca_certificate in answers when none was given.
    "empty_ca": (None, "", "absent"),
    # replicate while a job runs: 409, or 202 and nothing happens.
    "replicate_while_running": ("conflict", "noop"),
    "replicate_body": ("monitor_uri", "empty"),
    "delete_running_status": (409, 400),
    "abort_idle": ("ok", "conflict"),
    # last_job.error of an aborted job.
    "abort_error": ("text", "empty"),
    # local_directory_path in a status, once the directory is gone.
    "status_missing_path": ("empty", "absent"),
    # estimated_end_time and percent_complete while a job is being estimated.
    "estimate": (None, ""),
    "percent_estimating": ("None", None),
    "percent_scale": (100, 1),
    "overlap_status": (400, 409),
    # Two COPY_TO_OBJECT relationships with overlapping directories.
    "overlap_copy_to": ("allow", "refuse"),
    "bucket_status": (400, 409),
    # COPY_FROM_OBJECT from a folder without objects.
    "empty_source": ("allow", "refuse"),
    "privilege_status": (403, 401),
    "read_only_status": (403, 400, 409),
    "unauthorized_body": ("full", "empty"),
    # Order of directory entries.
    "entries_order": ("hash", "name"),
    # Who stands for the built-in public authorities: the real ones, or the world's own.
    "public_authorities": ("system", "world"),
}

#: Name: the usual value and the highest. Seconds are of the emulated clock.
NUMBERS: Final[Mapping[str, tuple[float, float]]] = {
    # A job takes at least this long; its files are spread over the time.
    "job_seconds": (0.3, 86_400.0),
    "estimate_seconds": (0.0, 86_400.0),
    # From an abort to the end of the job.
    "abort_seconds": (0.0, 86_400.0),
    # The most entries on a page of a directory.
    "page_limit": (1000, 100_000),
    # The objects that a job asks for at a time.
    "bucket_page": (1000, 1000),
}


class Switches:
    """The present values. Thread-safe: ``set`` changes all named switches at once or none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, JsonValue] = {name: values[0] for name, values in CHOICES.items()}
        self._values |= {name: usual for name, (usual, _) in NUMBERS.items()}

    def __getitem__(self, name: str) -> JsonValue:
        with self._lock:
            return self._values[name]

    def number(self, name: str) -> float:
        value = self[name]
        return float(value) if isinstance(value, int | float) else 0.0

    def whole(self, name: str) -> int:
        """The value of a switch that holds a whole number, as an HTTP status is."""
        return int(self.number(name))

    def all(self) -> dict[str, JsonValue]:
        with self._lock:
            return dict(self._values)

    def set(self, values: Mapping[str, JsonValue]) -> None:
        """ValueError, and nothing changed, for an unknown name or a value that the switch cannot hold."""
        for name, value in values.items():
            _check(name, value)
        with self._lock:
            self._values |= values


def _check(name: str, value: JsonValue) -> None:
    if name in CHOICES:
        allowed = CHOICES[name]
        if not any(value == one and type(value) is type(one) for one in allowed):
            raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}")
    elif name in NUMBERS:
        usual, high = NUMBERS[name]
        kind, low = (int, 1) if isinstance(usual, int) else (int | float, 0)
        if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:
            raise ValueError(f"{name} must be a number from {low} to {high:g}")
    else:
        raise ValueError(f"no switch named {name}; there is {', '.join(sorted((*CHOICES, *NUMBERS)))}")
