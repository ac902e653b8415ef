"""The click each customer came by: from a file, or made now on a link and remembered.

A click made an hour later has another id, and the same order sent with another click is another
order to the API. So the clicks made for a file are kept beside it, for when it is imported again.
"""

import csv
import os
import tempfile
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

from linkage_cli.api_client import click
from linkage_cli.orders.csv_file import OrderFileError, header_of, opened, rows_of
from linkage_cli.orders.layouts import places_of
from linkage_cli.orders.staging import NOBODY, Staging

COLUMNS = ("customer_id", "click_id", "link_url")
_KEEP = "INSERT OR REPLACE INTO click VALUES (?, ?, ?)"


def keep_given(path: Path, staging: Staging) -> None:
    """Keeps each customer's click, from a CSV of both; raises OrderFileError."""
    staging.tell_all(_KEEP, ((*each, "") for each in _read(path, COLUMNS[:2]) if each[1]))


def make(staging: Staging, file: Path, urls: Sequence[str]) -> Path | None:
    """Clicks these links for customers who have no click yet, in turns; gives the file they are
    kept in, once for this file of orders. Raises ApiError for what is no live link."""
    kept = kept_file(file)
    if kept.exists():
        before = (each for each in _read(kept, COLUMNS) if each[2] in urls)
        staging.tell_all("INSERT OR IGNORE INTO click VALUES (?, ?, ?)", before)
    new = staging.ask(
        "SELECT chain FROM turn WHERE chain NOT IN (SELECT customer FROM click) AND "
        "substr(chain, 1, 1) <> ? GROUP BY chain ORDER BY min(position)",
        NOBODY,
    )
    if not new:
        return kept if kept.exists() else None
    turns = cycle([(click(url), url) for url in urls])
    staging.tell_all(_KEEP, [(customer, *next(turns)) for (customer,) in new])
    _write(kept, staging.each("SELECT customer, click_id, url FROM click WHERE url <> ''"))
    return kept


def kept_file(file: Path) -> Path:
    """Where the clicks made for a file of orders are kept."""
    return file.with_name(f"{file.name}.clicks.csv")


def _read(path: Path, columns: Sequence[str]) -> Iterator[list[str]]:
    with opened(path) as export:
        header = header_of(export)
        places = places_of(export.name, header, columns)
        for row in rows_of(export, header):
            if row.fault:
                raise OrderFileError(f"{export.name}, row {row.line}: {row.fault}")
            yield [row.cells[places[column]] for column in columns]


def _write(path: Path, clicks: Iterator[tuple[str, ...]]) -> None:
    """Writes the file whole or leaves the one before: clicks lost would be orders in conflict."""
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, prefix=f"{path.name}.", delete=False, encoding="utf-8", newline=""
    ) as out:
        writer = csv.writer(out)
        writer.writerow(COLUMNS)
        writer.writerows(clicks)
    os.replace(out.name, path)
