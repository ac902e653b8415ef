"""The ledger table: heads, lines and balances, each transaction written whole and once.

It talks to DynamoDB by boto3's client, because a balance has an attribute for each due date.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from linkage.domain.commissions.rewards import Part
from linkage.domain.commissions.shares import Commission
from linkage.domain.commissions.uplines import Level, Recruitment
from linkage.domain.errors import ConditionFailedError, LedgerError
from linkage.domain.ledger.adjustments import Adjustment
from linkage.domain.ledger.ledger import (
    Balance,
    Debit,
    Transaction,
    affiliate_account,
    affiliate_in,
)
from linkage.domain.lists import Listed, wrong_cursor
from linkage.tables import ledger_entries
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.batch_reads import Reading, place, read, reading_each, reading_one
from linkage.tables.dynamodb.packed import known_fields, unpacked
from linkage.tables.dynamodb.pages import READ_MAX
from linkage.tables.facts import splits_in
from linkage.tables.ledger_entries import DUE, HEAD, Whose, balance_line

_TABLE = os.environ["LEDGER_TABLE"]
_DEBITS_AT_ONCE = 20
"""A line is mostly in the next payout, so a query reads a few of them first."""


def post(
    transaction: Transaction,
    *,
    closing: Balance | None = None,
    over: Balance | None = None,
    also: Sequence[dict[str, Any]] = (),
) -> bool:
    """Writes head, lines, balances and the `also` operations in one; False if it was posted before.

    `closing` is the balance a payout empties, `over` one that the transaction was decided on: it
    must still have the version it was read with. Each line keeps how many payouts had been taken
    out of its balance, which is a condition of the write.
    Raises LedgerError if the id was posted with other postings, and ConditionFailedError if
    another condition (the balance's version, one of `also`) did not hold.
    """
    for _ in transactions.attempts():
        put, debits = _balances_of(transaction, closing, over)
        operations = ledger_entries.operations(_TABLE, transaction, put, debits)
        try:
            transactions.write([*operations, *also])
        except ConditionFailedError as failed:
            if failed.items.get(0) is not None:
                _require_the_same(transaction, failed)
                return False
            if closing or over or not _moved_meanwhile(transaction, put, debits, failed):
                raise
        else:
            return True
    raise LedgerError(f"a balance that {transaction.transaction_id} moves never stood still")


def _require_the_same(transaction: Transaction, failed: ConditionFailedError) -> None:
    """Raises LedgerError if what was posted under the id has other postings."""
    posted = failed.items[0]
    if posted is None or head_in(posted)["fingerprint"] != transaction.fingerprint:
        raise LedgerError(
            f"{transaction.transaction_id} was posted before with other postings"
        ) from failed


def _balances_of(
    transaction: Transaction, closing: Balance | None, over: Balance | None
) -> tuple[dict[Whose, Balance], dict[Whose, int]]:
    """The balances that are put whole, as they become, and of all others their debits as read."""
    if closing:
        (line,) = transaction.lines
        return {ledger_entries.whose(line): closing.without(line)}, {}
    if over:
        (line,) = transaction.lines
        return {ledger_entries.whose(line): over.after(line)}, {}
    every = {ledger_entries.whose(line): line for line in transaction.lines}
    whole = {whose for whose, line in every.items() if ledger_entries.is_put_whole(line)}
    seen = {whose: debits_seen[whose] for whose in every if whose in debits_seen}
    before = _balances({whose for whose in every if whose in whole or whose not in seen})
    read_now = {whose: balance.debits for whose, balance in before.items()}
    _keep(read_now)
    return {whose: before[whose].after(every[whose]) for whose in whole}, seen | read_now


debits_seen: dict[Whose, int] = {}
"""How many payouts a warm function last saw taken out of balances. One more comes once in a batch;
whoever writes on holds the balance to what is kept here, and reads it again if it is not so."""
_SEEN_MAX = 10_000


def _keep(debits: Mapping[Whose, int]) -> None:
    while len(debits_seen) > _SEEN_MAX:
        debits_seen.pop(next(iter(debits_seen)))
    debits_seen.update(debits)


def _balances(every: set[Whose]) -> dict[Whose, Balance]:
    """These balances as they are now, read together."""
    found = read(reading_each({whose: _reading_balance(*whose) for whose in sorted(every)}))
    return {whose: found[whose] or Balance.empty(*whose) for whose in every}


def _moved_meanwhile(
    transaction: Transaction,
    put: Mapping[Whose, Balance],
    debits: Mapping[Whose, int],
    failed: ConditionFailedError,
) -> bool:
    """Whether nothing was refused but balances that have moved on: they are to be read again."""
    moved = set()
    for number, line in enumerate(transaction.lines):
        at, whose = 2 + 2 * number, ledger_entries.whose(line)
        stored = failed.items.get(at) or {}
        if whose in put or stored.get("debits", 0) != debits.get(whose, 0):
            debits_seen.pop(whose, None)
            moved.add(at)
    return failed.items.keys() <= moved


def head_in(item: Mapping[str, Any]) -> dict[str, Any]:
    """A head from its stored item in plain Python; raises ValueError if nothing is packed in it."""
    content: dict[str, Any] = unpacked(item["content"])
    return {name: value for name, value in item.items() if name != "content"} | content


# ---- reading


def reading_head(transaction_id: str) -> Reading[dict[str, Any] | None]:
    """The head of a transaction as posted, or None."""
    return reading_one(
        place(_TABLE, account=ledger_entries.transaction_account(transaction_id), line=HEAD),
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


def find_adjustment(adjustment_id: str) -> Adjustment | None:
    """An adjustment as it was posted, or None."""
    head = find_head(adjustment_id)
    if head is None or head.get("adjustment_id") != adjustment_id:
        return None
    (posting,) = head["postings"]
    given = affiliate_in(posting["target"])
    return Adjustment(
        adjustment_id,
        given or affiliate_in(posting["source"]) or "",
        posting["currency"],
        posting["amount_minor"] if given else -posting["amount_minor"],
        head["kind"],
        head["reason"],
        head["accepted_at"],
        head["by_key"],
    )


def find_balance(affiliate_id: str, currency: str) -> Balance | None:
    """An affiliate's balance in one currency as last written, or None."""
    return read(_reading_balance(affiliate_id, currency))


def _reading_balance(affiliate_id: str, currency: str) -> Reading[Balance | None]:
    at = place(_TABLE, account=affiliate_account(affiliate_id), line=balance_line(currency))
    return reading_one(at, _balance)


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


def lines_by_operators(affiliate_id: str, currency: str, limit: int) -> list[dict[str, Any]]:
    """The latest lines that an operator's word in a vendor's name has earned, newest first."""
    answer = transactions.client.query(
        TableName=_TABLE,
        IndexName="by_operator",
        KeyConditionExpression="operators_word = :word",
        ExpressionAttributeValues=transactions.to_wire(
            {":word": ledger_entries.operators_word(affiliate_id, currency)}
        ),
        ScanIndexForward=False,
        Limit=limit,
    )
    return [transactions.from_wire(item) for item in answer["Items"]]


def reading_debits_when_posted(
    affiliate_id: str, transaction_id: str, accepted_at: str, currency: str
) -> Reading[int | None]:
    """How many payouts had been taken out of a balance when a transaction's line was posted to it.

    None if there is no such line, or an earlier release posted it, which did not say so.
    """
    key = ledger_entries.line_key(transaction_id, accepted_at, currency)
    return reading_one(
        place(_TABLE, account=affiliate_account(affiliate_id), line=key),
        lambda wire: transactions.from_wire(wire).get("debits"),
    )


def debits_after(affiliate_id: str, currency: str, number: int) -> Iterator[Debit]:
    """The payouts out of a balance after the numbered one, in their order, read as they are taken.

    0 is before the first; those that an earlier release has debited have no number.
    """
    pages = transactions.client.get_paginator("query").paginate(
        TableName=_TABLE,
        KeyConditionExpression="#account = :account AND #line BETWEEN :first AND :last",
        ExpressionAttributeNames={"#account": "account", "#line": "line"},
        ExpressionAttributeValues=transactions.to_wire(
            {
                ":account": affiliate_account(affiliate_id),
                ":first": ledger_entries.debit_line(currency, number + 1),
                ":last": f"{ledger_entries.DEBITS}{currency}#~",
            }
        ),
        ConsistentRead=True,
        PaginationConfig={"PageSize": _DEBITS_AT_ONCE},
    )
    for page in pages:
        for wire in page["Items"]:
            item = transactions.from_wire(wire)
            yield Debit(
                affiliate_id,
                currency,
                int(item["line"].rpartition("#")[2]),
                item["through"],
                item["lines"],
                item["payout_id"],
                item["batch_id"],
            )


def put_debit(debit: Debit) -> dict[str, Any]:
    """The operation that writes down which payout was the so-and-so-many-th out of a balance."""
    return ledger_entries.put_debit(_TABLE, debit)


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
        item.get("debits", 0),
        of_later_release={name: value for name, value in wire.items() if name not in known},
    )


_OF_BALANCE = frozenset(
    {"account", "line", "currency", "open", "balance_minor", "version", "debits"}
)


def _is_due(name: str) -> bool:
    return name.startswith(DUE)
