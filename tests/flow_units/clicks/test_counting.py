"""What a confirmation sees and moves, what a refund moves back, and that nobody's move is lost."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from itertools import permutations
from typing import Any
from unittest.mock import patch

import pytest

from linkage.domain.conversions.conversions import Confirmation, Conversion, Item
from linkage.domain.conversions.tallies import HeldBonus, Tally, is_lowered
from linkage.domain.people.customers import Customer
from linkage.domain.people.members import Split
from linkage.flow.commissions import posting
from linkage.tables import conversions, members, settings
from tests.domain.examples import MEMBER
from tests.flow_units.calls import calls
from tests.flow_units.network import (
    ANN,
    EMP,
    RICH,
    RICH_SETTINGS,
    Network,
    make_rich,
    put_members,
    put_programs,
    table,
)

BUYER = Customer(phone="+263773000001")
TILES = (Item(50_000, "tiles"),)


def sell(rich: Network, external_id: str, amount_minor: int = 60_000, **changes: Any) -> Conversion:
    values = {"program_id": "prg_rich", "customer": BUYER, **changes}
    return rich.report(external_id, amount_minor, **values)


def seen_by(conversion: Conversion) -> Confirmation:
    confirmation = conversions.get_history(conversion.conversion_id).confirmation
    assert confirmation is not None
    return confirmation


def counted(rich: Network) -> dict[str, tuple[int, int]]:
    """Each tally's count and minor units, by its name; a customer's and a member's only by kind."""
    return {
        name if name.startswith(("sales", "reward")) else name.partition("#")[0]: (
            tally.count,
            tally.amount_minor,
        )
        for name, tally in rich.tallies().items()
    }


@contextmanager
def meanwhile(happens: Callable[[], object]) -> Iterator[list[int]]:
    """Lets something happen between what the next acceptance has read and what it writes."""
    real, tries = conversions.accept, [0]

    def accept(operations: Any) -> None:
        tries[0] += 1
        if tries[0] == 1:
            with patch.object(conversions, "accept", real):
                happens()
        real(operations)

    with patch.object(conversions, "accept", accept):
        yield tries


def test_a_confirmation_moves_each_tally_one_version_on_from_what_it_saw(rich: Network) -> None:
    first = sell(rich, "o-1", items=TILES)
    assert counted(rich) == {
        "sales#rich#ann#2026-11#*": (1, 0),
        "sales#rich#ann#2026-11#USD": (1, 60_000),
        "reward#rich#ann#2026-11#USD#tiles": (0, 8_000),
        "reward#rich#*#*#USD#tiles": (0, 8_000),
        "customer": (1, 0),
        "member": (0, 0),
        "bindings": (1, 0),
        "recruits": (1, 0),
    }
    assert {tally.version for tally in seen_by(first).seen.tallies} == {0}
    names = [tally.name for tally in seen_by(first).seen.tallies]
    assert names == sorted(names)

    second = sell(rich, "o-2", 50_000)
    versions = {tally.name: tally.version for tally in seen_by(second).seen.tallies}
    # The customer is introduced and the affiliate's sponsor has its bonus by the first sale alone.
    names = [name for name in names if is_lowered(name)]
    assert versions == dict.fromkeys(names, 1)
    now = {each.name: each for each in rich.tallies().values()}
    unmoved = {name for name in names if now[name].version == 1}
    assert unmoved == {name for name in names if name.startswith(("reward", "member"))}


def test_sales_of_a_period_reach_a_bonus_and_a_refund_loses_it(rich: Network) -> None:
    sell(rich, "o-1")
    second = sell(rich, "o-2", 50_000)
    name = "sales#rich#ann#2026-11#USD"
    assert rich.tallies()[name].held == (HeldBonus(100_000, 2_500, "USD", "2026-11-21"),)
    rich.deliver_facts()
    before = rich.balances()["ann"]
    rich.refund(second, "r-1", 10_001)
    rich.deliver_facts()
    assert (rich.tallies()[name].held, rich.tallies()[name].amount_minor) == ((), 99_999)
    assert before - rich.balances()["ann"] > 2_500
    sell(rich, "o-3", 1)
    assert len(rich.tallies()[name].held) == 1


