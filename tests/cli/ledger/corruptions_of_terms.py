"""Every way to break the terms in a network made by hand, with all the invariants it breaks.

Lines and balances follow the postings, so that only who knows the terms can tell.
"""

from collections.abc import Callable
from typing import Any

from tests.cli.clicks.hand_counted import DAY
from tests.cli.ledger.hand_made import BONUSES, FEES, VENDOR, Hand, Post, account, held, tally


def repost(hand: Hand, transaction: str, kind: str, **changes: Any) -> None:
    """Changes the first posting of a kind."""
    posts = hand.posted[transaction]
    place = next(i for i, post in enumerate(posts) if post.kind == kind)
    posts[place] = posts[place]._replace(**changes)


def drop(hand: Hand, transaction: str, kind: str) -> None:
    """Leaves the first posting of a kind out."""
    posts = hand.posted[transaction]
    posts.remove(next(post for post in posts if post.kind == kind))


def seen(hand: Hand, conversion: str, name: str, fact: str = "confirmation") -> dict[str, Any]:
    """A tally as a fact saw it."""
    values = hand.facts[f"cnv_{conversion}", fact]
    tallies = values["seen"]["tallies"] if fact == "confirmation" else values["tallies"]
    found: dict[str, Any] = next(each for each in tallies if each["name"].endswith(name))
    return found


# ---- what is paid


def the_step_before_is_paid(hand: Hand) -> None:
    repost(hand, "cnv_above/confirmation", "commission", amount_minor=750)
    repost(hand, "cnv_above/confirmation", "fee", amount_minor=150)


def last_month_s_step_is_paid(hand: Hand) -> None:
    repost(hand, "cnv_next-month/confirmation", "commission", amount_minor=263)
    repost(hand, "cnv_next-month/confirmation", "fee", amount_minor=52)


def lines_are_rounded_together(hand: Hand) -> None:
    repost(hand, "cnv_lines/confirmation", "commission", amount_minor=800)


def the_cap_of_a_sale_is_exceeded(hand: Hand) -> None:
    repost(hand, "cnv_max/confirmation", "commission", amount_minor=1_000)
    repost(hand, "cnv_max/confirmation", "fee", amount_minor=200)


def the_cap_of_a_period_is_exceeded(hand: Hand) -> None:
    repost(hand, "cnv_period/confirmation", "commission", amount_minor=500)
    repost(hand, "cnv_period/confirmation", "fee", amount_minor=100)


def the_budget_is_exceeded(hand: Hand) -> None:
    repost(hand, "cnv_budget/confirmation", "commission", amount_minor=600)
    repost(hand, "cnv_budget/confirmation", "fee", amount_minor=120)


def the_ceiling_is_exceeded(hand: Hand) -> None:
    repost(hand, "cnv_ceiling/confirmation", "commission", amount_minor=770)
    repost(hand, "cnv_ceiling/confirmation", "fee", amount_minor=154)
    repost(hand, "cnv_ceiling/confirmation", "override", amount_minor=77)


def the_ceiling_is_kept_too_low(hand: Hand) -> None:
    repost(hand, "cnv_ceiling/confirmation", "commission", amount_minor=768)


def a_second_order_is_paid_as_the_first(hand: Hand) -> None:
    repost(hand, "cnv_again-0/confirmation", "commission", amount_minor=200)
    repost(hand, "cnv_again-0/confirmation", "fee", amount_minor=40)


def the_months_last_too_long(hand: Hand) -> None:
    repost(hand, "cnv_again-1/confirmation", "commission", amount_minor=100)
    repost(hand, "cnv_again-1/confirmation", "fee", amount_minor=20)


def the_group_listed_last_wins(hand: Hand) -> None:
    repost(hand, "cnv_by-group/confirmation", "commission", amount_minor=50)
    repost(hand, "cnv_by-group/confirmation", "fee", amount_minor=10)


def a_coupon_goes_before_the_affiliate(hand: Hand) -> None:
    repost(hand, "cnv_by-own/confirmation", "commission", amount_minor=60)
    repost(hand, "cnv_by-own/confirmation", "fee", amount_minor=12)


def the_suspended_is_paid(hand: Hand) -> None:
    post = Post("commission", VENDOR, account("gone"), 10)
    hand.posted["cnv_suspended/confirmation"].append(post)


def the_terms_are_changed_after_the_fact(hand: Hand) -> None:
    hand.programs["prg_leads"]["rewards"][0]["amount_minor"] += 1


# ---- who is paid


def a_level_does_not_move_up(hand: Hand) -> None:
    repost(hand, "cnv_lines/confirmation", "override", target=account("idle"))


