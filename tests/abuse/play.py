"""What vendors and affiliates that cheat do, beside honest people and operators."""

from typing import Any

from tests.abuse.operators import Operators
from tests.abuse.world import Fake


class Play(Operators):
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
            self._agreed("PATCH", f"/v1/members/{person.member_id}", body)
