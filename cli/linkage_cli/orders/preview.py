"""What an import is about to do, shown before anything is reported: as text, or as one JSON."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from linkage.domain.money import amount_text
from linkage_cli.orders.staging import NOBODY, Staging

FIRST_ORDERS = 5
FIRST_ERRORS = 10


def preview_of(staging: Staging, warnings: Sequence[str]) -> dict[str, Any]:
    """What is reported, what is left out and why, and what cannot be read; minor units."""
    (orders,) = staging.ask("SELECT count(*) FROM sale")[0]
    (refunds,) = staging.ask("SELECT count(*) FROM refund")[0]
    (customers,) = staging.ask(
        "SELECT count(DISTINCT chain) FROM sale WHERE substr(chain, 1, 1) <> ?", NOBODY
    )[0]
    (failed,) = staging.ask("SELECT count(*) FROM error")[0]
    return {
        "rows": staging.rows,
        "orders": orders,
        "customers": customers,
        "refunds": refunds,
        "further_rows": staging.further,
        "repeated_rows": staging.repeated,
        "sums": list(_sums(staging)),
        "first": list(_first(staging)),
        "left_out": list(_left_out(staging)),
        "notes": [{"what": what, "orders": count} for what, count in staging.notes.items()],
        "failed": failed,
        "errors": errors_of(staging),
        "warnings": [*warnings, *_refunds_alike(staging)],
    }


def _refunds_alike(staging: Staging) -> Iterator[str]:
    """That refunds stand there more than once, which an honest shop may do, and so may overlaps."""
    ((alike,),) = staging.ask("SELECT count(*) FROM refund WHERE external_id LIKE '%, no. _%'")
    if alike:
        yield (
            f"{_counted(alike, 'refund')} of the same order, moment and amount as one before. Each "
            "is reported. If exports overlap in this file, take out what stands there twice."
        )


def _sums(staging: Staging) -> Iterator[dict[str, Any]]:
    for status, currency, orders, amount, refunded in staging.ask(
        "SELECT s.status, s.currency, count(*), sum(s.amount), coalesce(sum(r.amount), 0) FROM "
        "sale s LEFT JOIN (SELECT order_id, sum(amount) AS amount FROM refund GROUP BY order_id) r "
        "ON r.order_id = s.order_id GROUP BY s.status, s.currency ORDER BY s.currency, s.status"
    ):
        yield {
            "status": status,
            "currency": currency,
            "orders": orders,
            "amount_minor": amount,
            "refunded_minor": refunded,
        }


def _first(staging: Staging) -> Iterator[dict[str, Any]]:
    for row, body in staging.ask(
        "SELECT s.row, s.body FROM sale s ORDER BY s.row LIMIT ?", FIRST_ORDERS
    ):
        yield {"row": row, **json.loads(body)}


def _left_out(staging: Staging) -> Iterator[dict[str, Any]]:
    for why, currency, rows, first, amount in staging.ask(
        "SELECT why, currency, count(*), min(row), sum(amount) FROM left_out GROUP BY why, "
        "currency ORDER BY min(row)"
    ):
        yield {
            "why": why,
            "rows": rows,
            "first_row": first,
            "currency": currency,
            "amount_minor": amount,
        }


def errors_of(staging: Staging) -> list[dict[str, Any]]:
    """The first rows that failed."""
    found = staging.ask(
        "SELECT row, order_id, field, detail FROM error ORDER BY row LIMIT ?", FIRST_ERRORS
    )
    return [dict(zip(("row", "order_id", "field", "detail"), each, strict=True)) for each in found]


def lines_of(name: str, preview: Mapping[str, Any]) -> Iterator[str]:
    """The preview as a person reads it."""
    yield f"{name}: {_counted(preview['rows'], 'row')}"
    yield from _reported_lines(preview)
    yield from _other_lines(preview)
    if preview["first"]:
        yield "The first orders, as they will be reported:"
        yield from (f"  {_order_line(each)}" for each in preview["first"])
    if preview["failed"]:
        yield f"Not reported, because they cannot be read: {_counted(preview['failed'], 'row')}"
        yield from error_lines(preview["errors"], preview["failed"])
    yield from (f"Careful: {warning}" for warning in preview["warnings"])


def _reported_lines(preview: Mapping[str, Any]) -> Iterator[str]:
    of = f" of {_counted(preview['customers'], 'customer')}" if preview["customers"] else ""
    yield f"  {_counted(preview['orders'], 'order')} to report{of}"
    for each in preview["sums"]:
        status = f"{each['status']}: " if each["status"] else ""
        said = f"{status}{amount_text(each['amount_minor'], each['currency'])}"
        back = each["refunded_minor"]
        less = f", of which {amount_text(back, each['currency'])} given back" if back else ""
        yield f"    {said} in {_counted(each['orders'], 'order')}{less}"
    if preview["refunds"]:
        yield f"  {_counted(preview['refunds'], 'refund')} to report"


def _other_lines(preview: Mapping[str, Any]) -> Iterator[str]:
    if preview["further_rows"]:
        yield f"  {_counted(preview['further_rows'], 'further line')} of these, titles or totals"
    if preview["repeated_rows"]:
        yield f"  {_counted(preview['repeated_rows'], 'row')} said the same again"
    for each in preview["left_out"]:
        amount, currency = each["amount_minor"], each["currency"]
        money = f", {amount_text(amount, currency)}" if currency else ""
        yield (
            f"  {_counted(each['rows'], 'row')} left out: {each['why']} (from row "
            f"{each['first_row']} on{money})"
        )
    for each in preview["notes"]:
        yield f"  {_counted(each['orders'], 'order')} with {each['what']}"


def _order_line(order: Mapping[str, Any]) -> str:
    parts = [
        f"row {order['row']}: {order['external_id']}",
        amount_text(order["amount_minor"], order["currency"]),
        order.get("occurred_at"),
        ", ".join(f"{name} {value}" for name, value in order.get("customer", {}).items()),
        order.get("click_id"),
        order.get("coupon") and f"coupon {order['coupon']}",
    ]
    return ", ".join(part for part in parts if part)


def error_lines(errors: Sequence[Mapping[str, Any]], total: int) -> Iterator[str]:
    """The first rows that failed, each with its column and why."""
    for error in errors:
        at = f", {error['field']}" if error["field"] else ""
        yield f"  row {error['row']}{at}: {error['detail']}"
    if total > len(errors):
        yield f"  and {total - len(errors):,} more"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
