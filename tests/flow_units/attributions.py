"""What the tests of attribution put into the small network, and what they ask of a conversion."""

from dataclasses import asdict, replace
from datetime import timedelta

from linkage.domain import clock
from linkage.domain.clicks.known_clicks import Click
from linkage.domain.conversions.conversions import Conversion
from linkage.domain.people.customers import Customer
from linkage.tables.dynamodb import transactions
from tests.domain.examples import MEMBER
from tests.flow_units.network import VENDOR, Network

BUYER = Customer(phone="+263773000001", email="buyer@example.com", vendor_customer_id="c-1")
CLIENT = Customer(phone="+263773123123")
BOB = replace(MEMBER, member_id="mem_bob", name="Bob", phone="+263773999999")


def put_click(network: Network, name: str, affiliate_id: str, **ago: float) -> None:
    clicked_at = clock.text(network.moment - timedelta(**ago))
    click = Click(f"clk_{name}", "abcdefgh", "prg_now", VENDOR, affiliate_id, clicked_at)
    transactions.write([transactions.put_new("clicks", asdict(click), "click_id")])


def won(conversion: Conversion) -> tuple[str | None, str | None]:
    """The model that won, and for whom."""
    return conversion.attribution.model, conversion.attribution.affiliate_id
