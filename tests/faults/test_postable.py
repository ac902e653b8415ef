"""What is accepted can be posted: terms that grow for ever, on a DynamoDB that has its limits."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from unittest.mock import patch

import hypothesis
import pytest
from botocore.exceptions import ClientError
from hypothesis import strategies as st

from linkage.domain import clock
from linkage.domain.commissions import tally_moves
from linkage.domain.commissions.commissions import (
    commission_of,
    confirmation_id,
    tallies_after_confirmation,
    tallies_after_refund,
)
from linkage.domain.commissions.ledger_transactions import (
    confirmation_transaction,
    refund_transaction,
)
from linkage.domain.conversions.conversions import REFUNDS_MAX, REPORT, Conversion, refund_key
from linkage.domain.conversions.requests import SentRefund
from linkage.domain.conversions.tallies import HeldBonus, Tally, counts_only, kind_of, measured
from linkage.domain.errors import ConflictError, InvalidFieldError, NotPostableError
from linkage.domain.ids import fingerprint
from linkage.domain.ledger.ledger import Balance, Transaction
from linkage.domain.terms.programs import Bonus
from linkage.flow.commissions.posting import post_fact
from linkage.flow.conversions import recording, vendor_decisions
from linkage.flow.conversions.postable import require_postable
from linkage.tables import ledger, ledger_entries, programs, settings
from linkage.tables.conversions import get_history, mark_posted
from linkage.tables.dynamodb import limits, transactions
from linkage.tables.tallies import move
from linkage_cli.ledger import ledger_check
from linkage_cli.ledger.audit import audit
from tests.aws_tables import forget_versions
from tests.domain.commissions.test_money_properties import now, refunds
from tests.domain.random_terms import MANY_HELD, Case, cases
from tests.faults.earlier import rules_of
from tests.faults.standin import Standin
from tests.flow_units import network as small
from tests.flow_units.network import ANN, ON_REPORT, SHOP, SPO, TOP, VENDOR, reported

VERSIONS = 144
"""So many due dates make one expression longer than 4 KB."""
LARGE = 10**9


@pytest.fixture
def standin() -> Iterator[Standin]:
    """The small network on the stand-in, at one moment of the year."""
    forget_versions()
    made, moment = Standin(), datetime(2026, 3, 1, 9, tzinfo=UTC)
    with made.serving(), patch.object(clock, "now", lambda: moment), patch("time.sleep"):
        settings.publish_settings(small.SETTINGS)
        small.put_members(SHOP, ANN, SPO, TOP)
        yield made
    forget_versions()


def sold(number: int, amount_minor: int) -> Conversion:
    conversion = recording.report(reported(f"o-{number}", amount_minor))[0]
    assert post_fact(conversion.conversion_id, REPORT)
    return conversion


def grown(versions: int = VERSIONS) -> Conversion:
    """One sale under each version, with a bonus and a hold of its own; the first and largest."""
    sales = []
    for number in range(versions):
        bonus = Bonus("volume", "year", 1_000_000 + number, 1, "USD")
        terms = replace(ON_REPORT, version=number + 1, hold_days=number, bonuses=(bonus,))
        programs.publish_program(terms)
        sales.append(sold(number, 1 if number else LARGE))
    return sales[0]


def refunded(conversion: Conversion, number: int, amount_minor: int) -> bool:
    body = {"external_id": f"r-{number}", "amount_minor": amount_minor}
    sent = SentRefund(f"r-{number}", amount_minor, "returned", fingerprint(body))
    vendor_decisions.refund(conversion.conversion_id, VENDOR, sent)
    return post_fact(conversion.conversion_id, refund_key(f"r-{number}"))


def balance() -> Balance:
    found = ledger.find_balance(ANN.member_id, "USD")
    assert found is not None
    return found


def findings() -> list[str]:
    tables = ledger_check.Tables(transactions.client, {noun: noun for noun in ledger_check.NOUNS})
    return list(map(str, audit(ledger_check.read(tables), clock.now()).findings))


@pytest.mark.usefixtures("standin")
def test_a_sale_that_reached_a_bonus_in_each_of_144_versions_is_refunded_and_posted() -> None:
    first = grown()
    assert balance().balance_minor == LARGE // 20 + tally_moves.HELD_MAX
    assert refunded(first, 1, LARGE)
    assert balance().balance_minor == 0
    assert findings() == []


@pytest.mark.usefixtures("standin")
def test_what_grew_before_there_was_a_bound_is_refunded_and_posted() -> None:
    with rules_of(1):
        first = grown()
    assert balance().balance_minor == LARGE // 20 + VERSIONS
    assert refunded(first, 1, LARGE)
    assert balance().balance_minor == 0
    assert findings() == []


@pytest.mark.usefixtures("standin")
def test_what_grew_could_not_be_posted_by_an_expression() -> None:
    with rules_of(1):
        first = grown()
    with (
        patch.object(ledger_entries, "is_put_whole", lambda _: False),
        pytest.raises(NotPostableError, match="bytes in one expression"),
    ):
        refunded(first, 1, LARGE)
    assert get_history(first.conversion_id).refunds == ()
    with (
        patch.object(ledger_entries, "is_put_whole", lambda _: False),
        patch.object(limits, "EXPRESSION_BYTES_MAX", 10**6),
        pytest.raises(ClientError, match="Expression size"),
    ):
        refunded(first, 1, LARGE)
    assert post_fact(first.conversion_id, refund_key("r-1"))
    assert findings() == []


@pytest.mark.usefixtures("standin")
def test_a_bonus_beyond_those_held_at_a_time_is_not_granted_and_the_head_says_so() -> None:
    first = grown(tally_moves.HELD_MAX + 1)
    last = get_history(sold_id(tally_moves.HELD_MAX)).conversion
    head = ledger.find_head(confirmation_id(last.conversion_id))
    assert head is not None
    assert head["why"][-1] == (
        "The affiliate's sales of 2026 now come to 10000000.24 USD, which reaches 10000.24 USD, "
        "but no more than 24 bonuses are held for them at a time: this one of 0.01 USD is not "
        "granted."
    )
    assert [each["kind"] for each in head["postings"]] == []
    refunded(first, 1, LARGE)
    terms = Bonus("volume", "year", 1, 7, "USD")
    programs.publish_program(replace(ON_REPORT, version=tally_moves.HELD_MAX + 2, bonuses=(terms,)))
    again = sold(99, 1)
    head = ledger.find_head(confirmation_id(again.conversion_id))
    assert head is not None
    assert [each["amount_minor"] for each in head["postings"]] == [7]
    assert findings() == []


@pytest.mark.usefixtures("standin")
def test_the_check_finds_a_bonus_beyond_those_held_at_a_time() -> None:
    grown(tally_moves.HELD_MAX)
    assert findings() == []
    one_more = Bonus("volume", "year", 1, 1, "USD")
    programs.publish_program(
        replace(ON_REPORT, version=tally_moves.HELD_MAX + 1, bonuses=(one_more,))
    )
    with patch.object(tally_moves, "HELD_MAX", tally_moves.HELD_MAX + 1):
        sold(99, 1)
    assert {"I6", "I20"} <= {finding.split()[0] for finding in findings()}


def sold_id(number: int) -> str:
    return recording.report(reported(f"o-{number}", 1))[0].conversion_id


def later_release(name: str, value: Any) -> dict[str, Any]:
    """Writes what a later release may store beside a balance, and the whole item as it is now."""
    key = {"account": f"affiliate:{ANN.member_id}", "line": "balance#USD"}
    transactions.client.update_item(
        TableName="ledger",
        Key=transactions.to_wire(key),
        UpdateExpression=f"SET {name} = :value",
        ExpressionAttributeValues={":value": value},
    )
    answer = transactions.client.get_item(TableName="ledger", Key=transactions.to_wire(key))
    return dict(answer["Item"])


@pytest.mark.usefixtures("standin")
def test_what_a_later_release_stores_beside_a_balance_stays_where_it_is_put_whole() -> None:
    with rules_of(1):
        first = grown()
    kept = {"M": {"share": {"N": "7"}, "of": {"L": [{"S": "x"}]}}}
    later_release("reserved", kept)
    refunded(first, 1, LARGE)
    assert balance().of_later_release == {"reserved": kept}


@pytest.mark.usefixtures("standin")
def test_a_balance_that_moves_meanwhile_is_read_and_put_again() -> None:
    with rules_of(1):
        first = grown()
    meddled: list[str] = []
    real = transactions.write

    def write(operations: Any, **how: Any) -> None:
        if not meddled and any(is_balance_put(each) for each in operations):
            meddled.append(sold(1_000, 500).conversion_id)
        real(operations, **how)

    with patch.object(transactions, "write", write):
        assert refunded(first, 1, LARGE)
    assert len(meddled) == 1
    assert balance().balance_minor == 25
    assert findings() == []


def is_balance_put(operation: Any) -> bool:
    item = operation.get("Put", {}).get("Item", {})
    return "line" in item and item["line"]["S"].startswith("balance#")


@pytest.mark.usefixtures("standin")
def test_what_was_posted_before_is_false_also_where_a_balance_is_put_whole() -> None:
    with rules_of(1):
        first = grown()
    refunded(first, 1, LARGE)
    assert not post_fact(first.conversion_id, refund_key("r-1"))
    assert balance().balance_minor == 0


@pytest.mark.usefixtures("standin")
def test_after_a_hundred_refunds_one_more_gives_all_the_rest_back() -> None:
    programs.publish_program(ON_REPORT)
    sale = sold(1, 10_000)
    for number in range(REFUNDS_MAX):
        assert refunded(sale, number, 7)
    with pytest.raises(InvalidFieldError, match=r"93\.00 USD\. Send amount_minor 9300") as refused:
        refunded(sale, 100, 7)
    assert refused.value.code == "too_many_refunds"
    assert not refunded(sale, 99, 7)
    assert refunded(sale, 100, 9_300)
    assert balance().balance_minor == 0
    assert findings() == []


@pytest.mark.usefixtures("standin")
def test_what_cannot_be_posted_is_not_accepted() -> None:
    programs.publish_program(ON_REPORT)
    with (
        patch.object(limits, "TRANSACTION_ITEMS_MAX", 5),
        pytest.raises(ConflictError, match="of which the database takes 5") as refused,
    ):
        recording.report(reported("o-1", 10_000))
    assert refused.value.code == "not_postable"
    assert transactions.client.scan(TableName="conversions")["Items"] == []


@hypothesis.settings(deadline=None, derandomize=True, max_examples=120)
@hypothesis.given(cases(), st.data())
def test_whatever_terms_accept_is_posted_by_one_transaction(
    case: Case, data: st.DataObject
) -> None:
    """Between confirmation and refunds other sales bring bonuses, under as many versions."""
    conversion, confirmed, program, network = case
    commission, _ = commission_of(*case)
    with Standin().serving():
        post_whole(confirmation_transaction(*case), REPORT)
        present = moved(confirmed.seen.tallies, tallies_after_confirmation(*case))
        others = data.draw(st.sampled_from((0, tally_moves.HELD_MAX, MANY_HELD)))
        present = tuple(with_bonuses(tally, others) for tally in present)
        for each in data.draw(refunds(case)):
            given_back = replace(each, tallies=present)
            transaction = refund_transaction(conversion, given_back, commission)
            post_whole(transaction, refund_key(each.external_id))
            after = tallies_after_refund(conversion, confirmed, given_back, program, network)
            present = moved(present, after)


def with_bonuses(tally: Tally, most: int) -> Tally:
    """A sales tally with the highest targets it has reached, each due on a day of its own."""
    if kind_of(tally.name) != "sales":
        return tally
    unit = "USD" if counts_only(tally.name) else tally.name.rpartition("#")[2]
    taken = {(bonus.target, bonus.currency) for bonus in tally.held}
    free = [n for n in range(measured(tally), 0, -1)[: 2 * most] if (n, unit) not in taken]
    due = [(date(2026, 1, 1) + timedelta(days=n)).isoformat() for n in range(most)]
    added = (HeldBonus(n, 1, unit, on) for n, on in zip(free[:most], due, strict=False))
    return replace(tally, version=tally.version + 1, held=(*tally.held, *added))


def post_whole(transaction: Transaction, fact: str) -> None:
    """Accepts that a fact can be posted, and posts it at once."""
    require_postable(transaction, "cnv_1", fact)
    accepted = {"conversion_id": "cnv_1", "fact": fact, "unposted": "unposted#1"}
    transactions.write([transactions.put_new("conversions", accepted, "conversion_id")])
    assert ledger.post(transaction, also=[mark_posted("cnv_1", fact)])


def moved(before: tuple[Tally, ...], written: tuple[Tally, ...]) -> tuple[Tally, ...]:
    """All tallies once the changed ones are written, which one transaction can do."""
    limits.require_within([move(tally) for tally in written])
    return now(before, written)
