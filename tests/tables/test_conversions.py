from dataclasses import replace

import pytest

from linkage.domain.clicks.known_clicks import Click
from linkage.domain.conversions.attribution import Attribution, Candidate
from linkage.domain.conversions.conversions import REPORT, Item, Rejection, refund_key
from linkage.domain.conversions.standing import Seen, Standing
from linkage.domain.conversions.tallies import HeldBonus, Tally
from linkage.domain.errors import ConditionFailedError, NotFoundError
from linkage.domain.people.members import Split
from linkage.tables import conversion_items, conversions
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.batch_reads import read
from tests.domain.examples import CONVERSION, confirmation, refund, seen

pytestmark = pytest.mark.usefixtures("network")

CLICK = Click("clk_1", "abcdefgh", "prg_1", "mem_vendor", "mem_a", "2026-11-20T09:00:00.000Z",
              {"sub1": "é"})  # fmt: skip
RICH = replace(
    CONVERSION,
    attribution=Attribution(
        "mem_a",
        "click",
        None,
        (Candidate("click", "clk_1", "mem_a", True, "because"),
         Candidate("named", "mem_b", "mem_b", False, "the click comes first")),
        CLICK,
        coupon="SPRING",
    ),
    occurred_at="2026-11-19T09:00:00.000Z",
    items=(Item(6_000, "tiles", "T-1", 3), Item(4_000)),
    customer_keys=("phone_1", "own_1"),
    customer_aliases=("phone_1", "mailbox_1"),
    metadata={"till": "3"},
)  # fmt: skip
AWAITING = replace(RICH, confirm_at="2026-12-04T10:00:00.000Z")
TALLIES = (
    Tally("member#mem_a", 3, last_on="2026-11-01", recruited_by="cnv_0"),
    Tally(
        "sales#prg_1#mem_a#2026-11#USD", 7, 2, 900, held=(HeldBonus(500, 5, "USD", "2026-12-05"),)
    ),
)
SEEN = Seen(
    Standing("mem_a", "approved", groups=("gold",), splits=(Split("mem_e", 2_500),)),
    (Standing("mem_s", "approved", active=False, buyer=True, splits=(Split("mem_f", 1),)),),
    TALLIES,
)
CONFIRMED = replace(RICH, status="confirmed", sequence=1)


def unposted() -> set[tuple[str, str]]:
    return {
        (conversion_id, fact)
        for shard in range(conversions.UNPOSTED_SHARDS)
        for conversion_id, fact, _ in conversions.unposted_facts(shard, "2027")
    }


def awaiting(until: str = "2027") -> set[tuple[str, str]]:
    shards = range(conversions.AWAITING_SHARDS)
    return {each for shard in shards for each in conversions.awaiting_confirmation(shard, until)}


def put_pending() -> None:
    conversions.accept([conversions.put_report(RICH, None)])


def put_confirmed() -> None:
    put_pending()
    conversions.accept(conversions.put_confirmation(RICH, confirmation()))


def test_a_report_comes_back_as_it_was_put() -> None:
    put_pending()
    assert conversions.get_conversion("cnv_1") == RICH
    assert unposted() == set()
    assert read(conversions.reading_conversion("cnv_2")) is None
    with pytest.raises(NotFoundError):
        conversions.get_conversion("cnv_2")


def test_a_report_is_accepted_once() -> None:
    put_pending()
    with pytest.raises(ConditionFailedError):
        put_pending()


def test_a_report_that_confirms_itself_is_one_fact_to_post() -> None:
    by_report = replace(confirmation(), fact=REPORT)
    confirmed = replace(RICH, status="confirmed")
    conversions.accept([conversions.put_report(confirmed, by_report)])
    history = conversions.get_history("cnv_1")
    assert history.conversion == confirmed
    assert history.confirmation is not None
    assert (history.confirmation.fact, history.confirmation.seen) == (REPORT, by_report.seen)
    assert unposted() == {("cnv_1", REPORT)}


def test_a_confirmation_keeps_what_it_saw_and_moves_the_conversion() -> None:
    put_confirmed()
    history = conversions.get_history("cnv_1")
    assert history.conversion == CONFIRMED
    assert history.confirmation == confirmation(seen("approved", "approved", "approved"))
    assert unposted() == {("cnv_1", "confirmation")}


def test_a_fact_decided_on_an_older_state_is_not_accepted() -> None:
    put_confirmed()
    with pytest.raises(ConditionFailedError):
        conversions.accept(conversions.put_refund(RICH, refund(100)))
    rejection = Rejection("cnv_1", "2026-11-22T09:00:00.000Z", 0, "fraud")
    with pytest.raises(ConditionFailedError):
        conversions.accept(conversions.put_rejection(RICH, rejection))
    history = conversions.get_history("cnv_1")
    assert (history.rejection, history.refunds) == (None, ())


def test_refunds_come_in_the_order_they_were_accepted() -> None:
    put_confirmed()
    now = CONFIRMED
    for number, external_id in enumerate(("z", "a", "m"), start=1):
        new = replace(refund(100, now.refunded_minor, external_id), sequence=now.sequence)
        conversions.accept(conversions.put_refund(now, new))
        now = replace(now, refunded_minor=number * 100, sequence=now.sequence + 1)
    history = conversions.get_history("cnv_1")
    assert history.conversion == now
    assert [each.external_id for each in history.refunds] == ["z", "a", "m"]
    assert [each.refunded_before_minor for each in history.refunds] == [0, 100, 200]
    assert history.refund(refund_key(" a ")) == history.refunds[1]
    assert history.refund(refund_key("b")) is None


