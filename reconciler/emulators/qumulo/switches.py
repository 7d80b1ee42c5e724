"""What is not known about a cluster, as switches: each value is a behaviour that a real one may have.

Where the vendor's documents are silent, an adapter has to work with every value. The first value of each is the
default. Sources for what is known: ``specs/qumulo/SOURCE.md``.
"""

from __future__ import annotations

from typing import Final

from reconciler.emulators.switchboard import Choices, Numbers, Table

CHOICES: Final[Choices] = {
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

#: Seconds are of the emulated clock.
NUMBERS: Final[Numbers] = {
    # A job takes at least this long; its files are spread over the time.
    "job_seconds": (0.3, 0, 86_400),
    "estimate_seconds": (0.0, 0, 86_400),
    # From an abort to the end of the job.
    "abort_seconds": (0.0, 0, 86_400),
    # The most entries on a page of a directory.
    "page_limit": (1000, 1, 100_000),
    # The objects that a job asks for at a time.
    "bucket_page": (1000, 1, 1000),
}


class Switches(Table):
    """The present values."""

    def __init__(self) -> None:
        super().__init__(CHOICES, NUMBERS)
