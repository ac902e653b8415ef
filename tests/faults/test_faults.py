"""Random facts through the product's own flow, delivered badly; then the ledger, to the unit.

`FAULTS_SEED` starts another network, `FAULTS_FACTS` sets how many facts `make faults` accepts. What
fails says its seed, what is stored of the conversions it is about, and the fewest facts that fail.
"""

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from linkage.tables.dynamodb.packed import packed, unpacked
from tests.conversion_ids import ids_of
from tests.faults.expressions import Item
from tests.faults.run import Outcome, Run

SEED = int(os.environ.get("FAULTS_SEED", "1"))
FACTS = int(os.environ.get("FAULTS_FACTS", "100000"))
FEW_FACTS = 2_500
FACTS_IN_A_NETWORK = 12_500
TOLD = 3


def test_a_few_thousand_facts_leave_the_ledger_right_to_the_unit() -> None:
    run = Run(SEED, FEW_FACTS)
    outcome = run.play()
    assert_right(run, outcome)
    assert {"report", "confirmation", "rejection", "refund", "withdrawal"} == set(outcome.facts)
    assert set(outcome.models) >= MODELS
    assert set(outcome.kinds) >= EARNED
    assert {what for what, count in outcome.met.items() if count} >= TROUBLES
    assert outcome.answers["refund refused: too_many_refunds"]
    assert {what for what, count in outcome.answers.items() if count} >= HOLDS
    require_one_id_each(run)


def require_one_id_each(run: Run) -> None:
    """No order has two conversions, in a network that turned keyed ids on while it traded."""
    orders: list[tuple[str, ...]] = []
    forms = Counter[int]()
    for item in run.standin.tables["conversions"].items():
        if item["fact"]["S"] == "report":
            order = tuple(item[name]["S"] for name in ("vendor_id", "event", "external_id"))
            forms[ids_of(*order).index(item["conversion_id"]["S"])] += 1
            orders.append(order)
    assert len(set(orders)) == len(orders)
    assert min(forms[0], forms[1]) > 0


MODELS = {"click", "coupon", "lead", "joint", "link", "named", "introducer"}
EARNED = {
    *("commission", "clawback", "fee", "fee_return", "affiliate_fee", "bonus", "recruitment"),
    *("override 1", "override 2", "split"),
}
HOLDS = {"held: vendor_suspended", "held: over_the_vendors_limit", "released"}
TROUBLES = {
    *("crash before a write", "crash after a write", "transaction conflict", "throttle"),
    *("never delivered", "meddling before a transaction", "swept", "items left unread"),
    *("done, but answered with a failure", "balance put whole"),
}


def test_one_unit_too_much_in_one_posting_is_found() -> None:
    run = Run(SEED + 1, 200)
    with run.open():
        run.trade_until_done()
        run.finish()
        assert not run.audited().findings
        head = next(item for item in run.standin.tables["ledger"].items() if has_postings(item))
        said = unpacked(head["content"]["B"])
        said["postings"][0]["amount_minor"] += 1
        head["content"] = {"B": packed(said)}
        assert any("I20" in str(finding) for finding in run.audited().findings)


def has_postings(item: Item) -> bool:
    return "content" in item and bool(unpacked(item["content"]["B"])["postings"])


@pytest.mark.faults
def test_a_hundred_thousand_facts_leave_the_ledger_right_to_the_unit(
    capsys: pytest.CaptureFixture[str],
) -> None:
    networks = max(1, FACTS // FACTS_IN_A_NETWORK)
    sizes = [FACTS // networks + (number < FACTS % networks) for number in range(networks)]
    workers = min(networks, os.cpu_count() or 1)
    wrong, facts = [], 0
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        for outcome in pool.map(played, range(SEED, SEED + networks), sizes):
            facts += sum(outcome.facts.values())
            if not outcome.is_right:
                wrong.append(outcome)
            with capsys.disabled():
                print("", *outcome.lines(), sep="\n", flush=True)  # noqa: T201, the report asked for
    with capsys.disabled():
        print(f"\n{facts:,} facts in {networks} networks")  # noqa: T201
    for outcome in wrong:
        run = Run(outcome.seed, smallest(outcome.seed, sum(outcome.facts.values())))
        assert_right(run, run.play())
    assert not wrong
    assert facts >= FACTS


def played(seed: int, facts: int) -> Outcome:
    """One network's outcome, in a process of its own."""
    return Run(seed, facts).play()


def assert_right(run: Run, outcome: Outcome) -> None:
    """Fails with the seed, the findings and all that is stored of what they are about."""
    if outcome.is_right:
        return
    about = {each.subject.split()[0].split("/")[0] for each in outcome.report.findings[:TOLD]}
    pytest.fail("\n".join([*outcome.lines(), *_told(outcome), *map(run.said_of, sorted(about))]))


def _told(outcome: Outcome) -> Iterator[str]:
    yield from map(str, outcome.report.findings[:TOLD])
    yield from (
        f"posted otherwise in another order: {each}"
        for each in outcome.reordered_differences[:TOLD]
    )


def smallest(seed: int, facts: int) -> int:
    """Half as many facts as long as those are wrong too."""
    while facts > 1 and not played(seed, facts // 2).is_right:
        facts //= 2
    return facts
