from dataclasses import replace

import pytest

from linkage.domain.errors import ConditionFailedError
from linkage.domain.terms.coupons import Coupon
from linkage.tables.coupons import find_coupon, list_coupons, put_coupon, set_coupon

pytestmark = pytest.mark.usefixtures("network")

COUPON = Coupon(
    "mem_shop", "ROOF-10", "prg_1", "mem_ann", False, "2026-11-01", None, False, "2026-11-01"
)


def codes(vendor_id: str | None = None, affiliate_id: str | None = None) -> list[str]:
    """The codes of a whole list, read a page of one at a time."""
    found: list[str] = []
    cursor = None
    while True:
        page = list_coupons(vendor_id=vendor_id, affiliate_id=affiliate_id, limit=1, cursor=cursor)
        found += [coupon.code for coupon in page.data]
        cursor = page.next_cursor
        if cursor is None:
            return found


def test_a_coupon_is_found_as_it_was_put() -> None:
    put_coupon(COUPON)
    assert find_coupon("mem_shop", "ROOF-10") == COUPON
    assert find_coupon("mem_shop", "ROOF-11") is None
    assert find_coupon("mem_other", "ROOF-10") is None


def test_a_code_is_given_once_at_a_vendor_and_again_at_another() -> None:
    put_coupon(COUPON)
    with pytest.raises(ConditionFailedError):
        put_coupon(replace(COUPON, affiliate_id="mem_bob"))
    put_coupon(replace(COUPON, vendor_id="mem_other"))
    assert find_coupon("mem_shop", "ROOF-10") == COUPON


def test_a_coupon_is_paused_and_its_dates_are_moved_or_taken_away() -> None:
    put_coupon(COUPON)
    changed = replace(COUPON, paused=True, starts_on=None, ends_on="2026-12-24")
    set_coupon(COUPON, changed)
    assert find_coupon("mem_shop", "ROOF-10") == changed
    set_coupon(changed, COUPON)
    assert find_coupon("mem_shop", "ROOF-10") == COUPON


def test_a_coupon_changes_only_from_what_it_was_read_as() -> None:
    changed = replace(COUPON, paused=True)
    with pytest.raises(ConditionFailedError):
        set_coupon(COUPON, changed)
    assert find_coupon("mem_shop", "ROOF-10") is None
    put_coupon(changed)
    with pytest.raises(ConditionFailedError):
        set_coupon(COUPON, replace(COUPON, paused=True, ends_on="2026-12-24"))
    assert find_coupon("mem_shop", "ROOF-10") == changed


def test_coupons_are_listed_by_vendor_by_affiliate_and_all() -> None:
    for vendor_id, code, affiliate_id in (
        ("mem_shop", "B", "mem_ann"),
        ("mem_shop", "A", "mem_bob"),
        ("mem_other", "C", "mem_ann"),
    ):
        put_coupon(replace(COUPON, vendor_id=vendor_id, code=code, affiliate_id=affiliate_id))
    assert codes(vendor_id="mem_shop") == ["A", "B"]
    assert sorted(codes(affiliate_id="mem_ann")) == ["B", "C"]
    assert codes(vendor_id="mem_shop", affiliate_id="mem_ann") == ["B"]
    assert sorted(codes()) == ["A", "B", "C"]
