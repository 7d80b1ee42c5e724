"""Buckets and objects over the JSON API."""

from typing import Any

import pytest

from tests.lab.alarik import Lab, Server, keys

BUCKETS, OBJECTS = "/api/v1/buckets", "/api/v1/objects"


def test_a_bucket_comes_and_goes(here: Server) -> None:
    made = here.api.post(BUCKETS, json={"name": "mine", "versioningEnabled": True}).json()
    assert (made["name"], made["versioningStatus"], "policy" in made) == ("mine", "Enabled", False)
    again = here.api.post(BUCKETS, json={"name": "mine", "versioningEnabled": False})
    assert (again.status_code, again.json()["reason"]) == (409, "The requested bucket name is not available.")
    here.s3().put_object(Bucket="mine", Key="k", Body=b"x")
    assert here.api.delete(f"{BUCKETS}/mine").status_code == 204
    assert here.api.delete(f"{BUCKETS}/mine").json()["reason"] == "Bucket not found"
    assert here.s3().list_buckets()["Buckets"] == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "name is required, versioningEnabled is required"),
        ({"name": "mine"}, "versioningEnabled is required"),
        ({"name": "mine", "versioningEnabled": "yes"}, "versioningEnabled is not a(n) Bool"),
        ({"name": 1, "versioningEnabled": True}, "name is not a(n) String"),
        ({"name": "No", "versioningEnabled": True}, "name is not a valid bucket name"),
        ({"name": "a" * 64, "versioningEnabled": True}, "name is not a valid bucket name"),
        ({"name": "1.2.3.4", "versioningEnabled": True}, "name is not a valid bucket name"),
        ({"name": "a..b", "versioningEnabled": True}, "name is not a valid bucket name"),
    ],
)
def test_what_is_no_bucket(here: Server, body: dict[str, Any], reason: str) -> None:
    answer = here.api.post(BUCKETS, json=body)
    assert (answer.status_code, answer.json()["reason"]) == (400, reason)


def test_buckets_come_in_pages_newest_first_and_only_ones_own(lab: Lab, here: Server) -> None:
    made = [here.bucket(f"bucket-{number:02}") for number in range(12)]
    lab.client(here.facts["http"], keys(here, "admin")).post(BUCKETS, json={"name": "adm", "versioningEnabled": True})
    first = here.api.get(BUCKETS).json()
    assert first["metadata"] == {"page": 1, "per": 10, "total": 12}
    assert [one["name"] for one in first["items"]] == made[::-1][:10]
    assert [one["name"] for one in here.api.get(BUCKETS, params={"page": 2}).json()["items"]] == made[::-1][10:]
    assert here.api.get(BUCKETS, params={"page": 9}).json()["items"] == []
    assert here.api.get(BUCKETS, params={"page": 0, "per": 0}).json()["metadata"]["per"] == 1
    found = here.api.get(BUCKETS, params={"search": "BUCKET-1", "per": 100}).json()["items"]
    assert [one["name"] for one in found] == ["bucket-11", "bucket-10"]
    assert here.api.get(BUCKETS, params={"per": "many"}).status_code == 400


def test_versioning_is_enabled_or_suspended_and_never_disabled_again(here: Server) -> None:
    url = f"{BUCKETS}/{here.bucket(versioned=False)}/versioning"
    assert here.api.get(url).json() == {"status": "Disabled"}
    for status in ("Enabled", "Suspended", "Enabled"):
        assert here.api.put(url, json={"status": status}).json() == {"status": status}
        assert here.api.get(url).json() == {"status": status}
    for wrong in ("Disabled", "enabled", ""):
        answer = here.api.put(url, json={"status": wrong})
        assert answer.status_code == 400
        assert answer.json()["reason"] == "Invalid versioning status. Use 'Enabled' or 'Suspended'."
    assert here.api.put(f"{BUCKETS}/missing/versioning", json={"status": "Enabled"}).status_code == 404


