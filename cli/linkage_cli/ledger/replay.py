"""Computes a conversion's transactions again from its stored facts and terms, and compares them.

By the product's own pure rules and nothing newer than the facts. Heads are compared whole but for
the sentences, their packed part by its JSON, since two builds of zlib may deflate one text to
different bytes; lines in all that is computed of them. Import it only once the environment names
the tables.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from linkage.domain.commissions.ledger_transactions import (
    confirmation_transaction,
    refund_transaction,
    withdrawal_transaction,
)
from linkage.domain.conversions.conversions import History
from linkage.domain.ledger.ledger import Line, Transaction, affiliate_account, affiliate_in
from linkage.tables.conversions import get_history
from linkage.tables.dynamodb.transactions import client, to_wire
from linkage.tables.ledger import commission_in, head_in
from linkage.tables.ledger_entries import head_item, head_of
from linkage.tables.programs import program_version
from linkage.tables.settings import settings_version
from linkage_cli.ledger.ledger_check import plain

type Plain = Mapping[str, Any]

NOTHING = "nothing"


@dataclass(frozen=True)
class Replayed:
    """How many transactions were compared and where they differ, in money or in wording only.

    `unposted` are those the ledger does not have yet.
    """

    compared: int
    differences: tuple[str, ...]
    wording: tuple[str, ...]
    unposted: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """What `--replay` prints."""
        many = f"{self.compared} transaction{'' if self.compared == 1 else 's'}"
        if self.differences:
            yield f"replayed: {many}, NOT the same as what is stored:"
            yield from (f"- {difference}" for difference in self.differences)
        else:
            yield f"replayed: {many}, byte for byte the same"
        for transaction_id in self.unposted:
            yield f"{transaction_id} is accepted and not posted yet, so it was not compared."
        if self.wording:
            yield "Only worded otherwise by this version of Linkage; the money is the same:"
            yield from (f"- {difference}" for difference in self.wording)


def replayed(conversion_id: str) -> Replayed:
    """Everything a conversion's facts post, again; raises NotFoundError for no such conversion."""
    differences: list[str] = []
    wording: list[str] = []
    unposted: list[str] = []
    compared = 0
    for transaction in transactions_of(get_history(conversion_id)):
        name, again = transaction.transaction_id, head_in(head_item(transaction))
        item = _stored_head(again)
        if item is None:
            unposted.append(name)
            continue
        compared += 1
        try:
            head = head_in(item)
        except (KeyError, ValueError) as error:
            differences.append(f"{name}, content: cannot be read: {error}")
            continue
        differences += _differences(name, _money(head), _money(again))
        differences += _differences(name, _stored_lines(transaction, head), _lines(transaction))
        wording += _differences(name, _words(head), _words(again))
    return Replayed(compared, tuple(differences), tuple(wording), tuple(unposted))


def transactions_of(history: History) -> Iterator[Transaction]:
    """What the facts of a conversion post, in the order in which they were accepted."""
    conversion, confirmation = history.conversion, history.confirmation
    if confirmation is None:
        return
    confirmed = confirmation_transaction(
        conversion,
        confirmation,
        program_version(conversion.program_id, conversion.program_version),
        settings_version(conversion.settings_version),
    )
    yield confirmed
    commission = commission_in(head_of(confirmed))
    for refund in history.refunds:
        if refund.posts:
            yield refund_transaction(conversion, refund, commission)
    if history.withdrawal:
        yield withdrawal_transaction(conversion, history.withdrawal, commission)


def _money(head: Plain) -> Plain:
    return {name: value for name, value in head.items() if name != "why"}


def _words(head: Plain) -> Plain:
    return {"why": head.get("why", [])}


# ---- heads and lines as they are stored


def _stored_head(again: Plain) -> Plain | None:
    answer = client.get_item(
        TableName=os.environ["LEDGER_TABLE"],
        Key=to_wire({name: again[name] for name in ("account", "line")}),
        ConsistentRead=True,
    )
    return _plain(answer["Item"]) if "Item" in answer else None


def _plain(item: Mapping[str, Any]) -> Plain:
    """An item of DynamoDB's in plain Python, with every number as it is."""
    deserialize = TypeDeserializer().deserialize
    return {name: plain(deserialize(value)) for name, value in item.items()}


def _lines(transaction: Transaction) -> Plain:
    return {_line_name(*_whose(line)): _computed(line) for line in transaction.lines}


def _whose(line: Line) -> tuple[str, str]:
    return affiliate_account(line.affiliate_id), line.currency


def _line_name(account: str, currency: str) -> str:
    return f"line of {account} in {currency}"


def _computed(line: Line) -> dict[str, Any]:
    return {
        "amount_minor": line.amount_minor,
        "dues": dict(line.dues),
        "parts": [
            {"kind": kind, "level": level, "amount_minor": amount_minor}
            for kind, level, amount_minor in line.parts
        ],
    }


def _stored_lines(transaction: Transaction, head: Plain) -> Plain:
    """The lines of a transaction in the account of each affiliate it touched, or should have."""
    accounts = {posting[side] for posting in head["postings"] for side in ("source", "target")}
    accounts |= {affiliate_account(line.affiliate_id) for line in transaction.lines}
    found: dict[str, Any] = {}
    for account in sorted(each for each in accounts if affiliate_in(each)):
        for item in _lines_at(account, transaction.accepted_at):
            if item["transaction_id"] == transaction.transaction_id:
                computed = {name: item.get(name, {}) for name in ("amount_minor", "dues", "parts")}
                found[_line_name(account, item["currency"])] = computed
    return found


def _lines_at(account: str, accepted_at: str) -> Iterator[Plain]:
    pages = client.get_paginator("query").paginate(
        TableName=os.environ["LEDGER_TABLE"],
        KeyConditionExpression="#account = :account AND begins_with(#line, :line)",
        ExpressionAttributeNames={"#account": "account", "#line": "line"},
        ExpressionAttributeValues=to_wire({":account": account, ":line": f"line#{accepted_at}#"}),
        ConsistentRead=True,
    )
    for page in pages:
        yield from map(_plain, page["Items"])


# ---- comparing


def _differences(name: str, stored: Plain, again: Plain) -> Iterator[str]:
    """Each place where two items are not the same JSON, byte for byte."""
    was, now = _leaves(stored), _leaves(again)
    for place in sorted(was.keys() | now.keys()):
        before, after = was.get(place, NOTHING), now.get(place, NOTHING)
        if before != after:
            yield f"{name}, {place}: stored {before}, replayed {after}"


def _leaves(value: Any, place: str = "") -> dict[str, str]:
    """The JSON of each value inside a value, by its place; empty ones are as good as none."""
    if isinstance(value, Mapping | list | tuple):
        parts = value.items() if isinstance(value, Mapping) else enumerate(value, start=1)
        inner = {
            leaf: text
            for key, part in parts
            for leaf, text in _leaves(part, f"{place}.{key}" if place else str(key)).items()
        }
        return inner or {place: NOTHING}
    return {place: json.dumps(value, default=str)}
