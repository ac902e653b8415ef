"""The operations that write a ledger transaction: its head, its lines and what moves balances.

They are made of the transaction and need no ledger at hand: who accepts a fact builds them to see
that it can be posted, `ledger.py` builds the very same to post it.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from zlib import crc32

from linkage.domain.ids import digest
from linkage.domain.ledger.ledger import (
    BY_OPERATOR,
    Balance,
    Debit,
    Line,
    Transaction,
    affiliate_account,
)
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.limits import is_expression
from linkage.tables.dynamodb.packed import packed

OPEN_SHARDS = 8
HEAD, DUE, DEBITS = "head", "due_", "debit#"
_SAID_BY_LINES = ("conversion_id", "payout_id", "batch_id", "adjustment_id", "reason", BY_OPERATOR)
_SHOWN = frozenset({"account", "line", "kind", "accepted_at"})

type Whose = tuple[str, str]
"""Whose balance in which currency: an affiliate's id and the currency's code."""
type Operation = dict[str, Any]


def operations(
    table: str,
    transaction: Transaction,
    put: Mapping[Whose, Balance],
    debits: Mapping[Whose, int],
) -> list[Operation]:
    """What writes a transaction into a ledger of this name, the head first.

    `put` are the balances that are written whole, as they become; all others are added to, if as
    many payouts as `debits` says have been taken out of them, none where it says nothing.
    """
    return [
        transactions.put_new(table, head_item(transaction), "account"),
        *(
            operation
            for line in transaction.lines
            for operation in (
                _put_line(
                    table, transaction, line, _debits_after(put.get(whose(line)), debits, line)
                ),
                _put_balance(table, put[whose(line)])
                if whose(line) in put
                else _move_balance(table, line, debits.get(whose(line), 0)),
            )
        ),
    ]


def _debits_after(put: Balance | None, debits: Mapping[Whose, int], line: Line) -> int:
    return put.debits if put else debits.get(whose(line), 0)


def whose(line: Line) -> Whose:
    """The balance a line moves."""
    return line.affiliate_id, line.currency


def is_put_whole(line: Line) -> bool:
    """Whether a line has too many due dates for an expression that adds them to a balance."""
    return not is_expression(_moving(line))


def head_of(transaction: Transaction) -> dict[str, Any]:
    """The head of a transaction: all its postings, and why."""
    return {
        "account": transaction_account(transaction.transaction_id),
        "line": HEAD,
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


def transaction_account(transaction_id: str) -> str:
    """Where the head of a transaction is kept."""
    return f"transaction:{transaction_id}"


def balance_line(currency: str) -> str:
    """Where an affiliate's balance in a currency is kept, in the affiliate's own account."""
    return f"balance#{currency}"


def line_key(transaction_id: str, accepted_at: str, currency: str) -> str:
    """Where a transaction's line in a currency is kept, in the affiliate's own account."""
    return f"line#{accepted_at}#{digest(transaction_id)}#{currency}"


def put_debit(table: str, debit: Debit) -> Operation:
    """The operation that writes down which payout was the so-and-so-many-th out of a balance."""
    item = {
        "account": affiliate_account(debit.affiliate_id),
        "line": debit_line(debit.currency, debit.number),
        "payout_id": debit.payout_id,
        "batch_id": debit.batch_id,
        "through": debit.through,
        "lines": debit.lines,
    }
    return transactions.put_new(table, item, "account")


def debit_line(currency: str, number: int) -> str:
    """Where it is kept, in the affiliate's own account; they sort by their numbers."""
    return f"{DEBITS}{currency}#{number:08d}"


def _put_line(table: str, transaction: Transaction, line: Line, debits: int) -> Operation:
    item = {
        "account": affiliate_account(line.affiliate_id),
        "line": line_key(transaction.transaction_id, transaction.accepted_at, line.currency),
        "transaction_id": transaction.transaction_id,
        "kind": transaction.kind,
        "accepted_at": transaction.accepted_at,
        "currency": line.currency,
        "amount_minor": line.amount_minor,
        "dues": dict(line.dues),
        "debits": debits,
        "parts": [
            {"kind": kind, "level": level, "amount_minor": amount_minor}
            for kind, level, amount_minor in line.parts
        ],
        **{name: transaction.facts[name] for name in _SAID_BY_LINES if name in transaction.facts},
    }
    if BY_OPERATOR in transaction.facts:
        item["operators_word"] = operators_word(line.affiliate_id, line.currency)
    return transactions.put_new(table, item, "account")


def operators_word(affiliate_id: str, currency: str) -> str:
    """Under which lines are found that an operator's word in a vendor's name has earned."""
    return f"{affiliate_account(affiliate_id)}#{currency}"


def _move_balance(table: str, line: Line, debits: int) -> Operation:
    dues = {_due_name(due): amount for due, amount in line.dues.items()}
    account = affiliate_account(line.affiliate_id)
    return transactions.update(
        table,
        {"account": account, "line": balance_line(line.currency)},
        _moving(line),
        condition="(attribute_not_exists(#currency) OR #currency = :currency) AND "
        + ("#debits = :debits" if debits else "attribute_not_exists(#debits)"),
        values={
            **({":debits": debits} if debits else {}),
            ":one": 1,
            ":amount": line.amount_minor,
            ":currency": line.currency,
            ":open": _open_shard(line.currency, account),
            **{f":{due}": amount for due, amount in dues.items()},
        },
        names={
            "#open": "open",
            "#currency": "currency",
            "#version": "version",
            "#debits": "debits",
        },
    )


def _moving(line: Line) -> str:
    added = "".join(f", {due} :{due}" for due in map(_due_name, line.dues))
    return (
        "SET #currency = :currency, #open = :open ADD #version :one, balance_minor :amount" + added
    )


def _put_balance(table: str, balance: Balance) -> Operation:
    """Puts a balance whole, if it is still as it was a version ago.

    For what an UpdateExpression, which ends at 4 KB, cannot say of hundreds of due dates.
    """
    account = affiliate_account(balance.affiliate_id)
    item = {
        "account": account,
        "line": balance_line(balance.currency),
        "currency": balance.currency,
        "open": _open_shard(balance.currency, account),
        "balance_minor": balance.balance_minor,
        "version": balance.version,
        "debits": balance.debits or None,
        **{_due_name(due): amount for due, amount in balance.dues.items()},
    }
    wire = {**balance.of_later_release, **transactions.to_wire(item)}
    if balance.version == 1:
        return transactions.put_wire(table, wire, "account")
    return transactions.put_over(table, wire, {"version": balance.version - 1})


def _due_name(due: str) -> str:
    return DUE + due.replace("-", "")


def _open_shard(currency: str, account: str) -> str:
    return f"open#{currency}#{crc32(account.encode()) % OPEN_SHARDS}"
