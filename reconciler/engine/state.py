"""The folder `.repl` beside the manifests: the receipt, the journals, the lock."""

import json
import os
import tempfile
from pathlib import Path

from pydantic import ValidationError

from reconciler.errors import ReplError
from reconciler.model.receipt import Receipt

__all__ = ["StateFolder"]

_FORMAT = "1"


class StateFolder:
    """Where a workspace keeps what it knows of its own doings. Made when first written to.

    With a name of the workspace it is for that one alone.
    """

    def __init__(self, root: Path, workspace: str | None = None) -> None:
        self.root = root
        self._workspace = workspace

    @property
    def receipt_path(self) -> Path:
        """The last receipt."""
        return self.root / "receipt.json"

    @property
    def journals(self) -> Path:
        """The folder of journals, one file for each run."""
        return self.root / "journal"

    @property
    def lock_path(self) -> Path:
        """The lock's file."""
        return self.root / "lock"

    def journal_path(self, run_id: str) -> Path:
        """The journal of one run."""
        return self.journals / f"{run_id}.jsonl"

    def history_path(self, run_id: str) -> Path:
        """The receipt of one run, kept."""
        return self.root / "receipts" / f"{run_id}.json"

    def receipt(self) -> Receipt | None:
        """Read the last receipt; None if there has been no apply.

        Raises ReplError if it is damaged, of a later format, or of another workspace: what is written down there would
        be taken for ours, and pruned.
        """
        try:
            text = self.receipt_path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _damaged(self.receipt_path, error.strerror or str(error)) from error
        except UnicodeDecodeError as error:
            raise _damaged(self.receipt_path, "it is not UTF-8 text") from error
        try:
            receipt = Receipt.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "the document"
            raise _damaged(self.receipt_path, f"{where}: {first['msg']}") from error
        self._require_ours(receipt)
        return receipt

    def _require_ours(self, receipt: Receipt) -> None:
        if receipt.format_version.partition(".")[0] != _FORMAT:
            raise ReplError(
                f"the receipt {self.receipt_path} has format {receipt.format_version}; this version reads {_FORMAT}",
                hint=f"use the version of repl that wrote it: {receipt.tool_version}",
            )
        if self._workspace is not None and receipt.workspace != self._workspace:
            raise ReplError(
                f"the receipt {self.receipt_path} is of the workspace {receipt.workspace}; this is {self._workspace}",
                hint="give each workspace a folder of its own with --state; if this one has another name now, write it "
                "into the receipt, after `workspace`",
            )

    def write_receipt(self, receipt: Receipt) -> None:
        """Write the last receipt, whole or not at all, and keep a copy under the run's id."""
        text = json.dumps(receipt.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"
        for path in (self.history_path(receipt.run_id), self.receipt_path):
            _write_whole(path, text)


def _write_whole(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _damaged(path: Path, why: str) -> ReplError:
    return ReplError(
        f"the receipt {path} cannot be read: {why}",
        hint="restore it from version control or from the folder `receipts` beside it; without it drift cannot be told",
    )
