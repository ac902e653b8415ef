"""What honest customers and vendors do, told to the truth as it happens."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.abuse.truth import Sale
from tests.abuse.world import World
from tests.api.client import Answer


class Honest(World):
    """A network on which honest people trade."""

    def wait(self, hours: float) -> None:
        """Time passes; the schedules run at its end."""
        self.network.moment += timedelta(hours=hours)
        self.network.sweep()
        self.stuck = self.network.confirm_silent()
        self.network.deliver()
        self._see_silence()

    def _see_silence(self) -> None:
        """Honest sales that silence has confirmed meanwhile, in its order, or has left held."""
        due = [
            sale
            for sale in self.truth.sales.values()
            if sale.terms.confirmation == "automatic" and not (sale.confirmed_at or sale.rejected)
            if sale.reported_at + timedelta(days=sale.terms.confirm_after_days) <= self.now
            if sale.conversion_id not in self.held
        ]
        order = {found: at for at, (_, found, _) in enumerate(self.network.accepted)} if due else {}
        for sale in sorted(due, key=lambda each: order.get(each.conversion_id, 0)):
            self._see(sale, self._operator("GET", f"/v1/conversions/{sale.conversion_id}"))

    def _see(self, sale: Sale, answer: Answer) -> None:
        """Takes in what the answer says of a sale's confirmation."""
        if answer.status >= 300 or sale.confirmed_at:
            return
        if answer.body["status"] == "confirmed":
            self.held.discard(sale.conversion_id)
            self.truth.confirmed(sale, self.now)
        elif answer.body.get("held"):
            self.held.add(sale.conversion_id)

    def buy(
        self,
        customer: str,
        vendor: str,
        order: str,
        amount: int,
        named: str | None,
        how: str = "both",
    ) -> None:
        """A customer really buys; the vendor says so, with the click it came by if there is one."""
        if named in {None, *self.truth.people}:
            self._sold("sale", customer, vendor, order, amount, named, how)

    def enquire(self, customer: str, vendor: str, order: str, how: str = "both") -> None:
        """A customer asks for an offer, and the vendor reports that as a lead."""
        self._sold("lead", customer, vendor, order, 0, None, how)

    def _sold(
        self,
        event: str,
        customer: str,
        vendor: str,
        order: str,
        amount: int,
        named: str | None,
        how: str,
    ) -> None:
        click_id, contact = self.clicks.get((customer, vendor)), self.contact(customer, how)
        said: dict[str, Any] = {
            "customer": contact,
            **({"click_id": click_id} if click_id else {}),
            **({"affiliate_id": self._id(named)} if named else {}),
        }
        answer = self._report(event, vendor, order, amount, said)
        if answer is None:
            return
        truth, contacts = self.truth, tuple(contact.values())
        brought_by = truth.brought_by(customer, contacts, vendor, click_id, named, self.now)
        sale = Sale(
            conversion_id=answer.body["id"],
            vendor=vendor,
            order=order,
            customer=customer,
            contacts=contacts,
            amount_minor=amount,
            currency="USD",
            terms=self.shops[vendor],
            reported_at=self.now,
            brought_by=brought_by,
            introduced_by=truth.introducer(customer, contacts, self.now),
            event=event,
        )
        truth.sold(sale, click_id)
        self._see(sale, answer)

    def buy_by_lead(self, vendor: str, lead: str, order: str, amount: int) -> None:
        """Who had enquired buys; the vendor names the lead, and nobody."""
        enquiry = self.sale(vendor, lead, "lead")
        if enquiry is None:
            return
        answer = self._report("sale", vendor, order, amount, {"lead_id": enquiry.conversion_id})
        if answer is None:
            return
        brought_by, introduced_by = self.truth.by_lead(enquiry, self.now)
        sale = Sale(
            conversion_id=answer.body["id"],
            vendor=vendor,
            order=order,
            customer="",
            contacts=(),
            amount_minor=amount,
            currency="USD",
            terms=self.shops[vendor],
            reported_at=self.now,
            brought_by=brought_by,
            introduced_by=introduced_by,
            lead=enquiry,
        )
        self.truth.sold(sale, None)
        self._see(sale, answer)

    def _report(
        self, event: str, vendor: str, order: str, amount: int, said: Mapping[str, Any]
    ) -> Answer | None:
        body = {
            "program_id": self.programs[vendor][vendor],
            "event": event,
            "external_id": order,
            "amount_minor": amount,
            "currency": "USD",
            **said,
        }
        answer = self._call(vendor, "POST", "/v1/conversions", body)
        if answer.status != 201:
            self.network.failures.append(f"an honest {event} was refused: {answer.body}")
            return None
        found = self.reported[vendor, event, order] = answer.body["id"]
        self.touched[found].append(self.done)
        return answer

    def settle(self, vendor: str, order: str, confirms: bool) -> None:
        """An honest vendor confirms a sale, or says that it came to nothing."""
        sale = self.sale(vendor, order)
        if sale is None or sale.confirmed_at or sale.rejected:
            return
        path = f"/v1/conversions/{sale.conversion_id}"
        if confirms:
            self._see(sale, self._call(vendor, "POST", f"{path}/confirmation", None))
            return
        answer = self._call(vendor, "POST", f"{path}/rejection", {"reason": "not picked up"})
        if answer.status < 300:
            sale.rejected = True
            self.held.discard(sale.conversion_id)

    def give_back(self, vendor: str, order: str, number: int, part: float) -> None:
        """An honest vendor gives money back: all that is left, or a part of it."""
        sale = self.sale(vendor, order)
        if sale is None or sale.rejected or not sale.left_minor:
            return
        amount = max(1, int(sale.left_minor * part))
        body = {"external_id": f"{number}", "amount_minor": amount, "reason": "returned"}
        path = f"/v1/conversions/{sale.conversion_id}/refunds"
        if self._call(vendor, "POST", path, body).status == 201:
            self.truth.refunded(sale, amount, self.now)

    def reprice(self, vendor: str, rate_bps: int) -> None:
        """An honest vendor publishes another rate; what was reported keeps its own."""
        was = self.shops[vendor]
        terms = replace(was, rate_bps=rate_bps)
        if was.lead_minor:
            terms = replace(terms, introducer_rate_bps=rate_bps)
        self.publish(vendor, vendor, self._honest_terms(terms))
        self.shops[vendor] = terms

    def opt_out(self, customer: str, vendor: str, how: str = "both") -> None:
        """A customer wants to be known by nobody, and tells an honest vendor so, for good."""
        contact = self.contact(customer, how)
        if self._mark(vendor, contact, out=True):
            for each in contact.values():
                self.truth.opted_out.setdefault(each, self.now)

    def sale(self, vendor: str, order: str, event: str = "sale") -> Sale | None:
        return self.truth.sales.get(self.reported.get((vendor, event, order), ""))
