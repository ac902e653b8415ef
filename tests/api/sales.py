"""Conversions and payouts as the other functions store them, for the routes that read them."""

from dataclasses import replace
from datetime import date
from typing import Any

from linkage.domain import clock, ids
from linkage.domain.clicks.known_clicks import Click
from linkage.domain.conversions.requests import Report, SentRefund
from linkage.domain.ids import fingerprint
from linkage.domain.payouts.payouts import Batch, Page, Payout, debit_of, debit_transaction, decide
from linkage.domain.people.customers import Customer
from linkage.flow.commissions import posting
from linkage.flow.conversions import recording, vendor_decisions
from linkage.tables import ledger, payout_batches, payouts
from linkage.tables.clicks import ClickItem
from linkage.tables.members import get_member
from tests.api.conftest import Network


def click(network: Network, program_id: str, affiliate_id: str) -> str:
    """The id of a click stored just now."""
    values = Click(
        click_id=ids.created("clk"),
        code="abcdefgh",
        program_id=program_id,
        vendor_id=network.vendor.member_id or "",
        affiliate_id=affiliate_id,
        clicked_at=clock.text(clock.now()),
    )
    ClickItem(
        values.click_id,
        code=values.code,
        program_id=values.program_id,
        vendor_id=values.vendor_id,
        affiliate_id=values.affiliate_id,
        clicked_at=values.clicked_at,
    ).save()
    return values.click_id


def sale(
    network: Network,
    program_id: str,
    *,
    external_id: str = "order 1",
    click_id: str | None = None,
    named: str | None = None,
    confirmed: bool = True,
    posted: bool = True,
    phone: str = "+263712000111",
    **changes: Any,
) -> str:
    """The id of a sale of 125.00 USD by the network's vendor, or of what the changes make of it."""
    sent = Report(
        vendor_id=network.vendor.member_id or "",
        program_id=program_id,
        event="sale",
        external_id=external_id,
        amount_minor=12500,
        currency="USD",
        fingerprint=fingerprint(external_id),
        click_id=click_id,
        affiliate_id=named,
        customer=Customer(phone=phone),
        metadata={"till": "harare 7"},
    )
    conversion, _ = recording.report(replace(sent, **changes))
    if confirmed:
        vendor_decisions.confirm(conversion.conversion_id, None)
        if posted:
            posting.post_fact(conversion.conversion_id, "confirmation")
    return conversion.conversion_id


def refund(conversion_id: str, amount_minor: int, external_id: str | None = None) -> None:
    """A refund of a confirmed sale, posted."""
    name = external_id or f"refund {amount_minor}"
    sent = SentRefund(name, amount_minor, "broken tiles", "fingerprint")
    _, accepted, _ = vendor_decisions.refund(conversion_id, None, sent)
    if accepted.posts:
        posting.post_fact(conversion_id, "refund#" + ids.digest(accepted.external_id))


def batch(cutoff: str, **changes: str) -> Batch:
    """A batch in USD through a date, still being planned."""
    made = Batch(
        batch_id=ids.created("bat"),
        currency="USD",
        cutoff=cutoff,
        status="planning",
        created_at=clock.text(clock.now()),
        created_by="key_1",
    )
    made = replace(made, **changes)
    payout_batches.put_batch(made)
    return made


def paid_out(made: Batch, *affiliate_ids: str) -> list[Payout]:
    """The payouts of a batch that has one page with these affiliates, and closed it."""
    page = Page(made.batch_id, 1, affiliate_ids)
    payout_batches.put_page(page)
    debited, skipped = [], {}
    for affiliate_id in affiliate_ids:
        balance = ledger.find_balance(affiliate_id, "USD")
        decided = decide(made, get_member(affiliate_id), balance, 1)
        if isinstance(decided, Payout):
            assert balance is not None
            transaction = debit_transaction(decided, made, balance)
            written = ledger.put_debit(debit_of(decided, made, balance))
            also = [*payouts.put_payout(decided, page), written]
            ledger.post(transaction, closing=balance, also=also)
            debited.append(decided)
        else:
            skipped[affiliate_id] = decided.reason
    assert payout_batches.close_page(page, debited, skipped)
    return debited


FAR = date(2999, 1, 1).isoformat()
