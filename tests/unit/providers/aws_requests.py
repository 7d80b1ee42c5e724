"""Requests for a bucket's rules, and how they fail."""

from collections.abc import Callable

import pytest

from reconciler.errors import ProviderError
from reconciler.model.observation import ScopeRef
from reconciler.model.step import Call
from tests.unit.providers.s3.connections import SECRET

SCOPE = ScopeRef(provider="p", key="bucket/b")
PUT = Call(id="put", operation="PutBucketReplication", target="b", summary="", idempotent=True, body={"xml": "<x/>"})
EMPTY = b"<ReplicationConfiguration/>"


def refusal(code: str, message: str = "Said so.") -> bytes:
    return f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>R1</RequestId></Error>".encode()


def failed(act: Callable[[], object]) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        act()
    assert SECRET not in repr(caught.value) + str(caught.value) + str(caught.value.hint)
    return caught.value
