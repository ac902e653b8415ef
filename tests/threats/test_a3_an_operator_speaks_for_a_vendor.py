"""A3: an operator reports, confirms or sets terms in a vendor's name, or makes itself a key of the
vendor's. The vendor sees it, who approves sees what it earned, and the key takes a second person.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from linkage.domain import clock
from linkage.domain.people.api_keys import Key, hashed, new_secret
from linkage.tables.api_keys import put_key
from tests.abuse.network import Network

TERMS = {
    "name": "Tiles",
    "destination_url": "https://shop.example/",
    "rewards": [{"event": "sale", "rate_bps": 1_000}],
    "window_days": 30,
    "hold_days": 0,
    "confirmation": "manual",
}
METHOD = {"type": "mobile_money", "phone": "+263771000001"}
SAID = "said_by_operators"


@pytest.fixture
def network() -> Iterator[Network]:
    made = Network()
    with made.open():
        yield made
    assert made.failures == []


class Shop:
    """A vendor, its affiliate, and operators who speak for it."""

    def __init__(self, network: Network, terms_by: str = "vendor") -> None:
        self.network = network
        self.secrets = {
            "operator": self._operators_key("olga"),
            "pete": self._operators_key("pete"),
        }
        self.ids = {
            "vendor": self._member("vendor", hosts=["shop.example"]),
            "affiliate": self._member("affiliate", payout_method=METHOD),
        }
        for role, member_id in self.ids.items():
            self.secrets[role] = network.new_key(role, member_id)
        network.moment += timedelta(minutes=1)
        own = {} if terms_by == "vendor" else {"vendor_id": self.ids["vendor"]}
        self.program_id = self.ask(terms_by, "POST", "/v1/programs", TERMS | own)["id"]
        self.batches = 0

    def _operators_key(self, person: str) -> str:
        secret = new_secret("test", f"key_{person}")
        made_at = clock.text(self.network.moment)
        put_key(Key(f"key_{person}", "operator", None, hashed(secret), made_at, person=person))
        return secret

    def _member(self, role: str, **fields: object) -> str:
        body = {"name": role, "roles": [role], **fields}
        member_id = self.ask("operator", "POST", "/v1/members", body)["id"]
        self.ask("operator", "POST", f"/v1/members/{member_id}/approval")
        return str(member_id)

    def ask(self, who: str, method: str, path: str, body: object = None) -> Any:
        answer = self.network.call(self.secrets[who], method, path, body)
        assert answer.status < 300, answer.body
        self.network.deliver()
        return answer.body

    def report(self, by: str, number: int = 1) -> str:
        """The id of a sale of 125.00, reported by a role, that earns the affiliate 12.50."""
        body = {
            "program_id": self.program_id,
            "event": "sale",
            "external_id": f"order {number}",
            "amount_minor": 12_500,
            "currency": "USD",
            "affiliate_id": self.ids["affiliate"],
            **({} if by == "vendor" else {"vendor_id": self.ids["vendor"]}),
        }
        return str(self.ask(by, "POST", "/v1/conversions", body)["id"])

    def confirm(self, by: str, found: str) -> None:
        self.ask(by, "POST", f"/v1/conversions/{found}/confirmation")

    def plan(self) -> str:
        self.batches += 1
        self.network.moment += timedelta(hours=25)
        batch_id = self.ask("operator", "POST", "/v1/payout-batches", {"currency": "USD"})["id"]
        self.network.work()
        return str(batch_id)

    def payout(self, batch_id: str) -> Any:
        """The affiliate's payout as its approver sees it."""
        (payout,) = self.ask("pete", "GET", f"/v1/payout-batches/{batch_id}")["payouts"]
        return payout

    def odd(self, batch_id: str) -> list[str]:
        return [e["detail"] for e in self.payout(batch_id)["warnings"] if e["code"] == SAID]


@pytest.fixture
def shop(network: Network) -> Shop:
    return Shop(network)


