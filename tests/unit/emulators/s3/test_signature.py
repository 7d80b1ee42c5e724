"""Signature Version 4, held against the worked examples of the Amazon S3 API reference and against real clients."""

import urllib.error
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from reconciler.emulators.message import Request
from reconciler.emulators.s3.errors import S3Error
from reconciler.emulators.s3.payload import decode
from reconciler.emulators.s3.signature import Scope, Signed, verify
from tests.lab.world import RunningWorld

# The example credentials of the AWS documentation.
KEYS = {"AKIAIOSFODNN7EXAMPLE": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
NOW = datetime(2013, 5, 24, 0, 1, tzinfo=UTC)
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
SCOPE = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"

GET_OBJECT = Request(
    "GET",
    "/test.txt",
    "",
    (
        ("Host", "examplebucket.s3.amazonaws.com"),
        (
            "Authorization",
            (
                f"AWS4-HMAC-SHA256 Credential={SCOPE},SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
                "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
            ),
        ),
        ("Range", "bytes=0-9"),
        ("x-amz-content-sha256", EMPTY),
        ("x-amz-date", "20130524T000000Z"),
    ),
    b"",
)
PUT_OBJECT = Request(
    "PUT",
    "/test%24file.text",
    "",
    (
        ("Host", "examplebucket.s3.amazonaws.com"),
        (
            "Authorization",
            (
                f"AWS4-HMAC-SHA256 Credential={SCOPE},"
                "SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,"
                "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
            ),
        ),
        ("Date", "Fri, 24 May 2013 00:00:00 GMT"),
        ("x-amz-content-sha256", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"),
        ("x-amz-date", "20130524T000000Z"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
    ),
    b"Welcome to Amazon S3.",
)
LIST_OBJECTS = Request(
    "GET",
    "/",
    "max-keys=2&prefix=J",
    (
        ("Host", "examplebucket.s3.amazonaws.com"),
        (
            "Authorization",
            (
                f"AWS4-HMAC-SHA256 Credential={SCOPE},SignedHeaders=host;x-amz-content-sha256;x-amz-date,"
                "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
            ),
        ),
        ("x-amz-content-sha256", EMPTY),
        ("x-amz-date", "20130524T000000Z"),
    ),
    b"",
)
PRESIGNED = Request(
    "GET",
    "/test.txt",
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2F"
    "aws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
    "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
    (("Host", "examplebucket.s3.amazonaws.com"),),
    b"",
)
_FIRST, _SECOND = b"a" * 65536, b"a" * 1024
CHUNKED = Request(
    "PUT",
    "/examplebucket/chunkObject.txt",
    "",
    (
        ("Host", "s3.amazonaws.com"),
        (
            "Authorization",
            (
                f"AWS4-HMAC-SHA256 Credential={SCOPE},SignedHeaders=content-encoding;content-length;host;"
                "x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,"
                "Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
            ),
        ),
        ("x-amz-date", "20130524T000000Z"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        ("Content-Encoding", "aws-chunked"),
        ("x-amz-decoded-content-length", "66560"),
        ("Content-Length", "66824"),
    ),
    b"10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n"
    + _FIRST
    + b"\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n"
    + _SECOND
    + b"\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n",
)


@pytest.mark.parametrize(
    "request_",
    [GET_OBJECT, PUT_OBJECT, LIST_OBJECTS, PRESIGNED, CHUNKED],
    ids=["get", "put", "list", "presigned", "chunked"],
)
def test_the_documented_examples_hold(request_: Request) -> None:
    signed = verify(request_, KEYS, NOW)
    assert signed.scope.region == "us-east-1"
    decode(request_, signed)


def test_signed_chunks_are_joined_and_their_framing_forgotten() -> None:
    plain = decode(CHUNKED, verify(CHUNKED, KEYS, NOW))
    assert plain.body == _FIRST + _SECOND
    assert plain.header("Content-Encoding") is None
    assert plain.header("x-amz-storage-class") == "REDUCED_REDUNDANCY"


TRAILER = Request(
    "PUT",
    "/examplebucket/chunkObject.txt",
    "",
    (
        ("Host", "s3.amazonaws.com"),
        (
            "Authorization",
            (
                f"AWS4-HMAC-SHA256 Credential={SCOPE},SignedHeaders=content-encoding;host;x-amz-content-sha256;"
                "x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer,"
                "Signature=106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
            ),
        ),
        ("x-amz-date", "20130524T000000Z"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"),
        ("Content-Encoding", "aws-chunked"),
        ("x-amz-decoded-content-length", "66560"),
        ("x-amz-trailer", "x-amz-checksum-crc32c"),
    ),
    b"10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n"
    + _FIRST
    + b"\r\n400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n"
    + _SECOND
    + b"\r\n0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n"
    b"x-amz-checksum-crc32c:sOO8/Q==\r\n"
    b"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n",
)


def test_a_signed_trailer_becomes_a_header() -> None:
    plain = decode(TRAILER, verify(TRAILER, KEYS, NOW))
    assert plain.body == _FIRST + _SECOND
    assert plain.header("x-amz-checksum-crc32c") == "sOO8/Q=="
    assert plain.header("x-amz-sdk-checksum-algorithm") == "CRC32C"


def test_a_changed_trailer_is_refused() -> None:
    changed = replace(TRAILER, body=TRAILER.body.replace(b"sOO8", b"sOO9"))
    with pytest.raises(S3Error) as caught:
        decode(changed, verify(changed, KEYS, NOW))
    assert caught.value.code == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    ("payload", "body", "code"),
    [
        ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", b"2\r\nhi\r\n0\r\nx-amz-checksum-crc32:2Mkq/w==\r\n\r\n", "BadDigest"),
        ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", b"2\r\nhi\r\n0\r\n\r\n", None),
        ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", b"3\r\nhi!\r\n0\r\n\r\n", "IncompleteBody"),
        ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", b"2\r\nhi", "IncompleteBody"),
        ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", b"2\r\nhi0\r\n\r\n", "IncompleteBody"),
        ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", b"", "IncompleteBody"),
        ("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", b"", "InvalidRequest"),
    ],
)
def test_unsigned_chunks(payload: str, body: bytes, code: str | None) -> None:
    signed = Signed(Scope("a", "20130524", "us-east-1"), "20130524T000000Z", payload, "", b"")
    request = Request("PUT", "/b/k", "", (("x-amz-decoded-content-length", "2"),), body)
    if code is None:
        assert decode(request, signed).body == b"hi"
        return
    with pytest.raises(S3Error) as caught:
        decode(request, signed)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        (replace(GET_OBJECT, raw_path="/other.txt"), "SignatureDoesNotMatch"),
        (replace(GET_OBJECT, method="DELETE"), "SignatureDoesNotMatch"),
        (replace(GET_OBJECT, query="acl"), "SignatureDoesNotMatch"),
        (replace(PRESIGNED, query=PRESIGNED.query.replace("86400", "86399")), "SignatureDoesNotMatch"),
        (replace(PRESIGNED, query=PRESIGNED.query.replace("86400", "604801")), "AuthorizationQueryParametersError"),
        (replace(PRESIGNED, query="X-Amz-Signature=x"), "AuthorizationQueryParametersError"),
        (replace(PRESIGNED, query="AWSAccessKeyId=a&Signature=b&Expires=1"), "InvalidRequest"),
        (replace(PRESIGNED, query=""), "AccessDenied"),
    ],
)
def test_a_changed_request_is_refused(changed: Request, code: str) -> None:
    assert _refusal(changed) == code


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("Authorization", "AWS AKIAIOSFODNN7EXAMPLE:abc", "InvalidRequest"),
        ("Authorization", "AWS4-HMAC-SHA256 nonsense", "AuthorizationHeaderMalformed"),
        (
            "Authorization",
            "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0",
            "AuthorizationHeaderMalformed",
        ),
        ("x-amz-content-sha256", None, "InvalidRequest"),
        ("x-amz-content-sha256", "UNSIGNED-PAYLOAD", "SignatureDoesNotMatch"),
        ("x-amz-date", "yesterday", "AccessDenied"),
        ("x-amz-date", "20130525T000000Z", "AuthorizationHeaderMalformed"),
        ("x-amz-acl", "public-read", "AccessDenied"),
        ("x-amz-security-token", "t", "InvalidToken"),
        ("Range", "bytes=0-99", "SignatureDoesNotMatch"),
    ],
)
def test_a_changed_header_is_refused(name: str, value: str | None, code: str) -> None:
    others = tuple((key, old) for key, old in GET_OBJECT.headers if key != name)
    assert _refusal(replace(GET_OBJECT, headers=(*others, *(((name, value),) if value else ())))) == code


