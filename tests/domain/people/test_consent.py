from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.domain import clock
from linkage.domain.people.consent import (
    AT_THE_VENDOR,
    NETWORK,
    VENDORS_KEPT_MAX,
    Mark,
    Marks,
    holds_at,
    holds_everywhere_since,
    lifted,
    marked,
    standing,
)
from tests.domain.examples import NOW

THEN, LATER = clock.text(NOW), clock.text(NOW + timedelta(days=1))
MARK = Mark(THEN, "key_1")
HERE = replace(MARK, scope=AT_THE_VENDOR)
LIFTED = replace(MARK, lifted_at=LATER, lifted_by="key_2")
MANY: Marks = {f"mem_{number}": MARK for number in range(VENDORS_KEPT_MAX)}
OLD = replace(LIFTED, lifted_at=clock.text(NOW + timedelta(hours=1)))
NEW = Mark(LATER, "key_9", AT_THE_VENDOR)


@pytest.mark.parametrize(
    ("marks", "marker", "become"),
    [
        pytest.param({}, "mem_a", {"mem_a": NEW}, id="the first"),
        pytest.param({"mem_b": MARK}, "mem_a", {"mem_b": MARK, "mem_a": NEW}, id="a second"),
        pytest.param({"mem_a": MARK}, "mem_a", {"mem_a": MARK}, id="one that stands"),
        pytest.param({"mem_a": LIFTED}, "mem_a", {"mem_a": NEW}, id="again after it was lifted"),
        pytest.param(
            MANY, "mem_a", {**MANY, NETWORK: replace(NEW, scope=NETWORK)}, id="of too many vendors"
        ),
        pytest.param(
            {**MANY, "mem_0": LIFTED}, "mem_0", {**MANY, "mem_0": NEW}, id="of many, one kept"
        ),
        pytest.param(
            {**MANY, "mem_0": LIFTED, "mem_7": OLD, NETWORK: OLD},
            "mem_a",
            {name: own for name, own in MANY.items() if name != "mem_7"}
            | {"mem_0": LIFTED, NETWORK: OLD, "mem_a": NEW},
            id="of too many vendors, of which some lifted theirs",
        ),
        pytest.param(
            {**MANY, NETWORK: MARK}, "mem_a", {**MANY, NETWORK: MARK}, id="of too many, again"
        ),
    ],
)
def test_a_mark_is_kept_beside_the_others(marks: Marks, marker: str, become: Marks) -> None:
    assert marked(marks, marker, NEW) == become


def test_only_what_stands_of_the_markers_named_is_lifted() -> None:
    marks = {"mem_a": MARK, "mem_b": MARK, "mem_c": LIFTED}
    become = lifted(marks, {"mem_a", "mem_c", "mem_d"}, "now", "key_3")
    assert become == marks | {"mem_a": replace(MARK, lifted_at="now", lifted_by="key_3")}
    assert standing(become) == {"mem_b"}


def test_a_mark_may_be_lifted_after_thirty_days_to_the_millisecond() -> None:
    assert MARK.liftable_from == NOW + timedelta(days=30)


MARKERS = st.sampled_from(("mem_a", "mem_b", "mem_c", NETWORK))
MARKS = st.dictionaries(MARKERS, st.sampled_from((MARK, HERE, LIFTED)))


@given(marks=MARKS, vendor_id=st.sampled_from(("mem_a", "mem_b", "mem_z")))
def test_what_holds_everywhere_holds_at_each_vendor_and_else_only_its_own(
    marks: Marks, vendor_id: str
) -> None:
    everywhere = holds_everywhere_since(marks) is not None
    own = vendor_id in standing(marks)
    assert holds_at(marks, vendor_id) == (everywhere or own)


@given(marks=MARKS, marker=st.sampled_from(("mem_a", "mem_b")), others=MARKERS)
def test_nobody_opts_a_customer_in_whom_another_has_opted_out(
    marks: Marks, marker: str, others: str
) -> None:
    out = marked(marks, others, MARK)
    assert (others in standing(lifted(out, {marker}, LATER, "key_1"))) == (others != marker)


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [
        ("2026-11-21T00:00:00.000Z", 86_400),
        ("2026-11-21T23:59:59.000Z", 1),
        ("2026-11-21T23:59:59.999Z", 1),
        ("2026-11-21T23:58:59.001Z", 61),
        ("2026-11-22T01:30:00+02:00", 1_800),
    ],
)
def test_how_long_until_daily_counts_begin_anew(moment: str, seconds: int) -> None:
    assert clock.day_left_s(clock.instant(moment)) == seconds
