"""The calls to DynamoDB that something makes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient

_READS = ("GetItem", "BatchGetItem", "Query", "Scan")


@contextmanager
def calls() -> Iterator[list[str]]:
    """Every call to DynamoDB, in order, as operation and tables."""
    made: list[str] = []
    real = BaseClient._make_api_call

    def call(client: BaseClient, operation: str, arguments: Any) -> Any:
        written = (next(iter(each.values())) for each in arguments.get("TransactItems", ()))
        tables = [
            *arguments.get("RequestItems", ()),
            *(each["TableName"] for each in (arguments, *written) if "TableName" in each),
        ]
        made.append(f"{operation} {'+'.join(dict.fromkeys(tables))}")
        return real(client, operation, arguments)

    with patch.object(BaseClient, "_make_api_call", call):
        yield made


def reads(made: list[str]) -> list[str]:
    """Those that read."""
    return [each for each in made if each.startswith(_READS)]
