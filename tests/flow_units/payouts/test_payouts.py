import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from linkage.domain.errors import ConflictError, InvalidFieldError, LedgerError, NotFoundError
from linkage.domain.payouts.payouts import Page, payout_id
from linkage.domain.payouts.requests import Result
from linkage.domain.terms.network import PayoutSchedule
from linkage.flow.payouts import debiting, exporting, planning, settling
from linkage.tables import api_keys, ledger, members, payout_batches, payouts, settings
from tests.domain.examples import MEMBER, operator
from tests.flow_units.network import SETTINGS, CrashError, Network, Writes, put_members, table

OTHERS = [replace(MEMBER, member_id=f"mem_x{number}") for number in range(5)]


@pytest.fixture
def earned(network: Network) -> Network:
    """A network where a sale of 1000.00 was posted: 50.00, 5.00 and 2.50 are due today."""
    network.report("o-1", 100_000)
    network.deliver_facts()
    return network


def planned(network: Network, batch_id: str = "bat_1") -> None:
    network.start_batch(batch_id)
    network.deliver_work()


def exported(network: Network, batch_id: str = "bat_1") -> None:
    planned(network, batch_id)
    planning.approve(batch_id, operator("key_2"))
    network.deliver_approvals()


def test_a_batch_pays_what_is_due_to_each_affiliate(earned: Network) -> None:
    planned(earned)
    batch = payout_batches.get_batch("bat_1")
    assert (batch.status, batch.count, batch.total_minor) == ("planned", 3, 5_750)
    assert earned.payout_statuses("bat_1") == dict.fromkeys(("ann", "spo", "top"), "debited")
    assert earned.balances() == {}
    assert not any(name.startswith("due_") for item in table("ledger") for name in item), (
        "a debit leaves no due date behind"
    )


def test_the_file_holds_every_payout_once(earned: Network) -> None:
    exported(earned)
    (content,) = earned.files().values()
    assert [line.split(",")[1:3] + line.split(",")[6:8] for line in content.splitlines()[1:]] == [
        ["mem_" + name, name.title(), amount, "USD"]
        for name, amount in sorted(
            {"ann": "50.00", "spo": "5.00", "top": "2.50"}.items(),
            key=lambda pair: payout_id("bat_1", "mem_" + pair[0]),
        )
    ]
    assert set(earned.payout_statuses("bat_1").values()) == {"sent"}


def test_a_paid_payout_is_final_and_a_failed_one_returns(earned: Network) -> None:
    exported(earned)
    assert earned.settle("bat_1", ann="paid").status == "exported"
    earned.pass_time(days=1)
    assert earned.settle("bat_1", spo="failed", top="paid").status == "settled"
    assert earned.balances() == {"spo": 500}
    balance = earned.balance("spo")
    assert balance is not None
    assert dict(balance.dues) == {"2026-11-22": 500}
    with pytest.raises(ConflictError) as refused:
        earned.settle("bat_1", ann="failed")
    assert refused.value.code == "payout_paid"


def test_the_same_results_twice_book_nothing_more(earned: Network) -> None:
    exported(earned)
    earned.settle("bat_1", ann="paid", spo="failed", top="paid")
    before = earned.everything()
    earned.pass_time(days=1)
    earned.settle("bat_1", ann="paid", spo="failed", top="paid")
    assert earned.everything() == before


def test_one_wrong_result_books_none_of_them(earned: Network) -> None:
    exported(earned)
    before = earned.everything()
    with pytest.raises(InvalidFieldError) as refused:
        earned.settle("bat_1", ann="paid", nobody="paid")
    assert (refused.value.code, refused.value.pointer) == (
        "payout_not_in_batch",
        "/results/1/payout_id",
    )
    assert earned.everything() == before


