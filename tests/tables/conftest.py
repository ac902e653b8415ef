from collections.abc import Iterator

import pytest


@pytest.fixture
def network() -> Iterator[None]:
    """Every table, empty, on the in-process mock."""
    from tests.aws_tables import mocked_network

    with mocked_network():
        yield