@pytest.mark.parametrize(
    ("request_", "minutes", "code"),
    [
        (GET_OBJECT, 14, None),
        (GET_OBJECT, 16, "RequestTimeTooSkewed"),
        (GET_OBJECT, -16, "RequestTimeTooSkewed"),
        (PRESIGNED, 16, None),
        (PRESIGNED, 24 * 60 + 1, "AccessDenied"),
        (PRESIGNED, -16, "AccessDenied"),
    ],
)
def test_the_time_of_signing_counts(request_: Request, minutes: int, code: str | None) -> None:
    at = datetime(2013, 5, 24, tzinfo=UTC) + timedelta(minutes=minutes)
    assert _refusal(request_, at) == code


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"a" * 1024, b"b" * 1024, "SignatureDoesNotMatch"),
        (b"0055627c", b"0055627d", "SignatureDoesNotMatch"),
        (b"\r\n400;", b"\r\n500;", "IncompleteBody"),
        (b"\r\n0;chunk-signature=b6c6", b"\r\n0;chunk-signature=b6c7", "SignatureDoesNotMatch"),
        (b"10000;", b"xyz;", "IncompleteBody"),
    ],
)
def test_a_changed_chunk_is_refused(old: bytes, new: bytes, code: str) -> None:
    changed = replace(CHUNKED, body=CHUNKED.body.replace(old, new) if len(old) < 100 else _replace_last(old, new))
    with pytest.raises(S3Error) as caught:
        decode(changed, verify(changed, KEYS, NOW))
    assert caught.value.code == code