def test_a_bank_reference_is_kept(earned: Network) -> None:
    exported(earned)
    result = Result("/results/0", payout_id("bat_1", "mem_ann"), "paid", "EC-77", None)
    settling.settle("bat_1", [result], operator("key_1"))
    paid = payouts.find_payout("bat_1", result.payout_id)
    assert paid is not None
    assert (paid.status, paid.reference) == ("paid", "EC-77")


def test_a_refund_after_the_payout_is_netted_in_the_next_batch(earned: Network) -> None:
    sold = earned.report("o-2", 10_000)
    earned.deliver_facts()
    earned.pay_all("bat_1", ann="paid", spo="paid", top="paid")
    earned.refund(sold, "r-1", 10_000)
    earned.deliver_facts()
    assert earned.balances() == {"ann": -500, "spo": -50, "top": -25}
    planned(earned, "bat_2")
    assert earned.payout_statuses("bat_2") == {}
    assert set(earned.skipped("bat_2").values()) == {
        f"-{minor} USD is due: later earnings cover it first" for minor in ("5.00", "0.50", "0.25")
    }
    earned.report("o-3", 100_000)
    earned.deliver_facts()
    planned(earned, "bat_3")
    assert payout_batches.get_batch("bat_3").total_minor == 5_750 - 575
    assert earned.balances() == {}


def test_a_clawback_between_plan_and_debit_is_in_the_sum(earned: Network) -> None:
    sold = earned.report("o-2", 10_000)
    earned.deliver_facts()
    earned.start_batch("bat_1")
    earned.refund(sold, "r-1", 10_000)
    earned.deliver_facts()
    earned.deliver_work()
    assert payout_batches.get_batch("bat_1").total_minor == 5_750


def test_money_that_moves_under_a_debit_is_read_again(earned: Network) -> None:
    """A sale is posted between the reading of the balance and the debit: the version has moved."""
    earned.start_batch("bat_1")
    real, moved = ledger.post, []

    def post(transaction: Any, **more: Any) -> bool:
        if more.get("closing") and not moved:
            moved.append(True)
            earned.report("o-2", 10_000)
            earned.deliver_facts()
        return real(transaction, **more)

    with patch.object(ledger, "post", post):
        earned.deliver_work()
    assert payout_batches.get_batch("bat_1").total_minor == 5_750 + 575
    assert earned.balances() == {}


def test_two_batches_pay_each_affiliate_once(earned: Network) -> None:
    earned.start_batch("bat_1")
    earned.start_batch("bat_2")
    earned.deliver_work()
    totals = [payout_batches.get_batch(each).total_minor for each in ("bat_1", "bat_2")]
    assert sum(totals) == 5_750
    assert earned.balances() == {}


def test_each_affiliate_left_out_has_a_reason(earned: Network) -> None:
    members.set_member("mem_ann", status="suspended")
    members.set_member("mem_spo", payout_method=None)
    settings.publish_settings(replace(SETTINGS, version=2, payout_minimum_minor={"USD": 251}))
    before = earned.balances()
    planned(earned)
    assert earned.skipped("bat_1") == {
        "ann": "the affiliate is suspended, not approved",
        "spo": "the affiliate has no payout method",
        "top": "2.50 USD is below the minimum of 2.51 USD",
    }
    assert earned.balances() == before
    assert payout_batches.get_batch("bat_1").status == "planned"


def test_money_not_due_at_the_cutoff_stays(earned: Network) -> None:
    earned.pass_time(days=1)
    earned.report("o-2", 10_000)
    earned.deliver_facts()
    earned.start_batch("bat_1", cutoff="2026-11-21")
    earned.deliver_work()
    assert payout_batches.get_batch("bat_1").total_minor == 5_750
    assert earned.balances() == {"ann": 500, "spo": 50, "top": 25}


def test_a_batch_is_of_one_currency(earned: Network) -> None:
    earned.report("o-2", 10_000, currency="ZWG")
    earned.deliver_facts()
    earned.start_batch("bat_1", currency="ZWG")
    earned.deliver_work()
    assert payout_batches.get_batch("bat_1").total_minor == 575
    assert earned.balances() == {"ann": 5_000, "spo": 500, "top": 250}


