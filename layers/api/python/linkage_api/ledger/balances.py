"""`/v1/balances`, `/v1/entries` and `/v1/payouts`: an affiliate's money."""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from linkage.domain import clock
from linkage.domain.ledger import views as ledger_views
from linkage.domain.ledger.ledger import BY_OPERATOR, Balance
from linkage.domain.lists import Listed, wrong_cursor
from linkage.domain.money import amount_text, checked_currency
from linkage.domain.payouts import views as payout_views
from linkage.flow.ledger import reading_accounts
from linkage.flow.ledger.reading_accounts import Taken
from linkage.flow.payouts import reading_payouts
from linkage_api.answers import answer, listed, page_body
from linkage_api.calls import PAGE, call, checked_id

router = Router()


@router.get("/v1/balances")
def balances() -> Response[str]:
    """One balance for each currency that ever moved."""
    asked = call(router, "affiliate", "operator", query=("affiliate_id",))
    found = reading_accounts.balances(asked.key, asked.asked_for("affiliate_id"))
    return answer(200, page_body(Listed(found, None), _balance))


def _balance(balance: Balance) -> dict[str, Any]:
    payable_minor = balance.payable_minor(clock.day(clock.now()))
    return {
        "currency": balance.currency,
        "balance_minor": balance.balance_minor,
        "pending_minor": balance.balance_minor - payable_minor,
        "payable_minor": payable_minor,
    }


@router.get("/v1/entries")
def entries() -> Response[str]:
    """Every line of an affiliate's account, newest first."""
    asked = call(router, "affiliate", "operator", query=("affiliate_id", "currency", *PAGE))
    affiliate_id, currency = asked.asked_for("affiliate_id"), asked.asked_for("currency")
    limit, cursor = asked.page()
    if currency is not None:
        currency = checked_currency(currency, "/currency")
    after = cursor and _line_at(cursor)
    page, taken = reading_accounts.lines(asked.key, affiliate_id, currency, limit, after)
    following = page.next_cursor and _cursor_at(page.next_cursor)
    return listed(
        Listed(page.data, following, _cursor_after(page.data)), lambda line: _entry(line, taken)
    )


def _cursor_after(lines: list[dict[str, Any]]) -> Callable[[int], str]:
    return lambda place: _cursor_at(lines[place]["line"])


def _cursor_at(line: str) -> str:
    return base64.urlsafe_b64encode(line.encode()).decode().rstrip("=")


def _line_at(cursor: str) -> str:
    try:
        line = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        raise wrong_cursor() from None
    if not line.startswith("line#"):
        raise wrong_cursor()
    return line


def _entry(line: dict[str, Any], taken: Mapping[Taken, str]) -> dict[str, Any]:
    dues = line["dues"]
    return {
        "transaction_id": line["transaction_id"],
        "kind": line["kind"],
        "amount_minor": line["amount_minor"],
        "currency": line["currency"],
        "accepted_at": line["accepted_at"],
        "due_on": next(iter(dues)) if len(dues) == 1 else None,
        "dues": dues,
        "parts": line["parts"],
        "why": [_why(part, line) for part in line["parts"]],
        "conversion_id": line.get("conversion_id"),
        "payout_id": line.get("payout_id"),
        "batch_id": line.get("batch_id"),
        "adjustment_id": line.get("adjustment_id"),
        "by_operator": line.get(BY_OPERATOR),
        "taken_by": {
            due: taken[place]
            for due in dues
            if (place := (line["currency"], line.get("debits"), due)) in taken
        },
    }


def _why(part: dict[str, Any], line: dict[str, Any]) -> str:
    amount = amount_text(abs(part["amount_minor"]), line["currency"])
    conversion, payout = line.get("conversion_id"), line.get("payout_id")
    kind, level = part["kind"], part["level"]
    if "adjustment_id" in line:
        return f"{amount} {_ADJUSTED[kind, part['amount_minor'] > 0]}: {line['reason']}"
    if kind == "payout":
        return f"{amount} left the balance in payout {payout}."
    if kind == "payout_arrival":
        return f"{amount} was taken again: payout {payout} had arrived after all."
    if payout is not None:
        return f"{amount} came back from payout {payout}."
    if kind == "clawback":
        earned = f" override of level {level}" if level else ""
        return f"{amount}{earned} taken back: conversion {conversion} was refunded."
    own = f"override of level {level}" if level and kind == "override" else None
    what = own or _WHAT[kind, part["amount_minor"] > 0]
    return f"{amount} {what} for conversion {conversion}."


_ADJUSTED = {
    ("adjustment", True): "was added to the balance by the network",
    ("adjustment", False): "was taken from the balance by the network",
    ("write_off", True): "of what was owed was written off by the network",
}
_WHAT = {
    ("commission", True): "commission",
    ("affiliate_fee", False): "fee to the network",
    ("affiliate_fee_return", True): "fee given back after a refund",
    ("split", True): "split from another member",
    ("split", False): "split to another member",
    ("split_return", True): "split that came back after a refund",
    ("split_return", False): "split taken back after a refund",
    ("recruitment", True): "recruitment bonus",
    ("bonus", True): "bonus for the period's sales",
    ("bonus_return", False): "bonus taken back after a refund",
}


@router.get("/v1/adjustments/<adjustment_id>")
def adjustment(adjustment_id: str) -> Response[str]:
    """One adjustment: of whose balance, how much, why and by which key."""
    asked = call(router, "operator")
    found = reading_accounts.adjustment(asked.key, checked_id("adjustment", adjustment_id))
    return answer(200, ledger_views.adjustment(found))


@router.get("/v1/payouts")
def payouts() -> Response[str]:
    """An affiliate's payouts, newest first."""
    asked = call(router, "affiliate", "operator", query=("affiliate_id", *PAGE))
    affiliate_id = asked.asked_for("affiliate_id")
    page = reading_payouts.payouts(asked.key, affiliate_id, *asked.page())
    return listed(page, lambda each: payout_views.payout(each, whole=asked.is_operator))
