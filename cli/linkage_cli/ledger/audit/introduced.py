"""What introducers earn, against the sales that introduced their customers (I24, I25)."""

from collections.abc import Callable, Iterator, Mapping, Set
from datetime import UTC, datetime
from typing import Any

from linkage_cli.ledger.audit.earnings import earning_of, standing_least
from linkage_cli.ledger.audit.findings import Finding
from linkage_cli.ledger.audit.sales import Sale, sale_of
from linkage_cli.ledger.audit.states import Conversion
from linkage_cli.ledger.audit.stored import Fact
from linkage_cli.ledger.audit.terms import Terms

REMEMBERED = "~introduced#"
COUNTS_THOUGH_IT_EARNS_NOTHING = 3
"""The version of the rules from which on what earns nothing is taken back, too: it counts for what
its affiliate sold."""
UNTIL_THE_DAY_IS_OVER = 3
"""The version of the rules from which on an introduction lives through the day it is due."""

type Facts = Mapping[str, Mapping[str, Fact]]


class Introduced:
    """Every sale's facts, to be looked at by those that live by them."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._right: set[tuple[str, str]] = set()

    def check(
        self, conversion: Conversion, terms: Terms, is_posted: Callable[[str], bool]
    ) -> Iterator[Finding]:
        """Whether a conversion lives by its introduction as it must."""
        introduction = conversion.report.nested("attribution").get("introduction")
        if introduction is None or conversion.confirming is None:
            if conversion.withdrawal:
                yield Finding(
                    "I25", conversion.conversion_id, "it gave back what nothing introduced"
                )
            return
        sale = sale_of(conversion.report, conversion.confirming, terms)
        earning = earning_of(sale)
        if earning is None or (
            sale.rules < COUNTS_THOUGH_IT_EARNS_NOTHING and not earning.direct_minor
        ):
            return
        yield from self._check_remembered(sale, introduction)
        yield from self._check_introduction(sale, introduction, terms)
        yield from self._check_taken_back(conversion, sale, introduction, is_posted)

    def _check_remembered(self, sale: Sale, introduction: Mapping[str, Any]) -> Iterator[Finding]:
        if sale.rules < UNTIL_THE_DAY_IS_OVER and sale.due_on <= sale.accepted_on:
            return
        place = introduction["conversion_id"], f"{REMEMBERED}{sale.due_on}#{sale.conversion_id}"
        self._right.add(place)
        if place[1] not in self._facts.get(place[0], {}):
            yield Finding(
                "I24", sale.conversion_id, f"the sale that introduced it, {place[0]}, forgot it"
            )

    def _check_introduction(
        self, sale: Sale, introduction: Mapping[str, Any], terms: Terms
    ) -> Iterator[Finding]:
        """That it is as the introducing sale's own facts and terms make it."""
        facts = self._facts.get(introduction["conversion_id"], {})
        report = facts.get("report")
        confirming = facts.get("confirmation", report)
        if report is None or confirming is None or "seen" not in confirming.values:
            yield Finding("I24", sale.conversion_id, "nothing confirmed introduced its customer")
            return
        first = sale_of(report, confirming, terms)
        right = first.due_on, _least(first), first.affiliate_id
        said = introduction["due_on"], introduction["floor_minor"], sale.affiliate_id
        if said != right or first.event != "sale" or first.model == "introducer":
            yield Finding(
                "I24",
                sale.conversion_id,
                f"its introduction (due, floor, whose) says {said}, not {right}",
            )

    def _check_taken_back(
        self,
        conversion: Conversion,
        sale: Sale,
        introduction: Mapping[str, Any],
        is_posted: Callable[[str], bool],
    ) -> Iterator[Finding]:
        refund, ended, all_posted = self._ended(introduction, is_posted)
        confirmed_at = conversion.confirming.accepted_at if conversion.confirming else ""
        due = ended is not None and (_in_time(sale, ended) or refund <= confirmed_at)
        subject = conversion.conversion_id
        if conversion.withdrawal:
            if not due:
                yield Finding("I25", subject, "it was taken back, though its introduction stood")
            elif conversion.withdrawal.values.get("ended_on") != ended:
                yield Finding("I25", subject, f"its introduction ended on {ended}, and it says not")
        elif due and all_posted and is_posted(f"{subject}/confirmation"):
            yield Finding(
                "I25", subject, f"its introduction ended on {ended}, before it was due: it is kept"
            )

    def _ended(
        self, introduction: Mapping[str, Any], is_posted: Callable[[str], bool]
    ) -> tuple[str, str | None, bool]:
        """When and on which UTC day too little stood, and whether the refund that did it is
        posted."""
        name = introduction["conversion_id"]
        facts = self._facts.get(name, {})
        if "report" not in facts:
            return "", None, True
        left = facts["report"].whole("amount_minor")
        refunds = (fact for key, fact in facts.items() if key.startswith("refund#"))
        for refund in sorted(refunds, key=lambda fact: fact.sequence):
            left -= refund.whole("amount_minor")
            if left < introduction["floor_minor"]:
                head = f"{name}/{refund.fact.replace('#', '/', 1)}"
                posted = is_posted(head) and not refund.unposted
                return refund.accepted_at, _day(refund), posted
        return "", None, True

    def check_all_remembered(self, left_alone: Set[str]) -> Iterator[Finding]:
        """That nothing is remembered with a sale that does not live by it."""
        for name, facts in self._facts.items():
            for key in facts:
                lives = key.rpartition("#")[2]
                known = (name, key) in self._right or lives in left_alone
                if key.startswith(REMEMBERED) and not known and name not in left_alone:
                    yield Finding("I24", name, f"it remembers {lives}, which does not live by it")


def _least(sale: Sale) -> int:
    """How much of a sale must stand for it to introduce."""
    floors = sale.settings.get("introduction_minimum_minor") or {}
    return standing_least(sale, earning_of(sale), floors.get(sale.currency, 1))


def may_end_introductions(fact: Fact, sale: Sale) -> bool:
    """Whether a refund left too little of a sale for what lives by it, if anything does."""
    if not fact.fact.startswith("refund#"):
        return False
    before = sale.amount_minor - fact.whole("refunded_before_minor")
    return before >= _least(sale) > before - fact.whole("amount_minor")


def _in_time(sale: Sale, ended: str) -> bool:
    if sale.rules < UNTIL_THE_DAY_IS_OVER:
        return ended < sale.due_on
    return ended <= sale.due_on


def _day(fact: Fact) -> str:
    return datetime.fromisoformat(fact.accepted_at).astimezone(UTC).date().isoformat()


def is_after(fact: Fact, conversion: Conversion) -> bool:
    """Whether a refund came when the commission had been taken back whole."""
    taken = conversion.withdrawal
    return taken is not None and taken.sequence < fact.sequence
