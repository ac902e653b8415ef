"""What honest customers and vendors do, told to the truth as it happens."""

from datetime import timedelta
from typing import Any

from linkage.ids import conversion_id
from tests.abuse.truth import Sale, Terms
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
        """Honest sales that silence has confirmed meanwhile, or that it left held."""
        for sale in self.truth.sales.values():
            terms = sale.terms
            if terms.confirmation != "automatic" or sale.confirmed_at or sale.rejected:
                continue
            due = sale.reported_at + timedelta(days=terms.confirm_after_days)
            if due <= self.now and sale.conversion_id not in self.held:
                path = f"/v1/conversions/{sale.conversion_id}"
                self._see(sale, self._operator("GET", path))

    def _see(self, sale: Sale, answer: Answer) -> None:
        """Takes in what the answer says of a sale's confirmation."""
        if answer.status >= 300 or sale.confirmed_at:
            return
        if answer.body["status"] == "confirmed":
            self.held.discard(sale.conversion_id)
            self.truth.confirmed(sale, self.now)
        elif answer.body.get("held"):
            self.held.add(sale.conversion_id)

    def buy(self, customer: str, vendor: str, order: str, amount: int, named: str | None) -> None:
        """A customer really buys; the vendor says so, with the click it came by if there is one."""
        terms, click_id = self.shops[vendor], self.clicks.get((customer, vendor))
        if named not in {None, *self.truth.people}:
            return
        body: dict[str, Any] = {
            "program_id": self.programs[vendor][vendor],
            "event": "sale",
            "external_id": order,
            "amount_minor": amount,
            "currency": "USD",
            "customer": self.contact(customer),
            **({"click_id": click_id} if click_id else {}),
            **({"affiliate_id": self._id(named)} if named else {}),
        }
        answer = self._call(vendor, "POST", "/v1/conversions", body)
        if answer.status != 201:
            self.network.failures.append(f"an honest sale was refused: {answer.body}")
            return
        truth = self.truth
        sale = Sale(
            conversion_id=answer.body["id"],
            vendor=vendor,
            order=order,
            customer=customer,
            amount_minor=amount,
            currency="USD",
            terms=terms,
            reported_at=self.now,
            brought_by=truth.brought_by(customer, vendor, click_id, named, self.now),
            introduced_by=truth.introducer(customer, self.now),
        )
        truth.sold(sale, click_id)
        self.touched[sale.conversion_id].append(self.done)
        self._see(sale, answer)

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
        terms = Terms(rate_bps, was.introducer_rate_bps, was.hold_days, was.confirmation)
        self.publish(vendor, vendor, self._honest_terms(terms))
        self.shops[vendor] = terms

    def opt_out(self, customer: str, vendor: str) -> None:
        """A customer wants to be known by nobody, and tells an honest vendor so, for good."""
        body = {"customer": self.contact(customer)}
        if self._call(vendor, "POST", "/v1/customers/opt-out", body).status == 200:
            self.truth.opted_out.setdefault(customer, self.now)

    def sale(self, vendor: str, order: str) -> Sale | None:
        person = self.truth.people.get(vendor)
        return self.truth.sales.get(
            conversion_id(person.member_id, "sale", order) if person else ""
        )
