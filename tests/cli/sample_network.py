"""A small network made by the product's own code in memory; prints every item of it as JSON.

Run as a script, because the tables' modules take their names from the environment when imported.
"""

import json
import os
import sys
from base64 import b64encode
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from tests.aws_tables import TABLES
from tests.domain.examples import operator

KEPT = ("conversions", "tallies", "ledger", "payouts", "programs", "settings", "statistics")
ENVIRONMENT = {
    **{f"{noun.upper()}_TABLE": noun for noun in TABLES},
    "HASH_SECRET": "a secret",
    "ID_SECRET": "a secret of ids",
    "WORK_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/work",
    "PAYOUT_FILES_BUCKET": "payout-files",
    "STAGE": "local",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "POWERTOOLS_TRACE_DISABLED": "1",
}


def main() -> None:
    os.environ.update(ENVIRONMENT)
    from tests.in_memory import empty_network

    with empty_network():
        create_stores()
        trade()
        json.dump(everything(), sys.stdout, default=lambda each: b64encode(each).decode())


def create_stores() -> None:
    import boto3

    boto3.client("sqs").create_queue(QueueName="work")


def trade() -> None:
    """Sales of every kind, refunds before and after, two batches paid out and one cancelled."""
    put_members()
    put_terms()
    tools = sell("tools-1", 25_000, affiliate_id="mem_tendai", customer="rudo")
    sell("tools-2", 12_345, customer="rudo")
    sell("tools-3", 3_300, affiliate_id="mem_orphan")
    sell("tools-4", 0, affiliate_id="mem_tendai")
    sell("tools-5", 777_777, currency="ZWG", affiliate_id="mem_tendai")
    sell("nobody", 5_000)
    sell("pending", 5_000, affiliate_id="mem_tendai", confirm=False)
    rejected = sell("rejected", 5_000, affiliate_id="mem_tendai", confirm=False)
    reject(rejected)
    sell("quote-1", 100, program="prg_builder", affiliate_id="mem_architect", event="lead")
    bricks = sell("bricks", 99_999, program="prg_builder", affiliate_id="mem_tendai")
    for part in (33_333, 33_333, 33_333):
        refund(bricks, part)
    early = sell("early", 7_001, affiliate_id="mem_tendai", confirm=False)
    refund(early, 1_001)
    confirm(early)
    refund(early, 1_000)
    pay_out("bat_first", "USD", failed="mem_architect")
    refund(tools, 10_000)
    sell("tools-6", 40_000, affiliate_id="mem_tendai")
    cancel_batch("bat_second", "ZWG")
    plan_batch("bat_third", "USD")
    take_out_and_hold("bat_third")
    say("bat_first", "mem_architect", "arrived")
    say("bat_first", "mem_tendai", "returned")
    adjust_by_hand()
    trade_by_every_rule()
    pay_for_clicks()
    trade_within_limits()
    trade_by_introductions()
    book_again("bat_lost", "mem_tendai", "mem_builder")
    sell("in-flight", 9_999, affiliate_id="mem_tendai", post=False)


def trade_by_every_rule() -> None:
    """Steps, caps, a budget, a ceiling, splits, compression, a recruit, bonuses; and refunds."""
    from linkage.domain.conversions.conversions import Item

    put_every_rule()
    for number in range(3):
        sell(
            f"plan-{number}",
            12_345,
            program="prg_plan",
            affiliate_id="mem_team",
            customer="loyal",
            items=(Item(2_345, "tools"), Item(10, None)),
        )
    coupon = sell("plan-coupon", 40_001, program="prg_plan", customer="new", coupon="TEAM")
    sell("plan-recruit", 5_000, program="prg_plan", affiliate_id="mem_tendai", customer="loyal")
    sell("plan-signup", 0, program="prg_plan", event="signup", affiliate_id="mem_team")
    part = sell("plan-part", 9_999, program="prg_plan", affiliate_id="mem_team", confirm=False)
    refund(part, 3_333)
    confirm(part)
    gone = sell("plan-gone", 4_000, program="prg_plan", affiliate_id="mem_builder", confirm=False)
    refund(gone, 4_000)
    confirm(gone)
    sell("plan-top", 4_000, program="prg_plan", affiliate_id="mem_builder")
    sell("plan-lost", 4_000, program="prg_plan", affiliate_id="mem_orphan")
    for part_minor in (13_333, 13_333, 13_335):
        refund(coupon, part_minor)
    sell("plan-after", 20_000, program="prg_plan", affiliate_id="mem_team", customer="new")


