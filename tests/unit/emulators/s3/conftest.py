import uuid

import pytest

from tests.lab.world import RunningWorld


@pytest.fixture
def bucket(world: RunningWorld) -> str:
    """An empty bucket without versioning, for this test alone."""
    name = f"b-{uuid.uuid4().hex[:12]}"
    world.s3().create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return name
