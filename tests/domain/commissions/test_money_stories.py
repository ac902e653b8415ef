"""Many sales of one affiliate that share their tallies, refunded in any order and in any parts."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.domain.commissions.commissions import (
    commission_of,
    tallies_after_confirmation,
    tallies_after_refund,
)
from linkage.domain.commissions.ledger_transactions import (
    confirmation_transaction,
    refund_transaction,
)
from linkage.domain.commissions.wanted_tallies import wanted
from linkage.domain.conversions.conversions import Confirmation, Conversion
from linkage.domain.conversions.standing import Seen, Standing
from linkage.domain.conversions.tallies import Tally, measured
from linkage.domain.ledger.ledger import Transaction
from linkage.domain.people.members import Split
from linkage.domain.terms.network import RecruitmentBonus
from linkage.domain.terms.programs import Bonus, Reward, Step, Thresholds
from tests import oracle
from tests.domain.examples import (
    AFFILIATE,
    CONVERSION,
    PROGRAM,
    SETTINGS,
    UPLINE,
    confirmation,
    refund,
)

exact = settings(deadline=None, derandomize=True, max_examples=60)

STEPS = (Step(0, 30_000, 500), Step(30_000, None, 800))
TERMS = replace(
    PROGRAM,
    rewards=(
        Reward(
            "sale",
            thresholds=Thresholds("volume", "month", STEPS),
            currency="USD",
            name="steps",
            period="month",
            period_max_minor=4_000,
            budget_minor=5_000,
        ),
        Reward("sale", rate_bps=1_000, first_n=2),
    ),
    bonuses=(
        Bonus("volume", "month", 20_000, 300, "USD"),
        Bonus("volume", "quarter", 50_000, 900, "USD"),
        Bonus("count", "quarter", 3, 111, "ZWG"),
    ),
    ceiling_bps=1_100,
)
NETWORK = replace(SETTINGS, affiliate_fee_bps=300, recruitment_bonus=RecruitmentBonus(1_000, "BHD"))
AFFILIATE_SEEN = Standing(AFFILIATE, "approved", splits=(Split("mem_employee", 2_500),))
ABOVE = tuple(Standing(each, "approved") for each in UPLINE[:2])
TIMES = ("2026-10-31T23:59:59.000Z", "2026-11-01T00:00:00.000Z", "2026-11-20T09:59:00.000Z")


@dataclass
class Network:
    """The tallies as they are, and all that was posted."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    posted: list[Transaction] = field(default_factory=list)
    confirmed: dict[str, tuple[Conversion, Confirmation]] = field(default_factory=dict)
    refunded: Counter[str] = field(default_factory=Counter)

    def confirm(self, conversion: Conversion, accepted_at: str) -> None:
        """Confirms a sale, seeing the tallies as they are."""
        names = wanted(conversion, TERMS, AFFILIATE_SEEN)
        seen = Seen(AFFILIATE_SEEN, ABOVE, self.found(names))
        fact = replace(confirmation(seen), accepted_at=accepted_at)
        self.write(tallies_after_confirmation(conversion, fact, TERMS, NETWORK))
        self.posted.append(confirmation_transaction(conversion, fact, TERMS, NETWORK))
        self.confirmed[conversion.conversion_id] = (conversion, fact)

    def refund(self, conversion_id: str, amount_minor: int) -> None:
        """Refunds a part of a sale, seeing the tallies its confirmation saw as they are."""
        conversion, fact = self.confirmed[conversion_id]
        names = (tally.name for tally in fact.seen.tallies)
        given_back = replace(
            refund(amount_minor, self.refunded[conversion_id]), tallies=self.found(names)
        )
        self.refunded[conversion_id] += amount_minor
        self.write(tallies_after_refund(conversion, fact, given_back, TERMS, NETWORK))
        commission, _ = commission_of(conversion, fact, TERMS, NETWORK)
        self.posted.append(refund_transaction(conversion, given_back, commission))

    def found(self, names: Iterable[str]) -> tuple[Tally, ...]:
        """Tallies as last written."""
        return tuple(self.tallies.get(name, Tally(name)) for name in names)

    def write(self, changed: Iterable[Tally]) -> None:
        """Writes tallies on the condition that they are as they were read."""
        for tally in changed:
            assert tally.version == self.tallies.get(tally.name, Tally(tally.name)).version + 1
            self.tallies[tally.name] = tally

    def check(self) -> None:
        """What always holds: bonuses are held exactly while reached, caps are kept."""
        for name, tally in self.tallies.items():
            if name.startswith("sales#"):
                targets = {(bonus.target, bonus.currency) for bonus in tally.held}
                assert targets == {
                    (bonus.target, bonus.currency)
                    for bonus in TERMS.bonuses
                    if (bonus.by == "count") == name.endswith("#*")
                    and (bonus.period == "quarter") == ("-Q" in name)
                    and bonus.target <= measured(tally)
                }
            if name.startswith("reward#"):
                assert tally.amount_minor <= (5_000 if "#*#" in name else 4_000)


@exact
@given(st.data())
def test_sales_refunded_in_any_order_leave_no_money_no_due_date_and_no_count(
    data: st.DataObject,
) -> None:
    network = Network()
    amounts = data.draw(st.lists(st.integers(1, 40_000), min_size=1, max_size=5))
    parts: list[tuple[str, int]] = []
    for number, amount_minor in enumerate(amounts):
        conversion_id = f"cnv_{number}"
        sale = replace(
            CONVERSION,
            conversion_id=conversion_id,
            amount_minor=amount_minor,
            occurred_at=data.draw(st.sampled_from(TIMES)),
            customer_keys=("k1",),
        )
        network.confirm(sale, f"2026-11-{20 + number}T09:12:00.000Z")
        network.check()
        first = data.draw(st.integers(0, amount_minor))
        parts += [(conversion_id, each) for each in (first, amount_minor - first) if each]
    for conversion_id, amount_minor in data.draw(st.permutations(parts)):
        network.refund(conversion_id, amount_minor)
        network.check()

    postings = [posting for each in network.posted for posting in each.postings]
    left = oracle.moved(
        ((p.source, p.currency), (p.target, p.currency), p.amount_minor) for p in postings
    )
    assert left == Counter()
    dues: Counter[tuple[str, str, str]] = Counter()
    for line in (line for each in network.posted for line in each.lines):
        for due_on, amount_minor in line.dues.items():
            dues[line.affiliate_id, line.currency, due_on] += amount_minor
    assert not any(dues.values())
    assert all(
        (tally.count, tally.amount_minor, tally.held, tally.recruited_by) == (0, 0, (), None)
        for tally in network.tallies.values()
    )
