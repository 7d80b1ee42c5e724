"""What documents write as the address of a service: `scheme://host[:port]`. Imports no SDK."""

from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

__all__ = ["AMAZON", "PrivateUrl", "Url", "bare_url", "host_and_port", "is_private"]

AMAZON = (".amazonaws.com", ".amazonaws.com.cn")
"""Ends of the names of hosts that are Amazon's own."""
_DEFAULT_PORTS = {"http": 80, "https": 443}


def bare_url(value: str, *, identity: str = "use `credentials`") -> str:
    """Return `https://host[:port]` or `http://host[:port]` without a slash behind it; ValueError for anything else.

    `identity` says what to do where a user or password stands in it.
    """
    try:
        parts = urlsplit(value)
        usable = parts.scheme in _DEFAULT_PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("an endpoint is written https://host or https://host:port")
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"an endpoint holds no user and no password: {identity}")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("an endpoint has no path and no query: write only https://host[:port]")
    return value.rstrip("/")


def host_and_port(url: str) -> str:
    """Return `host:port` of a bare URL, as a trust file may pin it: the host in lower case, an IPv6 one in brackets,
    the port also where it is the scheme's own."""
    parts = urlsplit(url)
    name = parts.hostname or ""
    host = f"[{name}]" if ":" in name else name
    return f"{host}:{parts.port or _DEFAULT_PORTS.get(parts.scheme, 443)}"


def is_private(url: str) -> bool:
    """Whether nobody on the way can read what is sent to a bare URL: over https, or to this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https" or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _private(value: str) -> str:
    if not is_private(value):
        raise ValueError("plain http is for this machine only: on the way anybody could read what is sent")
    return value


Url = Annotated[str, AfterValidator(bare_url)]
"""A field of a document that holds such an address."""
PrivateUrl = Annotated[Url, AfterValidator(_private)]
"""The same, where plain http is never right."""