def test_objects_and_folders(here: Server) -> None:
    bucket = here.bucket()
    for key in ("a/1", "a/2", "b/c/3", "top"):
        here.s3().put_object(Bucket=bucket, Key=key, Body=key.encode())
    here.s3().delete_object(Bucket=bucket, Key="a/2")

    def listed(**parameters: Any) -> list[str]:
        answer = here.api.get(OBJECTS, params={"bucket": bucket, **parameters})
        assert answer.status_code == 200
        return [one["key"] for one in answer.json()["items"]]

    assert listed() == ["a/", "b/", "top"]
    assert listed(prefix="b/") == ["b/c/"]
    assert listed(search="C") == ["b/c/3"]
    assert listed(delimiter="", per=2) == ["a/1", "b/c/3"]
    assert listed(delimiter="", per=2, page=2) == ["top"]
    assert here.api.get(OBJECTS).json()["reason"] == "Missing 'bucket' query parameter"
    assert here.api.get(OBJECTS, params={"bucket": "missing"}).json()["reason"] == "Bucket not found"


def test_versions_tags_and_metadata(here: Server) -> None:
    bucket, client = here.bucket(), here.s3()
    at = {"bucket": bucket, "key": "k"}
    old = client.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    client.put_object(Bucket=bucket, Key="k", Body=b"22", Metadata={"Colour": "red"}, ContentType="text/plain")
    found = here.api.get(f"{OBJECTS}/versions", params=at).json()
    assert [(one["size"], one["isLatest"], one["isDeleteMarker"]) for one in found] == [
        (2, True, False),
        (1, False, False),
    ]
    assert here.api.delete(f"{OBJECTS}/version", params={**at, "versionId": old}).status_code == 204
    assert len(here.api.get(f"{OBJECTS}/versions", params=at).json()) == 1
    assert here.api.put(f"{OBJECTS}/tags", params=at, json={"tags": {"a": "b"}}).json() == {"tags": {"a": "b"}}
    assert client.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "a", "Value": "b"}]
    assert here.api.delete(f"{OBJECTS}/tags", params=at).status_code == 204
    assert here.api.get(f"{OBJECTS}/tags", params=at).json() == {"tags": {}}
    assert here.api.put(f"{OBJECTS}/tags", params=at, json={"tags": {str(n): "" for n in range(11)}}).status_code == 400
    read = here.api.get(f"{OBJECTS}/metadata", params=at).json()
    assert read == {"contentType": "text/plain", "metadata": {"colour": "red"}}
    sent = {"contentType": "text/x", "metadata": {"Size": "L"}}
    assert here.api.put(f"{OBJECTS}/metadata", params=at, json=sent).json()["metadata"] == {"size": "L"}
    head = client.head_object(Bucket=bucket, Key="k")
    assert (head["ContentType"], head["Metadata"]) == ("text/x", {"size": "L"})
    assert here.api.put(f"{OBJECTS}/metadata", params=at, json={**sent, "contentType": " "}).status_code == 400
    client.delete_object(Bucket=bucket, Key="k")
    assert here.api.get(f"{OBJECTS}/tags", params=at).json()["reason"] == "Object not found"
    assert here.api.get(f"{OBJECTS}/versions", params=at).json()[0]["isDeleteMarker"] is True
    assert here.api.get(f"{OBJECTS}/tags", params={"bucket": bucket}).status_code == 400
    assert here.api.post(OBJECTS, params={"bucket": bucket}).status_code == 400


def test_a_folder_goes_with_every_version_of_everything(here: Server) -> None:
    bucket, client = here.bucket(), here.s3()
    for _ in range(2):
        client.put_object(Bucket=bucket, Key="a/1", Body=b"x")
    client.put_object(Bucket=bucket, Key="b", Body=b"x")
    assert here.api.delete(OBJECTS, params={"bucket": bucket, "key": "a/"}).status_code == 204
    assert [one["Key"] for one in client.list_object_versions(Bucket=bucket)["Versions"]] == ["b"]
    assert here.api.delete(OBJECTS, params={"bucket": bucket, "key": "../"}).status_code == 500


def test_what_is_no_call_of_the_json_api_is_a_bucket_named_api(lab: Lab, here: Server) -> None:
    answer = here.api.get("/api/v1/nothing")
    lab.recorder.clear()  # neither document has it
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/xml")
    assert "NoSuchBucket" in answer.text
