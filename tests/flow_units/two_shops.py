"""A builder who confirms by hand, and a supplier beside it who pays introducers."""

from dataclasses import replace
from typing import Any

from linkage.domain.conversions.conversions import Conversion
from linkage.domain.people.customers import Customer
from linkage.domain.terms.programs import Reward
from linkage.tables import settings
from tests.flow_units.network import ON_REPORT, SHOP, Network, put_members, put_programs

CLIENT = Customer(phone="+263773000001")
SUPPLIER = replace(SHOP, member_id="mem_sup", name="Supplier")
BUILDING = replace(ON_REPORT, program_id="prg_build", confirmation="manual", hold_days=14)
SUPPLY = replace(
    ON_REPORT,
    program_id="prg_sup",
    vendor_id=SUPPLIER.member_id,
    introducer_rate_bps=500,
    hold_days=3,
)
SLOW = replace(SUPPLY, program_id="prg_slow", confirmation="manual")
EVERYTHING = replace(
    ON_REPORT,
    program_id="prg_all",
    hold_days=14,
    rewards=(
        Reward("sale", rate_bps=500, currency="USD"),
        Reward("lead", amount_minor=250, currency="USD"),
        Reward("signup", amount_minor=250, currency="USD"),
        Reward("install", amount_minor=250, currency="USD"),
    ),
)


def open_shops() -> None:
    """Puts the supplier and both shops' programs into the small network."""
    put_members(SUPPLIER)
    put_programs(BUILDING, SUPPLY, SLOW, EVERYTHING)


def publish(**changes: Any) -> None:
    """The next version of the settings."""
    now = settings.current_settings()
    settings.publish_settings(replace(now, version=now.version + 1, **changes))


def supplied(network: Network, name: str = "s-1", **changes: Any) -> Conversion:
    """The client buys of the supplier, who knows nobody."""
    values = {"program_id": SUPPLY.program_id, "affiliate_id": None, "customer": CLIENT, **changes}
    return network.report(name, 60_000, vendor_id=SUPPLIER.member_id, **values)
