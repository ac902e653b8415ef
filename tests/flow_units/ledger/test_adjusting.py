"""Adjustments and write-offs: once for each id, with a reason, by two persons with four eyes."""

from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from linkage.domain.errors import ConflictError, InvalidFieldError
from linkage.domain.ledger.adjustments import Adjustment
from linkage.domain.ledger.requests import SentAdjustment
from linkage.domain.people.api_keys import Key
from linkage.flow.approvals import approving
from linkage.flow.ledger.adjusting import adjust
from linkage.tables import ledger, settings
from linkage.tables.audit import list_records
from tests.domain.examples import operator
from tests.flow_units.audited import audited
from tests.flow_units.network import SETTINGS, Network, table

ONE, TWO = (replace(operator(f"key_{name}"), person=name.title()) for name in ("rudo", "farai"))
GIFT = SentAdjustment("mem_ann", "USD", 1_234, "adjustment", "for the fair in May")


def debt(network: Network) -> None:
    """Ann was paid 50.00 for a sale that was given back: she owes it."""
    sold = network.report("o-1", 100_000)
    network.deliver_facts()
    network.pay_all("bat_1", ann="paid", spo="paid", top="paid")
    network.refund(sold, "r-1", 100_000)
    network.deliver_facts()
    assert network.balances() == {"ann": -5_000, "spo": -500, "top": -250}


@pytest.mark.parametrize("amount_minor", [1_234, -1_234])
def test_an_adjustment_moves_a_balance_at_once_and_the_payee_reads_why(
    network: Network, amount_minor: int
) -> None:
    made, waits, replayed = adjust(replace(GIFT, amount_minor=amount_minor), "adj_1", ONE)
    assert (waits, replayed) == (None, False)
    assert network.balances() == {"ann": amount_minor}
    (line,) = ledger.list_lines("mem_ann", "USD", 9, None).data
    assert line["reason"] == "for the fair in May"
    assert line["adjustment_id"] == "adj_1"
    assert ledger.find_adjustment("adj_1") == made
    report = audited(network)
    assert report.findings == ()
    assert report.totals["USD"].adjustments == amount_minor
    (record,) = list_records(9, None, subject="member#mem_ann").data
    assert (record.action, record.by_person, record.why) == ("adjustment.made", "Rudo", None)


def test_the_same_again_is_the_first_and_anything_else_under_its_id_is_refused(
    network: Network,
) -> None:
    made, _, _ = adjust(GIFT, "adj_1", ONE)
    before = network.everything()
    network.pass_time(days=1)
    assert adjust(GIFT, "adj_1", TWO) == (made, None, True)
    for other in (
        replace(GIFT, amount_minor=1_235),
        replace(GIFT, amount_minor=-1_234),
        replace(GIFT, currency="ZWG"),
        replace(GIFT, affiliate_id="mem_spo"),
        replace(GIFT, reason="otherwise"),
    ):
        with pytest.raises(InvalidFieldError) as refused:
            adjust(other, "adj_1", ONE)
        assert refused.value.code == "idempotency_key_reused"
    assert network.everything() == before


def test_a_transaction_of_another_kind_is_no_adjustment(network: Network) -> None:
    sold = network.report("o-1", 100_000)
    network.deliver_facts()
    assert ledger.find_adjustment(f"{sold.conversion_id}/confirmation") is None


@pytest.mark.parametrize("affiliate_id", ["mem_nobody", "mem_shop"])
def test_only_affiliates_have_a_balance_to_adjust(network: Network, affiliate_id: str) -> None:
    with pytest.raises(InvalidFieldError) as refused:
        adjust(replace(GIFT, affiliate_id=affiliate_id), "adj_1", ONE)
    assert refused.value.pointer == "/affiliate_id"


def test_no_more_is_written_off_than_is_owed(network: Network) -> None:
    debt(network)
    write_off = SentAdjustment("mem_ann", "USD", 5_001, "write_off", "not worth the letter")
    with pytest.raises(ConflictError) as refused:
        adjust(write_off, "adj_1", ONE)
    assert refused.value.code == "not_owed"
    assert "owes 50.00 USD" in refused.value.detail
    adjust(replace(write_off, amount_minor=5_000), "adj_1", ONE)
    assert network.balances() == {"spo": -500, "top": -250}
    with pytest.raises(ConflictError, match=r"owes 0\.00 USD"):
        adjust(replace(write_off, amount_minor=1), "adj_2", ONE)
    assert audited(network).findings == ()


