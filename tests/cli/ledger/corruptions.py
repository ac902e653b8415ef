"""Every way to spoil a sound network's items, with the invariants an audit must then name."""

from typing import Any

type Items = list[dict[str, Any]]


def find(items: Items, **wanted: Any) -> dict[str, Any]:
    """The first item whose attributes start with (texts) or are these values."""

    def fits(item: dict[str, Any]) -> bool:
        return all(
            str(item.get(name, "")).startswith(value)
            if isinstance(value, str)
            else item.get(name) == value
            for name, value in wanted.items()
        )

    return next(item for item in items if fits(item))


def one_digit_in_a_line(n: dict[str, Items]) -> None:
    find(n["ledger"], line="line#", kind="commission")["amount_minor"] += 1


def a_line_dropped(n: dict[str, Items]) -> None:
    n["ledger"].remove(find(n["ledger"], line="line#", kind="clawback"))


def a_line_twice(n: dict[str, Items]) -> None:
    line = find(n["ledger"], line="line#", kind="commission")
    n["ledger"].append(line | {"line": line["line"].replace("#USD", "2#USD")})


def a_balance_changed(n: dict[str, Items]) -> None:
    find(n["ledger"], line="balance#", account="affiliate:mem_tendai")["balance_minor"] += 100


def a_balance_removed(n: dict[str, Items]) -> None:
    n["ledger"].remove(find(n["ledger"], line="balance#ZWG"))


def a_due_date_moved_in_a_balance(n: dict[str, Items]) -> None:
    balance = find(n["ledger"], account="affiliate:mem_architect", line="balance#USD")
    due = next(name for name in balance if name.startswith("due_"))
    balance["due_20200101"] = balance.pop(due)


def a_version_behind(n: dict[str, Items]) -> None:
    find(n["ledger"], line="balance#")["version"] -= 1


def a_line_due_too_early(n: dict[str, Items]) -> None:
    line = find(n["ledger"], line="line#", kind="commission")
    line["dues"] = {"2020-01-01": line["amount_minor"]}
    balance = find(n["ledger"], account=line["account"], line=f"balance#{line['currency']}")
    balance["due_20200101"] = line["amount_minor"]


def dues_that_do_not_add_up(n: dict[str, Items]) -> None:
    line = find(n["ledger"], line="line#", kind="payout")
    line["dues"] = {due: amount - 1 for due, amount in line["dues"].items()}


def a_head_removed(n: dict[str, Items]) -> None:
    fact = find(n["conversions"], external_id="nobody")["conversion_id"]
    n["ledger"].remove(find(n["ledger"], transaction_id=f"{fact}/confirmation", line="head"))


def head_with_overrides(n: dict[str, Items]) -> dict[str, Any]:
    return next(item for item in n["ledger"] if len(item.get("postings", ())) > 2)


def a_posting_of_nothing(n: dict[str, Items]) -> None:
    head_with_overrides(n)["postings"][0]["amount_minor"] = 0


def a_posting_to_itself(n: dict[str, Items]) -> None:
    posting = find(n["ledger"], line="head", kind="settlement")["postings"][0]
    posting["target"] = posting["source"]


def another_currency_in_a_posting(n: dict[str, Items]) -> None:
    head_with_overrides(n)["postings"][1]["currency"] = "ZAR"


def a_transaction_of_two_vendors(n: dict[str, Items]) -> None:
    head_with_overrides(n)["postings"][1]["source"] = "vendor:mem_x"


def a_commission_and_all_it_made_one_cent_higher(n: dict[str, Items]) -> None:
    head = head_with_overrides(n)
    posting = head["postings"][0]
    line = find(
        n["ledger"],
        line="line#",
        transaction_id=head["transaction_id"],
        account=posting["target"],
    )
    posting["amount_minor"] += 1
    line["amount_minor"] += 1
    line["parts"][0]["amount_minor"] += 1
    due = next(iter(line["dues"]))
    line["dues"][due] += 1
    balance = find(n["ledger"], account=posting["target"], line=f"balance#{line['currency']}")
    balance["balance_minor"] += 1
    bucket = f"due_{due.replace('-', '')}"
    balance[bucket] = balance.get(bucket, 0) + 1


