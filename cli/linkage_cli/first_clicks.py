"""The click each customer came by: from a file, or made now on a link and remembered.

A click made an hour later has another id, and the same order sent with another click is another
order to the API. So the clicks made for a file are kept beside it, for when it is imported again.
"""

import csv
from collections.abc import Sequence
from pathlib import Path

from linkage_cli.api_client import click
from linkage_cli.order_file import Order, rows_of

COLUMNS = ("customer_id", "click_id", "link_url")


def given_clicks(path: Path) -> dict[str, str]:
    """Each customer's click, from a CSV of customer_id and click_id."""
    rows = rows_of(path, COLUMNS[:2])
    return {cells["customer_id"]: cells["click_id"] for _, cells in rows if cells["click_id"]}


def made_clicks(orders: Sequence[Order], file: Path, urls: Sequence[str]) -> dict[str, str]:
    """Each customer's click on one of these links, which take turns; made once for this file."""
    kept = kept_file(file)
    known = _kept_clicks(kept, urls)
    customers = dict.fromkeys(each.customer_id for each in orders if each.customer_id)
    new = [customer for customer in customers if customer not in known]
    if new:
        made = [(click(url), url) for url in urls]
        known |= {customer: made[turn % len(made)] for turn, customer in enumerate(new)}
        with kept.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(COLUMNS)
            writer.writerows((customer, *click_of) for customer, click_of in known.items())
    return {customer: click_id for customer, (click_id, _) in known.items()}


def kept_file(file: Path) -> Path:
    """Where the clicks made for a file of orders are kept."""
    return file.with_name(f"{file.name}.clicks.csv")


def _kept_clicks(kept: Path, urls: Sequence[str]) -> dict[str, tuple[str, str]]:
    if not kept.exists():
        return {}
    return {
        cells["customer_id"]: (cells["click_id"], cells["link_url"])
        for _, cells in rows_of(kept, COLUMNS)
        if cells["link_url"] in urls
    }
