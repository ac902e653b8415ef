"""A network in this process: DynamoDB in memory (`tests.faults.standin`), all else mocked by moto.

It refuses what DynamoDB's documented limits forbid, which moto does not, and takes a fraction of
the time. `tests/faults/test_standin.py` holds it against moto.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from moto import mock_aws

from tests.aws_tables import forget_versions
from tests.faults.standin import Standin


@contextmanager
def empty_network() -> Iterator[Standin]:
    """An AWS account with every table and nothing in them."""
    standin = Standin()
    with mock_aws(), standin.serving(alone=False):
        yield standin
    forget_versions()
