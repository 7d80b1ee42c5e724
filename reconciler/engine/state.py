"""The folder `.repl` beside the manifests: the receipt, the journals, the lock."""

import json
import os
import tempfile
from pathlib import Path

from pydantic import ValidationError

from reconciler.errors import ReplError
from reconciler.model.receipt import Receipt

__all__ = ["StateFolder"]


class StateFolder:
    """Where a workspace keeps what it knows of its own doings. Made when first written to."""

    def __init__(self, root: Path) -> None:
        self.root = root

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
        """Read the last receipt; None if there has been no apply. Raises ReplError if it is damaged."""
        try:
            text = self.receipt_path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise _damaged(self.receipt_path, str(error)) from error
        try:
            return Receipt.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise _damaged(self.receipt_path, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error

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
    except BaseException:
        Path(name).unlink(missing_ok=True)
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
