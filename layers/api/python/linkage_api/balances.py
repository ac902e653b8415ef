"""`/v1/balances`, `/v1/entries` and `/v1/payouts`: an affiliate's money."""

import base64
import binascii
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from linkage import clock, views
from linkage.ledger import Balance
from linkage.money import amount_text, checked_currency
from linkage.tables.ledger import list_balances, list_lines
from linkage.tables.pages import Listed, wrong_cursor
from linkage.tables.payouts import list_payouts
from linkage_api.answers import answer, listed, page_body
from linkage_api.calls import PAGE, acting_member, call

router = Router()


@router.get("/v1/balances")
def balances() -> Response[str]:
    """One balance for each currency that ever moved."""
    asked = call(router, "affiliate", "operator", query=("affiliate_id",))
    affiliate = acting_member(asked, "affiliate", asked.asked_for("affiliate_id"))
    page = Listed(list_balances(affiliate.member_id), None)
    return answer(200, page_body(page, _balance))


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
    affiliate = acting_member(asked, "affiliate", asked.asked_for("affiliate_id"))
    currency, (limit, cursor) = asked.asked_for("currency"), asked.page()
    if currency is not None:
        currency = checked_currency(currency, "/currency")
    page = list_lines(affiliate.member_id, currency, limit, cursor and _line_at(cursor))
    following = page.next_cursor and _cursor_at(page.next_cursor)
    return listed(Listed(page.data, following, _cursor_after(page.data)), _entry)


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


def _entry(line: dict[str, Any]) -> dict[str, Any]:
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
    }


def _why(part: dict[str, Any], line: dict[str, Any]) -> str:
    amount = amount_text(abs(part["amount_minor"]), line["currency"])
    conversion, payout = line.get("conversion_id"), line.get("payout_id")
    kind, level = part["kind"], part["level"]
    if kind == "payout":
        return f"{amount} left the balance in payout {payout}."
    if payout is not None:
        return f"{amount} came back from payout {payout}."
    if kind == "clawback":
        earned = f" override of level {level}" if level else ""
        return f"{amount}{earned} taken back: conversion {conversion} was refunded."
    own = f"override of level {level}" if level and kind == "override" else None
    what = own or _WHAT[kind, part["amount_minor"] > 0]
    return f"{amount} {what} for conversion {conversion}."


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


@router.get("/v1/payouts")
def payouts() -> Response[str]:
    """An affiliate's payouts, newest first."""
    asked = call(router, "affiliate", "operator", query=("affiliate_id", *PAGE))
    affiliate = acting_member(asked, "affiliate", asked.asked_for("affiliate_id"))
    limit, cursor = asked.page()
    return listed(list_payouts(affiliate.member_id, limit, cursor), views.payout)
