"""Who gets a sale, over HTTP: coupons, repeat purchases, leads, joint promotions, clients."""

import json
import uuid
from datetime import timedelta

import boto3
import pytest

from linkage.domain import clock


def _coupon(world, vendor, program_id: str, affiliate, **more: object) -> str:
    code = f"Code-{uuid.uuid4().hex[:12]}"
    body = {"code": code, "affiliate_id": affiliate.id, "program_id": program_id, **more}
    made = world.api.ok("POST", "/v1/coupons", body, key=vendor.key)
    assert made["code"] == code.upper()
    return code


def _winner(conversion: dict) -> tuple[str | None, str | None]:
    attribution = conversion["attribution"] or {"model": None, "affiliate_id": None}
    return attribution["model"], attribution["affiliate_id"]


def _customer() -> dict[str, str]:
    return {"email": f"{uuid.uuid4()}@customer.example"}


def test_a_member_that_sells_and_refers_earns_on_others_sales_only(world) -> None:
    both = world.vendor(roles=["vendor", "affiliate"])
    other = world.vendor()
    own_id, others_id = world.program(both), world.program(other)
    own = world.report(both, world.sale(own_id, 1000, affiliate_id=both.id))
    assert own["attributed"] is False
    assert "own vendor's sale" in own["reason"]
    referred = world.report(other, world.sale(others_id, 1000, affiliate_id=both.id))
    assert _winner(referred) == ("named", both.id)


def test_an_exclusive_coupon_beats_the_click_and_a_shared_one_does_not(world) -> None:
    clicked, coded, shop = world.affiliate(), world.affiliate(), world.vendor()
    program_id = world.program(shop)
    click_id = world.api.click(world.link(clicked, program_id))
    exclusive = _coupon(world, shop, program_id, coded, exclusive=True)
    shared = _coupon(world, shop, program_id, coded, exclusive=False)

    def won(**claims: object) -> tuple[str | None, str | None]:
        return _winner(world.report(shop, world.sale(program_id, 1000, **claims)))

    assert won(click_id=click_id, coupon=exclusive.lower()) == ("coupon", coded.id)
    assert won(click_id=click_id, coupon=shared.upper()) == ("click", clicked.id)
    assert won(coupon=shared) == ("coupon", coded.id)
    assert won(click_id=click_id, coupon="NOBODYS") == ("click", clicked.id)


def test_a_coupon_of_another_vendor_or_another_date_attributes_nothing(world) -> None:
    affiliate, shop, other = world.affiliate(), world.vendor(), world.vendor()
    program_id, others_id = world.program(shop), world.program(other)
    foreign = _coupon(world, other, others_id, affiliate)
    ended = _coupon(world, shop, program_id, affiliate, ends_on="2020-01-31")
    for code in (foreign, ended):
        conversion = world.report(shop, world.sale(program_id, 1000, coupon=code))
        assert conversion["attributed"] is False, code
        assert "coupon" in conversion["reason"]


def test_a_customer_s_next_purchase_without_a_click_goes_by_the_earlier_one(
    world, ledger_is_right
) -> None:
    first, last, shop = world.affiliate(), world.affiliate(), world.vendor()
    by_last = world.program(shop, confirmation="on_report")
    by_first = world.program(shop, confirmation="on_report", click_model="first")
    customer = _customer()
    for affiliate in (first, last):
        click_id = world.api.click(world.link(affiliate, by_last))
        world.report(shop, world.sale(by_last, 1000, click_id=click_id, customer=customer))
    again = world.report(shop, world.sale(by_last, 1000, customer=customer))
    assert _winner(again) == ("click", last.id)
    assert _winner(world.report(shop, world.sale(by_first, 1000, customer=customer))) == (
        "click",
        first.id,
    )
    story = world.api.ok("GET", f"/v1/conversions/{again['id']}/explanation")["attribution"]
    assert {each["affiliate_id"] for each in story["candidates"]} >= {first.id, last.id}
    world.wait_for_balance(first, 50 + 50)
    ledger_is_right()


def test_a_lead_is_paid_and_earns_its_affiliate_the_later_sale(world, ledger_is_right) -> None:
    affiliate, shop = world.affiliate(), world.vendor()
    rewards = [
        {"event": "lead", "amount_minor": 200, "currency": world.currency},
        {"event": "sale", "rate_bps": 500},
    ]
    program_id = world.program(shop, rewards=rewards, confirmation="on_report")
    lead = {**world.sale(program_id, 0, affiliate_id=affiliate.id), "event": "lead"}
    lead_id = world.report(shop, lead)["id"]
    sale = world.report(shop, world.sale(program_id, 10_000, lead_id=lead_id))
    assert _winner(sale) == ("lead", affiliate.id)
    world.wait_for_balance(affiliate, 200 + 500)
    ledger_is_right()


