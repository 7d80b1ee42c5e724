"""The S3 conformance suite, canary included, against a live service."""

import pytest

from reconciler.testing.suite import ProviderSuite
from tests.real.live import NEEDED, OPTIONAL, LiveS3, Service

if Service.told() is None:
    told = f"set {', '.join(NEEDED)}, and as it fits {', '.join(OPTIONAL)}"
    pytest.skip(f"no live S3 service is named: {told}", allow_module_level=True)

pytestmark = [pytest.mark.real, pytest.mark.timeout(1200), pytest.mark.xdist_group("live")]


class TestLiveS3(ProviderSuite):
    title = "s3-live"

    @pytest.fixture
    def harness(self, service: Service) -> LiveS3:
        live = LiveS3(service)
        live.clear()
        return live
