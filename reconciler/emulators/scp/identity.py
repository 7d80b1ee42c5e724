"""Access keys, and the signature that every call carries.

Source: SCP API reference, Common, which the vendor's Go SDK and a published live suite agree with.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.emulators.message import Request
from reconciler.emulators.scp.refusal import Refusal
from reconciler.emulators.scp.switches import ScpSwitches

BAD_SIGNATURE = "HmacValidFail"


@dataclass(frozen=True, slots=True)
class Key:
    """An access key of the account. One that is ``read_only`` may list and show."""

    access_key: str
    secret_key: str = field(repr=False)
    account: str
    read_only: bool = False


def signature(
    secret_key: str, *, method: str, url: str, timestamp: str, access_key: str, account: str, client_type: str
) -> str:
    """Base64 of an HMAC with SHA-256 over all of these, joined by nothing. The body is not signed.

    ``url`` is the whole one, byte for byte as it went over the wire. ``account`` is empty where no account is sent.
    """
    message = f"{method.upper()}{url}{timestamp}{access_key}{account}{client_type}"
    return base64.b64encode(hmac.digest(secret_key.encode(), message.encode(), hashlib.sha256)).decode()


def wire_url(request: Request) -> str:
    query = f"?{request.query}" if request.query else ""
    return f"{request.scheme}://{request.header('Host') or ''}{request.raw_path}{query}"


def caller(request: Request, keys: Mapping[str, Key], settings: ScpSwitches) -> Key:
    """Whose key has signed the request; ``Refusal`` (401) if nobody's."""
    sent = {name: request.header(f"Scp-{name}") or "" for name in ("Accesskey", "Signature", "Timestamp", "ClientType")}
    absent = [name for name, value in sent.items() if not value]
    account = request.header("Scp-AccountId") or ""
    if settings.account_header == "required" and not account:
        absent.append("AccountId")
    if absent:
        raise Refusal(401, f"Required header is missing: {', '.join(f'Scp-{name}' for name in absent)}", BAD_SIGNATURE)
    key = keys.get(sent["Accesskey"])
    if key is None:
        raise Refusal(401, "The access key is not valid.", BAD_SIGNATURE)
    expected = signature(
        key.secret_key,
        method=request.method,
        url=wire_url(request),
        timestamp=sent["Timestamp"],
        access_key=key.access_key,
        account=account,
        client_type=sent["ClientType"],
    )
    if not hmac.compare_digest(expected.encode(), sent["Signature"].encode()):
        raise Refusal(401, "The signature does not match.", BAD_SIGNATURE)
    _check_time(sent["Timestamp"], settings)
    if account and account != key.account:
        raise Refusal(403, "The access key does not belong to the account.")
    return key


def _check_time(text: str, settings: ScpSwitches) -> None:
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        raise Refusal(401, "The timestamp must be milliseconds since 1970.", BAD_SIGNATURE)
    off = abs(int(text) / 1000 - time.time() - settings.clock_skew_s)
    if settings.skew_s is not None and off > settings.skew_s:
        raise Refusal(401, "The timestamp is too far from the time of the server.", BAD_SIGNATURE)
