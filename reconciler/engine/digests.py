"""Salted digests of write-only values, so that a rotation is seen without keeping the secret."""

import hashlib
import hmac
import secrets

__all__ = ["digest_of", "matches"]

_COST = {"n": 2**14, "r": 8, "p": 1}
"""About 50 ms a guess: a receipt may be read by many, and a plain hash of a short secret can be guessed."""


def digest_of(value: str) -> str:
    """Return `scrypt:<salt>:<hash>`, another one at each call."""
    salt = secrets.token_bytes(16)
    return f"scrypt:{salt.hex()}:{_hash(value, salt).hex()}"


def matches(value: str, digest: str) -> bool:
    """Say whether a digest was made of this value. A digest in another form matches nothing."""
    kind, _, rest = digest.partition(":")
    salt, _, expected = rest.partition(":")
    if kind != "scrypt":
        return False
    try:
        return hmac.compare_digest(_hash(value, bytes.fromhex(salt)), bytes.fromhex(expected))
    except ValueError:
        return False


def _hash(value: str, salt: bytes) -> bytes:
    return hashlib.scrypt(value.encode(), salt=salt, **_COST)
