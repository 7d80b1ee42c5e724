"""What harnesses do with objects of a system that speaks S3, over a boto3 client. Clients are typed Any."""

from collections.abc import Sequence
from typing import Any


def write_in_parts(client: Any, bucket: str, key: str, parts: Sequence[bytes]) -> None:
    """Write an object in parts, in order."""
    place = {"Bucket": bucket, "Key": key}
    upload = client.create_multipart_upload(**place)["UploadId"]
    done = []
    for number, part in enumerate(parts, start=1):
        answer = client.upload_part(**place, UploadId=upload, PartNumber=number, Body=part)
        done.append({"PartNumber": number, "ETag": answer["ETag"]})
    client.complete_multipart_upload(**place, UploadId=upload, MultipartUpload={"Parts": done})


def left_below(client: Any, bucket: str, prefix: str) -> Sequence[str]:
    """Every version and every delete marker whose key begins with a prefix."""
    pages = client.get_paginator("list_object_versions")
    return [
        f"{kind} {item['Key']} {item['VersionId']}"
        for page in pages.paginate(Bucket=bucket, Prefix=prefix)
        for kind in ("Versions", "DeleteMarkers")
        for item in page.get(kind, [])
    ]
