"""A small network in memory, driven as the outside drives it: at least once.

The clock stands still until a test moves it, so that two runs of one story can be compared byte for
byte. One thread only: nothing here takes turns.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient

from linkage.domain import clock
from linkage.domain.clicks.known_clicks import Click
from linkage.domain.conversions.conversions import Conversion, Refund
from linkage.domain.conversions.requests import Report, SentRefund
from linkage.domain.conversions.tallies import Tally
from linkage.domain.ids import fingerprint
from linkage.domain.ledger.ledger import Balance
from linkage.domain.payouts.payouts import Batch, payout_id
from linkage.domain.payouts.requests import Result
from linkage.domain.people.api_keys import Key
from linkage.domain.people.customers import Customer
from linkage.domain.people.members import Member, Split
from linkage.domain.terms.network import NetworkSettings, RecruitmentBonus
from linkage.domain.terms.programs import Bonus, Program, Reward, Step, Thresholds
from linkage.flow.commissions import posting
from linkage.flow.conversions import recording, vendor_decisions
from linkage.flow.payouts import debiting, exporting, planning, settling
from linkage.tables import (
    conversion_items,
    ledger,
    members,
    payout_batches,
    payout_files,
    payouts,
    programs,
    settings,
)
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.batch_reads import read
from linkage.tables.tallies import reading_tallies
from tests.aws_tables import TABLES
from tests.domain.examples import MEMBER, PROGRAM, operator
from tests.faults.standin import Standin
from tests.in_memory import empty_network

VENDOR = "mem_shop"
WRITES = {"PutItem", "UpdateItem", "TransactWriteItems", "SendMessage", "PutObject"}
START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)

ANN = replace(MEMBER, member_id="mem_ann", name="Ann", upline=("mem_spo", "mem_top"))
SPO = replace(MEMBER, member_id="mem_spo", name="Spo", upline=("mem_top",))
TOP = replace(MEMBER, member_id="mem_top", name="Top")
SHOP_KEY = Key("key_shop", "vendor", VENDOR, "", "2026-01-01T00:00:00.000Z")
SHOP = replace(MEMBER, member_id=VENDOR, name="Shop", roles=("vendor",))

ON_REPORT = replace(
    PROGRAM, program_id="prg_now", vendor_id=VENDOR, confirmation="on_report", hold_days=0
)
MANUAL = replace(ON_REPORT, program_id="prg_man", confirmation="manual")
LEADS = replace(
    ON_REPORT, program_id="prg_led", rewards=(Reward("lead", amount_minor=250, currency="USD"),)
)
SETTINGS = NetworkSettings(version=1, payout_minimum_minor={"USD": 20})

TILES = Reward(
    "sale",
    rate_bps=2_000,
    currency="USD",
    name="tiles",
    category="tiles",
    max_minor=8_000,
    period="month",
    period_max_minor=12_000,
    budget_minor=15_000,
)
STEPS = Thresholds("count", "month", (Step(0, 2, rate_bps=500), Step(2, None, rate_bps=1_000)))
RICH = replace(
    ON_REPORT,
    program_id="prg_rich",
    rewards=(
        TILES,
        Reward("sale", amount_minor=900, currency="USD", first_n=1),
        Reward("sale", thresholds=STEPS),
    ),
    categories=("tiles",),
    bonuses=(Bonus("volume", "month", 100_000, 2_500, "USD"),),
    ceiling_bps=6_000,
)
SILENT = replace(
    RICH, program_id="prg_silent", confirmation="automatic", confirm_after_days=14, ceiling_bps=None
)
EMP = replace(MEMBER, member_id="mem_emp", name="Emp")
RICH_SETTINGS = replace(
    SETTINGS,
    version=2,
    active_days=30,
    affiliate_fee_bps=200,
    recruitment_bonus=RecruitmentBonus(500, "USD"),
)


class CrashError(BaseException):
    """The process died, so nothing in it can catch this."""


class Network:
    """What the outside can do to a network, and what it can see of it."""

    def __init__(self, standin: Standin) -> None:
        self.moment, self.standin = START, standin
        self.saved = standin.saved()

    def save(self) -> None:
        """Remembers what the tables hold, to go back to; messages and files are let go."""
        self.saved = self.standin.saved()
        ledger.debits_seen.clear()
        self._empty()

    def restore(self) -> None:
        """Goes back to what was saved, with no message waiting and no file written."""
        self.standin.go_back(self.saved)
        ledger.debits_seen.clear()
        self._empty()

    def _empty(self) -> None:
        while message := self._next_message():
            self._forget(message)
        for key in self.files():
            payout_files._files.delete_object(Bucket=payout_files._BUCKET, Key=key)

    # ---- the outside

    def pass_time(self, **of: float) -> None:
        self.moment += timedelta(**of)

    def report(self, external_id: str, amount_minor: int, **changes: Any) -> Conversion:
        return recording.report(reported(external_id, amount_minor, **changes))[0]

    def confirm(self, conversion: Conversion) -> Conversion:
        return vendor_decisions.confirm(conversion.conversion_id, VENDOR)[0]

    def reject(self, conversion: Conversion) -> Conversion:
        return vendor_decisions.reject(
            conversion.conversion_id, VENDOR, "cancelled", "not picked up"
        )[0]

    def refund(self, conversion: Conversion, external_id: str, amount_minor: int) -> Refund:
        sent = sent_refund(external_id, amount_minor)
        return vendor_decisions.refund(conversion.conversion_id, VENDOR, sent)[1]

    def start_batch(
        self, batch_id: str, currency: str = "USD", cutoff: str | None = None, person: str = ""
    ) -> Batch:
        until = cutoff or self.moment.date().isoformat()
        terms = (batch_id, currency, until, "key_1", f"{currency} {until}")
        batch = planning.new_batch(*terms, person=person)
        return planning.start(batch)[0]

    def settle(self, batch_id: str, **statuses: str) -> Batch:
        """Answers for members by their short name: `ann="paid"`."""
        results = [
            Result(f"/results/{each}", payout_id(batch_id, f"mem_{name}"), status, None, None)
            for each, (name, status) in enumerate(statuses.items())
        ]
        return settling.settle(batch_id, results, operator("key_1"))

    # ---- what AWS delivers

    def deliver_facts(self) -> None:
        """The stream: each fact not posted yet, once."""
        for conversion_id, fact in self.unposted():
            posting.post_fact(conversion_id, fact)

    def deliver_work(self) -> None:
        """The work queue, until it is empty; a message goes away only once its work is done."""
        work: dict[str, Callable[[str, int], None]] = {
            planning.DEBIT: debiting.debit_page,
            planning.GIVE_BACK: debiting.give_back_page,
        }
        while message := self._next_message():
            body = json.loads(message["Body"])
            work[body["work"]](body["batch_id"], body["page"])
            self._forget(message)

    def _next_message(self) -> Any:
        answer = planning._queue.receive_message(QueueUrl=planning._QUEUE_URL, VisibilityTimeout=0)
        return next(iter(answer.get("Messages", ())), None)

    def _forget(self, message: Any) -> None:
        planning._queue.delete_message(
            QueueUrl=planning._QUEUE_URL, ReceiptHandle=message["ReceiptHandle"]
        )

    def deliver_approvals(self) -> None:
        """The stream of payouts: each batch that is approved."""
        for batch in payout_batches.unfinished_batches():
            if batch.status == "approved":
                exporting.export(batch.batch_id)

    def pay_all(self, batch_id: str, **statuses: str) -> Batch:
        """A batch from its planning to its settlement."""
        self.start_batch(batch_id)
        self.deliver_work()
        planning.approve(batch_id, operator("key_2"))
        self.deliver_approvals()
        return self.settle(batch_id, **statuses)

    # ---- what can be seen

    def unposted(self) -> list[tuple[str, str]]:
        items = table("conversions")
        return [(item["conversion_id"], item["fact"]) for item in items if "unposted" in item]

    def tallies(self) -> dict[str, Tally]:
        """Every tally that ever moved, by its name without the programs' and members' prefixes."""
        found = read(reading_tallies(item["tally"] for item in table("tallies")))
        return {name.replace("prg_", "").replace("mem_", ""): each for name, each in found.items()}

    def balance(self, name: str, currency: str = "USD") -> Balance | None:
        return ledger.find_balance(f"mem_{name}", currency)

    def balances(self, currency: str = "USD") -> dict[str, int]:
        """Balances that are not 0, by the members' short names."""
        found = {name: self.balance(name, currency) for name in ("ann", "emp", "spo", "top")}
        return {
            name: each.balance_minor for name, each in found.items() if each and each.balance_minor
        }

    def payout_statuses(self, batch_id: str) -> dict[str, str]:
        return {
            payout.affiliate_id.removeprefix("mem_"): payout.status
            for payout in payouts.batch_payouts(batch_id)
        }

    def skipped(self, batch_id: str) -> dict[str, str]:
        pages = payout_batches.list_pages(batch_id)
        return {
            name.removeprefix("mem_"): why for page in pages for name, why in page.skipped.items()
        }

    def files(self) -> dict[str, str]:
        """Every payout file, by its key."""
        files, bucket = payout_files._files, payout_files._BUCKET
        keys = [each["Key"] for each in files.list_objects_v2(Bucket=bucket).get("Contents", ())]
        return {
            key: files.get_object(Bucket=bucket, Key=key)["Body"].read().decode() for key in keys
        }

    def everything(self) -> str:
        """All that is stored, as one text to be compared."""
        kept: dict[str, Any] = {
            noun: sorted(_text(noun, item) for item in held.items())
            for noun, held in self.standin.tables.items()
        }
        return json.dumps(kept | {"files": self.files()}, sort_keys=True, indent=1)


