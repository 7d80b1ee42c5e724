"""The referee lets pass what the document has, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.contract.referee import Exchange, Objection, Referee

DOCUMENT = Path(__file__).parents[2] / "specs" / "qumulo" / "openapi.yaml"
HOST = "https://127.0.0.1:40123"
ALL = f"{HOST}/v3/replication/object-relationships/"
TOKEN = {"Authorization": "Bearer 1:token"}
JSON = {"Content-Type": "application/json"}
RELATIONSHIP = {
    "id": "1c23b4ed-5c67-8f90-1e23-a4f5f6ceff78",
    "direction": "COPY_TO_OBJECT",
    "local_directory_id": "3",
    "object_store_address": "s3.us-west-2.amazonaws.com",
    "port": 443,
    "ca_certificate": None,
    "bucket": "my-bucket",
    "bucket_style": "BUCKET_STYLE_PATH",
    "object_folder": "my-folder/",
    "region": "us-west-2",
    "access_key_id": "AKIAIOSFODNN7EXAMPLE",
}
STATUS = {
    **RELATIONSHIP,
    "local_directory_path": "/my-dir/",
    "state": "REPLICATION_RUNNING",
    "current_job": {
        "start_time": "2020-04-06T17:56:29.659309904Z",
        "estimated_end_time": "2020-04-06T21:54:33.244095593Z",
        "job_progress": {
            "bytes_transferred": "178388608",
            "bytes_unchanged": "0",
            "bytes_remaining": "21660032",
            "bytes_total": "200048640",
            "files_transferred": "17",
            "files_unchanged": "0",
            "files_remaining": "4",
            "files_total": "21",
            "percent_complete": 89.0368314738253,
            "throughput_current": "12330689",
            "throughput_overall": "12330689",
        },
    },
    "last_job": None,
}
CREATE = {
    "direction": "COPY_TO_OBJECT",
    "local_directory_path": "/my-dir/",
    "object_store_address": "s3.us-west-2.amazonaws.com",
    "bucket": "my-bucket",
    "object_folder": "",
    "region": "us-west-2",
    "access_key_id": "AKIAIOSFODNN7EXAMPLE",
    "secret_access_key": "hunter2-hunter2",
}
ERROR = {
    "module": "fs",
    "error_class": "fs_no_such_entry_error",
    "description": "No.",
    "stack": [],
    "user_visible": True,
}


@pytest.fixture(scope="module")
def referee() -> Referee:
    return Referee(DOCUMENT)


def exchange(
    method: str = "GET",
    url: str = ALL,
    status: int = 200,
    answer: Any = None,
    *,
    sent: Any = None,
    headers: dict[str, str] | None = None,
    answered: dict[str, str] | None = None,
) -> Exchange:
    def encode(value: Any) -> bytes:
        return value if isinstance(value, bytes) else b"" if value is None else json.dumps(value).encode()

    return Exchange(
        method=method,
        url=url,
        status=status,
        request_headers={**(TOKEN if headers is None else headers), **JSON} if sent is not None else headers or TOKEN,
        request_body=encode(sent),
        response_headers=JSON if answered is None else answered,
        response_body=encode(answer),
    )


def without(value: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: item for key, item in value.items() if key != name}


@pytest.mark.parametrize(
    ("passing", "operation"),
    [
        (exchange(answer=[RELATIONSHIP]), "listObjectRelationships"),
        (exchange(answer=[without(RELATIONSHIP, "ca_certificate")]), "listObjectRelationships"),
        (exchange(url=f"{ALL}status/", answer=[STATUS]), "listObjectRelationshipStatuses"),
        (exchange(url=f"{ALL}x/status", answer=STATUS), "getObjectRelationshipStatus"),
        (exchange("POST", sent=CREATE, answer=RELATIONSHIP), "createObjectRelationship"),
        (exchange("POST", sent={"nonsense": 1}, status=400, answer=ERROR), "createObjectRelationship"),
        (exchange("DELETE", f"{ALL}x"), "deleteObjectRelationship"),
        (exchange("POST", f"{ALL}x/replicate", 202), "replicateObjectRelationship"),
        (exchange("POST", f"{ALL}x/replicate", 202, {"monitor_uri": "v3/x"}), "replicateObjectRelationship"),
        (exchange(status=401, answer={}, headers={"Accept": "*/*"}), "listObjectRelationships"),
        (exchange(status=503, answer=b"<html>", answered={"Content-Type": "text/html"}), "listObjectRelationships"),
        (exchange(url=f"{HOST}/v1/files/%2Fmy-dir/info/attributes", status=404, answer=ERROR), "getFileAttributes"),
        (
            exchange(
                url=f"{HOST}/v1/files/7/data?offset=1&length=2",
                answer=b"\0\xff",
                answered={"Content-Type": "application/octet-stream", "ETag": '"x"'},
            ),
            "readFile",
        ),
    ],
)
def test_what_the_document_has(referee: Referee, passing: Exchange, operation: str) -> None:
    assert referee.judge(passing) == operation
    assert operation in referee.seen


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (exchange(url=f"{HOST}/v2/replication/object-relationships/", answer=[]), "not documented"),
        (exchange(url=ALL[:-1], answer=[]), "not documented"),
        (exchange(url=f"{ALL}status", answer=RELATIONSHIP), "must keep to not"),
        (exchange("PUT", f"{ALL}x", answer=RELATIONSHIP, sent=RELATIONSHIP), "not documented"),
        (exchange("PATCH", f"{ALL}x", answer=RELATIONSHIP, sent=RELATIONSHIP), "not documented"),
        (exchange(url=f"{HOST}/v1/files//my-dir/info/attributes", status=404, answer=ERROR), "not documented"),
        (exchange(url=f"{ALL}?limit=1", answer=[]), "query parameter 'limit'"),
        (exchange(status=201, answer=[]), "status 201"),
        (exchange(status=404, answer=ERROR), "status 404"),
        (exchange(), "no body"),
        (exchange(answer=b"{"), "listObject|InvalidData|DataValidation"),
        (exchange(answer=RELATIONSHIP), "type 'array'"),
        (exchange(answer=[{**RELATIONSHIP, "secret_access_key": "x"}]), "secret_access_key"),
        (exchange(answer=[{**RELATIONSHIP, "port": "443"}]), "port"),
        (exchange(answer=[{**RELATIONSHIP, "object_folder": "/my-folder/"}]), "object_folder"),
        (exchange(answer=[without(RELATIONSHIP, "bucket")]), "'bucket' is a required"),
        (exchange(url=f"{ALL}status/", answer=[{**STATUS, "state": "ACTIVE"}]), "state"),
        (exchange(url=f"{ALL}status/", answer=[without(STATUS, "last_job")]), "last_job"),
        (exchange(answer=[], headers={"Accept": "*/*"}), "Security"),
        (exchange("DELETE", f"{ALL}x", answer={}), "a body, where the document has none"),
        (exchange("POST", f"{ALL}x/replicate", 202, {"monitor_uri": "x"}, sent={}), "a request body"),
        (exchange("POST", sent=without(CREATE, "region"), answer=RELATIONSHIP), "'region' is a required"),
        (exchange("POST", sent={**CREATE, "local_directory_id": "3"}, answer=RELATIONSHIP), "oneOf"),
        (exchange("POST", sent={**CREATE, "port": "443"}, answer=RELATIONSHIP), "port"),
        (exchange("POST", sent={**CREATE, "port": None}, answer=RELATIONSHIP), "port"),
        (exchange("POST", sent={**CREATE, "name": "mine"}, answer=RELATIONSHIP), "name"),
        (exchange("POST", answer=RELATIONSHIP), "MissingRequiredRequestBody"),
        (exchange(answer=[], answered={**JSON, "ETag": "unquoted"}), "must keep to pattern"),
        (exchange(url=f"{HOST}/v1/files/7/data?offset=-1", answer=b"", answered={}), "minimum"),
    ],
)
def test_what_it_does_not_have(referee: Referee, wrong: Exchange, complaint: str) -> None:
    with pytest.raises(Objection, match=complaint):
        referee.judge(wrong)


def test_an_objection_never_quotes_a_value(referee: Referee) -> None:
    wrong = exchange("POST", sent={**CREATE, "port": "hunter2-hunter2", "x": "hunter2-hunter2"}, answer=RELATIONSHIP)
    with pytest.raises(Objection) as caught:
        referee.judge(wrong)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(wrong)


def test_all_exchanges_are_judged_before_it_objects(referee: Referee) -> None:
    with pytest.raises(Objection) as caught:
        referee.judge_all([exchange(status=418), exchange(answer=[RELATIONSHIP]), exchange(url=ALL[:-1])])
    assert len(str(caught.value).splitlines()) == 2
    assert referee.judge_all([exchange(answer=[])] * 3) == 3
