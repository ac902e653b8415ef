from dataclasses import replace

import pytest

from linkage.domain.conversions.tallies import HeldBonus, Tally
from linkage.domain.errors import ConditionFailedError
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.batch_reads import read
from linkage.tables.tallies import move, reading_tallies

pytestmark = pytest.mark.usefixtures("network")

SALES = Tally(
    "sales#prg_1#mem_a#2026-11#USD",
    version=1,
    count=2,
    amount_minor=10_000,
    held=(HeldBonus(10_000, 500, "USD", "2026-12-05"), HeldBonus(5_000, 100, "USD", "2026-12-01")),
)
MEMBER = Tally("member#mem_a", version=1, last_on="2026-11-21", recruited_by="cnv_1")
CUSTOMER = Tally("customer#prg_1#sale#phone_1", 1, count=1, since="2026-11-21T09:00:00.000Z")


def put(*tallies: Tally) -> None:
    transactions.write([move(tally) for tally in tallies])


def test_tallies_come_back_as_they_were_moved() -> None:
    put(SALES, MEMBER, CUSTOMER)
    kept = {tally.name: tally for tally in (SALES, MEMBER, CUSTOMER)}
    assert read(reading_tallies(kept)) == kept


def test_a_tally_that_never_moved_is_at_version_0() -> None:
    put(SALES)
    assert read(reading_tallies(["member#mem_b", SALES.name])) == {
        "member#mem_b": Tally("member#mem_b"),
        SALES.name: SALES,
    }
    assert read(reading_tallies([])) == {}


def test_a_tally_moves_from_the_version_it_was_read_with() -> None:
    put(SALES)
    put(replace(SALES, version=2, count=3, held=()))
    for version in (1, 2, 4):
        with pytest.raises(ConditionFailedError):
            put(replace(SALES, version=version))
    assert read(reading_tallies([SALES.name]))[SALES.name] == replace(
        SALES, version=2, count=3, held=()
    )


def test_more_tallies_than_one_read_takes_are_found_together() -> None:
    names = [f"customer#prg_1#sale#phone_{number}" for number in range(250)]
    put(*(Tally(name, version=1, count=1) for name in names[:99]))
    found = read(reading_tallies([*names, names[0]]))
    assert len(found) == 250
    assert sum(tally.count for tally in found.values()) == 99
