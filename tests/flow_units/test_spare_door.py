"""Actions need no HTTP: another door asks the same, is refused the same, and is recorded."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from linkage.domain import clock
from linkage.domain.errors import LinkageError
from linkage.domain.outcomes import Repeatable
from linkage.domain.people.api_keys import Key
from linkage.domain.terms.coupons import NewCoupon
from linkage.domain.terms.network import NetworkSettings
from linkage.domain.terms.programs import Program, Reward
from linkage.flow.clicks.managing_links import NewLink, create_link
from linkage.flow.people.auditing import records
from linkage.flow.people.managing_keys import create_key, revoke
from linkage.flow.people.managing_members import (
    NewMember,
    change_member,
    create_member,
    seen_member,
    set_status,
)
from linkage.flow.terms.managing_coupons import change_coupon, create_coupon
from linkage.flow.terms.publishing_programs import create_program, publish_version
from linkage.flow.terms.publishing_settings import publish
from tests.domain.examples import operator
from tests.in_memory import empty_network

RUDO = operator("key_1", person="rudo")
NOBODY = NewMember("", (), None, None, None, (), (), None, ())
ONCE = Repeatable(None, "f")
TERMS = Program(
    program_id="",
    version=1,
    vendor_id="",
    name="Tiles",
    destination_url="https://shop.example/tiles",
    rewards=(Reward("sale", rate_bps=1000),),
    window_days=30,
    hold_days=1,
    confirmation="manual",
    introducer_rate_bps=0,
    created_at="2026-12-01T10:00:00.000Z",
    published_at="2026-12-01T10:00:00.000Z",
)


def member(name: str, *roles: str, hosts: tuple[str, ...] = ()) -> str:
    """The id of a new approved member."""
    asked = replace(NOBODY, name=name, roles=roles, hosts=hosts)
    member_id = create_member(RUDO, asked, ONCE).thing.member.member_id
    return set_status(RUDO, member_id, "approved")[0].member.member_id


def refused(action: Callable[[], object]) -> str:
    """The code with which an action is refused."""
    with pytest.raises(LinkageError) as raised:
        action()
    return raised.value.code


def test_ten_actions_by_another_door() -> None:
    with empty_network():
        publish(RUDO, NetworkSettings(name="Harare", four_eyes=False), None, after=None)
        shop = member("Hardware", "vendor", hosts=("shop.example",))
        ann = member("Ann", "affiliate")
        vendor = create_key(RUDO, "vendor", shop, "", None).key
        affiliate = create_key(RUDO, "affiliate", ann, "", None).key
        assert vendor is not None
        assert affiliate is not None
        sold = create_program(vendor, None, TERMS, ONCE).thing
        publish_version(vendor, sold.program_id, replace(TERMS, name="B"), "g", after=None)
        new = NewCoupon("SUMMER", sold.program_id, ann, False, None, None, "f")
        assert create_coupon(vendor, None, new).thing.code == "SUMMER"
        assert change_coupon(vendor, None, "summer", {"paused": True}).paused
        wanted = NewLink(sold.program_id, None, {}, None, None)
        assert create_link(affiliate, None, wanted, ONCE).thing.affiliate_id == ann
        assert change_member(RUDO, ann, {"groups": ["gold"]})[0].member.groups == ("gold",)

        assert refused(lambda: create_member(vendor, NOBODY, ONCE)) == "wrong_role"
        assert refused(lambda: create_link(vendor, None, wanted, ONCE)) == "wrong_role"
        assert refused(lambda: create_coupon(affiliate, None, new)) == "wrong_role"
        assert refused(lambda: seen_member(vendor, ann)) == "member_not_found"
        assert refused(lambda: create_link(RUDO, None, wanted, ONCE)) == "invalid_field"
        assert refused(lambda: create_link(affiliate, ann, wanted, ONCE)) == "unknown_field"
        assert refused(lambda: revoke(vendor, vendor.key_id)) == "wrong_role"
        assert revoke(RUDO, vendor.key_id) is None

        day = records(RUDO, 50, None, subject=None, day=_today()).data
        assert {(each.action, each.by_key) for each in day} >= _expected(vendor, affiliate)


def _today() -> str:

    return clock.text(clock.now())[:10]


def _expected(vendor: Key, affiliate: Key) -> set[tuple[str, str]]:
    return {
        ("network.published", "key_1"),
        ("member.created", "key_1"),
        ("member.approved", "key_1"),
        ("member.changed", "key_1"),
        ("key.created", "key_1"),
        ("key.revoked", "key_1"),
        ("program.created", vendor.key_id),
        ("program.published", vendor.key_id),
        ("coupon.created", vendor.key_id),
        ("coupon.changed", vendor.key_id),
        ("link.created", affiliate.key_id),
    }
