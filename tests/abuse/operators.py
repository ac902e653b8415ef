"""What operators do: two who are honest, Olga and Pete, and Ivo, who is with those who cheat.

Olga does the day's work and makes the batches. Pete is the second person: he approves what she asks
for, withdraws what Ivo asks for, and takes out of a batch what is shown as odd about a payout.
"""

import csv
import io
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from zlib import crc32

from tests.abuse.honest import Honest
from tests.abuse.truth import Sale
from tests.abuse.world import CURRENCIES, RELEASE, UNBIND, Fake, Paid, Unbinding
from tests.api.client import Answer

BANK_FAILS_ONE_IN = 25
ALL_OF_IT = [{"event": "sale", "rate_bps": 10_000}]
ODD = frozenset({"method_changed", "shared_account", "said_by_operators"})
"""What Pete takes a payout out for: nobody but Ivo does any of it on this network."""


class Operators(Honest):
    """A network with two operators who are honest and one who is not."""

    # ---- Olga and Pete

    def suspend(self, vendor: str) -> None:
        """Operators have found out that a vendor cheats."""
        person = self.truth.people.get(vendor)
        if person and vendor not in self.truth.suspended:
            self._operator("POST", f"/v1/members/{person.member_id}/suspension")
            self.truth.suspended[vendor] = self.now

    def release(self) -> None:
        """Operators release what is held of honest vendors, and nothing else."""
        for found in sorted(self.held):
            self._agreed("POST", RELEASE.replace("{conversion_id}", found))
            answer = self._operator("GET", f"/v1/conversions/{found}")
            self._see(self.truth.sales[found], answer)

    def unbind(self, customer: str) -> None:
        """Operators end what a vendor that cheats has made of a customer."""
        if UNBIND in self.later:
            contact = self.contact(customer)
            body = {"customer": contact, "reason": "bound by a vendor that cheats"}
            if self._operator("POST", UNBIND, body).status < 300:
                self.unbindings.append(Unbinding(self.now, contact))

    def month_end(self) -> None:
        """Vendors look what was said for them; then a batch of each currency is made and paid."""
        self.network.sweep()
        self._vendors_look()
        self.batches += 1
        for currency in self._open_currencies():
            batch_id = self._plan(self.operator, currency)
            self._approve_and_pay(batch_id, self.second, currency)

    def _open_currencies(self) -> list[str]:
        shards = self.network.standin.tables["ledger"].indexes["open"].entries
        return [
            currency
            for currency in CURRENCIES
            if any(each for shard, each in shards.items() if f"#{currency}#" in shard)
        ]

    def _plan(self, secret: str, currency: str) -> str:
        body, key = {"currency": currency}, f"batch-{self.batches}-{currency}"
        made = self._by(secret, "POST", "/v1/payout-batches", body, key)
        self.network.work()
        return str(made.body["id"])

    def _approve_and_pay(self, batch_id: str, secret: str, currency: str) -> bool:
        """Approves a batch by a key, and has the bank pay its file, unless that is refused."""
        began, cutoff = self.now, self.now.date().isoformat()
        if secret == self.second:
            self._withdraw_proposals()
            self._take_out_what_is_odd(batch_id)
        approval = self._by(secret, "POST", f"/v1/payout-batches/{batch_id}/approval")
        if approval.status != 200:
            return False
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
                self.at_the_bank[row["payout_id"]] = batch_id
        for at in range(0, len(results), 100):
            answer = self._settle(self.operator, batch_id, results[at : at + 100])
            assert answer.status == 200, answer.body
        return True

    def _settle(self, secret: str, batch_id: str, results: list[dict[str, Any]]) -> Answer:
        path = f"/v1/payout-batches/{batch_id}/results"
        return self._by(secret, "POST", path, {"results": results})

    def _take_out_what_is_odd(self, batch_id: str) -> None:
        """Pete looks at a batch, and holds the bank's statement against what is said to be back."""
        for payout in self._payouts(batch_id):
            odd = ODD & _codes(payout) | ({"paid_before"} if self._lies(payout) else set())
            if odd:
                self.taken_out.update(odd)
                path = f"/v1/payout-batches/{batch_id}/payouts/{payout['id']}/removal"
                self._by(self.second, "POST", path, {"reason": "it looks wrong"})
        for payout_id in sorted(self.said_returned):
            results = [{"payout_id": payout_id, "status": "arrived"}]
            self._settle(self.second, self.at_the_bank[payout_id], results)
        self.said_returned.clear()

    def _lies(self, payout: dict[str, Any]) -> set[str]:
        """Earlier payouts that did not come back, of those he is told to ask the bank about."""
        said = [e["detail"] for e in payout.get("warnings", ()) if e["code"] == "paid_before"]
        return {each for each in self.said_returned if any(each in detail for detail in said)}

    def _payouts(self, batch_id: str) -> Iterator[dict[str, Any]]:
        first = f"/v1/payout-batches/{batch_id}?limit=100"
        following: str | None = first
        while following:
            body = self._by(self.second, "GET", following).body
            yield from body["payouts"]
            more = body.get("next_cursor")
            following = f"{first}&cursor={more}" if more else None

    def _withdraw_proposals(self) -> None:
        """Pete takes back what is asked for and was not Olga's, who has him approve at once."""
        answer = self._by(self.second, "GET", "/v1/proposals?limit=100")
        for proposal in answer.body.get("data", ()) if answer.status == 200 else ():
            if proposal["status"] == "open":
                path = f"/v1/proposals/{proposal['id']}/withdrawal"
                self._by(self.second, "POST", path)

    def _vendors_look(self) -> None:
        """Each honest vendor takes back what an operator has said for it: it asked nobody to.

        A vendor looks in a third of the months, and in the end.
        """
        for vendor, found in sorted(self.spoken):
            if crc32(f"{vendor} {self.batches}".encode()) % 3 and not self.is_over:
                continue
            shown = self._call(vendor, "GET", f"/v1/conversions/{found}", None)
            if not ({"by_operator", "confirmed_by_operator"} & (shown.body or {}).keys()):
                continue
            self.spoken.discard((vendor, found))
            left = shown.body["amount_minor"] - shown.body["refunded_minor"]
            path = f"/v1/conversions/{found}"
            if shown.body["status"] == "pending":
                self._call(vendor, "POST", f"{path}/rejection", {"reason": "nobody bought it"})
            elif left:
                body = {"external_id": "not ours", "amount_minor": left, "reason": "not ours"}
                if self._call(vendor, "POST", f"{path}/refunds", body).status == 201:
                    self._given_back(found, left)

    def _given_back(self, found: str, amount: int) -> None:
        if found in self.forged:
            self.forged[found].refunds.append((self.now, amount))
        else:
            self.truth.refunded(self.truth.sales[found], amount, self.now)

    # ---- Ivo

    def ivo_lowers(self) -> None:
        """Four eyes are to be off."""
        settings = self._by(self.ivo, "GET", "/v1/network").body
        self._ivo("PUT", "/v1/network", settings | {"four_eyes": False})

    def ivo_raises(self) -> None:
        """And on again, as if nothing was."""
        settings = self._by(self.ivo, "GET", "/v1/network").body
        self._ivo("PUT", "/v1/network", settings | {"four_eyes": True})

    def ivo_publishes(self) -> None:
        """Who recruits is to have a fortune for it."""
        settings = self._by(self.ivo, "GET", "/v1/network").body
        bonus = {"amount_minor": 80_000, "currency": "USD"}
        self._ivo("PUT", "/v1/network", settings | {"recruitment_bonus": bonus})

    def ivo_founds(self, to: str, order: str, amount: int) -> None:
        """A vendor that is nobody's, without a limit, that sells at once."""
        body: dict[str, Any] = {"name": order, "roles": ["vendor"], "hosts": ["shop.example"]}
        member_id = self._ivo("POST", "/v1/members", body).body["id"]
        self._ivo("POST", f"/v1/members/{member_id}/approval")
        key = self._ivo("POST", "/v1/keys", {"role": "vendor", "member_id": member_id}).body
        terms = {**self._honest_terms(self.shops["shop4"]), "rewards": ALL_OF_IT, "bonuses": []}
        made = self._by(key["secret"], "POST", "/v1/programs", terms)
        if made.status == 201:
            sent = {"program_id": made.body["id"], "event": "sale", "external_id": order}
            sent |= {"amount_minor": amount, "currency": "USD", "affiliate_id": self._id(to)}
            answer = self._by(key["secret"], "POST", "/v1/conversions", sent)
            if answer.status == 201:
                found = answer.body["id"]
                self.forged[found] = Fake(found, order, "sale", order, amount, "USD")

    def ivo_makes_a_key(self, name: str) -> None:
        """A key of an operator who is nobody, or of a member it is to pass for."""
        person = self.truth.people.get(name)
        role = "operator" if person is None else ("vendor" if name in self.shops else "affiliate")
        whose = {"person": "Zed"} if person is None else {"member_id": person.member_id}
        answer = self._ivo("POST", "/v1/keys", {"role": role, **whose})
        if answer.status == 201 and answer.body.get("secret"):
            self.ivos_keys[name] = answer.body["secret"]

    def ivo_approves(self) -> None:
        """Everything that waits, by each key he has."""
        answer = self._by(self.ivo, "GET", "/v1/proposals?limit=100")
        for proposal in answer.body.get("data", ()) if answer.status == 200 else ():
            for secret in (self.ivo, self.ivos_keys.get("zed")):
                if secret and proposal["status"] == "open":
                    self._by(secret, "POST", f"/v1/proposals/{proposal['id']}/approval")

    def ivo_redirects(self, name: str, to: str, how: str) -> None:
        """Somebody's money is to go to somebody else: by payout method, name, or a split."""
        victim, thief = self.truth.people.get(name), self.truth.people.get(to)
        if victim and thief:
            body: dict[str, Any] = {
                "method": {"payout_method": {"type": "mobile_money", "phone": thief.phone}},
                "split": {"splits": [{"member_id": thief.member_id, "share_bps": 10_000}]},
            }[how]
            self._ivo("PATCH", f"/v1/members/{victim.member_id}", body)

    def ivo_favours(self, vendor: str, what: str) -> None:
        """A vendor that cheats is to have no limit, or to be no longer suspended."""
        person = self.truth.people.get(vendor)
        if person and what == "limit":
            body = {"confirmed_max_minor": dict.fromkeys(CURRENCIES, 10**12)}
            self._ivo("PATCH", f"/v1/members/{person.member_id}", body)
        elif person:
            self._ivo("POST", f"/v1/members/{person.member_id}/approval")

    def ivo_releases(self) -> None:
        """What is held of vendors that cheat."""
        for found in sorted(self.fakes)[-5:]:
            self._ivo("POST", RELEASE.replace("{conversion_id}", found))

    def ivo_gives(self, to: str, amount: int) -> None:
        """Money out of nowhere."""
        body = {"affiliate_id": self._id(to), "currency": "USD", "amount_minor": amount}
        self._ivo("POST", "/v1/adjustments", body | {"reason": "a bonus"}, f"gift-{self.done}")

    def ivo_reports(self, vendor: str, to: str, order: str, amount: int, customer: str) -> None:
        """A sale of an honest vendor's that nobody made; as the vendor, if he has a key of its."""
        body: dict[str, Any] = {
            "program_id": self.programs[vendor][vendor],
            "event": "sale",
            "external_id": order,
            "amount_minor": amount,
            "currency": "USD",
            "affiliate_id": self._id(to),
            "customer": self.contact(customer),
        }
        secret = self.ivos_keys.get(vendor)
        if secret is None:
            body["vendor_id"] = self._id(vendor)
        answer = self._by(secret or self.ivo, "POST", "/v1/conversions", body)
        if answer.status == 201:
            self._spoke(vendor, answer.body["id"])
            found = answer.body["id"]
            self.forged[found] = Fake(found, vendor, "sale", order, amount, "USD")

    def ivo_confirms(self, vendor: str, order: str) -> None:
        """A sale that an honest vendor has not confirmed yet."""
        sale = self.sale(vendor, order)
        if sale is None or sale.confirmed_at or sale.rejected:
            return
        path = f"/v1/conversions/{sale.conversion_id}/confirmation"
        answer = self._by(self.ivos_keys.get(vendor) or self.ivo, "POST", path)
        if answer.status < 300:
            self._confirmed(sale, answer)

    def _confirmed(self, sale: Sale, answer: Answer) -> None:
        self._see(sale, answer)
        self._spoke(sale.vendor, sale.conversion_id)

    def _spoke(self, vendor: str, found: str) -> None:
        self.spoken.add((vendor, found))
        self.touched[found].append(self.done)

    def ivo_says_it_came_back(self) -> None:
        """What the bank paid those who cheat last is said to have been returned."""
        for payout_id, batch_id in list(self.at_the_bank.items())[-6:]:
            answer = self._settle(
                self.ivo, batch_id, [{"payout_id": payout_id, "status": "returned"}]
            )
            if answer.status == 200:
                self.said_returned.add(payout_id)

    def ivo_pays(self) -> None:
        """Plans batches and approves them, by each key he has; what he cannot, he leaves."""
        self.batches += 1
        for currency in self._open_currencies():
            batch_id = self._plan(self.ivo, currency)
            keys = [self.ivo, *(self.ivos_keys[n] for n in ("zed",) if n in self.ivos_keys)]
            if not any(self._approve_and_pay(batch_id, secret, currency) for secret in keys):
                self._by(self.second, "POST", f"/v1/payout-batches/{batch_id}/cancellation")
                self.network.work()

    def _ivo(self, method: str, path: str, body: Any = None, key: str = "") -> Answer:
        return self._by(self.ivo, method, path, body, key)


def _codes(payout: dict[str, Any]) -> set[str]:
    return {each["code"] for each in payout.get("warnings", ())}
