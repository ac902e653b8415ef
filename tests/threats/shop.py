"""A small network that a threat is played on, through every handler, over its own HTTP."""

from datetime import timedelta
from typing import Any

from linkage.tables.dynamodb import transactions
from linkage_cli.ledger import ledger_check
from linkage_cli.ledger.audit import Report, audit
from tests.abuse.network import Network
from tests.api.client import Answer

TERMS = {
    "name": "Tiles",
    "destination_url": "https://shop.example/",
    "rewards": [{"event": "sale", "rate_bps": 1_000}],
    "introducer_rate_bps": 300,
    "window_days": 30,
    "hold_days": 0,
    "confirmation": "on_report",
}
KIM = {"phone": "+263773000001"}


class Shop:
    """A vendor `vendor` with program and link of `ann`, a vendor `other`, an affiliate `ben`.

    `olga` and `pete` are operators. Everybody asks with a key of their own.
    """

    def __init__(self, network: Network, **terms: object) -> None:
        self.network = network
        self.secrets = {name: network.new_key("operator", person=name) for name in ("olga", "pete")}
        self.ids: dict[str, str] = {}
        for name in ("vendor", "other"):
            self.join(name, "vendor", hosts=["shop.example"])
        for number, name in enumerate(("ann", "ben")):
            phone = f"+26377100000{number}"
            method = {"type": "mobile_money", "phone": phone}
            self.join(name, "affiliate", phone=phone, payout_method=method)
        network.moment += timedelta(minutes=1)
        self.program_id = self.program("vendor", **terms)
        self.batches = 0

    def join(self, who: str, role: str, **fields: object) -> str:
        """The id of a new member, approved, with a key."""
        body = {"name": who, "roles": [role], **fields}
        self.ids[who] = self.ok("olga", "POST", "/v1/members", body)["id"]
        self.ok("olga", "POST", f"/v1/members/{self.ids[who]}/approval")
        self.secrets[who] = self.network.new_key(role, self.ids[who])
        return self.ids[who]

    def program(self, vendor: str, **terms: object) -> str:
        return str(self.ok(vendor, "POST", "/v1/programs", TERMS | terms)["id"])

    def link(self, affiliate: str = "ann", **fields: object) -> str:
        body = {"program_id": self.program_id, **fields}
        return str(self.ok(affiliate, "POST", "/v1/links", body)["code"])

    def ask(
        self, who: str, method: str, path: str, body: object = None, repeat_key: str = ""
    ) -> Answer:
        """What a call is answered; what it woke has run."""
        secret = self.secrets.get(who, who)
        answer = self.network.call(secret, method, path, body, repeat_key=repeat_key)
        self.network.deliver()
        return answer

    def ok(self, who: str, method: str, path: str, body: object = None) -> Any:
        """The body of an answer that must be a success."""
        answer = self.ask(who, method, path, body)
        assert answer.status < 300, (method, path, answer.body)
        return answer.body

    def sale(self, number: int = 1, **fields: object) -> dict[str, Any]:
        """What a vendor reports of 125.00, of which ann gets 12.50."""
        return {
            "program_id": self.program_id,
            "event": "sale",
            "external_id": f"order {number}",
            "amount_minor": 12_500,
            "currency": "USD",
            "affiliate_id": self.ids["ann"],
            **fields,
        }

    def report(self, number: int = 1, who: str = "vendor", **fields: object) -> str:
        """The id of a sale that was reported."""
        return str(self.ok(who, "POST", "/v1/conversions", self.sale(number, **fields))["id"])

    def refund(self, found: str, amount_minor: int, number: int = 1, who: str = "vendor") -> Answer:
        body = {"external_id": f"refund {number}", "amount_minor": amount_minor, "reason": "broken"}
        return self.ask(who, "POST", f"/v1/conversions/{found}/refunds", body)

    def balance(self, affiliate: str = "ann", currency: str = "USD") -> int:
        """What is owed, minor units."""
        every = self.ok(affiliate, "GET", "/v1/balances")["data"]
        return sum(e["balance_minor"] for e in every if e["currency"] == currency)

    def plan(self, who: str = "olga") -> str:
        """The id of a planned batch of everything due."""
        self.network.moment += timedelta(hours=25)
        batch_id = self.ok(who, "POST", "/v1/payout-batches", {"currency": "USD"})["id"]
        self.network.work()
        return str(batch_id)

    def payouts(self, batch_id: str) -> list[dict[str, Any]]:
        """The payouts of a batch as its approver sees them."""
        found = self.ok("pete", "GET", f"/v1/payout-batches/{batch_id}")["payouts"]
        return list(found)

    def pay(self, batch_id: str, status: str = "paid") -> str:
        """Approves and exports a batch, and says what became of it; the file."""
        self.ok("pete", "POST", f"/v1/payout-batches/{batch_id}/approval")
        file = self.network.export(batch_id).decode()
        self.say(batch_id, status)
        return file

    def say(self, batch_id: str, status: str) -> None:
        results = [{"payout_id": e["id"], "status": status} for e in self.payouts(batch_id)]
        if results:
            path = f"/v1/payout-batches/{batch_id}/results"
            self.ok("olga", "POST", path, {"results": results})

    def audited(self) -> Report:
        """The independent audit of everything stored."""
        nouns = {noun: noun for noun in ledger_check.NOUNS}
        stored = ledger_check.read(ledger_check.Tables(transactions.client, nouns))
        return audit(stored, self.network.moment)