def pay_for_clicks() -> None:
    """A day of one link, folded and billed: two visitors, of whom one came twice, and a picture."""
    from linkage.domain import clock
    from linkage.domain.terms.programs import Program, Reward
    from linkage.flow.clicks.counting import count_clicks
    from linkage.flow.clicks.folding import fold_again
    from linkage.tables.programs import publish_program

    moment = clock.now()
    day = clock.day(moment) - timedelta(days=2)
    owners = {"program_id": "prg_clicks", "vendor_id": "mem_hardware"}
    publish_program(
        Program(
            **owners,
            version=1,
            name="Clicks",
            destination_url="https://hardware.example/",
            created_at="2026-01-01T00:00:00.000Z",
            rewards=(
                Reward("click", amount_minor=50, currency="USD"),
                Reward("impression", amount_minor=5_000, currency="USD"),
            ),
            window_days=30,
            hold_days=30,
            confirmation="on_report",
            introducer_rate_bps=0,
        )
    )
    seen = (("clk", 5, "anna"), ("clk", 6, "anna"), ("clk", 7, "ben"), ("imp", 7, "ben"))
    count_clicks(
        {
            **owners,
            "click_id": f"{kind}_{hour:032d}",
            "code": "tendaislink",
            "affiliate_id": "mem_tendai",
            "clicked_at": f"{day}T{hour:02d}:00:00.000Z",
            "visitor": visitor,
            "device": "mobile",
        }
        for kind, hour, visitor in seen
    )
    fold_again(day, moment)
    for event in ("click", "impression"):
        post_link_day(event, f"{event}/tendaislink/{day}")


def trade_within_limits() -> None:
    """A month's limit that is reached, a release, and a suspended vendor's word."""
    from linkage.flow.commissions.posting import post_fact
    from linkage.flow.conversions import releasing, vendor_decisions
    from linkage.tables.members import set_member

    def held(external_id: str) -> str:
        found = sell(external_id, 30_000, affiliate_id="mem_tendai", confirm=False)
        assert vendor_decisions.confirm(found, "mem_hardware")[0].held_reason
        return found

    set_member("mem_hardware", confirmed_max_minor={"USD": 2_500})
    within = sell("limit-within", 20_000, program="prg_plan", affiliate_id="mem_builder")
    refund(within, 5_000)
    held("limit-beyond")
    released = held("limit-released")
    releasing.release(released, operator("key_operator"))
    post_fact(released, "confirmation")
    set_member("mem_hardware", confirmed_max_minor=None, status="suspended")
    held("limit-suspended")
    set_member("mem_hardware", status="approved")


def trade_by_introductions() -> None:
    """What two sales introduced, of which one is refunded before that is due."""
    from linkage.domain.conversions.conversions import WITHDRAWAL
    from linkage.flow.commissions.posting import post_fact
    from linkage.tables.members import set_member

    set_member("mem_hardware", confirmed_max_minor={"USD": 100_000})
    introduction = {"program": "prg_builder", "affiliate_id": "mem_architect"}
    sell("villa", 50_000, customer="villa", email="villa@example.com", **introduction)
    sell("lives-by-villa", 10_000, customer="villa")
    shed = sell("shed", 50_000, customer="shed", email="shed@example.com", **introduction)
    introduced = sell("lives-by-shed", 10_000, customer="shed")
    refund(shed, 50_000)
    post_fact(introduced, WITHDRAWAL)
    refund(introduced, 10_000)
    set_member("mem_hardware", confirmed_max_minor=None)