def test_a_cancelled_batch_returns_its_money_due_at_once(earned: Network) -> None:
    planned(earned)
    earned.pass_time(days=1)
    planning.cancel("bat_1", operator("key_2"))
    earned.deliver_work()
    assert earned.balances() == {"ann": 5_000, "spo": 500, "top": 250}
    assert set(earned.payout_statuses("bat_1").values()) == {"cancelled"}
    before = earned.everything()
    planning.cancel("bat_1", operator("key_2"))
    earned.deliver_work()
    debiting.give_back_page("bat_1", 1)
    debiting.debit_page("bat_1", 1)
    assert earned.everything() == before
    with pytest.raises(ConflictError):
        planning.approve("bat_1", operator("key_2"))
    planned(earned, "bat_2")
    assert payout_batches.get_batch("bat_2").total_minor == 5_750


@pytest.mark.parametrize("reach", [planned, exported])
def test_a_batch_that_is_not_cancelled_gives_nothing_back(
    earned: Network, reach: Callable[[Network], None]
) -> None:
    reach(earned)
    before = earned.everything()
    with pytest.raises(LedgerError, match="not cancelled"):
        debiting.give_back_page("bat_1", 1)
    assert earned.everything() == before


def test_an_approved_batch_cannot_be_cancelled(earned: Network) -> None:
    planned(earned)
    planning.approve("bat_1", operator("key_2"))
    with pytest.raises(ConflictError):
        planning.cancel("bat_1", operator("key_2"))


def test_four_eyes_are_two_persons_and_not_two_keys(earned: Network) -> None:
    settings.publish_settings(replace(SETTINGS, version=2, four_eyes=True))
    earned.start_batch("bat_1", person="tendai")
    earned.deliver_work()
    for own in ("key_1", "key_2"):
        with pytest.raises(ConflictError) as refused:
            planning.approve("bat_1", operator(own, person="tendai"))
        assert refused.value.code == "four_eyes"
    assert planning.approve("bat_1", operator("key_3", person="rudo")).approved_by == "key_3"
    assert planning.approve("bat_1", operator("key_1", person="tendai")).approved_by == "key_3"


def test_a_batch_lives_by_the_four_eyes_it_was_made_under(earned: Network) -> None:
    settings.publish_settings(replace(SETTINGS, version=2, four_eyes=True))
    earned.start_batch("bat_1", person="tendai")
    earned.deliver_work()
    settings.publish_settings(replace(SETTINGS, version=3, four_eyes=False))
    with pytest.raises(ConflictError, match="another person"):
        planning.approve("bat_1", operator("key_1", person="tendai"))


def test_a_batch_made_by_a_key_without_a_name_is_whose_the_key_is_by_now(earned: Network) -> None:
    """So a network that was upgraded with a batch planned needs its keys named, and no more."""
    api_keys.put_key(operator("key_1"))
    planned(earned)
    settings.publish_settings(replace(SETTINGS, version=2, four_eyes=True))
    rudo = operator("key_2", person="rudo")
    with pytest.raises(ConflictError, match="linkage keys name"):
        planning.approve("bat_1", rudo)
    api_keys.name_key("key_1", "rudo", [])
    with pytest.raises(ConflictError, match="another person"):
        planning.approve("bat_1", rudo)
    assert planning.approve("bat_1", operator("key_3", person="zuva")).approved_by == "key_3"


def test_a_batch_is_approved_and_settled_only_in_its_turn(earned: Network) -> None:
    earned.start_batch("bat_1")
    with pytest.raises(ConflictError):
        planning.approve("bat_1", operator("key_2"))
    with pytest.raises(ConflictError):
        earned.settle("bat_1", ann="paid")
    with pytest.raises(NotFoundError):
        planning.approve("bat_none", operator("key_2"))