def _text(noun: str, item: dict[str, Any]) -> str:
    """An item as text, without the random end that tells records of one moment apart."""
    if noun == "audit":
        item = item | {"at": {"S": item["at"]["S"].partition("#")[0]}}
    return json.dumps(item, sort_keys=True, default=repr)


def reported(external_id: str, amount_minor: int, **changes: Any) -> Report:
    values: dict[str, Any] = {
        "vendor_id": VENDOR,
        "program_id": ON_REPORT.program_id,
        "event": "sale",
        "external_id": external_id,
        "amount_minor": amount_minor,
        "currency": "USD",
        "click_id": None,
        "affiliate_id": ANN.member_id,
        "customer": Customer(),
        "metadata": {},
        **changes,
    }
    return Report(**values, fingerprint=fingerprint(repr(sorted(values.items()))))


def sent_refund(external_id: str, amount_minor: int) -> SentRefund:
    body = {"external_id": external_id, "amount_minor": amount_minor}
    return SentRefund(external_id, amount_minor, "returned", fingerprint(body))


def table(noun: str) -> list[dict[str, Any]]:
    """Every item of a table, in the order of its keys."""
    pages = transactions.client.get_paginator("scan").paginate(TableName=noun, ConsistentRead=True)
    items = [transactions.from_wire(item) for page in pages for item in page["Items"]]
    return sorted(items, key=lambda item: [item[key] for key in TABLES[noun][0]])


