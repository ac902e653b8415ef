"""Who introduced a customer, and what is held, over HTTP: from the counter to the ledger."""

import uuid

from tests.flow.client import wait_for


def _customer() -> dict[str, str]:
    return {"email": f"{uuid.uuid4()}@customer.example"}


def test_an_introducer_earns_at_the_next_shop_too_and_loses_it_with_the_first_sale(
    world, ledger_is_right
) -> None:
    architect, builder, supplier = world.affiliate(), world.vendor(), world.vendor()
    building = world.program(builder, hold_days=14)
    supplying = world.program(supplier, introducer_rate_bps=500, confirmation="on_report")
    client = _customer()
    named = {"affiliate_id": architect.id, "customer": client}
    first = world.report(builder, world.sale(building, 100_000, **named))
    world.confirm(builder, first["id"])
    sale = world.report(supplier, world.sale(supplying, 60_000, customer=client))
    assert sale["attribution"]["affiliate_id"] == architect.id
    world.wait_for_balance(architect, 5_000 + 3_000)
    assert world.balance(architect, "payable_minor") == 0

    world.refund(builder, first["id"], 100_000)
    world.wait_for_balance(architect, 0)
    path = f"/v1/conversions/{sale['id']}/explanation"
    told = world.api.ok("GET", path, key=architect.key)["story"]
    assert any("before this commission was due: it is taken back whole" in each for each in told)
    assert "introducer" not in str(
        world.report(supplier, world.sale(supplying, 100, customer=client))["attribution"]
    )
    ledger_is_right()


def test_an_operator_ends_an_introduction(world) -> None:
    affiliate, shop = world.affiliate(), world.vendor()
    program_id = world.program(shop, introducer_rate_bps=500, confirmation="on_report")
    client = _customer()
    first = world.report(
        shop, world.sale(program_id, 10_000, affiliate_id=affiliate.id, customer=client)
    )
    body = {"customer": client, "reason": "never a customer of theirs"}
    refused = world.api.call("POST", "/v1/customers/unbind", body, key=shop.key)
    assert refused.status == 403
    assert world.api.ok("POST", "/v1/customers/unbind", body) == {"ended": [first["id"]]}
    assert world.api.ok("POST", "/v1/customers/unbind", body) == {"ended": []}
    assert not world.report(shop, world.sale(program_id, 10_000, customer=client))["attributed"]


def test_what_a_suspended_vendor_confirms_waits_for_an_operator(world, ledger_is_right) -> None:
    affiliate, shop = world.affiliate(), world.vendor()
    program_id = world.program(shop)
    sold = world.report(shop, world.sale(program_id, 10_000, affiliate_id=affiliate.id))
    world.api.ok("POST", f"/v1/members/{shop.id}/suspension")
    held = world.confirm(shop, sold["id"])
    assert (held["status"], held["held"]["reason"]) == ("pending", "vendor_suspended")
    found = world.api.ok("GET", f"/v1/conversions?held=true&vendor_id={shop.id}")["data"]
    assert [each["id"] for each in found] == [sold["id"]]
    assert world.balance(affiliate) == 0
    path = f"/v1/conversions/{sold['id']}/release"
    assert world.api.call("POST", path, key=shop.key).status == 403
    assert world.api.ok("POST", path)["status"] == "confirmed"
    world.wait_for_balance(affiliate, 500)
    ledger_is_right()


def test_a_vendor_s_month_costs_it_no_more_than_its_limit(world) -> None:
    affiliate, shop = world.affiliate(), world.vendor()
    program_id = world.program(shop, confirmation="on_report")
    limit = {"confirmed_max_minor": {world.currency: 1_000}}
    path = f"/v1/members/{shop.id}"
    assert world.api.call("PATCH", path, limit, key=shop.key).status == 403
    world.api.ok("PATCH", path, limit)
    sale = {"affiliate_id": affiliate.id}
    within = world.report(shop, world.sale(program_id, 10_000, **sale))
    beyond = world.report(shop, world.sale(program_id, 10_000, **sale))
    assert [each["status"] for each in (within, beyond)] == ["confirmed", "pending"]
    assert beyond["held"]["reason"] == "over_the_vendors_limit"
    wait_for("the first one's commission", lambda: world.balance(affiliate) == 500)