def test_a_body_that_is_not_the_signed_one_is_refused() -> None:
    changed = replace(PUT_OBJECT, body=b"something else")
    with pytest.raises(S3Error) as caught:
        decode(changed, verify(changed, KEYS, NOW))
    assert caught.value.code == "XAmzContentSHA256Mismatch"


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("algorithm", [None, "CRC32", "SHA1", "SHA256"])
def test_boto3_puts_and_gets(world: RunningWorld, bucket: str, scheme: str, algorithm: str | None) -> None:
    client = world.s3(scheme=scheme)
    extra = {"ChecksumAlgorithm": algorithm} if algorithm else {}
    client.put_object(Bucket=bucket, Key="k", Body=b"x" * 100_000, ContentEncoding="gzip", **extra)
    found = client.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert found["Body"].read() == b"x" * 100_000
    assert found["ContentEncoding"] == "gzip"
    assert f"Checksum{algorithm or 'CRC32'}" in found


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_presigned_urls_work_for_reading_and_writing(world: RunningWorld, bucket: str, scheme: str) -> None:
    client = world.s3(scheme=scheme, signature_version="s3v4")
    for method, verb in (("put_object", "PUT"), ("get_object", "GET")):
        url = client.generate_presigned_url(method, Params={"Bucket": bucket, "Key": "a b/é"}, ExpiresIn=60)
        with httpx.Client(verify=_context(world)) as plain:
            answer = plain.request(verb, url, content=b"hello" if verb == "PUT" else None)
        assert answer.status_code == 200, answer.text
    assert answer.content == b"hello"


@pytest.mark.parametrize(
    ("credentials", "code"),
    [
        ({"access_key": "AKIANOBODY"}, "InvalidAccessKeyId"),
        ({"secret_key": "wrong"}, "SignatureDoesNotMatch"),
    ],
)
def test_boto3_with_wrong_credentials(world: RunningWorld, credentials: dict[str, str], code: str) -> None:
    with pytest.raises(ClientError) as caught:
        world.s3(**credentials).list_buckets()
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_an_anonymous_request_is_denied(world: RunningWorld, bucket: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{world.emulator('s3')['http']}/{bucket}")
    assert caught.value.code == 403
    caught.value.close()


def test_a_server_whose_clock_is_off_refuses(clean_world: RunningWorld) -> None:
    clean_world.switch("s3", clock_skew_s=3600)
    with pytest.raises(ClientError, match="RequestTimeTooSkewed"):
        clean_world.s3().list_buckets()


def test_the_emulated_clock_locks_nobody_out(clean_world: RunningWorld) -> None:
    clean_world.control("POST", "/clock", {"advance": 7200})
    clean_world.s3().list_buckets()


def test_no_signature_reaches_the_request_log(world: RunningWorld, bucket: str) -> None:
    since = world.last_request()
    client = world.s3(scheme="http", signature_version="s3v4")
    url = client.generate_presigned_url("list_objects_v2", Params={"Bucket": bucket})
    httpx.get(url).raise_for_status()
    (row,) = world.requests("s3", since)
    assert "X-Amz-Signature=***" in row["query"]
    assert world.emulator("s3")["secret_key"] not in repr(row)


def _refusal(request: Request, now: datetime = NOW) -> str | None:
    try:
        verify(request, KEYS, now)
    except S3Error as error:
        return error.code
    return None


def _replace_last(old: bytes, new: bytes) -> bytes:
    head, _, tail = CHUNKED.body.rpartition(old)
    return head + new + tail


def _context(world: RunningWorld) -> Any:
    import ssl

    return ssl.create_default_context(cafile=world.ca)
