from collections.abc import Iterator

import pytest

from tests.flow_units.network import START, Network, make_rich, small_network


@pytest.fixture(scope="module")
def built() -> Iterator[Network]:
    with small_network() as made:
        yield made


@pytest.fixture
def network(built: Network) -> Iterator[Network]:
    """The small network as it was built, at the hour it was built."""
    built.moment, first = START, built.saved
    yield built
    built.saved = first
    built.restore()


@pytest.fixture
def rich(network: Network) -> Network:
    """The small network with terms that look at more than the sale itself."""
    make_rich()
    network.save()
    return network
