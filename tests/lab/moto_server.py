"""moto as an S3 server over TLS, for keys that no directory could hold. It does not check signatures."""

import contextlib
import ssl
import threading
from collections.abc import Iterable, Iterator

from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from reconciler.emulators.certificate import Certificate
from tests.lab.rclone import ObjectServer


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002  (the base class's name)
        """Say nothing."""


@contextlib.contextmanager
def serve(certificate: Certificate) -> Iterator[ObjectServer]:
    """Run the server until the block ends. moto keeps one state in this process: take a bucket of your own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    application = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, application, threaded=True, ssl_context=context, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield ObjectServer(server.server_port, "AKIALABLABLABLABLAB2", "lab-secret-not-a-real-one", certificate.ca)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def fill(bucket: str, keys: Iterable[str]) -> None:
    """Put empty objects into a bucket of the server behind its back: a thousand requests take long."""
    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    for key in keys:
        backend.put_object(bucket, key, b"")
