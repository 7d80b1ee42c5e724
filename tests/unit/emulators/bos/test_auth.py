"""Signatures: what is let in, and what is not."""

import dataclasses
from typing import Any

import httpx
import pytest

from tests.lab.bos import BceCredentials, Keys, Lab, bce_v1_signer
from tests.unit.emulators.bos.answers import refused


def list_objects(lab: Lab, **more: Any) -> httpx.Response:
    return lab.ask("GET", "/src-bucket", {"prefix": "a b/+*"}, **more)


def test_the_usual_headers(lab: Lab) -> None:
    assert list_objects(lab).status_code == 200


def test_named_headers(lab: Lab) -> None:
    assert list_objects(lab, signed={"headers_to_sign": [b"host", b"x-bce-date"]}).status_code == 200


def test_named_headers_without_the_host(lab: Lab) -> None:
    refused(list_objects(lab, signed={"headers_to_sign": [b"x-bce-date"]}), 400, "InvalidHTTPAuthHeader")


@pytest.mark.parametrize(("value", "status"), [(403, 403), (400, 400)])
def test_a_wrong_key(lab: Lab, value: int, status: int) -> None:
    lab.emulator.switch({"signature_status": value})
    refused(list_objects(lab, keys=dataclasses.replace(lab.owner, secret_key="no")), status, "SignatureDoesNotMatch")


def test_an_unknown_key(lab: Lab) -> None:
    refused(list_objects(lab, keys=Keys("nobody", "x")), 403, "InvalidAccessKeyId")


def test_no_signature(lab: Lab) -> None:
    refused(httpx.get(f"{lab.url()}/src-bucket"), 403, "AccessDenied")


@pytest.mark.parametrize("text", ["x", "bce-auth-v1/a/b/1800//c", "AWS4-HMAC-SHA256 x"])
def test_a_malformed_signature(lab: Lab, text: str) -> None:
    refused(httpx.get(f"{lab.url()}/src-bucket", headers={"Authorization": text}), 400, "InvalidHTTPAuthHeader")


@pytest.mark.parametrize("status", [400, 403])
@pytest.mark.parametrize("skew", [1801, -1000])
def test_a_signature_of_another_time(lab: Lab, skew: float, status: int) -> None:
    lab.emulator.switch({"clock_skew_s": skew, "expired_status": status})
    refused(list_objects(lab), status, "RequestExpired")


@pytest.mark.parametrize("skew", [1700, -800])
def test_a_signature_of_nearly_the_same_time(lab: Lab, skew: float) -> None:
    lab.emulator.switch({"clock_skew_s": skew})
    assert list_objects(lab).status_code == 200


def test_the_clock_of_the_world_locks_nobody_out(lab: Lab) -> None:
    lab.clock.advance(86_400)
    assert list_objects(lab).status_code == 200


def test_a_signature_that_never_expires(lab: Lab) -> None:
    lab.emulator.switch({"clock_skew_s": 1e8})
    assert list_objects(lab, signed={"expiration_in_seconds": -1}).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"method": "HEAD"},
        {"url": "/src-bucket?prefix=b"},
        {"url": "/dst-bucket?prefix=a"},
        {"url": "/src-bucket?prefix=a&marker=x"},
        {"headers": {"x-bce-extra": "1"}},
        {"headers": {"Content-Type": "text/plain"}},
    ],
)
def test_a_signature_of_another_request(lab: Lab, change: dict[str, Any]) -> None:
    signed = lab.ask("GET", "/src-bucket", {"prefix": "a"}).request
    again = {"method": "GET", "url": "/src-bucket?prefix=a", **change}
    headers = {**signed.headers, **again.get("headers", {})}
    answer = httpx.request(again["method"], f"{lab.url()}{again['url']}", headers=headers)
    assert answer.status_code == 403


def test_a_session(lab: Lab) -> None:
    assert list_objects(lab, keys=lab.session).status_code == 200
    refused(list_objects(lab, keys=dataclasses.replace(lab.session, token=None)), 403, "AccessDenied")
    refused(list_objects(lab, keys=dataclasses.replace(lab.session, token="old")), 403, "AccessDenied")
    refused(list_objects(lab, keys=dataclasses.replace(lab.owner, token=lab.session.token)), 403, "AccessDenied")


def test_a_session_that_ended(lab: Lab) -> None:
    lab.emulator.act("expire-sessions", {})
    refused(list_objects(lab, keys=lab.session), 403, "AccessDenied")
    assert list_objects(lab).status_code == 200


def test_an_unsigned_session_token(lab: Lab) -> None:
    headers = {"Host": lab.url().removeprefix("http://"), "x-bce-security-token": str(lab.session.token)}
    signature = bce_v1_signer.sign(
        BceCredentials(lab.session.access_key, lab.session.secret_key), b"GET", b"/src-bucket",
        {b"Host": headers["Host"].encode()}, {},
    )  # fmt: skip
    answer = httpx.get(f"{lab.url()}/src-bucket", headers={**headers, "Authorization": signature.decode()})
    refused(answer, 403, "SignatureDoesNotMatch")


def test_a_presigned_url(lab: Lab) -> None:
    lab.write("a/b.txt", "hello")
    url = lab.sdk().generate_pre_signed_url("src-bucket", "a/b.txt").decode()
    assert httpx.get(url).text == "hello"
    refused(httpx.get(url.replace("b.txt", "c.txt")), 403, "SignatureDoesNotMatch")
    lab.emulator.switch({"clock_skew_s": 3600})
    refused(httpx.get(url), 400, "RequestExpired")


def test_nobody_else_gets_in(lab: Lab) -> None:
    for path in ("/src-bucket", "/src-bucket/key"):
        refused(lab.ask("GET", path, keys=lab.other), 403, "AccessDenied")
    refused(lab.ask("PUT", "/src-bucket/key", body=b"x", keys=lab.other), 403, "AccessDenied")
    assert lab.ask("HEAD", "/src-bucket", keys=lab.other).status_code == 403


def test_secrets_stay_inside(lab: Lab) -> None:
    list_objects(lab, keys=lab.session)
    shown = repr(lab.emulator.cloud.identities.find(lab.session.access_key)) + str(lab.state) + str(lab.log.since())
    for secret in (lab.owner.secret_key, lab.session.secret_key, str(lab.session.token)):
        assert secret not in shown
