"""Jobs that copy from the bucket."""

import pytest

from tests.lab.qumulo import RELATIONSHIPS, Lab, quote
from tests.lab.rclone import ObjectServer
from tests.unit.emulators.qumulo.copying import again, counts, download, fill


def test_a_download_takes_what_is_below_the_folder(lab: Lab, objects: ObjectServer, bucket: str) -> None:
    fill(objects, bucket, f__one=b"1", f__deep__two=b"22", g__three=b"no", four=b"no")
    lab.finish(download(objects, bucket, lab, object_folder="/f/")["id"])
    assert lab.read("/in/one") == b"1"
    assert lab.read("/in/deep/two") == b"22"
    assert set(lab.files()) == {"/in/one", "/in/deep/two"}


@pytest.mark.parametrize("page", [1, 3, 1000])
def test_a_listing_is_read_by_pages(lab: Lab, odd_objects: ObjectServer, page: int) -> None:
    name = f"pages-{page}"
    odd_objects.client().create_bucket(Bucket=name)
    fill(odd_objects, name, **{f"k{number}": b"x" for number in range(7)})
    lab.emulator.switch({"bucket_page": page})
    lab.finish(download(odd_objects, name, lab)["id"])
    assert counts(lab.jobs()[-1]) == (7, 0)


def test_a_download_moves_only_what_changed_on_either_side(lab: Lab, objects: ObjectServer, bucket: str) -> None:
    fill(objects, bucket, same=b"1", changed=b"2", edited=b"3", gone=b"4")
    made = download(objects, bucket, lab)
    lab.finish(made["id"])
    fill(objects, bucket, changed=b"changed!", new=b"5")
    lab.put("/in/edited", "by hand")
    lab.emulator.act("delete", {"path": "/in/gone"})
    lab.put("/in/local-only", "stays")
    assert counts(again(lab, made)) == (4, 1)
    assert [lab.read(f"/in/{name}") for name in ("changed", "edited", "gone", "new", "local-only")] == [
        b"changed!",
        b"3",
        b"4",
        b"5",
        b"stays",
    ]


def test_a_download_never_deletes(lab: Lab, objects: ObjectServer, bucket: str) -> None:
    fill(objects, bucket, one=b"1", two=b"2")
    made = download(objects, bucket, lab)
    lab.finish(made["id"])
    objects.client().delete_object(Bucket=bucket, Key="one")
    assert counts(again(lab, made)) == (0, 1)
    assert lab.read("/in/one") == b"1"


def test_a_replaced_relationship_downloads_everything_again(lab: Lab, objects: ObjectServer, bucket: str) -> None:
    fill(objects, bucket, one=b"1", two=b"22")
    first = download(objects, bucket, lab)
    lab.finish(first["id"])
    assert counts(again(lab, first)) == (0, 2)
    lab.api.delete(RELATIONSHIPS + first["id"]).raise_for_status()
    lab.finish(download(objects, bucket, lab)["id"])
    assert counts(lab.jobs()[-1]) == (2, 0)
    assert lab.jobs()[-1]["bytes_transferred"] == 3


@pytest.mark.parametrize("key", ["a//b", "a/./b", "a/../b", "../escape", "a/.snapshot/b", "/lead"])
def test_a_key_that_is_no_path_fails_the_job(lab: Lab, odd_objects: ObjectServer, key: str) -> None:
    name = f"odd-{abs(hash(key))}"
    client = odd_objects.client()
    client.create_bucket(Bucket=name)
    client.put_object(Bucket=name, Key=key, Body=b"x")
    status = lab.finish(download(odd_objects, name, lab)["id"])
    assert repr(key) in status["last_job"]["error"]
    assert lab.files() == {}


def test_a_slash_at_the_end_is_a_directory_if_it_is_empty(lab: Lab, odd_objects: ObjectServer) -> None:
    client = odd_objects.client()
    client.create_bucket(Bucket="slashes")
    client.put_object(Bucket="slashes", Key="f/", Body=b"")
    client.put_object(Bucket="slashes", Key="f/dir/", Body=b"")
    made = download(odd_objects, "slashes", lab, object_folder="f")
    assert lab.finish(made["id"])["last_job"]["error"] == ""
    assert lab.api.get(f"/v1/files/{quote('/in/dir')}/info/attributes").json()["type"] == "FS_FILE_TYPE_DIRECTORY"
    client.put_object(Bucket="slashes", Key="f/dir/", Body=b"x")
    assert "ends with a slash" in again(lab, made)["error"]


@pytest.mark.parametrize("cold", ["GLACIER", "DEEP_ARCHIVE"])
def test_an_archived_object_fails_the_job(lab: Lab, odd_objects: ObjectServer, cold: str) -> None:
    name = cold.lower().replace("_", "-")
    client = odd_objects.client()
    client.create_bucket(Bucket=name)
    client.put_object(Bucket=name, Key="a", Body=b"x")
    client.put_object(Bucket=name, Key="b", Body=b"x", StorageClass=cold)
    status = lab.finish(download(odd_objects, name, lab)["id"])
    assert cold in status["last_job"]["error"]
    assert lab.read("/in/a") == b"x", "what was copied before stays"


def test_a_file_in_the_way_of_a_directory_fails_the_job(lab: Lab, odd_objects: ObjectServer) -> None:
    odd_objects.client().create_bucket(Bucket="conflict")
    fill(odd_objects, "conflict", a__b=b"file", a__b__c=b"below a file")
    status = lab.finish(download(odd_objects, "conflict", lab)["id"])
    assert "'a/b/c'" in status["last_job"]["error"]
    assert lab.read("/in/a/b") == b"file"


def test_a_directory_in_the_way_of_a_file_fails_the_job(lab: Lab, objects: ObjectServer, bucket: str) -> None:
    fill(objects, bucket, name=b"file")
    lab.mkdir("/in/name")
    assert "'name'" in lab.finish(download(objects, bucket, lab)["id"])["last_job"]["error"]


def test_a_failed_job_goes_on_where_it_stopped(lab: Lab, odd_objects: ObjectServer) -> None:
    client = odd_objects.client()
    client.create_bucket(Bucket="resume")
    fill(odd_objects, "resume", a=b"1", b__=b"bad", c=b"3")
    made = download(odd_objects, "resume", lab)
    lab.finish(made["id"])
    assert counts(lab.jobs()[-1]) == (1, 0)
    client.delete_object(Bucket="resume", Key="b/")
    assert counts(again(lab, made)) == (1, 1)