def a_head_without_its_fact(n: dict[str, Items]) -> None:
    conversion_id = find(n["conversions"], external_id="nobody")["conversion_id"]
    n["conversions"][:] = [
        item for item in n["conversions"] if item["conversion_id"] != conversion_id
    ]


def a_fact_never_posted(n: dict[str, Items]) -> None:
    del find(n["conversions"], unposted="unposted#")["unposted"]


def a_fact_posted_but_still_marked(n: dict[str, Items]) -> None:
    conversion_id = find(n["conversions"], external_id="nobody")["conversion_id"]
    fact = find(n["conversions"], conversion_id=conversion_id, fact="confirmation")
    fact["unposted"] = "unposted#0"


def terms_changed_after_the_fact(n: dict[str, Items]) -> None:
    program = find(n["programs"], program_id="prg_tools", version="v000001")
    program["rewards"] = program["rewards"].replace("500", "501")


def settings_changed_after_the_fact(n: dict[str, Items]) -> None:
    settings = find(n["settings"], version="v000001")
    settings["settings"] = settings["settings"].replace("2000", "2100")


def a_version_of_the_terms_lost(n: dict[str, Items]) -> None:
    n["programs"].remove(find(n["programs"], program_id="prg_builder", version="v000001"))


def a_refund_chain_broken(n: dict[str, Items]) -> None:
    refunds = [item for item in n["conversions"] if item["fact"].startswith("refund#")]
    max(refunds, key=lambda item: item["refunded_before_minor"])["refunded_before_minor"] -= 1


def more_refunded_than_the_refunds_say(n: dict[str, Items]) -> None:
    find(n["conversions"], external_id="bricks")["refunded_minor"] -= 1


def a_refund_that_should_have_posted(n: dict[str, Items]) -> None:
    find(n["conversions"], fact="refund#", posts=True)["posts"] = False


def a_status_without_its_fact(n: dict[str, Items]) -> None:
    find(n["conversions"], external_id="pending")["status"] = "confirmed"


def a_rejection_lost(n: dict[str, Items]) -> None:
    n["conversions"].remove(find(n["conversions"], fact="rejection"))


def attribution_given_to_another(n: dict[str, Items]) -> None:
    report = find(n["conversions"], external_id="pending")
    report["attribution"]["affiliate_id"] = "mem_thief"


def a_payout_doubled(n: dict[str, Items]) -> None:
    payout = find(n["payouts"], item="payout#", status="paid")
    n["payouts"].append(payout | {"payout_id": "pay_again", "item": "payout#pay_again"})


def a_payout_raised(n: dict[str, Items]) -> None:
    find(n["payouts"], item="payout#", status="debited")["amount_minor"] += 1


def a_payout_paid_without_settlement(n: dict[str, Items]) -> None:
    find(n["payouts"], item="payout#", status="debited")["status"] = "paid"


def a_payout_both_paid_and_failed(n: dict[str, Items]) -> None:
    settled = find(n["ledger"], line="head", kind="settlement")
    failed = settled["transaction_id"].replace("/paid", "/failed")
    n["ledger"].append(settled | {"transaction_id": failed, "account": f"transaction:{failed}"})


def a_settlement_lost(n: dict[str, Items]) -> None:
    n["ledger"].remove(find(n["ledger"], line="head", kind="settlement"))


def a_result_forgotten(n: dict[str, Items]) -> None:
    del find(n["payouts"], item="payout#", status="returned")["history"]


def a_result_of_another_word(n: dict[str, Items]) -> None:
    find(n["payouts"], item="payout#", status="returned")["status"] = "arrived"


def a_return_lost(n: dict[str, Items]) -> None:
    payout = find(n["payouts"], item="payout#", status="returned")
    name = f"{payout['payout_id']}/2/returned"
    n["ledger"].remove(find(n["ledger"], transaction_id=name, line="head"))


def an_arrival_booked_twice(n: dict[str, Items]) -> None:
    head = find(n["ledger"], line="head", kind="payout_arrival")
    again = head["transaction_id"].replace("/2/", "/3/")
    n["ledger"].append(head | {"transaction_id": again, "account": f"transaction:{again}"})