def post_link_day(event: str, external_id: str) -> None:
    from linkage.flow.commissions.posting import post_fact
    from tests.conversion_ids import plain_id

    post_fact(plain_id("mem_hardware", event, external_id), "report")


def put_members() -> None:
    from linkage.domain.people.members import Member, Split
    from linkage.tables.members import put_member

    method = {"type": "mobile_money", "provider": "EcoCash", "phone": "+263773047653"}

    def put(
        name: str,
        *upline: str,
        status: str = "approved",
        role: str = "affiliate",
        splits: tuple[Split, ...] = (),
    ) -> None:
        put_member(
            Member(
                member_id=f"mem_{name}",
                name=name,
                roles=(role,),
                status=status,
                created_at="2026-01-01T00:00:00.000Z",
                sponsor_id=upline[0] if upline else None,
                upline=upline,
                payout_method=method,
                splits=splits,
            )
        )

    put("hardware", role="vendor")
    put("builder")
    put("architect", "mem_builder")
    put("tendai", "mem_architect", "mem_builder")
    put("suspended", "mem_builder", status="suspended")
    put("orphan", "mem_suspended", "mem_builder")
    team = (Split("mem_architect", 3_333), Split("mem_orphan", 500))
    put("team", "mem_tendai", "mem_suspended", "mem_builder", "mem_architect", splits=team)


def put_terms() -> None:
    from linkage.domain.terms.network import NetworkSettings
    from linkage.domain.terms.programs import Program, Reward
    from linkage.tables.programs import publish_program
    from linkage.tables.settings import publish_settings

    publish_settings(NetworkSettings(version=1))
    shared: dict[str, Any] = {
        "version": 1,
        "vendor_id": "mem_hardware",
        "destination_url": "https://hardware.example/",
        "window_days": 30,
        "created_at": "2026-01-01T00:00:00.000Z",
    }
    publish_program(
        Program(
            program_id="prg_tools",
            name="Tools",
            rewards=(Reward("sale", rate_bps=500),),
            hold_days=0,
            confirmation="manual",
            introducer_rate_bps=200,
            **shared,
        )
    )
    publish_program(
        Program(
            program_id="prg_builder",
            name="Builder",
            rewards=(
                Reward("sale", rate_bps=333),
                Reward("lead", amount_minor=2_000, currency="USD"),
            ),
            hold_days=30,
            confirmation="on_report",
            introducer_rate_bps=0,
            **shared,
        )
    )


def put_every_rule() -> None:
    from linkage.domain.terms.coupons import Coupon
    from linkage.domain.terms.network import NetworkSettings, RecruitmentBonus
    from linkage.domain.terms.programs import Bonus, Program, Reward, Step, Thresholds
    from linkage.tables.coupons import put_coupon
    from linkage.tables.programs import publish_program
    from linkage.tables.settings import publish_settings

    publish_settings(
        NetworkSettings(
            version=2,
            level_rates_bps=(1000, 500, 250),
            override_funding="vendor",
            affiliate_fee_bps=333,
            active_days=3650,
            recruitment_bonus=RecruitmentBonus(700, "ZWG"),
        )
    )
    limits: dict[str, Any] = {"period": "year", "period_max_minor": 3_000, "budget_minor": 4_000}
    steps = Thresholds("count", "month", (Step(0, 2, rate_bps=500), Step(2, None, rate_bps=700)))
    publish_program(
        Program(
            program_id="prg_plan",
            version=1,
            vendor_id="mem_hardware",
            name="Plan",
            destination_url="https://hardware.example/",
            created_at="2026-01-01T00:00:00.000Z",
            rewards=(
                Reward("sale", thresholds=steps),
                Reward("sale", rate_bps=1_111, category="tools", currency="USD", max_minor=200),
                Reward("sale", rate_bps=2_000, coupon="TEAM", currency="USD", name="T", **limits),
                Reward("sale", rate_bps=1_500, first_n=1, months=12),
                Reward("signup", amount_minor=150, currency="USD"),
            ),
            window_days=30,
            hold_days=5,
            confirmation="manual",
            introducer_rate_bps=100,
            categories=("tools",),
            ceiling_bps=1_500,
            bonuses=(
                Bonus("volume", "quarter", 70_000, 1_000, "USD"),
                Bonus("count", "month", 3, 250, "ZWG"),
            ),
        )
    )
    coupon = Coupon(
        vendor_id="mem_hardware",
        code="TEAM",
        program_id="prg_plan",
        affiliate_id="mem_team",
        exclusive=True,
        starts_on=None,
        ends_on=None,
        paused=False,
        created_at="2026-01-01T00:00:00.000Z",
    )
    put_coupon(coupon)


