"""A network in this process: DynamoDB in memory (`tests.faults.standin`), all else mocked by moto.

It refuses what DynamoDB's documented limits forbid, which moto does not, and takes a fraction of
the time. `tests/faults/test_standin.py` holds it against moto.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from moto import mock_aws

from tests.aws_tables import forget_versions
from tests.faults.standin import Standin

FILES = "payout-files"


@contextmanager
def empty_network() -> Iterator[Standin]:
    """An AWS account with every table, the bucket of payout files, and nothing in them."""
    standin = Standin()
    with mock_aws(), standin.serving(alone=False):
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=FILES)
        yield standin
    forget_versions()
