"""Two networks: a few members called through the API's handlers, and a shop behind all of them."""

from collections.abc import Iterator

import pytest

from tests.abuse.network import Network as AbuseNetwork
from tests.api.conftest import (  # noqa: F401, pytest finds fixtures by their names here
    aws,
    first_key,
    first_members,
    network,
    operator,
)
from tests.threats.shop import Shop


@pytest.fixture
def network_of_handlers() -> Iterator[AbuseNetwork]:
    """A network whose every handler is behind one door; none of them has failed at its end."""
    made = AbuseNetwork()
    with made.open():
        yield made
    assert made.failures == []


@pytest.fixture
def shop(network_of_handlers: AbuseNetwork) -> Shop:
    """A vendor with a program, affiliates and operators on it."""
    return Shop(network_of_handlers)
