"""Jobs that copy to the bucket."""

import pytest

from tests.lab.qumulo import RELATIONSHIPS, Lab, quote
from tests.lab.rclone import ObjectServer
from tests.unit.emulators.qumulo.copying import again, content, counts, download, keys, upload


@pytest.mark.parametrize(("folder", "prefix"), [("", ""), ("/", ""), ("/my/folder/", "my/folder/"), ("f", "f/")])
def test_an_upload_puts_every_file_below_the_folder(
    lab: Lab, objects: ObjectServer, bucket: str, folder: str, prefix: str
) -> None:
    lab.put("/a/one.txt", "1")
    lab.put("/a/deep/er/two.txt", "22")
    lab.put("/a/empty", "")
    lab.mkdir("/a/no-files-here")
    lab.put("/elsewhere.txt", "no")
    lab.finish(upload(objects, bucket, lab, object_folder=folder)["id"])
    assert keys(objects, bucket) == {f"{prefix}{name}" for name in ("one.txt", "deep/er/two.txt", "empty")}
    assert content(objects, bucket, f"{prefix}deep/er/two.txt") == b"22"


@pytest.mark.parametrize("name", ["a b", "%20", "ünï", "emoji 🚀", "+", "a=b&c", "~", "#?"])
def test_names_survive(lab: Lab, objects: ObjectServer, bucket: str, name: str) -> None:
    lab.put(f"/a/{name}/{name}", name)
    lab.finish(upload(objects, bucket, lab)["id"])
    assert content(objects, bucket, f"{name}/{name}").decode() == name
    lab.finish(download(objects, bucket, lab)["id"])
    assert lab.read(f"/in/{name}/{name}").decode() == name


def test_links_stay_behind(lab: Lab, objects: ObjectServer, bucket: str) -> None:
    lab.put("/a/file", "x")
    link = {"name": "link", "action": "CREATE_SYMLINK", "old_path": "file"}
    lab.api.post(f"/v1/files/{quote('/a')}/entries/", json=link).raise_for_status()
    lab.finish(upload(objects, bucket, lab)["id"])
    assert keys(objects, bucket) == {"file"}


def test_an_upload_is_one_shot(lab: Lab, objects: ObjectServer, bucket: str) -> None:
    lab.put("/a/one.txt", "1")
    made = upload(objects, bucket, lab)
    lab.finish(made["id"])
    lab.put("/a/two.txt", "2")
    lab.clock.advance(7 * 86_400)
    assert lab.status(made["id"])["state"] == "REPLICATION_NOT_RUNNING"
    assert keys(objects, bucket) == {"one.txt"}, "nothing runs by itself"
    assert counts(again(lab, made)) == (1, 1)
    assert keys(objects, bucket) == {"one.txt", "two.txt"}


def test_an_upload_never_deletes(lab: Lab, objects: ObjectServer, bucket: str) -> None:
    lab.put("/a/one.txt", "1")
    objects.client().put_object(Bucket=bucket, Key="foreign", Body=b"mine")
    made = upload(objects, bucket, lab)
    lab.finish(made["id"])
    lab.emulator.act("delete", {"path": "/a/one.txt"})
    assert counts(again(lab, made)) == (0, 0)
    lab.api.delete(RELATIONSHIPS + made["id"]).raise_for_status()
    assert keys(objects, bucket) == {"one.txt", "foreign"}


def test_an_upload_moves_only_what_changed_on_either_side(lab: Lab, objects: ObjectServer, bucket: str) -> None:
    for name in ("same", "edited", "overwritten", "gone"):
        lab.put(f"/a/{name}", name)
    made = upload(objects, bucket, lab)
    lab.finish(made["id"])
    lab.put("/a/edited", "new")
    objects.client().put_object(Bucket=bucket, Key="overwritten", Body=b"somebody else")
    objects.client().delete_object(Bucket=bucket, Key="gone")
    assert counts(again(lab, made)) == (3, 1)
    assert content(objects, bucket, "edited") == b"new"
    assert content(objects, bucket, "overwritten") == b"overwritten"


def test_a_new_relationship_knows_uploaded_files_by_their_hash(lab: Lab, objects: ObjectServer, bucket: str) -> None:
    lab.put("/a/known", "known")
    lab.put("/a/foreign", "foreign")
    objects.client().put_object(Bucket=bucket, Key="foreign", Body=b"foreign")
    first = upload(objects, bucket, lab)
    lab.finish(first["id"])
    assert counts(lab.jobs()[-1]) == (2, 0), "the same bytes without the hash are not known"
    lab.api.delete(RELATIONSHIPS + first["id"]).raise_for_status()
    lab.finish(upload(objects, bucket, lab)["id"])
    assert counts(lab.jobs()[-1]) == (0, 2)


def test_a_path_too_long_for_a_key_fails_the_job(lab: Lab, objects: ObjectServer, bucket: str) -> None:
    lab.put("/a/" + "/".join(["x" * 200] * 5), "x")
    status = lab.finish(upload(objects, bucket, lab, object_folder="folder/of/20/chars/x")["id"])
    assert "too long" in status["last_job"]["error"]
    assert keys(objects, bucket) == set()
    assert lab.finish(upload(objects, bucket, lab, object_folder="folder/of/18/chars")["id"])["last_job"]["error"] == ""


def test_a_bucket_that_goes_away_fails_the_job_and_the_relationship_stays(
    lab: Lab, objects: ObjectServer, bucket: str
) -> None:
    lab.mkdir("/a")
    made = upload(objects, bucket, lab)
    lab.finish(made["id"])
    lab.put("/a/one.txt", "1")
    objects.client().delete_bucket(Bucket=bucket)
    assert "the bucket does not exist" in again(lab, made)["error"]
    objects.client().create_bucket(Bucket=bucket)
    assert again(lab, made)["error"] == "", "a new job may succeed, and the failure is forgotten"
    assert lab.status(made["id"])["last_job"]["error"] == ""


def test_a_job_without_its_directory_fails(lab: Lab, objects: ObjectServer, bucket: str) -> None:
    lab.mkdir("/a")
    made = upload(objects, bucket, lab)
    lab.finish(made["id"])
    lab.emulator.act("delete", {"path": "/a"})
    assert "no longer exists" in again(lab, made)["error"]
