"""The store that the edge answers from: CloudFront's KeyValueStore, written by optimistic locking.

Its API is signed with SigV4A, for which boto3 needs `awscrt` (the layer `edge`).
"""

import os
from collections.abc import Iterable, Mapping

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

KEYS_MAX = 50
"""So many keys one call may put or delete."""

_ARN = os.environ["EDGE_STORE_ARN"]
client = boto3.client(
    "cloudfront-keyvaluestore",
    region_name=os.environ.get("AWS_REGION"),
    config=Config(
        connect_timeout=2,
        read_timeout=5,
        retries={"mode": "standard", "max_attempts": 4},
    ),
)


class StoreChangedError(Exception):
    """Somebody else wrote to the store since its version was read."""


class StoreFullError(Exception):
    """The store has no room for what was to be put; nothing was written."""


def version() -> str:
    """The store's version, which every write changes."""
    return str(client.describe_key_value_store(KvsARN=_ARN)["ETag"])


def held(keys: Iterable[str]) -> list[str]:
    """Those of the keys that the store holds."""
    return [key for key in keys if _holds(key)]


def _holds(key: str) -> bool:
    try:
        client.get_key(KvsARN=_ARN, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return False
    return True


def update(of_version: str, puts: Mapping[str, str], deletes: Iterable[str]) -> None:
    """Puts and deletes up to `KEYS_MAX` keys, all or none; what is deleted must be there.

    Raises StoreChangedError unless the store still has that version, and StoreFullError.
    """
    try:
        client.update_keys(
            KvsARN=_ARN,
            IfMatch=of_version,
            Puts=[{"Key": key, "Value": value} for key, value in puts.items()],
            Deletes=[{"Key": key} for key in deletes],
        )
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "ConflictException":
            raise StoreChangedError from error
        if code == "ServiceQuotaExceededException":
            raise StoreFullError from error
        raise
