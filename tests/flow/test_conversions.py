"""Conversions over HTTP: accepted once, confirmed or rejected once, refunded to the unit."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest


def _entries(world, affiliate) -> list[int]:
    found = world.api.ok("GET", "/v1/entries?limit=100", key=affiliate.key)["data"]
    return [entry["amount_minor"] for entry in found]


def test_the_same_conversion_fifty_times_is_one_commission_set(world, ledger_is_right) -> None:
    sponsor = world.affiliate()
    rudo, shop = world.affiliate(sponsor=sponsor), world.vendor()
    program_id = world.program(shop, confirmation="on_report")
    sale = world.sale(program_id, 9_999, affiliate_id=rudo.id, customer={"id": "c-1"})

    def report(_: int):
        # Fifty cold starts at once can outlast a function's time here: then the shop asks again.
        for _ in range(5):
            answer = world.api.call("POST", "/v1/conversions", sale, key=shop.key)
            if answer.status < 500:
                break
        return answer

    with ThreadPoolExecutor(50) as pool:
        at_once = list(pool.map(report, range(50)))
    in_sequence = [report(each) for each in range(50)]
    answers = at_once + in_sequence
    # None is 201 only if the answer to the one that made it was lost, and asked for again.
    assert sorted(answer.status for answer in answers) in ([200] * 99 + [201], [200] * 100)
    assert len({answer.body["id"] for answer in answers}) == 1
    replays = [answer for answer in answers if answer.status == 200]
    assert {answer.headers["idempotent-replayed"] for answer in replays} == {"true"}
    world.wait_for_balance(rudo, 500)
    assert _entries(world, rudo) == [500]
    assert _entries(world, sponsor) == [50]

    respelled = {**sale, "external_id": f" {sale['external_id']} ", "coupon": None}
    same = world.api.call("POST", "/v1/conversions", respelled, key=shop.key)
    assert (same.status, same.body["id"]) == (200, answers[0].body["id"])
    other = world.api.call("POST", "/v1/conversions", {**sale, "amount_minor": 1}, key=shop.key)
    assert (other.status, other.body["code"]) == (409, "external_id_reused")
    assert world.balance(rudo) == 500
    ledger_is_right()


def test_the_introducer_earns_at_every_vendor(world, ledger_is_right) -> None:
    rudo, other = world.affiliate(), world.affiliate()
    builder, shop = world.vendor(), world.vendor()
    building = world.program(builder, confirmation="on_report")
    tools = world.program(shop, confirmation="on_report", introducer_rate_bps=200)
    phone = f"+2637{uuid.uuid4().int % 10**8:08d}"
    first = world.sale(building, 100_00, affiliate_id=rudo.id, customer={"phone": phone})
    assert world.report(builder, first)["attribution"]["model"] == "named"

    spaced = f"{phone[:4]} {phone[4:7]} {phone[7:]}"
    later = world.report(shop, world.sale(tools, 50_00, customer={"phone": spaced, "id": "7"}))
    assert later["attribution"] == {
        "model": "introducer",
        "affiliate_id": rudo.id,
        "click_id": None,
    }
    world.wait_for_balance(rudo, 500 + 100)
    by_own_id = world.report(shop, world.sale(tools, 10_00, customer={"id": "7"}))
    assert by_own_id["attribution"]["affiliate_id"] == rudo.id

    taken = world.sale(tools, 10_00, affiliate_id=other.id, customer={"phone": phone})
    assert world.report(shop, taken)["attribution"]["affiliate_id"] == other.id
    after = world.report(shop, world.sale(tools, 10_00, customer={"phone": phone}))
    assert after["attribution"]["affiliate_id"] == rudo.id
    world.wait_for_balance(rudo, 600 + 20 + 20)
    ledger_is_right()


def test_a_fully_refunded_introduction_ends_it(world, ledger_is_right) -> None:
    rudo, builder = world.affiliate(), world.vendor()
    program_id = world.program(builder, confirmation="on_report", introducer_rate_bps=200)
    customer = {"email": f"{uuid.uuid4()}@example.com"}
    sale = world.sale(program_id, 100_00, affiliate_id=rudo.id, customer=customer)
    first = world.report(builder, sale)
    world.refund(builder, first["id"], 99_80)  # of the 0.20 left 5 % is still something
    world.wait_for_balance(rudo, 1)
    assert world.report(builder, world.sale(program_id, 1_00, customer=customer))["attributed"]
    world.wait_for_balance(rudo, 1 + 2)
    world.refund(builder, first["id"], 20)
    later = world.report(builder, world.sale(program_id, 1_00, customer=customer))
    assert later["attributed"] is False
    assert later["reason"]
    world.wait_for_balance(rudo, 0)  # what it introduced on its own day is taken back with it
    ledger_is_right()


def _confirmed(world, amount_minor: int = 100_01):
    grand = world.affiliate()
    sponsor = world.affiliate(sponsor=grand)
    rudo, shop = world.affiliate(sponsor=sponsor), world.vendor()
    sale = world.sale(world.program(shop), amount_minor, affiliate_id=rudo.id)
    conversion = world.report(shop, sale)
    return shop, conversion["id"], (rudo, sponsor, grand)


def test_a_refund_before_the_confirmation_earns_only_the_rest(world, ledger_is_right) -> None:
    shop, conversion_id, (rudo, sponsor, grand) = _confirmed(world)
    world.refund(shop, conversion_id, 50_00)
    world.confirm(shop, conversion_id)
    # 5 % of 100.01 is 5.00; half_up(500 * 5001 / 10001) = 250.
    world.wait_for_balance(rudo, 250)
    assert (world.balance(sponsor), world.balance(grand)) == (25, 12)
    ledger_is_right()


def test_three_partial_refunds_and_the_rest_return_everything(world, ledger_is_right) -> None:
    shop, conversion_id, uplines = _confirmed(world)
    world.confirm(shop, conversion_id)
    world.wait_for_balance(uplines[0], 500)
    for amount_minor in (33_33, 11_11, 1):
        world.refund(shop, conversion_id, amount_minor)
    beyond = world.api.call(
        "POST",
        f"/v1/conversions/{conversion_id}/refunds",
        {"external_id": "beyond", "amount_minor": 55_57, "reason": "x"},
        key=shop.key,
    )
    assert (beyond.status, beyond.body["code"]) == (422, "refund_exceeds_rest")
    first = world.refund(shop, conversion_id, 55_56, "the-rest")
    again = world.refund(shop, conversion_id, 55_56, "the-rest")
    assert first == again
    for affiliate in uplines:
        world.wait_for_balance(affiliate, 0)
    ledger_is_right()


def test_two_refunds_at_once_never_exceed_the_sale(world, ledger_is_right) -> None:
    shop, conversion_id, (rudo, *_) = _confirmed(world)
    world.confirm(shop, conversion_id)
    path = f"/v1/conversions/{conversion_id}/refunds"

    def refund(number: int):
        body = {"external_id": f"r{number}", "amount_minor": 30_00, "reason": "returned"}
        return world.api.call("POST", path, body, key=shop.key).status

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(refund, range(8)))
    assert statuses == [201] * 3 + [422] * 5
    # 10.01 of 100.01 is left: half_up(500 * 1001 / 10001) = 50.
    world.wait_for_balance(rudo, 50)
    ledger_is_right()


def test_what_was_rejected_stays_rejected(world, ledger_is_right) -> None:
    shop, conversion_id, (rudo, *_) = _confirmed(world)
    path = f"/v1/conversions/{conversion_id}"
    for status in (201, 200):
        answer = world.api.call("POST", f"{path}/rejection", {"reason": "fraud"}, key=shop.key)
        assert answer.status == status
    refund = {"external_id": "r", "amount_minor": 1, "reason": "x"}
    for action, body in (("refunds", refund), ("confirmation", None)):
        answer = world.api.call("POST", f"{path}/{action}", body, key=shop.key)
        assert (answer.status, answer.body["code"]) == (409, "conversion_rejected")
    assert world.balance(rudo) == 0

    shop, conversion_id, _ = _confirmed(world)
    world.confirm(shop, conversion_id)
    path = f"/v1/conversions/{conversion_id}/rejection"
    answer = world.api.call("POST", path, {"reason": "late"}, key=shop.key)
    assert (answer.status, answer.body["code"]) == (409, "conversion_confirmed")
    ledger_is_right()


@pytest.mark.parametrize("how", ["own sale", "own purchase", "suspended", "unknown click"])
def test_who_does_not_earn_is_told_why(world, how: str) -> None:
    email = f"{uuid.uuid4()}@example.com"
    rudo, shop = world.affiliate(email=email), world.vendor(roles=["vendor", "affiliate"])
    program_id = world.program(shop)
    sent = {
        "own sale": {"affiliate_id": shop.id},
        "own purchase": {"affiliate_id": rudo.id, "customer": {"email": email.upper()}},
        "suspended": {"affiliate_id": rudo.id},
        "unknown click": {"click_id": "clk_nobody"},
    }[how]
    if how == "suspended":
        world.api.ok("POST", f"/v1/members/{rudo.id}/suspension")
    answer = world.report(shop, world.sale(program_id, 100, **sent))
    assert answer["attributed"] is False
    expected = {"suspended": "suspended", "unknown click": "no such click"}.get(how, "own")
    assert expected in answer["reason"]
