"""Which objects a site has, asked one by one of its replicator: another service than the one that lists them."""

import math
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from reconciler.providers.clonecloudstore.client import SiteClient

__all__ = ["held"]

_AT_ONCE = 8
_BATCH = 8 * _AT_ONCE


def held(
    site: SiteClient, bucket: str, names: Sequence[str], *, full: bool, within_s: float = math.inf
) -> Iterator[str]:
    """Yield the names of those that are READY, in their order; with `full`, whose bytes are in the storage too.

    What time does not allow to ask for is not among them, but for the first few. Raises ProviderError.
    """
    until = time.monotonic() + within_s
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="presence") as pool:
        for start in range(0, len(names), _BATCH):
            if start and time.monotonic() > until:
                return
            asked = names[start : start + _BATCH]
            there = pool.map(lambda name: site.replicator.has_object(bucket, name, full=full), asked)
            yield from (name for name, has in zip(asked, there, strict=True) if has)
