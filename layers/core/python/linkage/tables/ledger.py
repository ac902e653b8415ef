"""The ledger table: heads, lines and balances, each transaction written whole and once.

It talks to DynamoDB by boto3's client, because a balance has an attribute for each due date.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any
from zlib import crc32

from linkage.errors import LedgerError
from linkage.ids import digest
from linkage.ledger import Balance, Line, Transaction, affiliate_account, affiliate_in
from linkage.rewards import Part
from linkage.shares import Commission
from linkage.tables import transactions
from linkage.tables.facts import splits_in
from linkage.tables.gathering import Reading, place, read, reading_one
from linkage.tables.packed import known_fields, packed, unpacked
from linkage.tables.pages import Listed, wrong_cursor
from linkage.uplines import Level, Recruitment

OPEN_SHARDS = 8

_TABLE = os.environ["LEDGER_TABLE"]
_HEAD, _DUE = "head", "due_"
_SHOWN = frozenset({"account", "line", "kind", "accepted_at"})
_BALANCE = frozenset({"account", "line", "currency", "open", "balance_minor", "version"})


def post(
    transaction: Transaction,
    *,
    closing: Balance | None = None,
    also: Sequence[dict[str, Any]] = (),
) -> bool:
    """Writes head, lines, balances and the `also` operations in one; False if it was posted before.

    `closing` is the balance a payout empties: it must still have the version it was read with.
    Raises LedgerError if the id was posted with other postings, and ConditionFailedError if
    another condition (the balance's version, one of `also`) did not hold.
    """
    operations = [
        transactions.put_new(_TABLE, head_item(transaction), "account"),
        *(
            operation
            for line in transaction.lines
            for operation in (
                _put_line(transaction, line),
                _close_balance(line, closing) if closing else _move_balance(line),
            )
        ),
        *also,
    ]
    try:
        transactions.write(operations)
    except transactions.ConditionFailedError as failed:
        posted = failed.items.get(0)
        if posted is None:
            raise
        if head_in(posted)["fingerprint"] != transaction.fingerprint:
            raise LedgerError(
                f"{transaction.transaction_id} was posted before with other postings"
            ) from failed
        return False
    return True


def head_of(transaction: Transaction) -> dict[str, Any]:
    """The head of a transaction: all its postings, and why."""
    return {
        "account": _transaction_account(transaction.transaction_id),
        "line": _HEAD,
        "transaction_id": transaction.transaction_id,
        "kind": transaction.kind,
        "accepted_at": transaction.accepted_at,
        "fingerprint": transaction.fingerprint,
        "postings": [asdict(posting) for posting in transaction.postings],
        "why": list(transaction.why),
        **transaction.facts,
    }


def head_item(transaction: Transaction) -> dict[str, Any]:
    """The same as it is stored: all but what finds it and says what it is packed into `content`."""
    head = head_of(transaction)
    shown = {name: value for name, value in head.items() if name in _SHOWN}
    content = {name: value for name, value in head.items() if name not in _SHOWN}
    return shown | {"content": packed(content)}


def head_in(item: Mapping[str, Any]) -> dict[str, Any]:
    """A head from its stored item in plain Python; raises ValueError if nothing is packed in it."""
    content: dict[str, Any] = unpacked(item["content"])
    return {name: value for name, value in item.items() if name != "content"} | content


def _transaction_account(transaction_id: str) -> str:
    return f"transaction:{transaction_id}"


def _put_line(transaction: Transaction, line: Line) -> dict[str, Any]:
    item = {
        "account": affiliate_account(line.affiliate_id),
        "line": f"line#{transaction.accepted_at}#{digest(transaction.transaction_id)}"
        f"#{line.currency}",
        "transaction_id": transaction.transaction_id,
        "kind": transaction.kind,
        "accepted_at": transaction.accepted_at,
        "currency": line.currency,
        "amount_minor": line.amount_minor,
        "dues": dict(line.dues),
        "parts": [
            {"kind": kind, "level": level, "amount_minor": amount_minor}
            for kind, level, amount_minor in line.parts
        ],
        **{
            name: transaction.facts[name]
            for name in ("conversion_id", "payout_id", "batch_id")
            if name in transaction.facts
        },
    }
    return transactions.put_new(_TABLE, item, "account")


def _move_balance(line: Line) -> dict[str, Any]:
    dues = {_due_name(due): amount for due, amount in line.dues.items()}
    account = affiliate_account(line.affiliate_id)
    return transactions.update(
        _TABLE,
        {"account": account, "line": _balance_line(line.currency)},
        "SET #currency = :currency, #open = :open ADD #version :one, balance_minor :amount"
        + "".join(f", {due} :{due}" for due in dues),
        condition="attribute_not_exists(#currency) OR #currency = :currency",
        values={
            ":one": 1,
            ":amount": line.amount_minor,
            ":currency": line.currency,
            ":open": _open_shard(line.currency, account),
            **{f":{due}": amount for due, amount in dues.items()},
        },
        names={"#open": "open", "#currency": "currency", "#version": "version"},
    )


def _close_balance(line: Line, closing: Balance) -> dict[str, Any]:
    """Puts the balance anew without the due dates the line empties, if it is still as it was read.

    A Put, because an UpdateExpression that removes a year of due dates exceeds its limit of 4 KB.
    """
    account = affiliate_account(line.affiliate_id)
    item = {
        **closing.beside,
        "account": account,
        "line": _balance_line(line.currency),
        "currency": line.currency,
        "open": _open_shard(line.currency, account),
        "balance_minor": closing.balance_minor + line.amount_minor,
        "version": closing.version + 1,
        **{_due_name(due): amount for due, amount in closing.dues.items() if due not in line.dues},
    }
    return transactions.put_over(_TABLE, transactions.to_wire(item), {"version": closing.version})


def _due_name(due: str) -> str:
    return _DUE + due.replace("-", "")


def _balance_line(currency: str) -> str:
    return f"balance#{currency}"


def _open_shard(currency: str, account: str) -> str:
    return f"open#{currency}#{crc32(account.encode()) % OPEN_SHARDS}"


# ---- reading


def reading_head(transaction_id: str) -> Reading[dict[str, Any] | None]:
    """The head of a transaction as posted, or None."""
    return reading_one(
        place(_TABLE, account=_transaction_account(transaction_id), line=_HEAD),
        lambda wire: head_in(transactions.from_wire(wire)),
    )


def find_head(transaction_id: str) -> dict[str, Any] | None:
    """The same, as last written."""
    return read(reading_head(transaction_id))


def commission_in(head: dict[str, Any]) -> Commission | None:
    """The commission a confirmation was posted with; None when it earned nothing."""
    stored = head.get("commission")
    if stored is None:
        return None
    recruitment = stored.get("recruitment")
    own_form = {
        "levels": tuple(_level(level) for level in stored["levels"]),
        "parts": tuple(Part(**known_fields(Part, part)) for part in stored.get("parts", ())),
        "splits": splits_in(stored.get("splits", ())),
        "recruitment": (
            Recruitment(**known_fields(Recruitment, recruitment)) if recruitment else None
        ),
    }
    return Commission(**known_fields(Commission, stored) | own_form)


def _level(stored: Mapping[str, Any]) -> Level:
    splits = splits_in(stored.get("splits", ()))
    return Level(**known_fields(Level, stored) | {"splits": splits})


def find_balance(affiliate_id: str, currency: str) -> Balance | None:
    """An affiliate's balance in one currency as last written, or None."""
    at = place(_TABLE, account=affiliate_account(affiliate_id), line=_balance_line(currency))
    return read(reading_one(at, lambda wire: _balance(transactions.from_wire(wire))))


def list_balances(affiliate_id: str) -> list[Balance]:
    """An affiliate's balances, one per currency that ever moved."""
    answer = transactions.client.query(
        TableName=_TABLE,
        KeyConditionExpression="#account = :account AND begins_with(#line, :balances)",
        ExpressionAttributeNames={"#account": "account", "#line": "line"},
        ExpressionAttributeValues=transactions.to_wire(
            {":account": affiliate_account(affiliate_id), ":balances": "balance#"}
        ),
        ConsistentRead=True,
    )
    return [_balance(transactions.from_wire(item)) for item in answer["Items"]]


def list_lines(
    affiliate_id: str, currency: str | None, limit: int, cursor: str | None
) -> Listed[dict[str, Any]]:
    """An affiliate's lines, newest first; `cursor` is the last line's own sort key."""
    account = affiliate_account(affiliate_id)
    values = {":account": account, ":lines": "line#"}
    query: dict[str, Any] = {
        "TableName": _TABLE,
        "KeyConditionExpression": "#account = :account AND begins_with(#line, :lines)",
        "ExpressionAttributeNames": {"#account": "account", "#line": "line"},
        "ScanIndexForward": False,
    }
    if currency:
        query["FilterExpression"] = "#currency = :currency"
        query["ExpressionAttributeNames"]["#currency"] = "currency"
        values[":currency"] = currency
    if cursor:
        if not cursor.startswith("line#"):
            raise wrong_cursor()
        query["ExclusiveStartKey"] = transactions.to_wire({"account": account, "line": cursor})
    query["ExpressionAttributeValues"] = transactions.to_wire(values)
    lines: list[dict[str, Any]] = []
    for page in transactions.client.get_paginator("query").paginate(**query):
        lines += [transactions.from_wire(item) for item in page["Items"]]
        if len(lines) > limit:
            break
    more = len(lines) > limit
    return Listed(lines[:limit], lines[limit - 1]["line"] if more else None)


def open_accounts(currency: str, shard: int, after: str | None) -> Iterator[str]:
    """The affiliates who have a balance in this currency in one shard, in a fixed order."""
    query: dict[str, Any] = {
        "TableName": _TABLE,
        "IndexName": "open",
        "KeyConditionExpression": "#open = :open" + (" AND #account > :after" if after else ""),
        "ExpressionAttributeNames": {"#open": "open"} | ({"#account": "account"} if after else {}),
        "ExpressionAttributeValues": transactions.to_wire(
            {":open": f"open#{currency}#{shard}", ":after": after and affiliate_account(after)}
        ),
    }
    for page in transactions.client.get_paginator("query").paginate(**query):
        for item in page["Items"]:
            affiliate_id = affiliate_in(item["account"]["S"])
            if affiliate_id:
                yield affiliate_id


def _balance(item: dict[str, Any]) -> Balance:
    dues = {
        f"{name[4:8]}-{name[8:10]}-{name[10:12]}": amount_minor
        for name, amount_minor in item.items()
        if name.startswith(_DUE)
    }
    affiliate_id = affiliate_in(item["account"])
    if affiliate_id is None:
        raise LedgerError(f"{item['account']} has a balance, but only affiliates do")
    beside = {
        name: value
        for name, value in item.items()
        if name not in _BALANCE and not name.startswith(_DUE)
    }
    return Balance(
        affiliate_id, item["currency"], item["balance_minor"], item["version"], dues, beside
    )