def a_return_that_the_bank_did_not_pay(n: dict[str, Items]) -> None:
    payout = find(n["payouts"], item="payout#", status="returned")
    name = f"{payout['payout_id']}/2/returned"
    head = find(n["ledger"], transaction_id=name, line="head")
    head["postings"][0]["source"] = f"payouts:{payout['batch_id']}"


def a_debit_lost(n: dict[str, Items]) -> None:
    n["ledger"].remove(find(n["ledger"], line="debit#USD#"))


def a_debit_of_another_number(n: dict[str, Items]) -> None:
    debit = find(n["ledger"], line="debit#USD#")
    debit["line"] = "debit#USD#00000099"


def a_debit_that_says_it_reached_less(n: dict[str, Items]) -> None:
    find(n["ledger"], line="debit#USD#")["through"] = "2020-01-01"


def a_debit_of_another_payout(n: dict[str, Items]) -> None:
    find(n["ledger"], line="debit#USD#")["payout_id"] = "pay_another"


def a_line_said_to_be_posted_after_the_payout_that_took_it(n: dict[str, Items]) -> None:
    find(n["ledger"], line="line#", kind="commission", debits=0, account="affiliate:mem_orphan")[
        "debits"
    ] = 1


def an_adjustment_that_says_not_why(n: dict[str, Items]) -> None:
    find(n["ledger"], line="head", kind="adjustment")["reason"] = ""


def a_write_off_that_takes(n: dict[str, Items]) -> None:
    (posting,) = find(n["ledger"], line="head", kind="write_off")["postings"]
    posting["source"], posting["target"] = posting["target"], posting["source"]


def an_adjustment_out_of_a_vendors_money(n: dict[str, Items]) -> None:
    (posting,) = find(n["ledger"], transaction_id="adj_0", line="head")["postings"]
    posting["source"] = "vendor:mem_hardware"


def a_commission_that_adjusts(n: dict[str, Items]) -> None:
    head_with_overrides(n)["postings"][0]["source"] = "network:adjustments"


def a_batch_that_counts_wrong(n: dict[str, Items]) -> None:
    find(n["payouts"], item="batch", batch_id="bat_first")["payout_count"] += 1


def a_batch_with_another_total(n: dict[str, Items]) -> None:
    find(n["payouts"], item="batch", batch_id="bat_third")["total_minor"] -= 1


def a_payout_after_its_cutoff(n: dict[str, Items]) -> None:
    find(n["payouts"], item="batch", batch_id="bat_third")["cutoff"] = "2020-01-01"


def a_batch_settled_too_early(n: dict[str, Items]) -> None:
    find(n["payouts"], item="batch", batch_id="bat_third")["status"] = "settled"


def taken_out(n: dict[str, Items]) -> dict[str, Any]:
    return find(n["payouts"], item="payout#", status="removed")


def a_removal_that_its_batch_does_not_name(n: dict[str, Items]) -> None:
    n["payouts"].remove(find(n["payouts"], item="removed#"))


def a_removal_named_that_never_was(n: dict[str, Items]) -> None:
    paid = find(n["payouts"], item="payout#", status="paid")
    named = {"batch_id": paid["batch_id"], "item": f"removed#{paid['payout_id']}"}
    n["payouts"].append(named | {"payout_id": paid["payout_id"], "status": "removed"})


def a_removal_that_gave_nothing_back(n: dict[str, Items]) -> None:
    transaction_id = f"{taken_out(n)['payout_id']}/removed"
    n["ledger"].remove(find(n["ledger"], line="head", transaction_id=transaction_id))


def a_removal_for_no_reason(n: dict[str, Items]) -> None:
    del taken_out(n)["reason"]


def a_removed_payout_that_is_paid_all_the_same(n: dict[str, Items]) -> None:
    taken_out(n)["status"] = "paid"


def a_removed_payout_that_is_still_counted(n: dict[str, Items]) -> None:
    batch = find(n["payouts"], item="batch", batch_id="bat_third")
    batch["payout_count"] += 1
    batch["unsettled"] += 1
    batch["total_minor"] += taken_out(n)["amount_minor"]


