"""S3 passes the suite, as AWS and as Ceph."""

from pathlib import Path

import pytest

from reconciler.emulators.certificate import Certificate
from reconciler.testing.suite import ProviderSuite
from tests.contract.harnesses.s3 import AwsHarness, RgwHarness


class TestS3(ProviderSuite):
    title = "s3-aws"

    @pytest.fixture
    def harness(self, tmp_path: Path, certificate: Certificate) -> AwsHarness:
        return AwsHarness(tmp_path, certificate)


class TestS3Rgw(ProviderSuite):
    title = "s3-rgw"

    @pytest.fixture
    def harness(self, tmp_path: Path, certificate: Certificate) -> RgwHarness:
        return RgwHarness(tmp_path, certificate)
