"""Request bodies as S3 clients send them: hashed, unsigned, or in signed chunks with a trailer.

Source: Amazon S3 API reference, "Signature Calculations for the Authorization Header: Transferring Payload in
Multiple Chunks" and "Including Trailing Headers".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from reconciler.emulators.message import Headers, Request
from reconciler.emulators.s3.errors import S3Error, invalid_request
from reconciler.emulators.s3.signature import UNSIGNED, Signed

_EMPTY = hashlib.sha256(b"").hexdigest()
_SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
_SIGNED_CHUNKS_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
_UNSIGNED_CHUNKS_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

# Of the algorithms that S3 knows these need no library; a checksum of another kind is kept as it was sent.
_CHECKSUMS: dict[str, Callable[[bytes], bytes]] = {
    "crc32": lambda body: binascii.crc32(body).to_bytes(4, "big"),
    "sha1": lambda body: hashlib.sha1(body, usedforsecurity=False).digest(),
    "sha256": lambda body: hashlib.sha256(body).digest(),
}
_CHECKSUM_HEADER = re.compile(r"x-amz-checksum-(crc32|crc32c|crc64nvme|sha1|sha256)")


def decode(request: Request, signed: Signed) -> Request:
    """The request with the plain body, after every digest and chunk signature has been checked.

    Trailing headers become ordinary ones. S3Error for a body that is not what was signed or announced.
    """
    payload = signed.payload
    if payload.startswith("STREAMING-"):
        request = _unchunk(request, signed)
    elif payload != UNSIGNED and not hmac.compare_digest(hashlib.sha256(request.body).hexdigest(), payload):
        raise S3Error(
            400,
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
            ClientComputedContentSHA256=payload,
        )
    _check_md5(request)
    _check_checksums(request)
    return request


def has_integrity_header(request: Request) -> bool:
    """Whether a request says what its body must be, as S3 demands for some configuration calls."""
    return request.header("Content-MD5") is not None or any(
        _CHECKSUM_HEADER.fullmatch(name.lower()) for name, _ in request.headers
    )


def _check_md5(request: Request) -> None:
    sent = request.header("Content-MD5")
    if sent is None:
        return
    try:
        expected = base64.b64decode(sent, validate=True)
    except binascii.Error:
        expected = b""
    if len(expected) != 16:
        raise S3Error(400, "InvalidDigest", "The Content-MD5 you specified was invalid.", **{"Content-MD5": sent})
    if hashlib.md5(request.body, usedforsecurity=False).digest() != expected:
        raise S3Error(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")


def _check_checksums(request: Request) -> None:
    # A completed upload's checksum is of all parts together, and of its body (a list of parts) nothing is said.
    if request.method == "POST" and "uploadId" in request.params:
        return
    for name, value in request.headers:
        found = _CHECKSUM_HEADER.fullmatch(name.lower())
        compute = _CHECKSUMS.get(found[1]) if found else None
        if compute is not None and base64.b64encode(compute(request.body)).decode() != value:
            algorithm = name.lower().removeprefix("x-amz-checksum-").upper()
            raise S3Error(400, "BadDigest", f"The {algorithm} you specified did not match the calculated checksum.")


@dataclass(slots=True)
class _Chain:
    """The running signature over chunks: each is signed together with the signature before it."""

    signed: Signed
    previous: str

    def check(self, chunk: bytes, signature: str | None) -> None:
        self._check("AWS4-HMAC-SHA256-PAYLOAD", (_EMPTY, hashlib.sha256(chunk).hexdigest()), signature)

    def check_trailer(self, trailer: bytes, signature: str | None) -> None:
        self._check("AWS4-HMAC-SHA256-TRAILER", (hashlib.sha256(trailer).hexdigest(),), signature)

    def _check(self, algorithm: str, digests: tuple[str, ...], signature: str | None) -> None:
        text = "\n".join((algorithm, self.signed.stamp, self.signed.scope.text, self.previous, *digests))
        expected = hmac.new(self.signed.key, text.encode(), hashlib.sha256).hexdigest()
        if signature is None or not hmac.compare_digest(expected, signature):
            raise S3Error(
                403,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. "
                "Check your key and signing method.",
            )
        self.previous = expected


def _unchunk(request: Request, signed: Signed) -> Request:
    kinds = {_SIGNED_CHUNKS: True, _SIGNED_CHUNKS_TRAILER: True, _UNSIGNED_CHUNKS_TRAILER: False}
    if signed.payload not in kinds:
        raise invalid_request(f"Payload form not supported: {signed.payload}")
    chain = _Chain(signed, signed.seed) if kinds[signed.payload] else None
    try:
        body, rest = _chunks(request.body, chain)
    except ValueError as error:
        raise S3Error(
            400,
            "IncompleteBody",
            "The request body terminated unexpectedly",
        ) from error
    announced = request.header("x-amz-decoded-content-length")
    if announced is not None and announced != str(len(body)):
        raise S3Error(
            400,
            "IncompleteBody",
            "You did not provide the number of bytes specified by the Content-Length HTTP header.",
        )
    trailer = _trailer(rest, chain if signed.payload == _SIGNED_CHUNKS_TRAILER else None)
    return replace(request, body=body, headers=_plain_headers(request.headers, trailer))


def _chunks(stream: bytes, chain: _Chain | None) -> tuple[bytes, bytes]:
    parts: list[bytes] = []
    position = 0
    while True:
        end = stream.index(b"\r\n", position)
        size_text, _, extension = stream[position:end].decode("ascii").partition(";")
        size = int(size_text, 16)
        start = end + 2
        chunk = stream[start : start + size]
        if size < 0 or len(chunk) != size:
            raise ValueError("a chunk was cut short")
        if chain is not None:
            chain.check(chunk, extension.removeprefix("chunk-signature=") or None)
        if size == 0:
            return b"".join(parts), stream[start:]
        if stream[start + size : start + size + 2] != b"\r\n":
            raise ValueError("a chunk has no end")
        parts.append(chunk)
        position = start + size + 2


def _trailer(rest: bytes, chain: _Chain | None) -> Headers:
    lines = [line.strip() for line in rest.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")]
    pairs = [(name.strip(), value.strip()) for name, colon, value in (line.partition(":") for line in lines) if colon]
    if chain is not None:
        signature = next((value for name, value in pairs if name.lower() == "x-amz-trailer-signature"), None)
        pairs = [(name, value) for name, value in pairs if name.lower() != "x-amz-trailer-signature"]
        signed = "".join(f"{name.lower()}:{value}\n" for name, value in pairs)
        chain.check_trailer(signed.encode(), signature)
    return tuple((name, value) for name, value in pairs if _CHECKSUM_HEADER.fullmatch(name.lower()))


def _plain_headers(headers: Headers, trailer: Headers) -> Headers:
    dropped = {"x-amz-decoded-content-length", "x-amz-trailer", "content-length", "transfer-encoding"}
    kept: list[tuple[str, str]] = []
    for name, value in headers:
        lower = name.lower()
        if lower == "content-encoding":
            encodings = [part.strip() for part in value.split(",") if part.strip() not in {"aws-chunked", ""}]
            if encodings:
                kept.append((name, ", ".join(encodings)))
        elif lower == "x-amz-content-sha256":
            kept.append((name, UNSIGNED))
        elif lower not in dropped:
            kept.append((name, value))
    present = {name.lower() for name, _ in kept}
    if trailer and "x-amz-sdk-checksum-algorithm" not in present:
        kept.append(("x-amz-sdk-checksum-algorithm", trailer[0][0].lower().removeprefix("x-amz-checksum-").upper()))
    return (*kept, *trailer)