def a_removal_that_its_batch_does_not_count(n: dict[str, Items]) -> None:
    del find(n["payouts"], item="batch", batch_id="bat_third")["removed_count"]


def a_held_payout_that_is_sent(n: dict[str, Items]) -> None:
    find(n["payouts"], item="payout#", status="debited", held_reason="looks odd")["status"] = "sent"


def a_hold_that_its_batch_does_not_count(n: dict[str, Items]) -> None:
    find(n["payouts"], item="batch", batch_id="bat_third")["held_minor"] -= 1


def a_payout_left_behind_by_its_export(n: dict[str, Items]) -> None:
    find(n["payouts"], item="batch", batch_id="bat_third")["status"] = "exported"


def a_commission_removed_after_it_was_paid(n: dict[str, Items]) -> None:
    line = find(n["ledger"], line="line#", kind="commission", account="affiliate:mem_orphan")
    n["ledger"].remove(line)


def confirmed(n: dict[str, Items], external_id: str) -> dict[str, Any]:
    """The confirmation of a conversion."""
    report = find(n["conversions"], external_id=external_id)
    return find(n["conversions"], conversion_id=report["conversion_id"], fact="confirmation")


def a_limit_that_was_lower(n: dict[str, Items]) -> None:
    confirmed(n, "limit-within")["seen"]["limits"]["USD"] = 1_000


def a_release_that_nobody_decided(n: dict[str, Items]) -> None:
    del confirmed(n, "limit-released")["released_by"]


def a_cost_that_is_stored_lower(n: dict[str, Items]) -> None:
    find(n["tallies"], tally="cost#mem_hardware")["amount_minor"] -= 1


def a_refund_that_came_too_late_to_make_room(n: dict[str, Items]) -> None:
    report = find(n["conversions"], external_id="limit-within")
    fact = find(n["conversions"], conversion_id=report["conversion_id"], fact="refund#")
    fact["accepted_at"] = "2099-01-01T00:00:00.000Z"


def hold(n: dict[str, Items], external_id: str) -> None:
    marks = find(n["conversions"], external_id="limit-suspended")
    held = {name: value for name, value in marks.items() if name.startswith("held")}
    find(n["conversions"], external_id=external_id).update(held)


def a_hold_of_what_is_confirmed(n: dict[str, Items]) -> None:
    hold(n, "limit-within")


def a_hold_of_what_is_rejected(n: dict[str, Items]) -> None:
    hold(n, "rejected")


def a_hold_that_says_not_why(n: dict[str, Items]) -> None:
    del find(n["conversions"], external_id="limit-beyond")["held_reason"]


def a_hold_that_waits_for_silence(n: dict[str, Items]) -> None:
    find(n["conversions"], external_id="limit-beyond")["awaiting"] = "awaiting#0"


def introduction_of(n: dict[str, Items], external_id: str) -> dict[str, Any]:
    """What a report says of the sale that introduced its customer."""
    found: dict[str, Any] = find(n["conversions"], external_id=external_id)["attribution"]
    return found["introduction"]


def remembered(n: dict[str, Items], external_id: str) -> dict[str, Any]:
    """What a sale remembers of what lives by it."""
    sale = find(n["conversions"], external_id=external_id)["conversion_id"]
    return find(n["conversions"], conversion_id=sale, fact="~introduced#")


def an_introduced_commission_due_before_its_introduction(n: dict[str, Items]) -> None:
    introduction_of(n, "lives-by-villa")["due_on"] = "2020-01-01"


def an_introduction_with_another_floor(n: dict[str, Items]) -> None:
    introduction_of(n, "lives-by-villa")["floor_minor"] += 1


def an_introduction_by_nothing_confirmed(n: dict[str, Items]) -> None:
    pending = find(n["conversions"], external_id="pending")["conversion_id"]
    introduction_of(n, "lives-by-villa")["conversion_id"] = pending