def spoil_fact(conversion_id: str, fact: str, name: str, value: Any = None) -> None:
    """Writes another value into what a fact has packed; None takes it out."""
    (item,) = conversion_items.ConversionItem.query(
        conversion_id, conversion_items.ConversionItem.fact == fact, consistent_read=True
    )
    said = {each: was for each, was in item.content.items() if each != name}
    item.content = said | ({} if value is None else {name: value})
    item.save()


def put_members(*given: Member) -> None:
    for member in given:
        members.put_member(member)


def put_programs(*given: Program) -> None:
    for program in given:
        programs.publish_program(program)


def put_click(affiliate_id: str, click_id: str = "clk_1", vendor_id: str = VENDOR) -> Click:
    click = Click(
        click_id, "abcdefgh", "prg_now", vendor_id, affiliate_id, clock.text(START), {"sub1": "x"}
    )
    transactions.write([transactions.put_new("clicks", asdict(click), "click_id")])
    return click


def make_rich() -> None:
    """Gives the small network terms that look at more than the sale itself, and Ann an employee."""
    put_members(EMP)
    members.set_member(ANN.member_id, splits=[asdict(Split(EMP.member_id, 2_500))])
    put_programs(RICH, SILENT)
    settings.publish_settings(RICH_SETTINGS)


@contextmanager
def small_network() -> Iterator[Network]:
    """A shop, an affiliate with two above, and programs that hold nothing back."""
    with empty_network() as standin:
        planning._queue.create_queue(QueueName="work")
        settings.publish_settings(SETTINGS)
        put_members(SHOP, ANN, SPO, TOP)
        put_programs(ON_REPORT, MANUAL, LEADS)
        network = Network(standin)
        with patch.object(clock, "now", lambda: network.moment), patch("time.sleep"):
            yield network


class Writes:
    """Counts the calls that write, and kills the process at chosen ones."""

    def __init__(self, *crashes: tuple[int, str]) -> None:
        self.count = 0
        self.crashes = dict(crashes)

    @contextmanager
    def watched(self) -> Iterator[None]:
        real = BaseClient._make_api_call

        def call(client: BaseClient, operation: str, arguments: Any) -> Any:
            if operation not in WRITES:
                return real(client, operation, arguments)
            self.count += 1
            when = self.crashes.get(self.count)
            if when == "before":
                raise CrashError(f"before write {self.count}")
            try:
                return real(client, operation, arguments)
            finally:
                if when == "after":  # also when DynamoDB refused it
                    raise CrashError(f"after write {self.count}")

        with patch.object(BaseClient, "_make_api_call", call):
            yield