def test_a_joint_promotion_pays_by_each_vendor_s_own_terms(world, ledger_is_right) -> None:
    affiliate, photos, cars = world.affiliate(), world.vendor(), world.vendor()
    photos_id = world.program(photos, confirmation="on_report")
    cars_id = world.program(
        cars,
        rewards=[{"event": "sale", "rate_bps": 1000}],
        joint_program_ids=[photos_id],
        confirmation="on_report",
    )
    path = f"/v1/programs/{photos_id}"
    shown = world.api.ok("GET", path, key=photos.key)
    world.api.ok("PUT", path, {**shown, "joint_program_ids": [cars_id]}, key=photos.key)
    alone_id = world.program(cars)
    wedding = world.report(photos, world.sale(photos_id, 10_000, affiliate_id=affiliate.id))
    car = world.report(cars, world.sale(cars_id, 5_000, joint_with=wedding["id"]))
    assert _winner(car) == ("joint", affiliate.id)
    alone = world.report(cars, world.sale(alone_id, 5_000, joint_with=wedding["id"]))
    assert alone["attributed"] is False
    world.wait_for_balance(affiliate, 500 + 500)
    world.refund(cars, car["id"], 5_000)
    world.wait_for_balance(affiliate, 500)
    ledger_is_right()


def test_an_own_purchase_earns_nothing_unless_the_client_s_code_came_with_it(world) -> None:
    name = uuid.uuid4().hex
    affiliate, shop = world.affiliate(email=f"{name}@gmail.com"), world.vendor()
    program_id = world.program(shop)
    own = {
        "affiliate_id": affiliate.id,
        "customer": {"email": f"{name[:5]}.{name[5:]}+x@gmail.com"},
    }
    refused = world.report(shop, world.sale(program_id, 1000, **own))
    assert refused["attributed"] is False
    assert "own purchase" in refused["reason"]

    client = {"phone": "+263771234567"}
    made = world.api.ok(
        "POST",
        "/v1/client-codes",
        {"affiliate_id": affiliate.id, "client": client},
        key=shop.key,
    )
    coded = {**own, "client": {**client, "code": made["code"].lower()}}
    assert _winner(world.report(shop, world.sale(program_id, 1000, **coded))) == (
        "named",
        affiliate.id,
    )
    again = world.report(shop, world.sale(program_id, 1000, **coded))
    assert again["attributed"] is False
    assert "code" in again["reason"]


def test_a_customer_who_opted_out_has_no_introducer_until_they_opt_in(world) -> None:
    affiliate, shop, other = world.affiliate(), world.vendor(), world.vendor()
    program_id = world.program(shop, confirmation="on_report")
    elsewhere = world.program(other, introducer_rate_bps=100, confirmation="on_report")
    customer = _customer()
    world.report(shop, world.sale(program_id, 1000, affiliate_id=affiliate.id, customer=customer))

    def introduced() -> tuple[str | None, str | None]:
        return _winner(world.report(other, world.sale(elsewhere, 1000, customer=customer)))

    assert introduced() == ("introducer", affiliate.id)
    answer = world.api.ok("POST", "/v1/customers/opt-out", {"customer": customer}, key=other.key)
    assert answer == {"opted_out": True, "scope": "network"}
    assert introduced() == (None, None)

    def opt_in(body: dict, key: str) -> tuple[int, dict]:
        answer = world.api.call("POST", "/v1/customers/opt-in", body, key=key)
        return answer.status, answer.body

    status, early = opt_in({"customer": customer}, other.key)
    assert (status, early["code"]) == (409, "opted_out_recently")
    status, others = opt_in({"customer": customer}, shop.key)
    assert (status, others["opted_out"]) == (200, True)
    assert introduced() == (None, None)
    lifted = world.api.ok(
        "POST", "/v1/customers/opt-in", {"customer": customer, "vendor_id": other.id}
    )
    assert lifted == {"opted_out": False, "marked_by": []}
    assert introduced() == ("introducer", affiliate.id)


