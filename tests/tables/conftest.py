from collections.abc import Iterator

import pytest


@pytest.fixture
def network() -> Iterator[None]:
    """Every table, empty, in memory."""
    from tests.in_memory import empty_network

    with empty_network():
        yield
