"""The ledger table: heads, lines and balances, each transaction written whole and once.

It talks to DynamoDB by boto3's client, because a balance has an attribute for each due date.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from linkage.errors import LedgerError
from linkage.ledger import Balance, Line, Transaction, affiliate_account, affiliate_in
from linkage.rewards import Part
from linkage.shares import Commission
from linkage.tables import entries, transactions
from linkage.tables.entries import DUE, HEAD, Whose, balance_line
from linkage.tables.facts import splits_in
from linkage.tables.gathering import Reading, place, read, reading_one
from linkage.tables.packed import known_fields, unpacked
from linkage.tables.pages import READ_MAX, Listed, wrong_cursor
from linkage.uplines import Level, Recruitment

_TABLE = os.environ["LEDGER_TABLE"]


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
    for _ in transactions.attempts():
        put = _closed(transaction, closing) if closing else _moved_whole(transaction)
        operations = entries.operations(_TABLE, transaction, put)
        try:
            transactions.write([*operations, *also])
        except transactions.ConditionFailedError as failed:
            if failed.items.get(0) is not None:
                _require_the_same(transaction, failed)
                return False
            if closing or not failed.items.keys() <= _places_of(transaction, put):
                raise
        else:
            return True
    raise LedgerError(f"a balance that {transaction.transaction_id} moves never stood still")


def _require_the_same(transaction: Transaction, failed: transactions.ConditionFailedError) -> None:
    """Raises LedgerError if what was posted under the id has other postings."""
    posted = failed.items[0]
    if posted is None or head_in(posted)["fingerprint"] != transaction.fingerprint:
        raise LedgerError(
            f"{transaction.transaction_id} was posted before with other postings"
        ) from failed


def _closed(transaction: Transaction, closing: Balance) -> dict[Whose, Balance]:
    """The balance without the due dates its line empties."""
    (line,) = transaction.lines
    after = closing.after(line)
    dues = {due: amount for due, amount in after.dues.items() if due not in line.dues}
    return {entries.whose(line): replace(after, dues=dues)}


def _moved_whole(transaction: Transaction) -> dict[Whose, Balance]:
    """The balances that are put whole, as they become by what is stored now."""
    return {
        entries.whose(line): _balance_before(line).after(line)
        for line in transaction.lines
        if entries.is_put_whole(line)
    }


def _balance_before(line: Line) -> Balance:
    return find_balance(line.affiliate_id, line.currency) or Balance.empty(*entries.whose(line))


def _places_of(transaction: Transaction, put: Mapping[Whose, Balance]) -> set[int]:
    """Where among the operations the balances stand that are put whole."""
    return {
        2 + 2 * number
        for number, line in enumerate(transaction.lines)
        if entries.whose(line) in put
    }


def head_in(item: Mapping[str, Any]) -> dict[str, Any]:
    """A head from its stored item in plain Python; raises ValueError if nothing is packed in it."""
    content: dict[str, Any] = unpacked(item["content"])
    return {name: value for name, value in item.items() if name != "content"} | content


# ---- reading


def reading_head(transaction_id: str) -> Reading[dict[str, Any] | None]:
    """The head of a transaction as posted, or None."""
    return reading_one(
        place(_TABLE, account=entries.transaction_account(transaction_id), line=HEAD),
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
    at = place(_TABLE, account=affiliate_account(affiliate_id), line=balance_line(currency))
    return read(reading_one(at, _balance))


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
    return [_balance(item) for item in answer["Items"]]


def list_lines(
    affiliate_id: str, currency: str | None, limit: int, cursor: str | None
) -> Listed[dict[str, Any]]:
    """An affiliate's lines, newest first; `cursor` is the last line's own sort key.

    With a currency at most READ_MAX lines are looked at, so a page can be short and not the last.
    """
    account = affiliate_account(affiliate_id)
    values = {":account": account, ":lines": "line#"}
    query: dict[str, Any] = {
        "TableName": _TABLE,
        "KeyConditionExpression": "#account = :account AND begins_with(#line, :lines)",
        "ExpressionAttributeNames": {"#account": "account", "#line": "line"},
        "ScanIndexForward": False,
        "Limit": READ_MAX if currency else limit + 1,
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
    answer = transactions.client.query(**query)
    lines = [transactions.from_wire(item) for item in answer["Items"]]
    last = answer.get("LastEvaluatedKey", {}).get("line", {}).get("S")
    following = lines[limit - 1]["line"] if len(lines) > limit else last
    return Listed(lines[:limit], following, lambda place: str(lines[place]["line"]))


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


def _balance(wire: Mapping[str, Any]) -> Balance:
    known = {name: value for name, value in wire.items() if name in _OF_BALANCE or _is_due(name)}
    item = transactions.from_wire(known)
    dues = {
        f"{name[4:8]}-{name[8:10]}-{name[10:12]}": amount_minor
        for name, amount_minor in item.items()
        if _is_due(name)
    }
    affiliate_id = affiliate_in(item["account"])
    if affiliate_id is None:
        raise LedgerError(f"{item['account']} has a balance, but only affiliates do")
    return Balance(
        affiliate_id,
        item["currency"],
        item["balance_minor"],
        item["version"],
        dues,
        of_later_release={name: value for name, value in wire.items() if name not in known},
    )


_OF_BALANCE = frozenset({"account", "line", "currency", "open", "balance_minor", "version"})


def _is_due(name: str) -> bool:
    return name.startswith(DUE)