def test_a_vendor_reads_of_an_introducer_and_who_it_is_once_it_confirms(world) -> None:
    affiliate, shop, other = world.affiliate(), world.vendor(), world.vendor()
    program_id = world.program(shop, confirmation="on_report")
    elsewhere = world.program(other, introducer_rate_bps=100, confirmation="manual")
    customer = _customer()
    world.report(shop, world.sale(program_id, 1000, affiliate_id=affiliate.id, customer=customer))
    sold = world.report(other, world.sale(elsewhere, 1000, customer=customer))
    assert _winner(sold) == ("introducer", None)
    path = f"/v1/conversions/{sold['id']}"
    assert affiliate.id not in json.dumps(
        [world.api.ok("GET", each, key=other.key) for each in (path, f"{path}/explanation")]
    )
    confirmed = world.api.ok("POST", f"{path}/confirmation", key=other.key)
    assert _winner(confirmed) == ("introducer", affiliate.id)


@pytest.mark.parametrize(
    ("days", "status"),
    [(-29, 201), (-31, 422), (1, 422)],
    ids=["within the lateness", "too late", "in the future"],
)
def test_a_vendor_reports_what_happened_within_the_program_s_lateness(world, days, status) -> None:
    shop = world.vendor()
    program_id = world.program(shop)
    occurred_at = clock.text(clock.now() + timedelta(days=days))
    sale = world.sale(program_id, 1000, occurred_at=occurred_at)
    answer = world.api.call("POST", "/v1/conversions", sale, key=shop.key)
    assert answer.status == status, answer.body
    if status == 422:
        assert answer.body["errors"][0]["pointer"] == "/occurred_at"


def test_an_operator_may_report_what_happened_long_ago(world) -> None:
    shop = world.vendor()
    program_id = world.program(shop)
    sale = world.sale(program_id, 1000, occurred_at="1997-01-18T12:00:00+02:00", vendor_id=shop.id)
    conversion = world.api.ok("POST", "/v1/conversions", sale)
    assert conversion["occurred_at"] == "1997-01-18T10:00:00.000Z"


def test_a_paused_program_earns_nobody_anything(world) -> None:
    affiliate, shop = world.affiliate(), world.vendor()
    program_id = world.program(shop, paused=True)
    conversion = world.report(shop, world.sale(program_id, 1000, affiliate_id=affiliate.id))
    assert conversion["attributed"] is False
    assert "paused" in conversion["reason"]


def test_silence_confirms_after_the_days_the_program_names(world, ledger_is_right) -> None:
    affiliate, shop = world.affiliate(), world.vendor()
    program_id = world.program(shop, confirmation="automatic", confirm_after_days=14)
    waiting, rejected = (
        world.report(shop, world.sale(program_id, 10_000, affiliate_id=affiliate.id))
        for _ in range(2)
    )
    path = f"/v1/conversions/{rejected['id']}/rejection"
    world.api.ok("POST", path, {"code": "cancelled", "reason": "not paid"}, key=shop.key)
    # A fortnight cannot be waited for: what was reported today is made a fortnight older instead.
    reported = clock.instant(waiting["reported_at"])
    moments = {":reported": clock.days_later(reported, -14), ":confirm": reported}
    boto3.client("dynamodb").update_item(
        TableName=world.outputs["ConversionsTableName"],
        Key={"conversion_id": {"S": waiting["id"]}, "fact": {"S": "report"}},
        UpdateExpression="SET reported_at = :reported, accepted_at = :reported, "
        "confirm_at = :confirm",
        ExpressionAttributeValues={
            name: {"S": clock.text(moment)} for name, moment in moments.items()
        },
    )
    functions = boto3.client("lambda")
    names = [each["FunctionName"] for each in functions.list_functions()["Functions"]]
    (name,) = (each for each in names if "confirmconversions" in each.lower().replace("_", ""))
    for _ in range(2):
        functions.invoke(FunctionName=name, Payload=json.dumps({"source": "linkage.tick"}))
    world.wait_for_balance(affiliate, 500)
    explained = world.api.ok("GET", f"/v1/conversions/{waiting['id']}/explanation")
    assert any("confirmed by itself" in sentence for sentence in explained["story"])
    seen = world.api.ok("GET", f"/v1/conversions/{rejected['id']}/explanation", key=affiliate.key)
    (fact,) = seen["facts"]
    assert (fact["fact"], fact["code"], fact["reason"]) == ("rejection", "cancelled", "not paid")
    ledger_is_right()
