"""The S3 calls in use, over boto3. Configurations go over the wire as text: boto3 would drop what its model lacks."""

import base64
import hashlib
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar, cast

from reconciler.errors import ErrorCode, ProviderError
from reconciler.model.secret import SecretRef
from reconciler.providers.aws import Keys, Requests, Target, open_session, s3_client
from reconciler.providers.base import Connection
from reconciler.providers.s3.config import Credentials, Flavour, S3Config
from reconciler.providers.s3.document import MAX_BYTES

if TYPE_CHECKING:
    import boto3
    from types_boto3_s3.client import S3Client

__all__ = ["S3Api"]

T = TypeVar("T")
_XML, _BODY = "XmlBody", "repl_body"
_NOT_HELD_HERE = "no rules are taken over S3 here; if it is Alarik, describe it with a Provider of type `alarik`"


class S3Api:
    """One service. Opened with the first request, which is when secrets are resolved. Safe to use from several threads.

    Raises ProviderError and nothing else. Reads are repeated after 429, 5xx and resets; writes of configurations are
    sent once.
    """

    def __init__(self, connection: Connection, config: S3Config) -> None:
        self.config = config
        self.name = connection.doc.name
        self._connection = connection
        self._lock = threading.Lock()
        self._session: boto3.Session | None = None
        self._clients: dict[bool, S3Client] = {}
        self.requests = Requests(self.name, connection.limits)

    @property
    def client(self) -> "S3Client":
        """The client for reads and for objects: it repeats what failed."""
        return self._client(retry=True)

    @property
    def etag_is_md5(self) -> bool:
        """Only AWS says so. Source: Amazon S3 API reference, Object (ETag)."""
        return self.config.flavour is Flavour.AWS

    def replication(self, bucket: str) -> str | None:
        """Read a bucket's configuration as text; None if there is none, or no bucket."""
        try:
            answer = self._ask("GetBucketReplication", lambda: self.client.get_bucket_replication(Bucket=bucket))
        except ProviderError as error:
            if error.code is ErrorCode.NOT_FOUND:
                return None
            raise
        return self._decoded(cast("dict[str, Any]", answer)[_XML])

    def put_replication(self, bucket: str, xml: str) -> str | None:
        """Replace a bucket's configuration by this text. Returns the request's id."""
        put = cast("Callable[..., dict[str, Any]]", self._client(retry=False).put_bucket_replication)
        try:
            return self._write("PutBucketReplication", lambda: put(Bucket=bucket, **{_XML: xml.encode()}))
        except ProviderError as error:
            if error.code is ErrorCode.UNIMPLEMENTED:
                error.hint = _NOT_HELD_HERE
            raise

    def delete_replication(self, bucket: str) -> str | None:
        """Remove a bucket's configuration. Returns the request's id. Raises NOT_FOUND if there is none to remove."""
        client = self._client(retry=False)
        return self._write("DeleteBucketReplication", lambda: client.delete_bucket_replication(Bucket=bucket))

    def head_bucket(self, bucket: str) -> str | None:
        """Return the region that a bucket says it lies in; None if the server does not say. Raises NOT_FOUND."""
        return self._ask("HeadBucket", lambda: self.client.head_bucket(Bucket=bucket)).get("BucketRegion")

    def location(self, bucket: str) -> str:
        """Return a bucket's region."""
        answer = self._ask("GetBucketLocation", lambda: self.client.get_bucket_location(Bucket=bucket))
        named = answer.get("LocationConstraint")
        # The two oldest regions have names of their own. Source: Amazon S3 API reference, GetBucketLocation.
        return {None: "us-east-1", "": "us-east-1", "EU": "eu-west-1"}.get(named, str(named))

    def versioning(self, bucket: str) -> str | None:
        """Return `Enabled` or `Suspended`; None if versioning was never enabled."""
        return self._ask("GetBucketVersioning", lambda: self.client.get_bucket_versioning(Bucket=bucket)).get("Status")

    def object_lock(self, bucket: str) -> bool:
        """Say whether a bucket has object lock."""
        try:
            answer = self._ask(
                "GetObjectLockConfiguration", lambda: self.client.get_object_lock_configuration(Bucket=bucket)
            )
        except ProviderError as error:
            if error.code is ErrorCode.NOT_FOUND:
                return False
            raise
        return answer.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") == "Enabled"

    def buckets(self) -> Iterator[tuple[str, str | None]]:
        """Yield name and, where the server says it, region of every bucket of the account."""
        token: dict[str, Any] = {"MaxBuckets": 1000} if self.config.endpoint is None else {}
        while True:
            with self.requests.one("ListBuckets"):
                page = self.client.list_buckets(**token)
            if "Buckets" not in page:
                raise ProviderError(
                    "the answer is no list of buckets: is this an S3 service?", code=ErrorCode.PROTOCOL,
                    provider=self.name, operation="ListBuckets",
                )  # fmt: skip
            for bucket in page["Buckets"]:
                yield bucket["Name"], bucket.get("BucketRegion")
            if not (further := page.get("ContinuationToken")):
                return
            token["ContinuationToken"] = further

    def close(self) -> None:
        """Release all connections. May be called twice; a request afterwards opens new ones."""
        with self._lock:
            clients, self._clients = self._clients, {}
        for client in clients.values():
            client.close()

    def _ask(self, operation: str, send: Callable[[], T]) -> T:
        with self.requests.one(operation):
            return send()

    def _write(self, operation: str, send: Callable[[], Any]) -> str | None:
        with self.requests.one(operation, write=True):
            answer: dict[str, Any] = send()
        request_id: str | None = answer.get("ResponseMetadata", {}).get("RequestId")
        return request_id

    def _decoded(self, body: bytes) -> str:
        problem = f"the answer is longer than {MAX_BYTES} bytes" if len(body) > MAX_BYTES else ""
        try:
            if not problem:
                return body.decode()
        except UnicodeDecodeError:
            problem = "the answer is not UTF-8"
        raise ProviderError(
            problem, code=ErrorCode.PROTOCOL, provider=self.name, operation="GetBucketReplication",
            hint="is this an S3 service, and not a proxy in front of it?",
        )  # fmt: skip

    # Opening --------------------------------------------------------------------------------------------------

    def _client(self, *, retry: bool) -> "S3Client":
        with self._lock:
            if retry not in self._clients:
                self._clients[retry] = self._open(retry=retry)
            return self._clients[retry]

    def _open(self, *, retry: bool) -> "S3Client":
        config, connection = self.config, self._connection
        ca_file = (connection.base / config.ca_file).resolve() if config.ca_file else None
        if ca_file is not None and not ca_file.is_file():
            raise ProviderError(
                f"the file of `caFile` is not there: {config.ca_file}", code=ErrorCode.INVALID_ARGUMENT,
                provider=self.name, operation="client",
            )  # fmt: skip
        target = Target(
            provider=self.name, region=config.region, endpoint=config.endpoint, path_style=config.in_path,
            ca_file=ca_file, timeout_s=connection.timeout_s, limits=connection.limits, access=connection.access,
        )  # fmt: skip
        if self._session is None:
            keys = self._keys(config.credentials) if config.credentials else None
            self._session = open_session(target, profile=config.profile, keys=keys)
        client = s3_client(self._session, target, retry=retry)
        self._attach(client)
        return client

    def _keys(self, given: Credentials) -> Keys:
        def resolved(ref: SecretRef) -> Any:
            found = self._connection.secrets.resolve(ref, send_to=self.config.address)
            self.requests.conceal(found.get_secret_value())
            return found

        name = given.access_key_id
        return Keys(
            access_key_id=resolved(name).get_secret_value() if isinstance(name, SecretRef) else name,
            secret_access_key=resolved(given.secret_access_key),
            session_token=resolved(given.session_token) if given.session_token else None,
        )

    def _attach(self, client: "S3Client") -> None:
        events = client.meta.events
        events.register("provide-client-params.s3.PutBucketReplication", _take_text)
        events.register("before-call.s3.PutBucketReplication", _send_text)
        events.register("before-parse.s3.GetBucketReplication", _keep_text)
        if self.config.account is not None:
            events.register("provide-client-params.s3", _Owner(self.config.account).expect)


