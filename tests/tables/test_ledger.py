from dataclasses import asdict, replace
from datetime import date, timedelta
from typing import Any

import pytest

from linkage.domain.commissions.rewards import Part
from linkage.domain.commissions.uplines import Level, Recruitment
from linkage.domain.errors import ConditionFailedError, InvalidFieldError, LedgerError
from linkage.domain.ledger.ledger import Posting, Transaction, dated_lines, lines_due_on
from linkage.domain.payouts.payouts import Batch, Payout, debit_transaction, decide
from linkage.domain.people.members import Split
from linkage.tables import ledger, ledger_entries
from linkage.tables.dynamodb import transactions
from tests.domain.examples import COMMISSION, MEMBER

pytestmark = pytest.mark.usefixtures("network")


def earning(number: int, amount_minor: int, due_on: str = "2026-11-21", currency: str = "USD",
            affiliate_id: str = MEMBER.member_id) -> Transaction:  # fmt: skip
    target = f"affiliate:{affiliate_id}"
    postings = (
        Posting("vendor:v", target, amount_minor, currency, "commission")
        if amount_minor > 0
        else Posting(target, "vendor:v", -amount_minor, currency, "clawback"),
    )
    return Transaction(
        f"cnv_{number:04d}/confirmation",
        "commission",
        f"2026-11-21T09:00:00.{number:03d}Z",
        postings,
        lines_due_on(postings, due_on),
    )


def test_a_transaction_writes_its_head_its_line_and_the_balance() -> None:
    assert ledger.post(earning(1, 500, "2026-12-05")) is True
    head = ledger.find_head("cnv_0001/confirmation")
    assert head is not None
    assert head["postings"][0]["amount_minor"] == 500
    balance = ledger.find_balance(MEMBER.member_id, "USD")
    assert balance is not None
    assert (balance.balance_minor, balance.version) == (500, 1)
    assert dict(balance.dues) == {"2026-12-05": 500}
    assert (balance.payable_minor(date(2026, 12, 4)), balance.payable_minor(date(2026, 12, 5))) == (
        0,
        500,
    )


def test_the_same_transaction_again_is_false_and_moves_nothing() -> None:
    ledger.post(earning(1, 500))
    assert ledger.post(replace(earning(1, 500), accepted_at="2027-01-01T00:00:00.000Z")) is False
    (balance,) = ledger.list_balances(MEMBER.member_id)
    assert (balance.balance_minor, balance.version) == (500, 1)


def test_one_id_with_other_postings_is_refused() -> None:
    ledger.post(earning(1, 500))
    with pytest.raises(LedgerError, match="posted before with other postings"):
        ledger.post(earning(1, 501))
    (balance,) = ledger.list_balances(MEMBER.member_id)
    assert balance.balance_minor == 500


def test_a_commission_comes_back_from_its_head_with_all_a_refund_needs() -> None:
    commission = replace(
        COMMISSION,
        affiliate_fee_bps=100,
        levels=(Level("mem_s", 1, 1_000, (Split("mem_f", 5),)), Level("mem_t", 2, 500)),
        parts=(Part("tiles", 300),),
        splits=(Split("mem_e", 2_500),),
        recruitment=Recruitment("mem_s", 500, "JPY"),
    )
    for number, each in enumerate((COMMISSION, commission, None)):
        facts = {"commission": each and asdict(each)}
        ledger.post(replace(earning(number, 500), facts=facts))
        head = ledger.find_head(f"cnv_{number:04d}/confirmation")
        assert head is not None
        assert ledger.commission_in(head) == each


def test_a_condition_beside_the_transaction_stops_all_of_it() -> None:
    refused = transactions.update(
        "payouts",
        {"batch_id": "bat_1", "item": "batch"},
        "SET x = :x",
        condition="attribute_exists(batch_id)",
        values={":x": 1},
    )
    with pytest.raises(ConditionFailedError):
        ledger.post(earning(1, 500), also=[refused])
    assert ledger.find_head("cnv_0001/confirmation") is None
    assert ledger.find_balance(MEMBER.member_id, "USD") is None


def test_balances_are_kept_apart_by_currency_and_due_date() -> None:
    for number, (amount, due, currency) in enumerate(
        [(500, "2026-11-21", "USD"), (-200, "2026-11-21", "USD"), (7, "2026-11-30", "USD"),
         (90, "2026-11-21", "ZWG")]
    ):  # fmt: skip
        ledger.post(earning(number, amount, due, currency))
    balances = {each.currency: each for each in ledger.list_balances(MEMBER.member_id)}
    assert dict(balances["USD"].dues) == {"2026-11-21": 300, "2026-11-30": 7}
    assert (balances["USD"].balance_minor, balances["USD"].version) == (307, 3)
    assert dict(balances["ZWG"].dues) == {"2026-11-21": 90}


BATCH = Batch("bat_1", "USD", "2026-11-21", "planning", "2026-11-21T09:00:00.000Z", "key_1")


