"""A delete in a versioned bucket leaves a marker, also where nothing was."""

from tests.lab.world import RunningWorld


def markers(world: RunningWorld, bucket: str) -> list[str]:
    return [one["Key"] for one in world.s3().list_object_versions(Bucket=bucket).get("DeleteMarkers", [])]


def test_a_key_that_never_was_gets_a_marker(world: RunningWorld, bucket: str) -> None:
    world.s3().put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    answer = world.s3().delete_object(Bucket=bucket, Key="a/nothing")
    assert answer["DeleteMarker"] is True
    assert markers(world, bucket) == ["a/nothing"]
    assert "Contents" not in world.s3().list_objects_v2(Bucket=bucket)
    world.s3().delete_object(Bucket=bucket, Key="a/nothing", VersionId=answer["VersionId"])
    assert markers(world, bucket) == []


def test_not_where_versions_are_not_kept(world: RunningWorld, bucket: str) -> None:
    world.s3().delete_object(Bucket=bucket, Key="nothing")
    assert markers(world, bucket) == []


def test_a_delete_of_a_version_leaves_none(world: RunningWorld, bucket: str) -> None:
    world.s3().put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = world.s3().put_object(Bucket=bucket, Key="k", Body=b"x")["VersionId"]
    for _ in range(2):
        world.s3().delete_object(Bucket=bucket, Key="k", VersionId=version)
    assert markers(world, bucket) == []