def test_a_refund_before_the_confirmation_is_nothing_to_post() -> None:
    put_pending()
    conversions.accept(conversions.put_refund(RICH, replace(refund(100), posts=False, sequence=0)))
    assert unposted() == set()


def test_a_posted_fact_leaves_the_index() -> None:
    put_confirmed()
    transactions.write([conversions.mark_posted("cnv_1", "confirmation")])
    assert unposted() == set()
    transactions.write([conversions.mark_posted("cnv_1", "confirmation")])
    with pytest.raises(ConditionFailedError):
        transactions.write([conversions.mark_posted("cnv_2", "confirmation")])


def test_a_confirmation_keeps_all_it_saw() -> None:
    put_pending()
    silent = replace(confirmation(SEEN), silent=True)
    conversions.accept(conversions.put_confirmation(RICH, silent))
    assert conversions.get_history("cnv_1").confirmation == silent


def test_a_refund_keeps_the_tallies_it_saw() -> None:
    put_confirmed()
    refunded = replace(refund(100), tallies=TALLIES)
    conversions.accept(conversions.put_refund(CONFIRMED, refunded))
    assert conversions.get_history("cnv_1").refunds == (refunded,)


def test_what_silence_confirms_waits_until_then() -> None:
    conversions.accept([conversions.put_report(AWAITING, None)])
    assert conversions.get_conversion("cnv_1") == AWAITING
    assert awaiting("2026-12-04T10:00:00.000Z") == {("cnv_1", AWAITING.confirm_at)}
    assert awaiting("2026-12-04T09:59:59.999Z") == set()


def test_a_refund_leaves_a_conversion_waiting_and_each_decision_ends_it() -> None:
    rejection = Rejection("cnv_1", "2026-11-22T09:00:00.000Z", 1, "fraud", "fraud")
    refunded = replace(AWAITING, refunded_minor=100, sequence=1)
    for decided in (
        conversions.put_confirmation(refunded, replace(confirmation(), sequence=1)),
        conversions.put_rejection(refunded, rejection),
    ):
        conversions.accept([conversions.put_report(AWAITING, None)])
        before = replace(refund(100), posts=False, sequence=0)
        conversions.accept(conversions.put_refund(AWAITING, before))
        assert awaiting() == {("cnv_1", AWAITING.confirm_at)}
        conversions.accept(decided)
        assert awaiting() == set()
        assert conversions.get_conversion("cnv_1").confirm_at is None
        for item in conversion_items.ConversionItem.query("cnv_1"):
            item.delete()


def test_facts_stored_before_have_the_defaults() -> None:
    put_confirmed()
    conversions.accept(conversions.put_refund(CONFIRMED, refund(100)))
    added = {"items", "customer_aliases", "silent", "tallies"}
    for item in conversion_items.ConversionItem.query("cnv_1"):
        item.content = {name: item.content[name] for name in item.content.keys() - added}
        item.save()
    history = conversions.get_history("cnv_1")
    assert history.conversion == replace(
        CONFIRMED,
        items=(),
        customer_aliases=(),
        refunded_minor=100,
        sequence=2,
    )
    assert history.confirmation == confirmation()
    assert history.refunds == (refund(100),)


def test_a_rejection_is_kept_with_its_code_and_reason() -> None:
    put_pending()
    rejection = Rejection("cnv_1", "2026-11-22T09:00:00.000Z", 0, "stolen card", "fraud")
    conversions.accept(conversions.put_rejection(RICH, rejection))
    history = conversions.get_history("cnv_1")
    assert (history.rejection, history.conversion.status) == (rejection, "rejected")


@pytest.mark.parametrize(
    ("of", "status", "expected"),
    [
        ({"vendor_id": "mem_vendor"}, None, ["cnv_2", "cnv_1"]),
        ({"vendor_id": "mem_vendor"}, "confirmed", ["cnv_1"]),
        ({"vendor_id": "mem_other"}, None, ["cnv_3"]),
        ({"affiliate_id": "mem_a"}, None, ["cnv_1"]),
        ({"affiliate_id": "mem_b"}, "pending", ["cnv_2"]),
        ({}, None, ["cnv_1", "cnv_2", "cnv_3"]),
        ({}, "confirmed", ["cnv_1"]),
    ],
)
def test_conversions_are_listed_by_whose_they_are(
    of: dict[str, str], status: str | None, expected: list[str]
) -> None:
    put_confirmed()
    second = replace(
        RICH,
        conversion_id="cnv_2",
        reported_at="2026-11-21T00:00:00.000Z",
        attribution=Attribution("mem_b", "named", None),
    )
    third = replace(
        RICH,
        conversion_id="cnv_3",
        vendor_id="mem_other",
        attribution=Attribution(None, None, "no click"),
    )
    for each in (second, third):
        conversions.accept([conversions.put_report(each, None)])
    whose = {"vendor_id": None, "affiliate_id": None, **of}
    found, cursor = [], None
    while True:
        page = conversions.list_conversions(**whose, status=status, limit=1, cursor=cursor)
        found += [conversion.conversion_id for conversion in page.data]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert (found if of else sorted(found)) == expected
