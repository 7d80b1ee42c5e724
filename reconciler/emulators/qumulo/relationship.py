"""Object relationships as values, with the forms in which a cluster takes and gives them."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeVar

from reconciler.emulators.message import JsonValue
from reconciler.emulators.qumulo.refusal import Refusal
from reconciler.emulators.qumulo.switches import Switches

Choice = TypeVar("Choice", bound=StrEnum)

_MEMBERS: Final[Mapping[str, type]] = {
    "direction": str,
    "local_directory_id": str,
    "local_directory_path": str,
    "object_store_address": str,
    "port": int,
    "ca_certificate": str,
    "bucket": str,
    "bucket_style": str,
    "object_folder": str,
    "region": str,
    "access_key_id": str,
    "secret_access_key": str,
}
_REQUIRED: Final = (
    "direction",
    "object_store_address",
    "bucket",
    "object_folder",
    "region",
    "access_key_id",
    "secret_access_key",
)
_FILLED: Final = ("object_store_address", "bucket", "access_key_id", "secret_access_key")

#: Source: Qumulo REST API guide, v3 object-relationships.
DEFAULT_PORT: Final = 443


class Direction(StrEnum):
    TO = "COPY_TO_OBJECT"
    FROM = "COPY_FROM_OBJECT"


class BucketStyle(StrEnum):
    PATH = "BUCKET_STYLE_PATH"
    VIRTUAL_HOSTED = "BUCKET_STYLE_VIRTUAL_HOSTED"


@dataclass(frozen=True, slots=True)
class Target:
    """Where the objects are, and how to get at them. ``folder`` has no leading slash."""

    address: str
    port: int
    bucket: str
    style: BucketStyle
    folder: str
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    ca_certificate: str = field(default="", repr=False)

    @property
    def prefix(self) -> str:
        """What the keys start with: the folder with a slash, or nothing for the root of the bucket."""
        folder = self.folder.rstrip("/")
        return f"{folder}/" if folder else ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A create request that is well formed: exactly one of ``directory_id`` and ``directory_path`` is set."""

    direction: Direction
    target: Target
    directory_id: str | None
    directory_path: str | None


@dataclass(frozen=True, slots=True)
class Relationship:
    """One relationship. Nothing about it ever changes."""

    id: str
    direction: Direction
    directory: int
    target: Target

    def wire(self, switches: Switches) -> dict[str, JsonValue]:
        """The form of answers: without the secret and without the path of the directory."""
        target = self.target
        ca = {"ca_certificate": target.ca_certificate or switches["empty_ca"]}
        return {
            "id": self.id,
            "direction": self.direction.value,
            "local_directory_id": str(self.directory),
            "object_store_address": target.address,
            "port": target.port,
            **({} if ca["ca_certificate"] == "absent" else ca),
            "bucket": target.bucket,
            "bucket_style": target.style.value,
            "object_folder": _folder(target.folder, str(switches["folder_form"])),
            "region": target.region,
            "access_key_id": target.access_key_id,
        }


def parse(body: JsonValue) -> Wanted:
    """A create request. ``Refusal`` (400) names the member that is wrong, never its value."""
    if not isinstance(body, Mapping):
        raise Refusal(400, "The body must be a JSON object.", "decode_error")
    for name, value in body.items():
        kind = _MEMBERS.get(name)
        if kind is None:
            raise Refusal(400, f"Unknown member: {name}", "decode_error")
        if not isinstance(value, kind) or isinstance(value, bool):
            raise Refusal(400, f"Wrong type: {name}", "decode_error")
    for name in _REQUIRED:
        if name not in body or (name in _FILLED and not body[name]):
            raise Refusal(400, f"Missing: {name}", "decode_error")
    if ("local_directory_id" in body) == ("local_directory_path" in body):
        raise Refusal(400, "Give one of local_directory_id and local_directory_path.", "decode_error")
    texts = {name: str(value) for name, value in body.items()}
    return Wanted(
        direction=_choice(Direction, texts["direction"], "direction"),
        target=_target(texts),
        directory_id=texts.get("local_directory_id"),
        directory_path=texts.get("local_directory_path"),
    )


def _target(texts: Mapping[str, str]) -> Target:
    port = int(texts.get("port", DEFAULT_PORT))
    if not 0 < port < 65536:
        raise Refusal(400, "Out of range: port", "decode_error")
    ca = texts.get("ca_certificate", "")
    if ca and not _is_certificate(ca):
        raise Refusal(400, "Not a certificate in PEM format: ca_certificate", "decode_error")
    return Target(
        address=texts["object_store_address"],
        port=port,
        bucket=texts["bucket"],
        style=_choice(BucketStyle, texts.get("bucket_style", BucketStyle.VIRTUAL_HOSTED.value), "bucket_style"),
        folder=texts["object_folder"].lstrip("/"),
        region=texts["region"],
        access_key_id=texts["access_key_id"],
        secret_access_key=texts["secret_access_key"],
        ca_certificate=ca,
    )


def new_id() -> str:
    return str(uuid.uuid4())


def etag(value: JsonValue) -> str:
    """A version of a JSON answer, in double quotes."""
    digest = hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest()
    return f'"{base64.urlsafe_b64encode(digest[:9]).decode()}"'


def _choice(kind: type[Choice], text: str, name: str) -> Choice:
    try:
        return kind(text)
    except ValueError:
        raise Refusal(400, f"Not one of its values: {name}", "decode_error") from None


def _is_certificate(pem: str) -> bool:
    try:
        ssl.create_default_context(cadata=pem)
    except (ssl.SSLError, ValueError, TypeError):  # the last for text that is not ASCII
        return False
    return True


def _folder(folder: str, form: str) -> str:
    bare = folder.rstrip("/")
    if form == "keep" or not bare:
        return folder
    return bare if form == "strip" else f"{bare}/"
