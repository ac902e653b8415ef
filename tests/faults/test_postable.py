"""What is accepted can be posted: terms that grow for ever, on a DynamoDB that has its limits."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import pytest
from botocore.exceptions import ClientError

from linkage import clock, moves
from linkage.commissions import confirmation_id
from linkage.conversions import REFUNDS_MAX, REPORT, Conversion, refund_key
from linkage.errors import ConflictError, InvalidFieldError, NotPostableError
from linkage.flow import deciding, recording
from linkage.flow.posting import post_fact
from linkage.ids import fingerprint
from linkage.ledger import Balance
from linkage.programs import Bonus
from linkage.requests import SentRefund
from linkage.tables import entries, ledger, limits, programs, settings, transactions
from linkage.tables.conversions import get_history
from linkage_cli import ledger_check
from linkage_cli.audit import audit
from tests.aws_tables import forget_versions
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
    deciding.refund(conversion.conversion_id, VENDOR, sent)
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
    assert balance().balance_minor == LARGE // 20 + moves.HELD_MAX
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
        patch.object(entries, "is_put_whole", lambda _: False),
        pytest.raises(NotPostableError, match="bytes in one expression"),
    ):
        refunded(first, 1, LARGE)
    assert get_history(first.conversion_id).refunds == ()
    with (
        patch.object(entries, "is_put_whole", lambda _: False),
        patch.object(limits, "EXPRESSION_BYTES_MAX", 10**6),
        pytest.raises(ClientError, match="Expression size"),
    ):
        refunded(first, 1, LARGE)
    assert post_fact(first.conversion_id, refund_key("r-1"))
    assert findings() == []


@pytest.mark.usefixtures("standin")
def test_a_bonus_beyond_those_held_at_a_time_is_not_granted_and_the_head_says_so() -> None:
    first = grown(moves.HELD_MAX + 1)
    last = get_history(sold_id(moves.HELD_MAX)).conversion
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
    programs.publish_program(replace(ON_REPORT, version=moves.HELD_MAX + 2, bonuses=(terms,)))
    again = sold(99, 1)
    head = ledger.find_head(confirmation_id(again.conversion_id))
    assert head is not None
    assert [each["amount_minor"] for each in head["postings"]] == [7]
    assert findings() == []


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