def sell(
    external_id: str,
    amount_minor: int,
    *,
    program: str = "prg_tools",
    event: str = "sale",
    currency: str = "USD",
    affiliate_id: str | None = None,
    customer: str | None = None,
    email: str | None = None,
    confirm: bool = True,
    post: bool = True,
    **also: Any,
) -> str:
    from linkage.domain.conversions.requests import Report
    from linkage.domain.people.customers import Customer
    from linkage.flow.commissions.posting import post_fact
    from linkage.flow.conversions import recording, vendor_decisions

    conversion, _ = recording.report(
        Report(
            vendor_id="mem_hardware",
            program_id=program,
            event=event,
            external_id=external_id,
            amount_minor=amount_minor,
            currency=currency,
            fingerprint=external_id,
            click_id=None,
            affiliate_id=affiliate_id,
            customer=Customer(email=email, vendor_customer_id=customer),
            metadata={},
            **also,
        )
    )
    if conversion.status == "confirmed":
        post_fact(conversion.conversion_id, "report")
    elif confirm:
        vendor_decisions.confirm(conversion.conversion_id, "mem_hardware")
        if post:
            post_fact(conversion.conversion_id, "confirmation")
    return conversion.conversion_id


def confirm(conversion_id: str) -> None:
    from linkage.flow.commissions.posting import post_fact
    from linkage.flow.conversions import vendor_decisions

    vendor_decisions.confirm(conversion_id, "mem_hardware")
    post_fact(conversion_id, "confirmation")


def reject(conversion_id: str) -> None:
    from linkage.flow.conversions import vendor_decisions

    vendor_decisions.reject(conversion_id, "mem_hardware", "other", "not paid")


def refund(conversion_id: str, amount_minor: int) -> None:
    from linkage.domain.conversions.conversions import refund_key
    from linkage.domain.conversions.requests import SentRefund
    from linkage.flow.commissions.posting import post_fact
    from linkage.flow.conversions import vendor_decisions
    from linkage.tables.conversions import get_history

    name = f"refund-{len(get_history(conversion_id).refunds)}"
    _, accepted, _ = vendor_decisions.refund(
        conversion_id, "mem_hardware", SentRefund(name, amount_minor, "returned", name)
    )
    if accepted.posts:
        post_fact(conversion_id, refund_key(name))


def plan_batch(batch_id: str, currency: str) -> None:
    from linkage.domain import clock
    from linkage.flow.payouts import planning
    from linkage.flow.payouts.debiting import debit_page
    from linkage.tables.payout_batches import list_pages

    today = clock.day(clock.now()).isoformat()
    planning.start(planning.new_batch(batch_id, currency, today, "key_operator"))
    for page in list_pages(batch_id):
        debit_page(batch_id, page.number)


def pay_out(batch_id: str, currency: str, failed: str) -> None:
    from linkage.domain.payouts.requests import Result
    from linkage.flow.payouts import planning
    from linkage.flow.payouts.exporting import export
    from linkage.flow.payouts.settling import settle
    from linkage.tables.payouts import batch_payouts

    plan_batch(batch_id, currency)
    planning.approve(batch_id, operator("key_operator"))
    export(batch_id)
    results = [
        Result("", each.payout_id, "failed" if each.affiliate_id == failed else "paid", None, None)
        for each in batch_payouts(batch_id)
    ]
    settle(batch_id, results, operator("key_operator"))


