"""Endpoints of targets: what is a URL, and what is a host of one's own network.

Source: Alarik's WebhookURLValidator, which looks at the text of the host and asks no name server.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from reconciler.emulators.alarik.refusal import Refusal


def check_structure(url: str) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    blank = any(character.isspace() for character in url)
    if parts.scheme.lower() not in {"http", "https"} or not host or blank:
        raise Refusal(400, "Webhook URL must be a valid http(s) URL with a host.")


def is_internal(url: str) -> bool:
    """Whether the host is private, loopback or link-local. The URL has passed ``check_structure``."""
    host = (urlsplit(url).hostname or "").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    if ":" in host:
        return host == "::1" or host.startswith(("fe80:", "fc", "fd"))
    address = _ipv4(host)
    if address is None:
        return False
    first, second = address >> 24 & 0xFF, address >> 16 & 0xFF
    return first in {0, 10, 127} or (first == 172 and 16 <= second <= 31) or (first, second) in {(192, 168), (169, 254)}


def _ipv4(host: str) -> int | None:
    """An address in any form that inet_aton reads: one to four parts, each decimal, octal or hexadecimal."""
    numbers = [_number(part) for part in host.split(".")]
    if not 1 <= len(numbers) <= 4:
        return None
    *leading, last = numbers
    if last is None or last >= 1 << 8 * (4 - len(leading)):
        return None
    address = last
    for place, number in enumerate(leading):
        if number is None or number > 0xFF:
            return None
        address |= number << 8 * (3 - place)
    return address


def _number(part: str) -> int | None:
    base = 16 if part[:2].lower() == "0x" else 8 if len(part) > 1 and part.startswith("0") else 10
    digits = part[2:] if base == 16 else part[1:] if base == 8 else part
    if not (digits.isascii() and digits.isalnum()):
        return None
    try:
        return int(digits, base)
    except ValueError:
        return None
