"""The tables of docs/architecture.md, by their keys and indexes, and how moto is given them."""

from typing import Any

import boto3

type Index = tuple[str, str, str, str]
"""Name, partition key, sort key, projection."""

TABLES: dict[str, tuple[tuple[str, ...], tuple[Index, ...]]] = {
    "members": (
        ("member_id",),
        (
            ("listing", "listing", "created_at", "ALL"),
            ("by_destination", "payout_destination", "member_id", "KEYS_ONLY"),
        ),
    ),
    "programs": (
        ("program_id", "version"),
        (
            ("listing", "listing", "created_at", "ALL"),
            ("by_vendor", "vendor_id", "listed_at", "ALL"),
            ("by_room", "capped", "room", "KEYS_ONLY"),
        ),
    ),
    "settings": (("version",), ()),
    "links": (
        ("code",),
        (
            ("by_affiliate", "affiliate_id", "link_id", "ALL"),
            ("by_vendor", "vendor_id", "link_id", "KEYS_ONLY"),
        ),
    ),
    "coupons": (
        ("vendor_id", "code"),
        (("by_affiliate", "affiliate_id", "created_at", "ALL"),),
    ),
    "clicks": (("click_id",), ()),
    "statistics": (("of", "at"), ()),
    "customers": (("customer_key",), ()),
    "conversions": (
        ("conversion_id", "fact"),
        (
            ("by_vendor", "vendor_id", "reported_at", "KEYS_ONLY"),
            ("by_affiliate", "affiliate_id", "reported_at", "KEYS_ONLY"),
            ("unposted", "unposted", "accepted_at", "KEYS_ONLY"),
            ("awaiting", "awaiting", "confirm_at", "KEYS_ONLY"),
            ("held", "held", "held_at", "KEYS_ONLY"),
        ),
    ),
    "tallies": (("tally",), ()),
    "ledger": (
        ("account", "line"),
        (
            ("open", "open", "account", "KEYS_ONLY"),
            ("by_operator", "operators_word", "line", "ALL"),
        ),
    ),
    "payouts": (
        ("batch_id", "item"),
        (
            ("by_affiliate", "affiliate_id", "created_at", "ALL"),
            ("listing", "listing", "created_at", "ALL"),
        ),
    ),
    "keys": (
        ("key_id",),
        (
            ("listing", "listing", "created_at", "ALL"),
            ("by_member", "member_id", "created_at", "KEYS_ONLY"),
        ),
    ),
    "proposals": (("proposal_id",), (("listing", "listing", "asked_at", "ALL"),)),
    "audit": (("subject", "at"), (("by_day", "day", "at", "ALL"),)),
}


def create_tables() -> None:
    """Creates every table, empty, with its indexes."""
    client = boto3.client("dynamodb", region_name="us-east-1")
    for noun, (keys, indexes) in TABLES.items():
        names = {*keys, *(name for index in indexes for name in index[1:3])}
        definition: dict[str, Any] = {
            "TableName": noun,
            "KeySchema": _schema(*keys),
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": "S"} for name in sorted(names)
            ],
            "BillingMode": "PAY_PER_REQUEST",
        }
        if indexes:
            definition["GlobalSecondaryIndexes"] = [
                {
                    "IndexName": name,
                    "KeySchema": _schema(partition, sort),
                    "Projection": {"ProjectionType": projection},
                }
                for name, partition, sort, projection in indexes
            ]
        client.create_table(**definition)


def _schema(partition: str, sort: str | None = None) -> list[dict[str, str]]:
    schema = [{"AttributeName": partition, "KeyType": "HASH"}]
    return schema + ([{"AttributeName": sort, "KeyType": "RANGE"}] if sort else [])


def forget_versions() -> None:
    """Makes a warm function cold: it reads anew what it had kept."""
    from linkage.tables import ledger, programs, settings

    programs.kept_versions.clear()
    settings.kept_versions.clear()
    ledger.debits_seen.clear()
