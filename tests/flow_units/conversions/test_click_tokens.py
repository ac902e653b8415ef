"""A report with a click of the edge is attributed as with a stored one, and reads no click."""

import json
import os
from datetime import timedelta

import pytest

from linkage.domain.clicks.click_tokens import Owners
from linkage.tables.clicks import reading_click
from linkage.tables.dynamodb.batch_reads import read
from tests.edge.tokens import token_of
from tests.flow_units.attributions import BUYER, put_click, won
from tests.flow_units.network import VENDOR, Network, table

OWNERS = Owners("abcdefgh", "prg_now", VENDOR, "mem_ann")
(KEY,) = json.loads(os.environ["CLICK_TOKEN_KEYS"]).values()


def token(network: Network, owners: Owners = OWNERS, days: int = 1, secret: str = KEY) -> str:
    at = network.moment - timedelta(days=days)
    return token_of(owners, {"sub1": "flyer"}, at, "a request", "1", secret)


def test_a_click_of_the_edge_is_attributed_as_a_stored_one(network: Network) -> None:
    put_click(network, "stored", "mem_ann", days=1)
    stored = network.report("o-1", 10_000, click_id="clk_stored", affiliate_id=None)
    network.restore()
    signed = network.report("o-1", 10_000, click_id=token(network), affiliate_id=None)
    assert won(stored) == won(signed) == ("click", "mem_ann")
    assert signed.attribution.click is not None
    assert signed.attribution.click.sub == {"sub1": "flyer"}


def test_its_click_is_read_from_no_table(network: Network) -> None:
    for click_id in (token(network), token(network, secret="forged"), "imp_1", "clt_"):
        assert reading_click(click_id).places == ()
    assert reading_click("clk_1").places != ()


def test_it_can_be_older_than_the_program_allows(network: Network) -> None:
    late = network.report("o-1", 10_000, click_id=token(network, days=400), affiliate_id=None)
    assert won(late) == (None, None)


@pytest.mark.parametrize("change", ["forged", "altered", "truncated"])
def test_what_was_not_signed_by_the_network_is_no_click(network: Network, change: str) -> None:
    good = token(network)
    sent = {
        "forged": token(network, secret="another secret"),
        "altered": good.replace(".ann.", ".bob."),
        "truncated": good[:-1],
    }[change]
    conversion = network.report("o-1", 10_000, click_id=sent, affiliate_id=None)
    unknown = network.report("o-2", 10_000, click_id="clk_unknown", affiliate_id=None)
    assert won(conversion) == won(unknown) == (None, None)
    assert [each.why for each in conversion.attribution.candidates] == [
        each.why for each in unknown.attribution.candidates
    ]


def test_an_impression_is_not_accepted_as_a_click(network: Network) -> None:
    put_click(network, "seen", "mem_ann", days=1)
    assert [item["click_id"] for item in table("clicks")] == ["clk_seen"]
    assert read(reading_click("imp_seen")) is None


def test_a_click_of_the_edge_is_kept_for_a_later_purchase(network: Network) -> None:
    network.report("o-1", 10_000, click_id=token(network), affiliate_id=None, customer=BUYER)
    later = network.report("o-2", 10_000, affiliate_id=None, customer=BUYER)
    assert won(later)[1] == "mem_ann"