def test_a_debit_empties_the_balance_it_has_read_and_no_other() -> None:
    ledger.post(earning(1, 500))
    ledger.post(earning(2, 9, "2026-12-01"))
    balance = ledger.find_balance(MEMBER.member_id, "USD")
    assert balance is not None
    payout = decide(BATCH, MEMBER, balance, 1)
    assert isinstance(payout, Payout)
    debit = debit_transaction(payout, BATCH, balance)
    ledger.post(earning(3, 1))
    with pytest.raises(ConditionFailedError):
        ledger.post(debit, closing=balance)
    ledger.post(earning(4, -1))
    now = ledger.find_balance(MEMBER.member_id, "USD")
    assert now is not None
    assert ledger.post(debit, closing=now) is True
    (left,) = ledger.list_balances(MEMBER.member_id)
    assert (left.balance_minor, dict(left.dues)) == (9, {"2026-12-01": 9})


def test_lines_are_listed_newest_first_a_page_at_a_time() -> None:
    for number in range(5):
        ledger.post(earning(number, number + 1, currency="ZWG" if number == 3 else "USD"))
    amounts, cursor = [], None
    for _ in range(3):
        page = ledger.list_lines(MEMBER.member_id, None, 2, cursor)
        amounts += [line["amount_minor"] for line in page.data]
        cursor = page.next_cursor
    assert (amounts, cursor) == ([5, 4, 3, 2, 1], None)
    only = ledger.list_lines(MEMBER.member_id, "ZWG", 2, None)
    assert ([line["amount_minor"] for line in only.data], only.next_cursor) == ([4], None)


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(InvalidFieldError, match="next_cursor"):
        ledger.list_lines(MEMBER.member_id, None, 2, "balance#USD")


def test_the_open_index_names_each_affiliate_with_a_balance_once() -> None:
    for number in range(20):
        ledger.post(earning(number, 5, affiliate_id=f"mem_{number % 10}"))
    ledger.post(earning(20, 5, currency="ZWG"))

    def opened(currency: str, after: str | None = None) -> list[str]:
        shards: list[Any] = [
            list(ledger.open_accounts(currency, shard, after))
            for shard in range(ledger_entries.OPEN_SHARDS)
        ]
        assert all(shard == sorted(shard) for shard in shards)
        return sorted(each for shard in shards for each in shard)

    assert opened("USD") == [f"mem_{number}" for number in range(10)]
    assert opened("ZWG") == [MEMBER.member_id]
    assert opened("USD", "mem_4") == [f"mem_{number}" for number in range(5, 10)]


def test_a_balance_with_years_of_due_dates_closes_within_dynamodbs_limits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dues = {
        f"due_{year}{month:02d}{day:02d}": 1
        for year in (2024, 2025)
        for month in range(1, 13)
        for day in range(1, 26)
    }
    stored = {
        "account": f"affiliate:{MEMBER.member_id}",
        "line": "balance#USD",
        "currency": "USD",
        "balance_minor": len(dues) + 7,
        "version": len(dues) + 1,
        **dues,
        "due_20270101": 7,
        "of_a_later_release": {"kept": [1]},
    }
    transactions.client.put_item(TableName="ledger", Item=transactions.to_wire(stored))
    balance = ledger.find_balance(MEMBER.member_id, "USD")
    batch = Batch("bat_1", "USD", "2026-12-31", "planning", "2026-12-31T00:00:00.000Z", "key_1")
    payout = decide(batch, MEMBER, balance, 1)
    assert balance is not None
    assert isinstance(payout, Payout)

    sent: list[dict[str, Any]] = []
    write = transactions.write
    monkeypatch.setattr(transactions, "write", lambda each: (sent.extend(each), write(each)))
    ledger.post(debit_transaction(payout, batch, balance), closing=balance)
    expressions = [
        text
        for operation in sent
        for body in operation.values()
        for name, text in body.items()
        if name.endswith("Expression")
    ]
    assert max(len(text.encode()) for text in expressions) < 4096
    left = ledger.find_balance(MEMBER.member_id, "USD")
    assert left is not None
    assert (left.balance_minor, dict(left.dues)) == (7, {"2027-01-01": 7})
    kept = transactions.from_wire(left.of_later_release)
    assert kept == {"of_a_later_release": {"kept": [1]}}


def test_a_line_of_hundreds_of_due_dates_opens_a_balance_and_moves_one() -> None:
    days = [(date(2026, 1, 1) + timedelta(days=number)).isoformat() for number in range(300)]
    postings = [(Posting("vendor:v", f"affiliate:{MEMBER.member_id}", 5, "USD", "bonus"), on)
                for on in days]  # fmt: skip
    for number in (1, 2):
        transaction = replace(earning(number, 5), lines=dated_lines(postings))
        assert ledger.post(transaction) is True
        assert ledger.post(transaction) is False
    (balance,) = ledger.list_balances(MEMBER.member_id)
    assert (balance.balance_minor, balance.version) == (3_000, 2)
    assert dict(balance.dues) == dict.fromkeys(days, 10)
