"""The auditor holds the payout files in the bucket against the batches and payouts in the table."""

import hashlib
from collections.abc import Callable

import pytest

from tests.cli.ledger.corruptions import Items, find
from tests.cli.ledger.test_audit import audited

type Network = dict[str, Items]


def of(n: Network, batch_id: str) -> str:
    """A batch's file as text."""
    return str(find(n["files"], batch_id=batch_id)["body"].decode())


def write(n: Network, batch_id: str, text: str, *, hashed: bool = True) -> None:
    """Puts another file in a batch's place, and mostly its hash into the table."""
    body = text.encode()
    find(n["files"], batch_id=batch_id)["body"] = body
    if hashed:
        batch = find(n["payouts"], batch_id=batch_id, item="batch")
        batch["sha256"] = hashlib.sha256(body).hexdigest()


def rows(n: Network) -> list[str]:
    return of(n, "bat_first").splitlines(keepends=True)


def raised(row: str) -> str:
    """The row with one unit more in its amount."""
    cells = row.split(",")
    cells[6] = f"1{cells[6]}"
    return ",".join(cells)


def a_file_lost(n: Network) -> None:
    n["files"].remove(find(n["files"], batch_id="bat_first"))


def a_batch_lost_with_all_it_posted(n: Network) -> None:
    n["payouts"][:] = [each for each in n["payouts"] if each["batch_id"] != "bat_first"]


def a_file_of_a_batch_never_seen(n: Network) -> None:
    n["files"].append({"batch_id": "bat_never", "body": rows(n)[0].encode()})


def a_file_of_a_batch_cancelled(n: Network) -> None:
    n["files"].append({"batch_id": "bat_second", "body": rows(n)[0].encode()})


def a_file_of_a_batch_planned(n: Network) -> None:
    n["files"].append({"batch_id": "bat_third", "body": rows(n)[0].encode()})


def another_byte_in_a_file(n: Network) -> None:
    write(n, "bat_first", of(n, "bat_first").replace("EcoCash", "EcoC4sh"), hashed=False)


def another_amount_in_a_file(n: Network) -> None:
    head, first, *rest = rows(n)
    write(n, "bat_first", "".join([head, raised(first), *rest]))


def a_row_left_out_of_a_file(n: Network) -> None:
    write(n, "bat_first", "".join(rows(n)[:-1]))


def a_row_twice_in_a_file(n: Network) -> None:
    write(n, "bat_first", of(n, "bat_first") + rows(n)[-1])


def another_affiliate_in_a_file(n: Network) -> None:
    write(n, "bat_first", of(n, "bat_first").replace("mem_tendai", "mem_thief"))


def another_currency_in_a_file(n: Network) -> None:
    write(n, "bat_first", of(n, "bat_first").replace(",USD,", ",ZWG,"))


def a_row_of_another_batch_in_a_file(n: Network) -> None:
    write(n, "bat_first", of(n, "bat_first").replace("bat_first", "bat_other"))


def a_file_that_is_no_text(n: Network) -> None:
    body = b"\xff\xfe"
    find(n["files"], batch_id="bat_first")["body"] = body
    batch = find(n["payouts"], batch_id="bat_first", item="batch")
    batch["sha256"] = hashlib.sha256(body).hexdigest()


def a_rebooking_left_half_way(n: Network) -> None:
    find(n["payouts"], batch_id="bat_lost", item="batch")["status"] = "rebooking"


def a_debit_from_a_file_in_a_batch_that_was_not(n: Network) -> None:
    del find(n["payouts"], batch_id="bat_lost", item="batch")["rebooked_at"]


def a_debit_beyond_what_is_due_that_is_of_no_file(n: Network) -> None:
    payout = find(n["payouts"], batch_id="bat_lost", affiliate_id="mem_tendai")
    head = find(n["ledger"], transaction_id=payout["payout_id"], line="head")
    n["ledger"].remove(head)
    del head["rebooked_at"]
    n["ledger"].append(head)


FILE = {"I28"}


@pytest.mark.parametrize(
    ("spoil", "invariants"),
    [
        (a_file_lost, FILE),
        (a_batch_lost_with_all_it_posted, {"I28", "I5"}),
        (a_file_of_a_batch_never_seen, FILE),
        (a_file_of_a_batch_cancelled, FILE),
        (a_file_of_a_batch_planned, FILE),
        (another_byte_in_a_file, FILE),
        (another_amount_in_a_file, FILE),
        (a_row_left_out_of_a_file, FILE),
        (a_row_twice_in_a_file, FILE),
        (another_affiliate_in_a_file, FILE),
        (another_currency_in_a_file, FILE),
        (a_row_of_another_batch_in_a_file, FILE),
        (a_file_that_is_no_text, FILE),
        (a_rebooking_left_half_way, FILE),
        (a_debit_from_a_file_in_a_batch_that_was_not, {"I28", "I10"}),
        (a_debit_beyond_what_is_due_that_is_of_no_file, {"I10", "I26"}),
    ],
    ids=lambda case: getattr(case, "__name__", "").replace("_", " "),
)
def test_the_auditor_names(
    network: Network, spoil: Callable[[Network], None], invariants: set[str]
) -> None:
    spoil(network)
    assert {finding.invariant for finding in audited(network).findings} == invariants


def test_a_batch_that_is_approved_may_have_its_file_already(network: Network) -> None:
    """Export writes the file first; what it has not marked yet is none of the file's business."""
    batch = find(network["payouts"], batch_id="bat_lost", item="batch")
    batch["status"] = "approved"
    del batch["sha256"]
    assert audited(network).findings == ()


def test_without_the_bucket_the_tables_are_checked_alone(network: Network) -> None:
    del network["files"]
    assert audited(network).findings == ()
