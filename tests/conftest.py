"""What every test process needs before the first import of a table: names, and no real AWS."""

import os

import moto  # noqa: F401, it hooks into botocore, so before any client is made
import pytest

os.environ |= {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",  # the mock knows the plain endpoint only
    "AWS_EC2_METADATA_DISABLED": "true",
    "POWERTOOLS_LOG_LEVEL": "WARNING",
    "POWERTOOLS_SERVICE_NAME": "test",
    "POWERTOOLS_METRICS_NAMESPACE": "Linkage",
    "STAGE": "test",
    "HASH_SECRET": "a secret for tests",
    "ID_SECRET": "a secret of ids for tests",
    "LINKS_URL": "https://links.example",
    "WORK_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/work",
    "PAYOUT_FILES_BUCKET": "payout-files",
    "EDGE_STORE_ARN": "arn:aws:cloudfront::123456789012:key-value-store/aaaabbbb-cccc",
    "CLICK_TOKEN_KEYS": '{"1":"a key of click tokens, for tests"}',
}

from tests.aws_tables import TABLES  # after the names above

os.environ |= {f"{noun.upper()}_TABLE": noun for noun in TABLES}

OF_COMMANDS = {
    "test_handbook",
    "test_local_run",
    "test_order_exports",
    "test_orders",
    "test_tutorial",
}
"""Flow tests that two processes share out: these on one deployed network, all others on another."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps the flow tests of a network together, for `--dist loadgroup`."""
    for item in items:
        if item.path.parent.name == "flow":
            group = "commands" if item.path.stem in OF_COMMANDS else "api"
            item.add_marker(pytest.mark.xdist_group(group))
