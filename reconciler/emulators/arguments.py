"""What the acts of emulators are given, taken out of it. ValueError says what is wrong with it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from reconciler.emulators.message import JsonValue

Arguments = Mapping[str, JsonValue]


def text(arguments: Arguments, name: str) -> str:
    """A text that must be there and not be empty."""
    value = arguments.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} must be a text")
    return value


def content(arguments: Arguments) -> bytes:
    """The bytes given as ``text`` or as ``base64``."""
    plain, encoded = arguments.get("text"), arguments.get("base64")
    if isinstance(plain, str) and encoded is None:
        return plain.encode()
    if isinstance(encoded, str) and plain is None:
        try:
            return base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise ValueError("base64 cannot be decoded") from error
    raise ValueError("give one of text and base64")
