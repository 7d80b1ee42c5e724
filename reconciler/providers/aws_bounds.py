"""Bounds on what an AWS client takes in for one answer: its size, and the time until it is whole.

botocore bounds the time between two pieces of an answer, and neither. What an operation hands on as a stream, which is
an object's bytes, is read by its caller in pieces and is not bounded here.
"""

import io
import threading
import time
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.parsers import ResponseParserError
from urllib3 import HTTPResponse
from urllib3 import exceptions as http_errors

__all__ = ["MAX_ANSWER_BYTES", "BoundedSession"]

MAX_ANSWER_BYTES = 32 * 1024 * 1024
"""Longest answer that is read into memory."""
_PIECE = 64 * 1024


class BoundedSession:
    """Sends through a session of botocore's, and reads each answer itself. Safe to use from several threads; the first
    request is alone.

    Raises what botocore's own session raises; ReadTimeoutError for an answer that takes too long, and
    ResponseParserError, which is not retried, for one that is too long.
    """

    def __init__(self, session: Any, *, whole_s: float, max_bytes: int = MAX_ANSWER_BYTES) -> None:
        self._session = session
        self._whole_s = whole_s
        self._max_bytes = max_bytes
        self._alone = threading.Lock()
        self._begun = False

    def send(self, request: Any) -> Any:
        """Send a request and return the answer, with its content read unless it is one to be streamed."""
        streamed = request.stream_output
        request.stream_output = True  # else the session reads it, without end
        try:
            response = self._sent(request)
        finally:
            request.stream_output = streamed
        if streamed and response.status_code < 300:
            return response
        try:
            content = self._read(response.raw, request.url)
        except BaseException:
            response.raw.close()
            raise
        response.raw.release_conn()
        whole = HTTPResponse(io.BytesIO(content), preload_content=False)
        return AWSResponse(response.url, response.status_code, response.headers, whole)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _sent(self, request: Any) -> Any:
        # Each connection has urllib3 load the authorities into the one context of all. OpenSSL's store (3.x,
        # X509_STORE_add_lookup) is not safe when that happens twice at once for the first time: the process dies.
        if not self._begun:
            with self._alone:
                if not self._begun:
                    try:
                        return self._session.send(request)
                    finally:
                        self._begun = True
        return self._session.send(request)

    def _read(self, raw: Any, url: str) -> bytes:
        deadline = time.monotonic() + self._whole_s
        content = bytearray()
        try:
            while piece := raw.read1(_PIECE):
                content += piece
                if len(content) > self._max_bytes:
                    raise ResponseParserError(f"the answer is longer than {self._max_bytes} bytes")
                if time.monotonic() > deadline:
                    raise ReadTimeoutError(endpoint_url=url, error="the answer does not end")
        except http_errors.ReadTimeoutError as error:
            raise ReadTimeoutError(endpoint_url=url, error=error) from error
        except http_errors.HTTPError as error:
            raise ConnectionClosedError(endpoint_url=url, error=error) from error
        return bytes(content)
