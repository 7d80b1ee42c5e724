"""Bodies that a service may have compressed, as the bytes that they stand for."""

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, BinaryIO, cast

import zstandard

from reconciler.errors import ErrorCode, ProviderError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["ZSTD", "plain"]

ZSTD = "zstd"
_CHUNK = 256 * 1024
_LARGEST_WINDOW = 128 * 1024 * 1024


def plain(body: BinaryIO, headers: Mapping[str, str], *, provider: str, operation: str) -> BinaryIO:
    """Return a body's plain bytes. What is cut off or is no ZSTD raises ProviderError PROTOCOL while it is read."""
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding != ZSTD:
        body.close()
        raise _error(f"the answer is encoded as {encoding}, which was not asked for", provider, operation)
    return cast("BinaryIO", io.BufferedReader(_Decompressed(body, provider, operation), _CHUNK))


class _Decompressed(io.RawIOBase):
    def __init__(self, body: BinaryIO, provider: str, operation: str) -> None:
        super().__init__()
        self._body = body
        self._about = (provider, operation)
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._packed = b""
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        while not self._rest:
            if not self._packed:
                self._packed = self._body.read(_CHUNK)
                if not self._packed:
                    return self._ended()
            self._rest = self._unpacked()
        count = min(len(view), len(self._rest))
        view[:count], self._rest = self._rest[:count], self._rest[count:]
        return count

    def close(self) -> None:
        if not self.closed:
            self._body.close()
        super().close()

    def _unpacked(self) -> bytes:
        if self._frame is None:
            self._frame = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW).decompressobj()
        try:
            found = self._frame.decompress(self._packed)
        except zstandard.ZstdError as error:
            raise _error(f"the answer is no ZSTD: {error}", *self._about) from error
        self._packed = b""
        if self._frame.eof:
            self._packed, self._frame = self._frame.unused_data, None  # another frame may follow
        return found

    def _ended(self) -> int:
        if self._frame is not None:
            raise _error("the answer ends in the middle of a ZSTD frame", *self._about)
        return 0


def _error(message: str, provider: str, operation: str) -> ProviderError:
    return ProviderError(message, code=ErrorCode.PROTOCOL, provider=provider, operation=operation)