def the_customer_earns_a_level(hand: Hand) -> None:
    posts = hand.posted["cnv_lines/confirmation"]
    posts[posts.index(Post("override", FEES, account("architect"), 40, 2))] = Post(
        "override", FEES, account("customer"), 40, 2
    )


def a_level_moves_up_though_nobody_has_to_be_active(hand: Hand) -> None:
    post = Post("override", VENDOR, account("third"), 38, 2)
    hand.posted["cnv_ceiling/confirmation"].append(post)


def a_split_goes_to_another(hand: Hand) -> None:
    repost(hand, "cnv_lines/confirmation", "split", target=account("thief"))


def a_split_is_left_out(hand: Hand) -> None:
    drop(hand, "cnv_lines/confirmation", "split")


def a_split_is_of_the_whole_commission(hand: Hand) -> None:
    repost(hand, "cnv_lines/confirmation", "split", amount_minor=200)


def a_split_is_not_returned(hand: Hand) -> None:
    drop(hand, "cnv_lines/refund/2", "split_return")


def the_affiliate_s_fee_is_left_out(hand: Hand) -> None:
    drop(hand, "cnv_lines/confirmation", "affiliate_fee")


def the_affiliate_s_fee_is_not_returned(hand: Hand) -> None:
    drop(hand, "cnv_lines/refund/1", "affiliate_fee_return")


# ---- bonuses


def a_recruitment_is_paid_twice(hand: Hand) -> None:
    post = Post("recruitment", BONUSES, account("mentor"), 300, currency="ZWG")
    hand.posted["cnv_recruit-2/confirmation"].append(post)


def a_recruitment_is_paid_twice_and_so_was_it_seen(hand: Hand) -> None:
    a_recruitment_is_paid_twice(hand)
    seen(hand, "recruit-2", "recruit")["recruited_by"] = None


def a_recruitment_is_not_returned(hand: Hand) -> None:
    hand.posted["cnv_recruit-1/refund/1"].pop()


def a_bonus_is_not_granted(hand: Hand) -> None:
    drop(hand, "cnv_above/confirmation", "bonus")


def a_bonus_is_granted_again(hand: Hand) -> None:
    post = Post("bonus", VENDOR, account("rudo"), 1_000)
    hand.posted["cnv_next-month/confirmation"].append(post)


def a_bonus_is_not_returned(hand: Hand) -> None:
    drop(hand, "cnv_below/refund/1", "bonus_return")


def a_bonus_is_returned_on_another_day(hand: Hand) -> None:
    repost(hand, "cnv_below/refund/1", "bonus_return", due_on=None)


def a_bonus_is_due_at_once(hand: Hand) -> None:
    repost(hand, "cnv_above/confirmation", "bonus", due_on="2026-11-05")


# ---- tallies


def a_tally_is_behind_its_facts(hand: Hand) -> None:
    hand.tallies["reward#prg_caps#*#*#USD#promo"] = tally(
        "reward#prg_caps#*#*#USD#promo", 3, amount_minor=1_500
    )


def a_tally_is_ahead_of_its_facts(hand: Hand) -> None:
    hand.tallies["reward#prg_caps#*#*#USD#promo"]["version"] += 1


def a_tally_is_lost(hand: Hand) -> None:
    del hand.tallies["reward#prg_caps#*#*#USD#promo"]


def a_tally_is_moved_by_nobody(hand: Hand) -> None:
    hand.left(tally("reward#prg_ceiling#*#*#USD#rest", 1))


def a_tally_is_moved_twice_from_one_version(hand: Hand) -> None:
    seen(hand, "budget", "*#USD#promo").update(version=1, amount_minor=800)
    repost(hand, "cnv_budget/confirmation", "commission", amount_minor=600)
    repost(hand, "cnv_budget/confirmation", "fee", amount_minor=120)


def a_tally_has_a_gap(hand: Hand) -> None:
    seen(hand, "max", "*#USD#promo", "refund#1")["version"] = 7
    hand.tallies["reward#prg_caps#*#*#USD#promo"]["version"] = 8


def a_move_is_wrong(hand: Hand) -> None:
    hand.tallies["sales#prg_steps#mem_rudo#2026-12#USD"]["amount_minor"] = 5_000


def a_fully_refunded_sale_still_counts(hand: Hand) -> None:
    hand.tallies["customer#prg_first#sale#key_phone"]["count"] += 1


def a_bonus_is_held_that_was_returned(hand: Hand) -> None:
    name = "sales#prg_steps#mem_rudo#2026-11#USD"
    hand.tallies[name]["held"] = [held(20_000, 1_000, "2026-11-15")]


def a_version_is_seen_that_never_was(hand: Hand) -> None:
    for fact in ("refund#1", "refund#2"):
        seen(hand, "lines", "mem_tendai", fact)["version"] = 2


