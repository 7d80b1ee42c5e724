"""What all tests share: one world of emulators, and what is dear to set up and the same each time, set up once."""

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings

from tests.lab.world import RunningWorld, run_world

pytest_plugins = ["reconciler.testing.plugin"]

# Profiles of hypothesis: in CI the same examples every time, so that a failure is one of the change at hand. How long
# an example takes says more of the machine than of the code.
_COMMON: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "print_blob": True}
settings.register_profile("ci", derandomize=True, database=None, **_COMMON)
settings.register_profile("dev", **_COMMON)
settings.register_profile("long", max_examples=2000, **_COMMON)
settings.load_profile(os.environ.get("REPL_HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="session", autouse=True)
def set_up_once() -> Iterator[None]:
    """Read botocore's models and endpoint rules once, and the authorities that httpx trusts; make digests cheap.

    A suite opens thousands of clients. Commands that run as processes of their own have none of this.
    """
    import botocore.loaders
    import botocore.regions
    import httpx._transports.default as transports

    by_identity = _once_for_each(botocore.regions.EndpointProvider)
    with ExitStack() as stack:
        for target, name, replaced in (
            ("botocore.session", "create_loader", functools.cache(botocore.loaders.create_loader)),
            ("botocore.regions", "EndpointProvider", by_identity),
            ("httpx._transports.default", "create_ssl_context", _trusting_once(transports.create_ssl_context)),
        ):
            stack.enter_context(mock.patch(f"{target}.{name}", replaced))
        stack.enter_context(mock.patch.dict("reconciler.engine.digests._COST", {"n": 2**4}))
        yield


def _once_for_each(make: Callable[..., object]) -> Callable[..., object]:
    """Make one for the same data, which is kept, so that no identity is used again."""
    made: dict[object, tuple[object, ...]] = {}

    def cached(ruleset_data: object, partition_data: object, **more: object) -> object:
        key = (id(ruleset_data), id(partition_data), repr(more))
        if key not in made:
            given = {"ruleset_data": ruleset_data, "partition_data": partition_data, **more}
            made[key] = (make(**given), given)
        return made[key][0]

    return cached


def _trusting_once(make: Callable[..., object]) -> Callable[..., object]:
    """Share the context of those who trust what everybody trusts; everything else is made as asked."""
    made: dict[tuple[object, ...], object] = {}

    def cached(verify: object = True, cert: object = None, trust_env: bool = True) -> object:
        if verify is not True or cert is not None:
            return make(verify=verify, cert=cert, trust_env=trust_env)
        key = (trust_env, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        if key not in made:
            made[key] = make(verify=True, trust_env=trust_env)
        return made[key]

    return cached


@pytest.fixture(scope="session")
def world() -> Iterator[RunningWorld]:
    """One world for the whole session: ``s3`` (AWS), ``ceph`` (two RGW zones) and ``nas-1`` (Qumulo), all empty."""
    with run_world("--s3", "s3", "--s3", "ceph:rgw", "--qumulo", "nas-1", "--with-parent") as running:
        yield running


@pytest.fixture
def clean_world(world: RunningWorld) -> Iterator[RunningWorld]:
    """The same world, its faults, switches and clock put back afterwards."""
    yield world
    world.reset()