def say(batch_id: str, affiliate_id: str, status: str) -> None:
    """What the bank says of one payout, later."""
    from linkage.domain.payouts.payouts import payout_id
    from linkage.domain.payouts.requests import Result
    from linkage.flow.payouts.settling import settle

    result = Result("", payout_id(batch_id, affiliate_id), status, None, "by letter")
    settle(batch_id, [result], operator("key_operator"))


def adjust_by_hand() -> None:
    """Something given, something taken, and a part of what is owed then written off."""
    from linkage.domain.ledger.requests import SentAdjustment
    from linkage.flow.ledger.adjusting import adjust

    key = operator("key_operator")
    for number, (kind, amount_minor) in enumerate(
        [("adjustment", 1_500), ("adjustment", -99_999), ("write_off", 50_000)]
    ):
        sent = SentAdjustment("mem_orphan", "ZWG", amount_minor, kind, "as agreed")
        adjust(sent, f"adj_{number}", key)


def take_out_and_hold(batch_id: str) -> None:
    from linkage.flow.payouts.holding_payouts import hold, remove
    from linkage.tables.payouts import batch_payouts

    out, held, *_ = (each.payout_id for each in batch_payouts(batch_id))
    remove(batch_id, out, "asked to wait", operator("key_operator"))
    hold(batch_id, held, "looks odd", operator("key_operator"))


def cancel_batch(batch_id: str, currency: str) -> None:
    from linkage.flow.payouts import planning
    from linkage.flow.payouts.debiting import give_back_page
    from linkage.tables.payout_batches import list_pages

    plan_batch(batch_id, currency)
    planning.cancel(batch_id, operator("key_2"))
    for page in list_pages(batch_id):
        give_back_page(batch_id, page.number)


def book_again(batch_id: str, *affiliate_ids: str) -> None:
    """A batch that the tables have lost, from its file; it paid more than the tables know of."""
    from linkage.domain import clock
    from linkage.domain.payouts.payout_file import render
    from linkage.domain.payouts.payouts import Payout, payout_id
    from linkage.flow.payouts import rebooking
    from linkage.flow.payouts.planning import new_batch
    from linkage.tables import payout_files

    now = clock.now()
    batch = new_batch(batch_id, "USD", clock.day(now).isoformat(), "key_operator")
    paid = [
        Payout(
            payout_id=payout_id(batch_id, affiliate_id),
            batch_id=batch_id,
            affiliate_id=affiliate_id,
            amount_minor=12_345,
            currency="USD",
            status="debited",
            created_at=clock.text(now),
            name=affiliate_id,
            method={"type": "manual"},
        )
        for affiliate_id in affiliate_ids
    ]
    payout_files.put_file(batch, render(paid))
    rebooking.rebook(batch_id, ("cli:arn:aws:iam::123456789012:user/op", ""))


def files() -> list[Mapping[str, Any]]:
    """The payout files, as items."""
    import boto3

    s3, bucket = boto3.client("s3"), "payout-files"
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    return [
        {
            "batch_id": {"S": key.removeprefix("payouts/").removesuffix(".csv")},
            "body": {"B": s3.get_object(Bucket=bucket, Key=key)["Body"].read()},
        }
        for key in keys
    ]


def everything() -> Mapping[str, Any]:
    """Every item in DynamoDB's own form; of the statistics those of links."""
    import boto3

    pages = boto3.client("dynamodb").get_paginator("scan")
    return {"files": files()} | {
        noun: [
            item
            for page in pages.paginate(TableName=noun)
            for item in page["Items"]
            if noun != "statistics" or item["of"]["S"].startswith("link#")
        ]
        for noun in KEPT
    }


if __name__ == "__main__":
    main()