def a_tally_is_not_looked_at(hand: Hand) -> None:
    hand.facts["cnv_budget", "confirmation"]["seen"]["tallies"].pop()


def a_refund_does_not_look_at_a_tally(hand: Hand) -> None:
    hand.facts["cnv_recruit-1", "refund#1"]["tallies"].clear()


def a_refund_before_the_confirmation_moves_a_tally(hand: Hand) -> None:
    hand.facts["cnv_next-month", "refund#early"]["tallies"] = [tally("member#mem_rudo", 2)]


def a_sale_is_attributed_while_its_program_is_paused(hand: Hand) -> None:
    hand.programs["prg_plain"]["paused"] = True


def silence_confirms_what_it_may_not(hand: Hand) -> None:
    hand.facts["cnv_lead", "confirmation"]["silent"] = True


def silence_confirms_too_early(hand: Hand) -> None:
    hand.programs["prg_leads"] |= {"confirmation": "automatic", "confirm_after_days": 7}
    hand.facts["cnv_lead", "confirmation"]["silent"] = True


def what_is_confirmed_still_waits_for_silence(hand: Hand) -> None:
    hand.facts["cnv_lead", "report"]["awaiting"] = "awaiting#0"


def the_items_exceed_the_sale(hand: Hand) -> None:
    hand.facts["cnv_lines", "report"]["items"][0]["amount_minor"] = 10_001


# ---- what the network counts


def report_of(hand: Hand, conversion: str) -> dict[str, Any]:
    """The report of a conversion."""
    return hand.facts[f"cnv_{conversion}", "report"]


def a_click_costs_as_much_as_a_thousand_impressions(hand: Hand) -> None:
    repost(hand, "cnv_impression-first/confirmation", "commission", amount_minor=30)
    repost(hand, "cnv_impression-first/confirmation", "fee", amount_minor=6)


def half_a_cent_for_impressions_is_rounded_down(hand: Hand) -> None:
    repost(hand, "cnv_impression-first/confirmation", "commission", amount_minor=3_086)


def more_clicks_are_stored_than_were_billed(hand: Hand) -> None:
    report_of(hand, "click-first")["quantity"] += 1


def no_clicks_are_billed(hand: Hand) -> None:
    report_of(hand, "impression-first")["quantity"] = 0
    hand.posted["cnv_impression-first/confirmation"].clear()


def a_day_is_billed_before_it_is_over(hand: Hand) -> None:
    report_of(hand, "click-first")["accepted_at"] = "2026-11-19T23:00:00.000Z"


def a_day_is_billed_as_another_link_s(hand: Hand) -> None:
    report_of(hand, "click-first")["external_id"] = "click/third/2026-11-19"


def a_day_of_clicks_has_an_amount(hand: Hand) -> None:
    report_of(hand, "click-second")["amount_minor"] = 120


def a_day_of_clicks_belongs_to_whom_a_vendor_named(hand: Hand) -> None:
    attribution = report_of(hand, "click-second")["attribution"]
    attribution["model"] = attribution["candidates"][0]["model"] = "named"


def a_sale_counts_twice(hand: Hand) -> None:
    report_of(hand, "lines")["quantity"] = 2


def clicks_are_paid_while_their_program_is_paused(hand: Hand) -> None:
    hand.programs["prg_counted"]["paused"] = True


def _next_version(hand: Hand, published_at: str) -> None:
    first = hand.programs["prg_counted"]
    second = {"version": "v000002", "number": 2, "published_at": published_at}
    hand.programs["prg_counted, version 2"] = first | second


def clicks_live_by_terms_that_were_replaced_as_their_day_began(hand: Hand) -> None:
    _next_version(hand, "2026-11-19T00:00:00.000Z")


def clicks_live_by_terms_published_after_their_day_began(hand: Hand) -> None:
    _next_version(hand, "2026-11-19T00:00:00.001Z")
    report_of(hand, "click-first")["program_version"] = 2


def fewer_visitors_are_counted_than_were_billed(hand: Hand) -> None:
    hand.counts("first", DAY, visitors={"05": 30, "23": 6}, impressions={"00": 12_346})


def fewer_impressions_are_counted_than_were_billed(hand: Hand) -> None:
    hand.counts("first", DAY, visitors={"05": 37}, impressions={"00": 12_345}, clicks={"05": 99})


def nothing_is_counted_of_a_day_that_is_billed(hand: Hand) -> None:
    del hand.statistics["link#second", DAY]


def a_day_is_billed_twice(hand: Hand) -> None:
    pending = {"conversion_id": "cnv_twice", "status": "pending", "sequence": 0}
    hand.facts["cnv_twice", "report"] = report_of(hand, "click-second") | pending


def the_counts_of_a_day_cannot_be_read(hand: Hand) -> None:
    hand.counts("second", DAY, visitors={"11": "24"})  # type: ignore[dict-item]