def an_introduction_by_another_affiliates_sale(n: dict[str, Items]) -> None:
    others = find(n["conversions"], external_id="tools-1")["conversion_id"]
    introduction_of(n, "lives-by-villa")["conversion_id"] = others


def a_sale_that_forgot_what_lives_by_it(n: dict[str, Items]) -> None:
    n["conversions"].remove(remembered(n, "villa"))


def a_sale_that_remembers_what_does_not_live_by_it(n: dict[str, Items]) -> None:
    item = remembered(n, "villa")
    other = find(n["conversions"], external_id="tools-1")["conversion_id"]
    fact = f"{item['fact'].rpartition('#')[0]}#{other}"
    n["conversions"].append(item | {"fact": fact})


def withdrawal(n: dict[str, Items]) -> dict[str, Any]:
    return find(n["conversions"], fact="withdrawal")


def a_withdrawal_though_the_introduction_stood(n: dict[str, Items]) -> None:
    sale = find(n["conversions"], external_id="shed")["conversion_id"]
    n["conversions"].remove(find(n["conversions"], conversion_id=sale, fact="refund#"))


def a_withdrawal_of_another_day(n: dict[str, Items]) -> None:
    withdrawal(n)["ended_on"] = "2020-01-01"


def a_withdrawal_of_what_nothing_introduced(n: dict[str, Items]) -> None:
    del find(n["conversions"], external_id="lives-by-shed")["attribution"]["introduction"]


def a_withdrawal_that_never_came(n: dict[str, Items]) -> None:
    fact = withdrawal(n)
    n["conversions"].remove(fact)
    transaction_id = f"{fact['conversion_id']}/withdrawal"
    n["ledger"][:] = [each for each in n["ledger"] if each.get("transaction_id") != transaction_id]


def a_withdrawal_that_saw_no_tally(n: dict[str, Items]) -> None:
    withdrawal(n)["tallies"] = []


def a_withdrawal_by_rules_that_moved_no_tally(n: dict[str, Items]) -> None:
    withdrawal(n)["rules"] = 2


def a_refund_that_left_what_lived_by_its_sale(n: dict[str, Items]) -> None:
    shed = find(n["conversions"], external_id="shed")["conversion_id"]
    fact = find(n["conversions"], conversion_id=shed, fact="refund#")
    fact["unposted"] = "unposted#0"


def a_sale_that_bound_more_contacts_than_it_counted(n: dict[str, Items]) -> None:
    find(n["conversions"], external_id="villa")["new_contacts"] += 1


def a_sale_that_bound_nobody_and_counted(n: dict[str, Items]) -> None:
    del find(n["conversions"], external_id="villa")["new_contacts"]


def a_number_that_is_not_whole(n: dict[str, Items]) -> None:
    find(n["ledger"], line="balance#")["balance_minor"] = 1.5


def something_that_is_no_ledger_item(n: dict[str, Items]) -> None:
    n["ledger"].append({"account": "transaction:x", "line": "note"})