def test_one_id_makes_one_batch(earned: Network) -> None:
    planned(earned)
    before = earned.everything()
    earned.start_batch("bat_1")
    earned.deliver_work()
    assert earned.everything() == before
    with pytest.raises(InvalidFieldError) as refused:
        earned.start_batch("bat_1", currency="ZWG")
    assert refused.value.code == "idempotency_key_reused"


def test_every_message_and_approval_may_come_twice(earned: Network) -> None:
    planned(earned)
    before = earned.everything()
    debiting.debit_page("bat_1", 1)
    assert earned.everything() == before
    planning.approve("bat_1", operator("key_2"))
    exporting.export("bat_1")
    before = earned.everything()
    exporting.export("bat_1")
    assert earned.everything() == before


# ---- more than one page


@pytest.fixture
def many(earned: Network) -> Network:
    """Eight affiliates with something due, in pages of two."""
    put_members(*OTHERS)
    for number, member in enumerate(OTHERS):
        earned.report(f"x-{number}", 10_000, affiliate_id=member.member_id)
    earned.deliver_facts()
    return earned


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "PAGE_SIZE_MAX", 2)


def test_every_affiliate_is_in_one_page(many: Network) -> None:
    planned(many)
    pages = list(payout_batches.list_pages("bat_1"))
    named = [affiliate_id for page in pages for affiliate_id in page.affiliate_ids]
    assert len(pages) == 4
    assert len(named) == len(set(named)) == 8
    batch = payout_batches.get_batch("bat_1")
    assert (batch.status, batch.count, batch.total_minor) == ("planned", 8, 5_750 + 5 * 500)


def test_a_plan_that_died_is_finished_by_the_hourly_tick(earned: Network) -> None:
    earned.save()
    counted = Writes()
    with counted.watched():
        earned.start_batch("bat_1")
    earned.deliver_work()
    expected = earned.everything()
    for number in range(1, counted.count + 1):
        for when in ("before", "after"):
            earned.restore()
            with Writes((number, when)).watched(), pytest.raises(CrashError):
                earned.start_batch("bat_1")
            planning.tick()
            earned.deliver_work()
            if payout_batches.find_batch("bat_1"):
                assert earned.everything() == expected, f"died {when} write {number}"
            else:
                assert (number, when) == (1, "before")


@contextmanager
def planning_over(page: int, meanwhile: Callable[[], object]) -> Iterator[None]:
    """Puts something in between a planner's reading of the index and its putting of a page."""
    real, done = payout_batches.put_page, []

    def put_page(new: Page) -> bool:
        if new.number == page and not done:
            done.append(page)
            meanwhile()
        return real(new)

    with patch.object(payout_batches, "put_page", put_page):
        yield


def indexed(*names: str) -> Any:
    """The open-balance index as one planner happens to see it: it lags behind the ledger."""
    seen = [f"mem_{name}" for name in names]
    return patch.object(
        ledger, "open_accounts", lambda currency, shard, after: seen if shard == 0 else []
    )


ALL = ("ann", "spo", "top", "x0", "x1", "x2", "x3", "x4")


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        pytest.param(ALL, ALL[1:], id="I see one more in front"),
        pytest.param(ALL[1:], ALL, id="they see one more in front"),
        pytest.param(ALL, ALL[::-1], id="we see them in another order"),
        pytest.param(ALL, ALL, id="we see the same"),
    ],
)
@pytest.mark.parametrize("pages", [1, 2, 99])
def test_two_planners_at_once_put_each_affiliate_in_one_page(
    many: Network, mine: tuple[str, ...], theirs: tuple[str, ...], pages: int
) -> None:
    """The tick plans a batch whose request is still under way, and dies after some pages."""

    def they_plan() -> None:
        with indexed(*theirs), Writes((pages + 1, "before")).watched(), suppress(CrashError):
            planning.plan(payout_batches.get_batch("bat_1"))

    with planning_over(1, they_plan), indexed(*mine):
        many.start_batch("bat_1")
    many.deliver_work()
    named = [each for page in payout_batches.list_pages("bat_1") for each in page.affiliate_ids]
    assert len(named) == len(set(named))
    assert set(named) >= {f"mem_{name}" for name in set(mine) & set(theirs)}
    batch = payout_batches.get_batch("bat_1")
    assert (batch.status, batch.open_pages, batch.count) == ("planned", 0, len(named))