type Case = tuple[Callable[[Hand], None], set[str]]

CORRUPTIONS_OF_TERMS: list[Case] = [
    (the_step_before_is_paid, {"I20"}),
    (last_month_s_step_is_paid, {"I20"}),
    (lines_are_rounded_together, {"I20", "I8"}),
    (the_cap_of_a_sale_is_exceeded, {"I20"}),
    (the_cap_of_a_period_is_exceeded, {"I20"}),
    (the_budget_is_exceeded, {"I20"}),
    (the_ceiling_is_exceeded, {"I20", "I7"}),
    (the_ceiling_is_kept_too_low, {"I20"}),
    (a_second_order_is_paid_as_the_first, {"I20"}),
    (the_months_last_too_long, {"I20", "I8"}),
    (the_group_listed_last_wins, {"I20"}),
    (a_coupon_goes_before_the_affiliate, {"I20"}),
    (the_suspended_is_paid, {"I20", "I11"}),
    (the_terms_are_changed_after_the_fact, {"I20"}),
    (a_level_does_not_move_up, {"I20", "I8"}),
    (the_customer_earns_a_level, {"I20", "I8"}),
    (a_level_moves_up_though_nobody_has_to_be_active, {"I20", "I7"}),
    (a_split_goes_to_another, {"I20", "I8"}),
    (a_split_is_left_out, {"I20", "I8"}),
    (a_split_is_of_the_whole_commission, {"I20", "I8"}),
    (a_split_is_not_returned, {"I20", "I8"}),
    (the_affiliate_s_fee_is_left_out, {"I20", "I8"}),
    (the_affiliate_s_fee_is_not_returned, {"I20", "I8"}),
    (a_recruitment_is_paid_twice, {"I20"}),
    (a_recruitment_is_paid_twice_and_so_was_it_seen, {"I6"}),
    (a_recruitment_is_not_returned, {"I20", "I8"}),
    (a_bonus_is_not_granted, {"I20"}),
    (a_bonus_is_granted_again, {"I20"}),
    (a_bonus_is_not_returned, {"I20"}),
    (a_bonus_is_returned_on_another_day, {"I11"}),
    (a_bonus_is_due_at_once, {"I11"}),
    (a_tally_is_behind_its_facts, {"I6"}),
    (a_tally_is_ahead_of_its_facts, {"I6"}),
    (a_tally_is_lost, {"I6"}),
    (a_tally_is_moved_by_nobody, {"I6"}),
    (a_tally_is_moved_twice_from_one_version, {"I6"}),
    (a_tally_has_a_gap, {"I6"}),
    (a_move_is_wrong, {"I6"}),
    (a_fully_refunded_sale_still_counts, {"I6"}),
    (a_bonus_is_held_that_was_returned, {"I6"}),
    (a_version_is_seen_that_never_was, {"I6"}),
    (a_tally_is_not_looked_at, {"I20", "I6"}),
    (a_refund_does_not_look_at_a_tally, {"I20", "I6"}),
    (a_refund_before_the_confirmation_moves_a_tally, {"I6"}),
    (a_sale_is_attributed_while_its_program_is_paused, {"I16"}),
    (silence_confirms_what_it_may_not, {"I5"}),
    (silence_confirms_too_early, {"I5"}),
    (what_is_confirmed_still_waits_for_silence, {"I19"}),
    (the_items_exceed_the_sale, {"I20", "I6"}),
    (a_click_costs_as_much_as_a_thousand_impressions, {"I20"}),
    (half_a_cent_for_impressions_is_rounded_down, {"I20"}),
    (more_clicks_are_stored_than_were_billed, {"I20", "I22", "I6"}),
    (no_clicks_are_billed, {"I21"}),
    (a_day_is_billed_before_it_is_over, {"I21"}),
    (a_day_is_billed_as_another_link_s, {"I21", "I22"}),
    (a_day_of_clicks_has_an_amount, {"I21"}),
    (a_day_of_clicks_belongs_to_whom_a_vendor_named, {"I21"}),
    (a_sale_counts_twice, {"I21"}),
    (clicks_are_paid_while_their_program_is_paused, {"I16"}),
    (clicks_live_by_terms_that_were_replaced_as_their_day_began, {"I21"}),
    (clicks_live_by_terms_published_after_their_day_began, {"I21"}),
    (fewer_visitors_are_counted_than_were_billed, {"I22"}),
    (fewer_impressions_are_counted_than_were_billed, {"I22"}),
    (nothing_is_counted_of_a_day_that_is_billed, {"I22"}),
    (a_day_is_billed_twice, {"I22"}),
    (the_counts_of_a_day_cannot_be_read, {"I1", "I22"}),
]
