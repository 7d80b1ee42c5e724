"""What a provider raises."""

from collections.abc import Callable

import pytest

from reconciler.errors import ProviderError


def failed(act: Callable[[], object]) -> ProviderError:
    """Do what must fail, and return how it did."""
    with pytest.raises(ProviderError) as caught:
        act()
    return caught.value
