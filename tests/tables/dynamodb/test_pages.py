import base64
import json
from dataclasses import replace

import pytest

from linkage.domain.errors import InvalidFieldError
from linkage.domain.terms.coupons import Coupon
from linkage.tables import coupons, members
from linkage.tables.dynamodb import pages
from tests.domain.examples import MEMBER

pytestmark = pytest.mark.usefixtures("network")


def put(count: int) -> list[str]:
    ids = [f"mem_{number:03d}" for number in range(count)]
    for number, member_id in enumerate(ids):
        created_at = f"2026-11-21T09:00:00.{number // 2:03d}Z"  # two of each instant
        members.put_member(replace(MEMBER, member_id=member_id, created_at=created_at))
    return ids


@pytest.mark.parametrize(("count", "limit"), [(0, 2), (1, 2), (2, 2), (3, 2), (5, 2), (4, 100)])
def test_the_pages_of_a_list_name_everything_once_in_order(count: int, limit: int) -> None:
    ids, seen, cursor = put(count), [], None
    for _ in range(count // limit + 1):
        page = members.list_members(limit, cursor)
        assert len(page.data) <= limit
        seen += [member.member_id for member in page.data]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sorted(seen) == ids
    assert len(seen) == count
    assert cursor is None


def test_what_comes_meanwhile_neither_hides_nor_repeats_the_rest() -> None:
    put(4)
    first = members.list_members(2, None)
    members.put_member(
        replace(MEMBER, member_id="mem_early", created_at="2026-01-01T00:00:00.000Z")
    )
    second = members.list_members(2, first.next_cursor)
    named = [member.member_id for page in (first, second) for member in page.data]
    assert sorted(named) == ["mem_000", "mem_001", "mem_002", "mem_003"]


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        pytest.param("!!!", id="not base 64"),
        pytest.param("é", id="not ASCII"),
        pytest.param("a", id="no whole byte"),
        pytest.param("AAAA", id="not JSON"),
        pytest.param(base64.urlsafe_b64encode(b"\xff\xfe").decode(), id="not UTF-8"),
        pytest.param(encoded({"listing": "member"}), id="an object"),
        pytest.param(encoded(["member", "x"]), id="too few keys"),
        pytest.param(encoded(["member", "x", "y", "z"]), id="too many keys"),
        pytest.param(encoded(["member", "x", 7]), id="a number"),
        pytest.param(encoded(["member", "", "mem_1"]), id="an empty key"),
        pytest.param(encoded(["member", "x", None]), id="null"),
    ],
)
def test_a_cursor_this_list_never_gave_out_is_refused(cursor: str) -> None:
    put(1)
    with pytest.raises(InvalidFieldError) as refused:
        members.list_members(2, cursor)
    assert refused.value.pointer == "/cursor"


def put_coupons(count: int, *, theirs: set[int]) -> None:
    for number in range(count):
        whose = "mem_theirs" if number in theirs else "mem_other"
        coupon = Coupon("mem_v", f"C{number:04d}", "prg_1", whose, False, None, None, False, "2")
        coupons.put_coupon(coupon)


def test_a_filtered_list_ends_its_page_after_so_many_it_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pages, "READ_MAX", 10)
    put_coupons(35, theirs={3, 4, 31, 34})
    seen: list[str] = []
    sizes: list[int] = []
    cursor: str | None = None
    while not sizes or cursor:
        page = coupons.list_coupons(
            vendor_id="mem_v", affiliate_id="mem_theirs", limit=2, cursor=cursor
        )
        seen += [coupon.code for coupon in page.data]
        sizes.append(len(page.data))
        cursor = page.next_cursor
    assert seen == ["C0003", "C0004", "C0031", "C0034"]
    # Two, and looked on to the tenth; twice ten in vain; then what is left.
    assert sizes == [2, 0, 0, 2]


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_no_limit_and_no_bound_hides_or_repeats_anything(
    monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(pages, "READ_MAX", 4)
    theirs = {0, 1, 2, 5, 8, 13, 20, 21, 22, 23, 29}
    put_coupons(30, theirs=theirs)
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(100):
        page = coupons.list_coupons(
            vendor_id="mem_v", affiliate_id="mem_theirs", limit=limit, cursor=cursor
        )
        seen += [coupon.code for coupon in page.data]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [f"C{number:04d}" for number in sorted(theirs)]


def test_a_page_may_be_ended_behind_any_of_its_items() -> None:
    ids = put(6)
    page = members.list_members(5, None)
    assert page.cursor_after is not None
    for place in range(4):
        rest = members.list_members(100, page.cursor_after(place))
        shown = [member.member_id for member in page.data[: place + 1]]
        assert sorted([*shown, *(member.member_id for member in rest.data)]) == ids