def test_an_earning_meanwhile_makes_a_write_off_look_again(network: Network) -> None:
    """It was decided on a debt that is not there any more."""
    debt(network)
    real, done = ledger.post, []

    def post(*arguments: Any, **named: Any) -> bool:
        if named.get("over") and not done:
            done.append(True)
            network.report("o-2", 20_000)
            network.deliver_facts()
        return real(*arguments, **named)

    write_off = SentAdjustment("mem_ann", "USD", 5_000, "write_off", "not worth the letter")
    with patch.object(ledger, "post", post), pytest.raises(ConflictError, match=r"owes 40\.00"):
        adjust(write_off, "adj_1", ONE)
    assert network.balances()["ann"] == -4_000


def test_two_at_once_with_one_id_are_one(network: Network) -> None:
    real, done = ledger.post, []

    def post(*arguments: Any, **named: Any) -> bool:
        if not done:
            done.append(True)
            adjust(GIFT, "adj_1", TWO)
        return real(*arguments, **named)

    with patch.object(ledger, "post", post):
        _, _, replayed = adjust(GIFT, "adj_1", ONE)
    assert replayed
    assert network.balances() == {"ann": 1_234}
    assert len(list_records(9, None, subject="member#mem_ann").data) == 1


# ---- four eyes


@pytest.fixture
def four_eyes(network: Network) -> Network:
    settings.publish_settings(replace(SETTINGS, version=2, four_eyes=True))
    return network


def test_with_four_eyes_an_adjustment_waits_for_the_second_person(four_eyes: Network) -> None:
    made, proposal, _ = adjust(GIFT, "adj_1", ONE)
    assert isinstance(made, Adjustment)
    assert proposal
    assert four_eyes.balances() == {}
    assert proposal.asked.said["amount_minor"] == 1_234
    for same in (ONE, replace(ONE, key_id="key_other")):
        with pytest.raises(ConflictError) as refused:
            approving.approve(proposal.proposal_id, same)
        assert refused.value.code == "four_eyes"
    for _ in range(2):
        approving.approve(proposal.proposal_id, TWO)
    assert four_eyes.balances() == {"ann": 1_234}
    posted = ledger.find_adjustment("adj_1")
    assert posted
    assert posted.by_key == TWO.key_id
    assert audited(four_eyes).findings == ()


def test_a_write_off_that_waits_is_looked_at_again_when_it_is_approved(four_eyes: Network) -> None:
    debt_paid_by_earnings = SentAdjustment("mem_ann", "USD", 5_000, "write_off", "no use")
    settings.publish_settings(replace(SETTINGS, version=3, four_eyes=False))
    debt(four_eyes)
    settings.publish_settings(replace(SETTINGS, version=4, four_eyes=True))
    _, proposal, _ = adjust(debt_paid_by_earnings, "adj_1", ONE)
    assert proposal
    four_eyes.report("o-2", 200_000)
    four_eyes.deliver_facts()
    before = four_eyes.balances()
    with pytest.raises(ConflictError) as refused:
        approving.approve(proposal.proposal_id, TWO)
    assert refused.value.code == "changed_meanwhile"
    assert four_eyes.balances() == before


def test_an_approval_carries_out_only_what_is_not_done_yet(four_eyes: Network) -> None:
    first: Key = ONE
    _, proposal, _ = adjust(GIFT, "adj_1", first)
    _, other, _ = adjust(GIFT, "adj_1", replace(operator("key_tino"), person="Tino"))
    assert proposal
    assert other
    assert proposal.proposal_id != other.proposal_id
    approving.approve(proposal.proposal_id, TWO)
    with pytest.raises(ConflictError):
        approving.approve(other.proposal_id, TWO)
    assert four_eyes.balances() == {"ann": 1_234}
    assert sum(item["line"].startswith("line#") for item in table("ledger")) == 1