def test_what_is_refunded_in_full_leaves_no_trace_in_balances_or_tallies(rich: Network) -> None:
    first, second = sell(rich, "o-1", items=TILES), sell(rich, "o-2", 50_000, items=TILES)
    for number, (sold, amount_minor) in enumerate(
        [(second, 7), (first, 59_999), (second, 49_993), (first, 1)]
    ):
        rich.refund(sold, f"r-{number}", amount_minor)
    left = counted(rich)
    assert {left.pop(bound) for bound in ("bindings", "recruits")} == {(1, 0)}  # only fill up
    assert set(left.values()) == {(0, 0)}
    assert {tally.recruited_by for tally in rich.tallies().values()} == {None}
    rich.deliver_facts()
    assert rich.balances() == {}


def test_a_refund_sees_the_tallies_its_confirmation_saw_as_they_are_now(rich: Network) -> None:
    sold = sell(rich, "o-1", items=TILES)
    now = rich.tallies().values()
    before = {tally.name: tally for tally in now if is_lowered(tally.name)}
    accepted = rich.refund(sold, "r-1", 30_000)
    assert {tally.name: tally for tally in accepted.tallies} == before
    assert [tally.name for tally in accepted.tallies] == [
        tally.name for tally in seen_by(sold).seen.tallies if is_lowered(tally.name)
    ]


def test_a_refund_before_the_confirmation_moves_nothing_and_then_only_the_rest_counts(
    rich: Network,
) -> None:
    pending = sell(rich, "o-1", program_id="prg_silent")
    assert rich.refund(pending, "r-1", 20_000).tallies == ()
    assert rich.tallies() == {}
    rich.confirm(pending)
    assert rich.tallies()["sales#silent#ann#2026-11#USD"].amount_minor == 40_000


def test_a_sale_of_nobody_counts_for_its_customer_alone(rich: Network) -> None:
    sell(rich, "o-1", affiliate_id=None)
    assert counted(rich) == {"customer": (1, 0)}
    (tally,) = rich.tallies().values()
    assert tally.since is None


def test_a_report_that_saw_a_tally_before_another_moved_it_sees_it_anew(rich: Network) -> None:
    with meanwhile(lambda: sell(rich, "o-2", 1_000)) as tries:
        first = sell(rich, "o-1")
    assert tries == [2]
    assert rich.tallies()["sales#rich#ann#2026-11#USD"].amount_minor == 61_000
    assert {tally.version for tally in seen_by(first).seen.tallies} == {0, 1}


def test_a_confirmation_that_saw_a_tally_before_another_moved_it_sees_it_anew(
    rich: Network,
) -> None:
    pending = sell(rich, "o-1", program_id="prg_silent")
    with meanwhile(lambda: sell(rich, "o-2", 1_000)) as tries:
        rich.confirm(pending)
    assert tries == [2]
    assert rich.tallies()["member#ann"].recruited_by != pending.conversion_id


def test_a_refund_that_saw_a_tally_before_another_moved_it_sees_it_anew(rich: Network) -> None:
    first, second = sell(rich, "o-1"), sell(rich, "o-2")
    with meanwhile(lambda: rich.refund(second, "r-1", 500)) as tries:
        refunded = rich.refund(first, "r-1", 100)
    assert tries == [2]
    assert {tally.version for tally in refunded.tallies} >= {3}
    assert rich.tallies()["sales#rich#ann#2026-11#USD"].amount_minor == 119_400


def test_facts_that_share_tallies_post_the_same_in_any_order(rich: Network) -> None:
    first, second = sell(rich, "o-1", items=TILES), sell(rich, "o-2", 50_000)
    rich.refund(second, "r-1", 20_000)
    rich.refund(first, "r-1", 60_000)
    facts = rich.unposted()
    assert len(facts) == 4
    ended = set()
    rich.save()
    for order in permutations(facts):
        rich.restore()
        for fact in order:
            posting.post_fact(*fact)
        ended.add(rich.everything())
    assert len(ended) == 1


def active(conversion: Conversion) -> list[tuple[str, bool]]:
    return [(each.member_id, each.active) for each in seen_by(conversion).seen.upline]


def test_the_upline_is_active_for_the_days_after_a_sale_of_its_own(rich: Network) -> None:
    sell(rich, "o-1", affiliate_id="mem_top")
    rich.pass_time(days=30)
    assert active(sell(rich, "o-2")) == [("mem_spo", False), ("mem_top", True)]
    rich.pass_time(days=1)
    sell(rich, "o-3", affiliate_id="mem_spo")
    assert active(sell(rich, "o-4")) == [("mem_spo", True), ("mem_top", False)]


