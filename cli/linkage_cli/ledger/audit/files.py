"""The payout files in the bucket against the batches and payouts in the table (I28)."""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence

from linkage_cli.ledger.audit.findings import Finding
from linkage_cli.ledger.audit.payouts import Payout, Payouts
from linkage_cli.ledger.audit.stored import Item

FILES = "I28"
EXPORTED = ("exported", "settled")

BACK = ("cancelled", "removed")

type Row = tuple[str, str, str, str]
"""A payout, its affiliate, its amount in minor units as text, and its currency."""


def check_files(files: Sequence[Item], payouts: Payouts) -> Iterator[Finding]:
    """Every finding about files without batches, batches without files, and what differs."""
    contents = {str(each["batch_id"]): bytes(each["body"]) for each in files}
    for batch_id in sorted(contents):
        batch = payouts.batches.get(batch_id)
        if batch is None or not _may_have_file(batch, payouts.payouts[batch_id]):
            said = f"has it as {batch.get('status')}" if batch else "does not have it"
            yield Finding(
                FILES,
                batch_id,
                f"its payout file is in the bucket, the table {said}: it may have been paid. Book "
                f"it again: linkage payouts rebook {batch_id}",
            )
        else:
            yield from _check_file(batch_id, batch, contents[batch_id], payouts)
    for batch_id, batch in sorted(payouts.batches.items()):
        if batch.get("status") in EXPORTED and batch_id not in contents:
            yield Finding(FILES, batch_id, f"it is {batch['status']}, its file is not there")


def _may_have_file(batch: Item, payouts: Sequence[Payout]) -> bool:
    """Export seals each payout before it writes the file, and then says that it is written."""
    sealed = all(each.status != "debited" for each in payouts)
    return batch.get("status") in EXPORTED or (batch.get("status") == "approved" and sealed)


def _check_file(batch_id: str, batch: Item, content: bytes, payouts: Payouts) -> Iterator[Finding]:
    sha256 = hashlib.sha256(content).hexdigest()
    if batch.get("status") in EXPORTED and batch.get("sha256") != sha256:
        yield Finding(FILES, batch_id, "its file has another hash than when it was exported")
    try:
        rows = list(_rows(content, batch_id))
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        yield Finding(FILES, batch_id, f"its file cannot be read: {error}")
        return
    there = [_row(each) for each in payouts.payouts[batch_id] if each.status not in BACK]
    for row in sorted(set(rows) - set(there)):
        yield Finding(FILES, row[0], f"the file pays {_said(row)}, the table does not")
    for row in sorted(set(there) - set(rows)):
        yield Finding(FILES, row[0], f"the table pays {_said(row)}, the file does not")
    if len(rows) != len(set(rows)):
        yield Finding(FILES, batch_id, "a payout stands twice in its file")


def _rows(content: bytes, batch_id: str) -> Iterator[Row]:
    for row in csv.DictReader(io.StringIO(content.decode(), newline=""), strict=True):
        if row["batch_id"] != batch_id:
            raise ValueError(f"a row is of {row['batch_id']}")
        yield row["payout_id"], row["affiliate_id"], _minor(row), row["currency"]


def _minor(row: Mapping[str, str]) -> str:
    """An amount without its point: the file writes every decimal place of a currency."""
    return row["amount"].replace(".", "").lstrip("0")


def _row(payout: Payout) -> Row:
    return payout.payout_id, payout.affiliate_id, str(payout.amount_minor), payout.currency


def _said(row: Row) -> str:
    return f"{row[1]} {row[2]} {row[3]} in minor units"