@pytest.mark.parametrize(
    ("reports", "confirms", "words"),
    [
        ("vendor", "vendor", {}),
        ("operator", "vendor", {"by_operator": "report"}),
        ("vendor", "operator", {"confirmed_by_operator": "confirmation"}),
        (
            *("operator", "operator"),
            {"by_operator": "report", "confirmed_by_operator": "confirmation"},
        ),
    ],
)
def test_vendor_and_approver_see_what_an_operator_said(
    shop: Shop, reports: str, confirms: str, words: dict[str, str]
) -> None:
    found = shop.report(reports)
    shop.confirm(confirms, found)
    said = ", ".join(words.values())
    told = ", ".join(sorted(words.values()))
    for who, sees in (("vendor", set(words)), ("operator", set(words)), ("affiliate", set())):
        shown = shop.ask(who, "GET", f"/v1/conversions/{found}")
        assert {name for name in shown if name.endswith("by_operator")} == sees
    (entry,) = shop.ask("affiliate", "GET", "/v1/entries")["data"]
    assert entry["by_operator"] == (said or None)
    odd = shop.odd(shop.plan())
    assert len(odd) == bool(words)
    assert all("12.50 USD" in each and f": {told}." in each for each in odd)


def test_what_was_taken_out_is_as_odd_in_the_next_batch_and_not_once_it_was_paid(
    shop: Shop,
) -> None:
    shop.confirm("vendor", shop.report("operator"))
    shop.confirm("vendor", shop.report("vendor", 2))
    for _ in range(2):
        batch_id = shop.plan()
        (said,) = shop.odd(batch_id)
        assert said.startswith("12.50 USD of it")
        payout = shop.payout(batch_id)
        assert payout["amount_minor"] == 2_500
        path = f"/v1/payout-batches/{batch_id}/payouts/{payout['id']}/removal"
        shop.ask("pete", "POST", path, {"reason": "who said so?"})
    batch_id = shop.plan()
    shop.ask("pete", "POST", f"/v1/payout-batches/{batch_id}/approval")
    shop.network.export(batch_id)
    results = {"results": [{"payout_id": shop.payout(batch_id)["id"], "status": "paid"}]}
    shop.ask("operator", "POST", f"/v1/payout-batches/{batch_id}/results", results)
    shop.confirm("vendor", shop.report("vendor", 3))
    assert shop.odd(shop.plan()) == []


def test_what_its_vendor_took_back_is_not_odd_any_more(shop: Shop) -> None:
    found = shop.report("operator")
    shop.confirm("operator", found)
    shop.confirm("vendor", shop.report("vendor", 2))
    refund = {"external_id": "r1", "amount_minor": 12_500, "reason": "nobody bought it"}
    shop.ask("vendor", "POST", f"/v1/conversions/{found}/refunds", refund)
    assert shop.odd(shop.plan()) == []


def test_what_is_not_due_yet_is_not_called_a_part_of_what_is_paid(network: Network) -> None:
    shop = Shop(network)
    later = {**TERMS, "hold_days": 90}
    shop.confirm("vendor", shop.report("vendor"))
    shop.program_id = shop.ask("vendor", "POST", "/v1/programs", later)["id"]
    shop.confirm("vendor", shop.report("operator", 2))
    assert shop.odd(shop.plan()) == []


def test_terms_an_operator_published_are_the_vendors_once_it_says_them_again(
    network: Network,
) -> None:
    shop = Shop(network, terms_by="operator")
    path = f"/v1/programs/{shop.program_id}"
    shown = shop.ask("vendor", "GET", path)
    assert (shown["version"], shown["by_operator"]) == (1, True)
    shop.confirm("vendor", shop.report("vendor"))
    (said,) = shop.odd(shop.plan())
    assert said.startswith("12.50 USD of it was earned by what an operator said")
    assert ": terms." in said
    assert shop.ask("operator", "PUT", path, shown)["version"] == 1
    again = shop.ask("vendor", "PUT", path, shown)
    assert (again["version"], again["by_operator"]) == (2, False)
    assert shop.ask("operator", "PUT", path, again)["version"] == 2


@pytest.mark.parametrize("role", ["vendor", "affiliate"])
def test_a_members_further_key_takes_a_second_person(shop: Shop, role: str) -> None:
    settings = shop.ask("operator", "GET", "/v1/network")
    shop.ask("operator", "PUT", "/v1/network", settings | {"four_eyes": True})
    body = {"role": role, "member_id": shop.ids[role]}
    waits = shop.ask("operator", "POST", "/v1/keys", body)
    assert waits.keys() >= {"proposal"}
    proposal = f"/v1/proposals/{waits['proposal']['id']}/approval"
    alone = shop.network.call(shop.secrets["operator"], "POST", proposal)
    assert (alone.status, alone.code) == (409, "four_eyes")
    newcomer = shop._member(role, hosts=["new.example"])
    first = {"role": role, "member_id": newcomer}
    assert shop.ask("operator", "POST", "/v1/keys", first)["secret"]
    assert "proposal" in shop.ask("operator", "POST", "/v1/keys", first)