def test_a_planner_that_lags_behind_adds_nothing_to_a_batch_on_its_way(many: Network) -> None:
    def they_finish() -> None:
        with indexed(*ALL[:4]):
            planning.plan(payout_batches.get_batch("bat_1"))
        many.deliver_work()
        planning.approve("bat_1", operator("key_2"))
        many.deliver_approvals()

    with planning_over(2, they_finish), indexed(*ALL):
        many.start_batch("bat_1")
    many.deliver_work()
    assert payout_batches.get_batch("bat_1").status == "exported"
    assert set(many.payout_statuses("bat_1").values()) == {"sent"}
    assert set(many.balances()) == set()
    assert len(list(payout_batches.list_pages("bat_1"))) == 2


# ---- the schedule


def test_a_tick_starts_each_scheduled_batch_once(earned: Network) -> None:
    schedule = PayoutSchedule((21,), 9, "Africa/Harare", ("USD", "ZWG"))
    settings.publish_settings(replace(SETTINGS, version=2, payout_schedule=schedule))
    for _ in range(3):
        planning.tick()
        earned.deliver_work()
        earned.pass_time(hours=13)
    batches = payout_batches.list_batches(10, None).data
    assert sorted(
        (each.currency, each.cutoff, each.status, each.total_minor) for each in batches
    ) == [
        ("USD", "2026-11-21", "planned", 5_750),
        ("ZWG", "2026-11-21", "planned", 0),
    ]


def test_a_tick_delivers_a_lost_approval_again(earned: Network) -> None:
    planned(earned)
    planning.approve("bat_1", operator("key_2"))
    earned.pass_time(hours=1)
    planning.tick()
    (batch,) = [item for item in table("payouts") if item["item"] == "batch"]
    assert batch["touched_at"] == "2026-11-21T10:00:00.000Z"


def test_a_tick_gives_back_what_a_lost_message_left_out(earned: Network) -> None:
    planned(earned)
    with Writes((2, "before")).watched(), pytest.raises(CrashError):
        planning.cancel("bat_1", operator("key_2"))
    planning.tick()
    earned.deliver_work()
    assert earned.balances() == {"ann": 5_000, "spo": 500, "top": 250}


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_batch_of_nobody_settles_by_itself_wherever_its_export_dies(
    network: Network, number: int, when: str
) -> None:
    planned(network)
    planning.approve("bat_1", operator("key_2"))
    with Writes((number, when)).watched():
        try:
            network.deliver_approvals()
        except CrashError:
            exporting.export("bat_1")
    assert payout_batches.get_batch("bat_1").status == "settled"


def test_a_message_names_its_work_its_batch_and_its_page(earned: Network) -> None:
    earned.start_batch("bat_1")
    message = earned._next_message()
    body = json.loads(message["Body"])
    assert body == {"work": "debit", "batch_id": "bat_1", "page": 1}


def test_a_page_that_cannot_be_closed_is_left_to_its_message(earned: Network) -> None:
    earned.start_batch("bat_1")
    with (
        patch.object(payout_batches, "close_page", lambda *_: False),
        patch("time.sleep"),
        pytest.raises(LedgerError, match="its message comes again"),
    ):
        debiting.debit_page("bat_1", 1)
    earned.deliver_work()
    assert payout_batches.get_batch("bat_1").status == "planned"
