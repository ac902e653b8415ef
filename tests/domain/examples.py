"""The network the domain tests speak of: one of everything, to be changed by `replace`."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

from linkage.domain.commissions.shares import Commission
from linkage.domain.commissions.uplines import Level
from linkage.domain.conversions.attribution import Attribution
from linkage.domain.conversions.conversions import CONFIRMATION, Confirmation, Conversion, Refund
from linkage.domain.conversions.standing import Seen, Standing
from linkage.domain.ledger.ledger import NETWORK_FEES, Posting
from linkage.domain.people.api_keys import Key
from linkage.domain.people.members import Member
from linkage.domain.terms.network import NetworkSettings
from linkage.domain.terms.programs import Program, Reward
from tests import oracle

VENDOR, AFFILIATE = "mem_vendor", "mem_affiliate"
UPLINE = ("mem_level1", "mem_level2", "mem_level3", "mem_level4", "mem_level5")
NOW = datetime(2026, 11, 21, 9, 12, 0, 123000, tzinfo=UTC)

MEMBER = Member(
    member_id=AFFILIATE,
    name="Tendai Moyo",
    roles=("affiliate",),
    status="approved",
    created_at="2026-01-05T08:00:00.000Z",
    payout_method={"type": "mobile_money", "provider": "EcoCash", "phone": "+263773047653"},
)
PROGRAM = Program(
    program_id="prg_1",
    version=1,
    vendor_id=VENDOR,
    name="Roofing sheets",
    destination_url="https://shop.example/",
    rewards=(Reward("sale", rate_bps=500),),
    window_days=30,
    hold_days=14,
    confirmation="manual",
    introducer_rate_bps=100,
    created_at="2026-01-05T08:00:00.000Z",
)
SETTINGS = NetworkSettings(version=1)
CONVERSION = Conversion(
    conversion_id="cnv_1",
    vendor_id=VENDOR,
    program_id="prg_1",
    program_version=1,
    settings_version=1,
    event="sale",
    external_id="order-1",
    amount_minor=10_000,
    currency="USD",
    occurred_at="2026-11-20T09:59:00.000Z",
    reported_at="2026-11-20T10:00:00.000Z",
    fingerprint="f",
    attribution=Attribution(AFFILIATE, "click", None),
)
COMMISSION = Commission(
    vendor_id=VENDOR,
    affiliate_id=AFFILIATE,
    currency="USD",
    sale_minor=10_000,
    direct_minor=500,
    fee_bps=2000,
    levels=(Level(UPLINE[0], 1, 1000), Level(UPLINE[1], 2, 500)),
    overrides_from=NETWORK_FEES,
    due_on="2026-12-05",
)


def seen(affiliate: str = "approved", *upline: str) -> Seen:
    """What a fact saw: the affiliate's status and, nearest first, those of the upline."""
    above = tuple(Standing(each, status) for each, status in zip(UPLINE, upline, strict=False))
    return Seen(Standing(AFFILIATE, affiliate), above)


def confirmation(of: Seen | None = None, refunded_before_minor: int = 0) -> Confirmation:
    return Confirmation(
        conversion_id="cnv_1",
        fact=CONFIRMATION,
        accepted_at="2026-11-21T09:12:00.000Z",
        sequence=0,
        refunded_before_minor=refunded_before_minor,
        seen=of or seen("approved", "approved", "approved"),
    )


def refund(amount_minor: int, before_minor: int = 0, external_id: str = "r-1") -> Refund:
    return Refund(
        conversion_id="cnv_1",
        external_id=external_id,
        amount_minor=amount_minor,
        reason="returned",
        accepted_at="2026-11-22T09:12:00.000Z",
        sequence=1,
        refunded_before_minor=before_minor,
        posts=True,
        fingerprint="f",
    )


_ROLES = {
    f"vendor:{VENDOR}": "vendor",
    NETWORK_FEES: "fees",
    f"affiliate:{AFFILIATE}": "affiliate",
    **{f"affiliate:{each}": f"level{level}" for level, each in enumerate(UPLINE, start=1)},
}


def changes(postings: Iterable[Posting]) -> Counter[str]:
    """What postings change, in the oracle's names of accounts."""
    return oracle.moved((_ROLES[p.source], _ROLES[p.target], p.amount_minor) for p in postings)


def operator(key_id: str, created_at: str = "2026-01-01T00:00:00.000Z", person: str = "") -> Key:
    """An operator's key."""
    return Key(key_id, "operator", None, "", created_at, person=person)