class _Owner:
    """Names the account that must own a bucket, wherever a call can say it."""

    def __init__(self, account: str) -> None:
        self._account = account

    def expect(self, params: dict[str, Any], model: Any, **_: object) -> None:
        if model.input_shape is not None and "ExpectedBucketOwner" in model.input_shape.members:
            params.setdefault("ExpectedBucketOwner", self._account)


def _take_text(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    """Set the real body aside, and give boto3 one that passes its own validation."""
    if _XML in params:
        context[_BODY] = params.pop(_XML)
        params["ReplicationConfiguration"] = {"Role": "", "Rules": []}


def _send_text(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    """Send the real body. Checksum and signature are made afterwards, over it.

    Content-MD5 comes on top, for servers that insist on it: public issues aws-cli 9215 and cloudserver 5784.
    """
    if _BODY in context:
        body: bytes = context[_BODY]
        params["body"] = body
        digest = hashlib.md5(body, usedforsecurity=False).digest()
        params["headers"]["Content-MD5"] = base64.b64encode(digest).decode()


def _keep_text(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object) -> None:
    """Hand the answer's text out, and hide it from boto3's parser, which refuses what it does not know."""
    if response_dict["status_code"] == 200:
        customized_response_dict[_XML] = response_dict["body"]
        response_dict["body"] = b""