def test_what_the_upline_sold_is_seen_but_not_moved(rich: Network) -> None:
    sell(rich, "o-1", affiliate_id="mem_top")
    sold = sell(rich, "o-2")
    assert "member#mem_top" not in {tally.name for tally in seen_by(sold).seen.tallies}
    assert rich.tallies()["member#top"].version == 1


@pytest.mark.parametrize(("terms", "reach"), [("prg_now", 2), ("prg_rich", 4)])
def test_only_as_much_of_the_upline_is_seen_as_can_earn(
    network: Network, terms: str, reach: int
) -> None:
    above = ("mem_spo", "mem_top", "mem_a", "mem_b")
    put_members(*(replace(MEMBER, member_id=each) for each in above[2:]))
    put_members(replace(ANN, member_id="mem_low", upline=above))
    if terms == RICH.program_id:
        make_rich()
    sold = network.report("o-1", 500, program_id=terms, affiliate_id="mem_low")
    assert [each.member_id for each in seen_by(sold).seen.upline] == list(above[:reach])


def test_a_split_is_seen_while_its_receiver_may_earn(rich: Network) -> None:
    members.set_member("mem_spo", splits=[asdict(Split("mem_top", 100))])
    seen = seen_by(sell(rich, "o-1")).seen
    assert seen.affiliate is not None
    assert seen.affiliate.splits == (Split(EMP.member_id, 2_500),)
    assert [each.splits for each in seen.upline] == [(Split("mem_top", 100),), ()]
    members.set_member(EMP.member_id, status="suspended")
    members.set_member("mem_top", roles=["vendor"])
    later = seen_by(sell(rich, "o-2")).seen
    assert later.affiliate is not None
    assert (later.affiliate.splits, later.upline[0].splits) == ((), ())


def test_a_split_is_not_the_customers_own(rich: Network) -> None:
    members.set_member(EMP.member_id, phone=BUYER.phone)
    seen = seen_by(sell(rich, "o-1")).seen
    assert seen.affiliate is not None
    assert seen.affiliate.splits == ()


def test_no_more_splits_are_seen_than_the_settings_allow(rich: Network) -> None:
    both = [Split(EMP.member_id, 2_500), Split("mem_top", 100)]
    members.set_member(ANN.member_id, splits=[asdict(each) for each in both])
    settings.publish_settings(
        replace(RICH_SETTINGS, version=RICH_SETTINGS.version + 1, split_members_max=1)
    )
    seen = seen_by(sell(rich, "o-1")).seen
    assert seen.affiliate is not None
    assert seen.affiliate.splits == (both[0],)


def test_a_sponsor_who_is_the_customer_is_seen_as_that(rich: Network) -> None:
    members.set_member("mem_spo", email="sp.o+home@gmail.com")
    seen = seen_by(sell(rich, "o-1", customer=Customer(email="spo@googlemail.com"))).seen
    assert [each.buyer for each in seen.upline] == [True, False]
    assert rich.tallies()["member#ann"].recruited_by is not None
    rich.deliver_facts()
    assert "spo" not in rich.balances()


def test_groups_are_seen_as_they_are_at_the_confirmation(rich: Network) -> None:
    pending = sell(rich, "o-1", program_id="prg_silent")
    members.set_member(ANN.member_id, groups=["gold"])
    rich.confirm(pending)
    affiliate = seen_by(pending).seen.affiliate
    assert affiliate is not None
    assert affiliate.groups == ("gold",)


def test_a_refund_of_what_saw_no_tally_reads_none(network: Network) -> None:
    put_programs(replace(RICH, program_id="prg_plain", rewards=(), bonuses=(), ceiling_bps=None))
    sold = network.report("o-1", 0, program_id="prg_plain")
    assert seen_by(sold).seen.tallies == ()
    lead = network.report("l-1", 500, program_id="prg_led", event="lead")
    with calls() as made:
        network.refund(lead, "r-1", 500)
    assert not [each for each in made if "tallies" in each]
    assert table("tallies") == []


def test_a_tally_never_written_is_no_item(network: Network) -> None:
    assert network.tallies() == {}
    first = network.report("o-1", 500).conversion_id
    assert network.tallies() == {
        "member#ann": Tally("member#mem_ann", 1, last_on="2026-11-21", recruited_by=first)
    }
