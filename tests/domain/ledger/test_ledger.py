from datetime import date

import pytest

from linkage.domain.errors import LedgerError
from linkage.domain.ledger.ledger import (
    Balance,
    Line,
    Posting,
    Transaction,
    affiliate_in,
    dated_lines,
    lines_due_on,
)

POSTING = Posting("vendor:v", "affiliate:a", 5, "USD", "commission")


@pytest.mark.parametrize(
    ("source", "target", "amount_minor"),
    [
        pytest.param("vendor:v", "affiliate:a", 0, id="nothing"),
        pytest.param("vendor:v", "affiliate:a", -5, id="less than nothing"),
        pytest.param("affiliate:a", "affiliate:a", 5, id="to itself"),
    ],
)
def test_a_posting_moves_something_between_two_accounts(
    source: str, target: str, amount_minor: int
) -> None:
    with pytest.raises(LedgerError, match="positive amount between two accounts"):
        Posting(source, target, amount_minor, "USD", "commission")


def test_the_dues_of_a_line_add_up_to_it() -> None:
    with pytest.raises(LedgerError, match="due dates"):
        Line("a", "USD", 5, {"2026-11-21": 4}, (("commission", 0, 5),))


def test_the_parts_of_a_line_add_up_to_it() -> None:
    with pytest.raises(LedgerError, match="parts"):
        Line("a", "USD", 5, {"2026-11-21": 5}, (("commission", 0, 4),))


def test_postings_to_one_affiliate_are_one_line_of_several_parts() -> None:
    postings = (
        POSTING,
        Posting("network:fees", "affiliate:a", 2, "USD", "override", 1),
        Posting("vendor:v", "network:fees", 3, "USD", "fee"),
        Posting("affiliate:b", "vendor:v", 4, "USD", "clawback"),
        Posting("vendor:v", "affiliate:a", 7, "ZWG", "commission"),
    )
    lines = lines_due_on(postings, "2026-12-05")
    assert [(line.affiliate_id, line.currency, line.amount_minor) for line in lines] == [
        ("a", "USD", 7),
        ("a", "ZWG", 7),
        ("b", "USD", -4),
    ]
    assert lines[0].parts == (("commission", 0, 5), ("override", 1, 2))
    assert all(dict(line.dues) == {"2026-12-05": line.amount_minor} for line in lines)


def test_postings_of_different_due_dates_are_one_line_of_several_dues() -> None:
    postings = [
        (Posting("affiliate:a", "vendor:v", 4, "USD", "clawback"), "2026-12-05"),
        (Posting("affiliate:a", "vendor:v", 7, "USD", "bonus_return"), "2026-11-30"),
        (Posting("affiliate:a", "affiliate:b", 1, "USD", "split_return"), "2026-12-05"),
    ]
    first, second = dated_lines(postings)
    assert first.dues == {"2026-11-30": -7, "2026-12-05": -5}
    assert first.parts == (("clawback", 0, -4), ("bonus_return", 0, -7), ("split_return", 0, -1))
    assert second.dues == {"2026-12-05": 1}


@pytest.mark.parametrize(
    ("through", "payable"),
    [("2026-11-20", 0), ("2026-11-21", 5), ("2026-11-30", 2), ("2027-01-01", 102)],
)
def test_what_is_due_counts_from_its_date_on(through: str, payable: int) -> None:
    dues = {"2026-11-21": 5, "2026-11-22": -3, "2026-12-31": 100}
    balance = Balance("a", "USD", 102, 3, dues)
    assert balance.payable_minor(date.fromisoformat(through)) == payable


def test_only_an_affiliates_account_names_one() -> None:
    accounts = ["affiliate:a", "vendor:a", "network:fees", "payouts:b", "bank"]
    assert [affiliate_in(each) for each in accounts] == ["a", None, None, None, None]


def test_a_fingerprint_is_of_the_postings_and_not_of_when_they_were_accepted() -> None:
    earlier = Transaction("t", "commission", "2026-11-21T09:12:00.000Z", (POSTING,), ())
    later = Transaction("t", "commission", "2026-11-22T09:12:00.000Z", (POSTING,), ())
    other = Transaction("t", "commission", earlier.accepted_at, (POSTING, POSTING), ())
    assert earlier.fingerprint == later.fingerprint != other.fingerprint
