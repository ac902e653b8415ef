"""The auditor agrees with the posting code on a sound network and names whatever was changed."""

import copy
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from linkage_cli.ledger.audit import Report, Stored, audit
from tests.cli.contents import packed
from tests.cli.ledger.corruptions import (
    CORRUPTIONS,
    Items,
    a_refund_that_left_what_lived_by_its_sale,
    find,
)


def audited(network: dict[str, Items], now: datetime | None = None) -> Report:
    stored = {noun: [packed(item) for item in items] for noun, items in network.items()}
    return audit(Stored(**stored), now or datetime.now(UTC))


def test_the_auditor_finds_nothing_wrong_with_what_the_product_posted(
    network: dict[str, Items],
) -> None:
    report = audited(network)
    assert report.findings == ()
    assert len(report.in_flight) == 1
    assert report.counts["transactions"] > 30
    assert set(report.totals) == {"USD", "ZWG"}


def test_what_vendors_owe_and_the_network_adds_is_all_that_anyone_has_or_was_paid(
    network: dict[str, Items],
) -> None:
    for totals in audited(network).totals.values():
        assert totals.vendors_owe + totals.network_bonuses + totals.adjustments == (
            totals.owed_to_affiliates + totals.network_fees + totals.in_payout + totals.paid_out
        )


def test_the_auditor_shares_no_code_with_the_product() -> None:
    loads = "import sys, linkage_cli.ledger.ledger_check; print('\\n'.join(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", loads], capture_output=True, check=True, text=True
    ).stdout.split()
    assert [name for name in loaded if name.startswith("linkage.")] == []


def _name(case: object) -> str:
    return getattr(case, "__name__", "").replace("_", " ")


@pytest.mark.parametrize(("corrupt", "invariants"), CORRUPTIONS, ids=_name)
def test_the_auditor_names(
    network: dict[str, Items],
    corrupt: Callable[[dict[str, Items]], None],
    invariants: set[str],
) -> None:
    corrupt(network)
    named = {finding.invariant for finding in audited(network).findings}
    assert invariants <= named


def test_a_posted_refund_may_wait_a_quarter_of_an_hour_for_what_lived_by_its_sale(
    network: dict[str, Items],
) -> None:
    a_refund_that_left_what_lived_by_its_sale(network)
    now = datetime.now(UTC)
    assert audited(network, now).findings == ()
    late = map(str, audited(network, now + timedelta(minutes=20)).findings)
    assert any(
        "I25" in each and "what lived by its sale is not taken back" in each for each in late
    )


def numbers_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every number in a nested value."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from numbers_in(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from numbers_in(inner, (*path, index))
    elif isinstance(value, int) and not isinstance(value, bool):
        yield path


def raised(item: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    """A copy of an item with one of its numbers one higher."""
    changed = copy.deepcopy(item)
    inner: Any = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] += 1
    return changed


# What a head keeps for explanations and for its refunds is computed anew from the facts instead.
KEPT_FOR_THE_STORY = {
    "commission",
    "program_version",
    "settings_version",
    "refunded_before_minor",
    "refunded_after_minor",
}


LIKE_NUMBERS_MAX = 8


def numbers_of_each_kind(ledger: Items) -> Iterator[tuple[dict[str, Any], tuple[Any, ...]]]:
    """The ledger's numbers by item and path, but no more than some of those alike."""
    alike: Counter[tuple[Any, ...]] = Counter()
    for item in ledger:
        for path in numbers_in(item):
            is_told = item["line"] == "head" and path[0] in KEPT_FOR_THE_STORY
            inner = item["postings"][path[1]]["kind"] if path[0] == "postings" else path[-1]
            kind = (item["line"].partition("#")[0], item.get("kind"), path[0], path[-1], inner)
            alike[kind] += 1
            if not is_told and alike[kind] <= LIKE_NUMBERS_MAX:
                yield item, path


def test_one_more_in_any_number_of_the_ledger_is_found(network: dict[str, Items]) -> None:
    missed = [
        (item["account"], item["line"], path)
        for item, path in numbers_of_each_kind(network["ledger"])
        if not audited(
            network
            | {
                "ledger": [
                    raised(each, path) if each is item else each for each in network["ledger"]
                ]
            }
        ).findings
    ]
    assert missed == []


@pytest.mark.parametrize("noun", ["ledger", "payouts", "files"])
def test_any_item_that_is_missing_is_found(network: dict[str, Items], noun: str) -> None:
    missed = [
        item
        for item in network[noun]
        if not audited(
            network | {noun: [each for each in network[noun] if each is not item]}
        ).findings
    ]
    assert missed == []


def test_a_fact_not_posted_is_in_flight_for_fifteen_minutes_and_a_finding_after(
    network: dict[str, Items],
) -> None:
    accepted = datetime.fromisoformat(find(network["conversions"], unposted="un")["accepted_at"])
    assert audited(network, accepted + timedelta(minutes=15)).findings == ()
    (late,) = audited(network, accepted + timedelta(minutes=16)).findings
    assert late.invariant == "I4"
    assert "16 minutes" in late.sentence