CORRUPTIONS = [
    (one_digit_in_a_line, {"I1", "I2"}),
    (a_line_dropped, {"I1", "I2"}),
    (a_line_twice, {"I1", "I2"}),
    (a_balance_changed, {"I2"}),
    (a_balance_removed, {"I2"}),
    (a_due_date_moved_in_a_balance, {"I2"}),
    (a_version_behind, {"I2"}),
    (a_line_due_too_early, {"I11"}),
    (dues_that_do_not_add_up, {"I2"}),
    (a_head_removed, {"I4"}),
    (a_posting_of_nothing, {"I1", "I14"}),
    (a_posting_to_itself, {"I1", "I9"}),
    (another_currency_in_a_posting, {"I1"}),
    (a_transaction_of_two_vendors, {"I15", "I20"}),
    (a_commission_and_all_it_made_one_cent_higher, {"I14", "I20"}),
    (a_head_without_its_fact, {"I5"}),
    (a_fact_never_posted, {"I4"}),
    (a_fact_posted_but_still_marked, {"I4"}),
    (terms_changed_after_the_fact, {"I20"}),
    (settings_changed_after_the_fact, {"I20"}),
    (a_version_of_the_terms_lost, {"I20"}),
    (a_refund_chain_broken, {"I8"}),
    (more_refunded_than_the_refunds_say, {"I8"}),
    (a_refund_that_should_have_posted, {"I8", "I5"}),
    (a_status_without_its_fact, {"I19"}),
    (a_rejection_lost, {"I19"}),
    (attribution_given_to_another, {"I16"}),
    (a_payout_doubled, {"I9", "I13"}),
    (a_payout_raised, {"I9", "I13"}),
    (a_payout_paid_without_settlement, {"I12", "I9"}),
    (a_payout_both_paid_and_failed, {"I12"}),
    (a_settlement_lost, {"I12", "I9"}),
    (a_result_forgotten, {"I12"}),
    (a_result_of_another_word, {"I12"}),
    (a_return_lost, {"I9", "I12"}),
    (an_arrival_booked_twice, {"I12"}),
    (a_return_that_the_bank_did_not_pay, {"I9", "I14"}),
    (a_debit_lost, {"I26"}),
    (a_debit_of_another_number, {"I26"}),
    (a_debit_that_says_it_reached_less, {"I26"}),
    (a_debit_of_another_payout, {"I26"}),
    (a_line_said_to_be_posted_after_the_payout_that_took_it, {"I26"}),
    (an_adjustment_that_says_not_why, {"I27"}),
    (a_write_off_that_takes, {"I27", "I14"}),
    (an_adjustment_out_of_a_vendors_money, {"I27"}),
    (a_commission_that_adjusts, {"I27"}),
    (a_batch_that_counts_wrong, {"I13"}),
    (a_batch_with_another_total, {"I13"}),
    (a_payout_after_its_cutoff, {"I11"}),
    (a_batch_settled_too_early, {"I12"}),
    (a_removal_that_its_batch_does_not_name, {"I13"}),
    (a_removal_named_that_never_was, {"I13"}),
    (a_removal_that_gave_nothing_back, {"I12", "I9"}),
    (a_removal_for_no_reason, {"I12"}),
    (a_removed_payout_that_is_paid_all_the_same, {"I12", "I13"}),
    (a_removed_payout_that_is_still_counted, {"I13"}),
    (a_removal_that_its_batch_does_not_count, {"I13"}),
    (a_held_payout_that_is_sent, {"I12"}),
    (a_hold_that_its_batch_does_not_count, {"I13"}),
    (a_payout_left_behind_by_its_export, {"I12"}),
    (a_commission_removed_after_it_was_paid, {"I10"}),
    (a_limit_that_was_lower, {"I23"}),
    (a_release_that_nobody_decided, {"I23"}),
    (a_cost_that_is_stored_lower, {"I6"}),
    (a_refund_that_came_too_late_to_make_room, {"I6"}),
    (a_hold_of_what_is_confirmed, {"I23"}),
    (a_hold_of_what_is_rejected, {"I23"}),
    (a_hold_that_says_not_why, {"I23"}),
    (a_hold_that_waits_for_silence, {"I19"}),
    (an_introduced_commission_due_before_its_introduction, {"I24"}),
    (an_introduction_with_another_floor, {"I24"}),
    (an_introduction_by_nothing_confirmed, {"I24"}),
    (an_introduction_by_another_affiliates_sale, {"I24"}),
    (a_sale_that_forgot_what_lives_by_it, {"I24"}),
    (a_sale_that_remembers_what_does_not_live_by_it, {"I24"}),
    (a_withdrawal_though_the_introduction_stood, {"I25"}),
    (a_withdrawal_of_another_day, {"I25"}),
    (a_withdrawal_of_what_nothing_introduced, {"I25"}),
    (a_withdrawal_that_never_came, {"I25"}),
    (a_withdrawal_that_saw_no_tally, {"I20", "I6"}),
    (a_withdrawal_by_rules_that_moved_no_tally, {"I20"}),
    (a_sale_that_bound_more_contacts_than_it_counted, {"I6"}),
    (a_sale_that_bound_nobody_and_counted, {"I20"}),
    (a_number_that_is_not_whole, {"I1"}),
    (something_that_is_no_ledger_item, {"I1"}),
]
