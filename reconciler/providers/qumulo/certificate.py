"""Certificates of authorities: read from a PEM file, put in canonical form, compared by digest.

A CA file is part of what is desired: its certificates are handed to the cluster. `read` is the only place that reads
one.
"""

import hashlib
import re
from base64 import b64decode
from binascii import Error as Base64Error
from dataclasses import dataclass
from pathlib import Path

from reconciler.model.value import digest

__all__ = ["Authority", "authority", "certificates", "read"]

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)
_LONGEST_FILE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """What a CA file came to: `pem` is None for the public authorities, `problem` says why a file cannot be used."""

    pem: str | None = None
    problem: str = ""


def read(path: Path | None) -> Authority:
    """Read a CA file of at most 1 MiB. Only its certificates are kept: a private key beside them goes nowhere."""
    if path is None:
        return Authority()
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST_FILE + 1)
    except OSError as error:
        return Authority(problem=f"{path} cannot be read: {error.strerror}")
    if len(content) > _LONGEST_FILE:
        return Authority(problem=f"{path} is longer than 1 MiB")
    found = certificates(content.decode("ascii", errors="replace"))
    return Authority(pem="".join(found)) if found else Authority(problem=f"{path} holds no PEM certificate")


def certificates(pem: str | None) -> tuple[str, ...]:
    """Return the certificates of a PEM text, each once, in canonical form. Whatever else the text holds is left out."""
    found: dict[str, None] = {}
    for block in _CERTIFICATE.findall(pem or ""):
        text = "".join(block.split())
        if _is_base64(text):
            lines = "\n".join(text[start : start + 64] for start in range(0, len(text), 64))
            found[f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"] = None
    return tuple(found)


def authority(pem: str | None) -> str | None:
    """Return a digest of a PEM text that does not depend on layout, order or comments; None if there is none.

    For a single certificate it is the SHA-256 fingerprint that `openssl x509 -fingerprint -sha256` shows.
    """
    found = certificates(pem)
    if not found:
        return digest(pem) if pem and pem.strip() else None
    prints = sorted(_fingerprint(one) for one in found)
    return prints[0] if len(prints) == 1 else digest(prints)


def _is_base64(text: str) -> bool:
    try:
        return bool(b64decode(text, validate=True))
    except Base64Error:
        return False


def _fingerprint(certificate: str) -> str:
    return "sha256:" + hashlib.sha256(b64decode("".join(certificate.splitlines()[1:-1]))).hexdigest()
