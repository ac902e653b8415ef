"""A confirmed conversion with its terms and all that its confirmation saw."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from linkage_cli.ledger.audit.counted import quantity_of
from linkage_cli.ledger.audit.counts import Tally, period_of, tallies_in
from linkage_cli.ledger.audit.stored import Fact, Item, UnreadableError, whole
from linkage_cli.ledger.audit.terms import Terms

HOLD_OF_THE_NETWORK = 2
"""The version of the rules from which on the settings' `hold_days_min` holds."""


@dataclass(frozen=True)
class Sale:
    """One confirmed conversion; `moment` is when it happened, in UTC.

    `month` is the UTC month in which its confirmation was accepted, `limits` what that might cost
    its vendor by currency, `is_released` whether an operator decided it against them.
    """

    conversion_id: str
    vendor_id: str
    program_id: str
    program: Item
    settings: Item
    event: str
    amount_minor: int
    currency: str
    occurred_at: str
    moment: datetime
    items: tuple[tuple[int, str | None], ...]
    customer_keys: tuple[str, ...]
    affiliate_id: str | None
    model: str | None
    coupon: str | None
    standing: Mapping[str, Any] | None
    upline: tuple[Mapping[str, Any], ...]
    tallies: Mapping[str, Tally]
    refunded_minor: int
    due_on: str
    quantity: int
    month: str
    limits: Mapping[str, int]
    is_released: bool
    rules: int
    accepted_on: str
    introduction: Mapping[str, Any] | None
    by_introduction: bool
    new_contacts: int
    introduces_nobody: bool

    @property
    def day(self) -> str:
        """The UTC date it happened on."""
        return self.moment.date().isoformat()

    @property
    def earns(self) -> bool:
        """Whether it has a commission at all, be it of 0."""
        return self.affiliate_id is not None and is_approved(self.standing)

    @property
    def is_rewarded(self) -> bool:
        """Whether the program's rewards decide on it, not the introducer's rate."""
        return self.earns and self.model != "introducer"

    def tally(self, name: str) -> Tally:
        """A tally as the confirmation saw it; one it did not see is as if it never moved."""
        return self.tallies.get(name, Tally(name))


def is_approved(standing: Mapping[str, Any] | None) -> bool:
    """Whether a member was there and approved."""
    return standing is not None and standing["status"] == "approved"


def sale_of(report: Fact, confirming: Fact, terms: Terms) -> Sale:
    """Everything its facts and terms say of it; raises UnreadableError."""
    attribution, seen = report.nested("attribution"), confirming.nested("seen")
    if seen is None:
        raise UnreadableError("its confirmation says nothing of what it saw")
    program = terms.program(report.text("program_id"), report.whole("program_version"))
    occurred_at = report.values.get("occurred_at") or report.accepted_at
    confirmed = datetime.fromisoformat(confirming.accepted_at).astimezone(UTC)
    settings = terms.settings_of(report.whole("settings_version"))
    hold_days = whole(program, "hold_days")
    if confirming.rules >= HOLD_OF_THE_NETWORK:
        hold_days = max(hold_days, settings.get("hold_days_min", 0))
    introduction = attribution.get("introduction")
    return Sale(
        conversion_id=report.conversion_id,
        vendor_id=report.text("vendor_id"),
        program_id=report.text("program_id"),
        program=program,
        settings=settings,
        event=report.text("event"),
        amount_minor=report.whole("amount_minor"),
        currency=report.text("currency"),
        occurred_at=occurred_at,
        moment=datetime.fromisoformat(occurred_at).astimezone(UTC),
        items=tuple(
            (whole(item, "amount_minor"), item.get("category"))
            for item in report.nested("items") or ()
        ),
        customer_keys=tuple(report.nested("customer_keys") or ()),
        affiliate_id=attribution["affiliate_id"],
        model=attribution["model"],
        coupon=attribution.get("coupon"),
        standing=seen["affiliate"],
        upline=tuple(seen.get("upline") or ()),
        tallies=tallies_in(seen.get("tallies")),
        refunded_minor=confirming.whole("refunded_before_minor"),
        due_on=max(
            (confirmed.date() + timedelta(days=hold_days)).isoformat(),
            (introduction or {"due_on": ""})["due_on"],
        ),
        quantity=quantity_of(report),
        month=period_of(confirmed, "month"),
        limits=seen.get("limits") or {},
        is_released="released_by" in confirming.values,
        rules=confirming.rules,
        accepted_on=confirmed.date().isoformat(),
        introduction=introduction,
        by_introduction=any(
            each["won"] and (each["model"] == "introducer" or each.get("introduced"))
            for each in attribution.get("candidates") or ()
        ),
        new_contacts=(
            confirming.whole("new_contacts") if "new_contacts" in confirming.values else 0
        ),
        introduces_nobody=bool(confirming.values.get("introduces_nobody")),
    )
