"""The whole way of a click, over HTTP: from a link to money sent, returned, and taken back."""

import csv
import io

import urllib3


def test_a_click_becomes_a_commission_becomes_a_payout(world, ledger_is_right) -> None:
    api = world.api
    grand = world.affiliate()
    sponsor = world.affiliate(sponsor=grand)
    rudo = world.affiliate(sponsor=sponsor)
    shop = world.vendor()
    program_id = world.program(shop)
    ledger_is_right()

    click_id = api.click(world.link(rudo, program_id))
    conversion = world.report(shop, world.sale(program_id, 25_030, click_id=click_id))
    assert conversion["status"] == "pending"
    assert conversion["attributed"] is True
    assert conversion["attribution"]["affiliate_id"] == rudo.id
    assert world.balance(rudo) == 0
    ledger_is_right()

    # 5 % of 250.30 is 12.515, half up 12.52; the fee a fifth of it, 10 % and 5 % out of the fee.
    world.confirm(shop, conversion["id"])
    world.wait_for_balance(rudo, 1252)
    assert (world.balance(sponsor), world.balance(grand)) == (125, 62)
    explained = api.ok("GET", f"/v1/conversions/{conversion['id']}/explanation")
    postings = [each for posted in explained["postings"] for each in posted["postings"]]
    fees = [posting for posting in postings if posting["kind"] == "fee"]
    assert [fee["amount_minor"] for fee in fees] == [250]
    ledger_is_right()

    batch_id = world.batch()
    planned = world.wait_for_batch(batch_id, "planned")
    assert (planned["count"], planned["total_minor"]) == (3, 1252 + 125 + 62)
    assert world.balance(rudo) == 0
    ledger_is_right()

    api.ok("POST", f"/v1/payout-batches/{batch_id}/approval")
    exported = world.wait_for_batch(batch_id, "exported")
    file = api.ok("GET", f"/v1/payout-batches/{batch_id}/file")
    content = urllib3.request("GET", file["url"]).data
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert {row["affiliate_id"]: row["amount"] for row in rows} == {
        rudo.id: "12.52",
        sponsor.id: "1.25",
        grand.id: "0.62",
    }
    ledger_is_right()

    payouts = {payout["affiliate_id"]: payout["id"] for payout in exported["payouts"]}
    results = [
        {"payout_id": payouts[rudo.id], "status": "paid", "reference": "EC-1"},
        {"payout_id": payouts[sponsor.id], "status": "failed", "reason": "wrong number"},
        {"payout_id": payouts[grand.id], "status": "paid"},
    ]
    path = f"/v1/payout-batches/{batch_id}/results"
    assert api.ok("POST", path, {"results": results})["status"] == "settled"
    assert api.ok("POST", path, {"results": results})["status"] == "settled"
    assert (world.balance(rudo), world.balance(sponsor), world.balance(grand)) == (0, 125, 0)
    assert world.balance(sponsor, "payable_minor") == 125
    changed = api.call("POST", path, {"results": [{**results[0], "status": "failed"}]})
    assert (changed.status, changed.body["code"]) == (409, "payout_paid")
    ledger_is_right()

    # Half is refunded after it was paid: half_up(1252 / 2) = 626 stays, so 626 is taken back.
    world.refund(shop, conversion["id"], 12_515)
    world.wait_for_balance(rudo, -626)
    assert (world.balance(sponsor), world.balance(grand)) == (125 - 63, -31)
    ledger_is_right()

    second = world.report(shop, world.sale(program_id, 20_000, click_id=click_id))
    world.confirm(shop, second["id"])
    world.wait_for_balance(rudo, -626 + 1000)
    batch = world.wait_for_batch(world.batch(), "planned")
    paid = {payout["affiliate_id"]: payout["amount_minor"] for payout in batch["payouts"]}
    assert paid == {rudo.id: 374, sponsor.id: 62 + 100, grand.id: -31 + 50}
    ledger_is_right()


def test_a_cancelled_batch_returns_its_money(world, ledger_is_right) -> None:
    rudo, shop = world.affiliate(), world.vendor()
    program_id = world.program(shop, confirmation="on_report")
    world.report(shop, world.sale(program_id, 10_000, affiliate_id=rudo.id))
    world.wait_for_balance(rudo, 500)
    batch_id = world.batch()
    assert world.balance(rudo) == 0
    path = f"/v1/payout-batches/{batch_id}"
    assert world.api.ok("POST", f"{path}/cancellation")["status"] == "cancelled"
    assert world.api.ok("POST", f"{path}/cancellation")["status"] == "cancelled"
    world.wait_for_balance(rudo, 500)
    assert world.api.call("POST", f"{path}/approval").body["code"] == "batch_cancelled"
    again = world.wait_for_batch(world.batch(), "planned")
    assert again["total_minor"] == 500
    ledger_is_right()


def test_who_cannot_be_paid_is_left_out_with_the_reason(world, ledger_is_right) -> None:
    api, shop = world.api, world.vendor()
    program_id = world.program(shop, confirmation="on_report")
    ready, suspended = world.affiliate(), world.affiliate()
    without_method = world.affiliate(payout_method=None)
    later = world.program(shop, confirmation="on_report", hold_days=30)
    for affiliate in (ready, suspended, without_method):
        world.report(shop, world.sale(program_id, 10_000, affiliate_id=affiliate.id))
    world.report(shop, world.sale(later, 20_000, affiliate_id=ready.id))
    for affiliate, minor in ((ready, 1500), (suspended, 500), (without_method, 500)):
        world.wait_for_balance(affiliate, minor)
    assert world.balance(ready, "pending_minor") == 1000
    api.ok("POST", f"/v1/members/{suspended.id}/suspension")
    batch = world.wait_for_batch(world.batch(), "planned")
    assert [p["affiliate_id"] for p in batch["payouts"]] == [ready.id]
    assert batch["total_minor"] == 500
    assert world.balance(suspended) == 500
    assert world.balance(ready, "payable_minor") == 0
    ledger_is_right()
