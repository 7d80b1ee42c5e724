"""moto's bucket operations, put right where versioning is suspended: moto then forgets all older versions.

Source: Amazon S3 user guide, "Working with objects in a versioning-suspended bucket".
"""

from __future__ import annotations

from typing import Any

from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeKey, S3Backend

NULL = "null"


class Backend(S3Backend):
    """While versioning is suspended, writes and deletes replace the null version and leave the others."""

    def put_object(self, bucket_name: str, key_name: str, *args: Any, **kwargs: Any) -> FakeKey:
        bucket = self.get_bucket(bucket_name)
        if bucket.versioning_status != "Suspended":
            return super().put_object(bucket_name, key_name, *args, **kwargs)
        present = bucket.keys.getlist(key_name, [])
        # Taken out of moto's sight, which would close the files of what it overwrites.
        dict.pop(bucket.keys, key_name, None)
        try:
            new = super().put_object(bucket_name, key_name, *args, **kwargs)
        except BaseException:
            dict.__setitem__(bucket.keys, key_name, present)
            raise
        _replace(bucket, key_name, present, [*_others(present, NULL), new])
        return new

    def delete_object(
        self, bucket_name: str, key_name: str, version_id: str | None = None, bypass: bool = False
    ) -> tuple[bool, dict[str, Any]]:
        bucket = self.get_bucket(bucket_name)
        if bucket.versioning_status != "Suspended":
            return super().delete_object(bucket_name, key_name, version_id=version_id, bypass=bypass)
        present = bucket.keys.getlist(key_name, [])
        if version_id is not None:
            _replace(bucket, key_name, present, _others(present, version_id))
            return True, {"version-id": version_id}
        if present:
            marker = FakeDeleteMarker(key=present[-1])
            marker._version_id = NULL  # noqa: SLF001  (moto makes up one)
            _replace(bucket, key_name, present, [*_others(present, NULL), marker])
        return True, {"version-id": NULL, "delete-marker": "true"}


def _others(versions: list[Any], version_id: str) -> list[Any]:
    return [version for version in versions if version.version_id != version_id]


def _replace(bucket: FakeBucket, key: str, present: list[Any], versions: list[Any]) -> None:
    for version in present:
        if isinstance(version, FakeKey) and version not in versions:
            version.dispose()
    dict.pop(bucket.keys, key, None)
    if versions:
        bucket.keys.setlist(key, versions)
