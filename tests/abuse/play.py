"""What vendors and affiliates that cheat do beside honest people, and what operators do."""

import csv
import io
from decimal import Decimal
from typing import Any
from zlib import crc32

from tests.abuse.honest import Honest
from tests.abuse.world import CURRENCIES, RELEASE, UNBIND, Fake, Paid, Unbinding

BANK_FAILS_ONE_IN = 25


class Play(Honest):
    """Everybody's actions on one network: honest people's, cheats' and operators'."""

    # ---- what those who cheat do

    def claim(
        self,
        vendor: str,
        program: str,
        event: str,
        order: str,
        amount: int,
        currency: str,
        customer: str | None = None,
        how: str = "both",
        named: str | None = None,
        email_of: str | None = None,
        coupon: str | None = None,
        client: str | None = None,
        click: bool = False,
    ) -> None:
        """A vendor reports what it likes, of whom it likes."""
        body: dict[str, Any] = {
            "program_id": self.programs.get(vendor, {}).get(program, "prg_none"),
            "event": event,
            "external_id": order,
            "amount_minor": amount,
            "currency": currency,
        }
        if customer:
            other = self.contact(email_of, "email") if email_of else {}
            body["customer"] = self.contact(customer, how) | other
        if named:
            body["affiliate_id"] = self._id(named)
        if coupon:
            body["coupon"] = coupon
        if click and customer and (customer, vendor) in self.clicks:
            body["click_id"] = self.clicks[customer, vendor]
        if client:
            code = self.codes.get((vendor, named or "", client), "000000")
            body["client"] = {**self.contact(client, "phone"), "code": code}
        answer = self._call(vendor, "POST", "/v1/conversions", body)
        if answer.status == 201:
            found = self.reported[vendor, event, order] = answer.body["id"]
            self.touched[found].append(self.done)
            self.fakes[found] = Fake(found, vendor, event, order, amount, currency)

    def say(self, vendor: str, event: str, order: str, word: str, **said: Any) -> None:
        """A vendor confirms, rejects or refunds what it has reported."""
        found = self.reported.get((vendor, event, order), "cnv_none")
        body = {
            "confirmation": None,
            "rejection": {"reason": "fraud"},
            "refunds": {"reason": "returned", **said},
        }[word]
        answer = self._call(vendor, "POST", f"/v1/conversions/{found}/{word}", body)
        self.touched[found].append(self.done)
        if word == "refunds" and answer.status == 201 and found in self.fakes:
            self.fakes[found].refunds.append((self.now, said["amount_minor"]))

    def mark(self, vendor: str, customer: str, how: str, out: bool) -> None:
        """A vendor opts somebody else's customer out, or in again."""
        self._mark(vendor, self.contact(customer, how), out=out)

    def client_code(self, vendor: str, affiliate: str, client: str) -> None:
        """A vendor has a code made for somebody an affiliate says it buys for."""
        body = {"affiliate_id": self._id(affiliate), "client": self.contact(client, "phone")}
        answer = self._call(vendor, "POST", "/v1/client-codes", body)
        if answer.status == 201:
            self.codes[vendor, affiliate, client] = answer.body["code"]

    def coupon(self, vendor: str, program: str, affiliate: str, code: str, exclusive: bool) -> None:
        """A vendor gives an affiliate a coupon."""
        body = {
            "code": code,
            "affiliate_id": self._id(affiliate),
            "program_id": self.programs.get(vendor, {}).get(program, "prg_none"),
            "exclusive": exclusive,
        }
        self._call(vendor, "POST", "/v1/coupons", body)

    def split(self, affiliate: str, receiver: str, share_bps: int) -> None:
        """An affiliate that cheats has a part of what it earns sent to another of its kind."""
        person, to = self.truth.people.get(affiliate), self.truth.people.get(receiver)
        if person and to:
            body = {"splits": [{"member_id": to.member_id, "share_bps": share_bps}]}
            self._operator("PATCH", f"/v1/members/{person.member_id}", body)

    # ---- operators

    def suspend(self, vendor: str) -> None:
        """Operators have found out that a vendor cheats."""
        person = self.truth.people.get(vendor)
        if person and vendor not in self.truth.suspended:
            self._operator("POST", f"/v1/members/{person.member_id}/suspension")
            self.truth.suspended[vendor] = self.now

    def release(self) -> None:
        """Operators release what is held of honest vendors, and nothing else."""
        for found in sorted(self.held):
            answer = self._operator("POST", RELEASE.replace("{conversion_id}", found))
            self._see(self.truth.sales[found], answer)

    def unbind(self, customer: str) -> None:
        """Operators end what a vendor that cheats has made of a customer."""
        if UNBIND in self.later:
            contact = self.contact(customer)
            body = {"customer": contact, "reason": "bound by a vendor that cheats"}
            if self._operator("POST", UNBIND, body).status < 300:
                self.unbindings.append(Unbinding(self.now, contact))

    def month_end(self) -> None:
        """Operators plan, approve and export a batch of each currency; the bank pays it."""
        self.network.sweep()
        self.batches += 1
        shards = self.network.standin.tables["ledger"].indexes["open"].entries
        for currency in CURRENCIES:
            if any(each for shard, each in shards.items() if f"#{currency}#" in shard):
                self._batch(currency)

    def _batch(self, currency: str) -> None:
        key, began, cutoff = (
            f"batch-{self.batches}-{currency}",
            self.now,
            self.now.date().isoformat(),
        )
        made = self._operator("POST", "/v1/payout-batches", {"currency": currency}, key)
        batch_id = made.body["id"]
        self.network.work()
        self._operator("POST", f"/v1/payout-batches/{batch_id}/approval")
        results = []
        for row in csv.DictReader(io.StringIO(self.network.export(batch_id).decode())):
            fails = crc32(row["payout_id"].encode()) % BANK_FAILS_ONE_IN == 0
            status = "failed" if fails else "paid"
            results.append({"payout_id": row["payout_id"], "status": status})
            if not fails:
                (name,) = [n for n, p in self.truth.people.items() if p.phone == row["account"]]
                amount = int(Decimal(row["amount"]) * 100)
                self.truth.bank[name, currency] += amount
                self.paid.append(Paid(name, currency, amount, began, cutoff))
        for at in range(0, len(results), 100):
            body = {"results": results[at : at + 100]}
            answer = self._operator("POST", f"/v1/payout-batches/{batch_id}/results", body)
            assert answer.status == 200, answer.body
