from dataclasses import replace
from datetime import timedelta

import pytest

from linkage import clock
from linkage.customers import (
    Binding,
    Customer,
    KnownCustomer,
    aliases,
    bound,
    customer_keys,
    own_aliases,
)
from linkage.members import normalised_phone
from tests.domain.examples import MEMBER, NOW

PHONE, EMAIL, OWN = KEYS = ("phone_1", "email_1", "own_1")
DAYS = 365
SECRET = "a secret"


def at(days: int) -> str:
    """So many days from now, as text."""
    return clock.text(NOW + timedelta(days=days))


def binding(
    key: str, affiliate_id: str = "ann", cause: str = "cnv_a", expires: int = 100
) -> Binding:
    began = at(expires - DAYS)
    return Binding(key, affiliate_id, cause, began, at(expires), due_on=began[:10], floor_minor=1)


def customer(*bindings: Binding, ended: tuple[str, ...] = ()) -> KnownCustomer:
    return KnownCustomer(KEYS, {each.customer_key: each for each in bindings}, frozenset(ended))


def introducing(affiliate_id: str, cause: str = "cnv_new") -> Binding:
    """What a conversion attributed to this affiliate would bind."""
    return Binding("", affiliate_id, cause, at(0), at(DAYS), due_on=at(14)[:10], floor_minor=1)


LIVE = [
    pytest.param(customer(), None, id="nobody introduced them"),
    pytest.param(customer(binding(OWN)), OWN, id="by the vendor's own id alone"),
    pytest.param(customer(binding(OWN), binding(EMAIL), binding(PHONE)), PHONE, id="phone first"),
    pytest.param(customer(binding(OWN), binding(EMAIL)), EMAIL, id="then the e-mail address"),
    pytest.param(customer(binding(PHONE, expires=-1), binding(EMAIL)), EMAIL, id="expired"),
    pytest.param(customer(binding(PHONE, expires=0)), None, id="it ends at the instant it names"),
    pytest.param(
        customer(binding(PHONE), binding(EMAIL, cause="cnv_b"), ended=("cnv_a",)),
        EMAIL,
        id="a fully refunded introduction gives way to a later one",
    ),
    pytest.param(customer(binding(PHONE), binding(EMAIL), ended=("cnv_a",)), None, id="all ended"),
]


@pytest.mark.parametrize(("known", "key"), LIVE)
def test_the_first_live_binding_in_the_keys_order_introduces(
    known: KnownCustomer, key: str | None
) -> None:
    found = known.live(NOW)
    assert (found.customer_key if found else None) == key


def test_a_binding_lives_until_the_last_millisecond() -> None:
    known = customer(binding(PHONE, expires=0))
    assert known.live(NOW - timedelta(milliseconds=1)) is not None


def test_an_introducer_earns_nothing_of_sales_before_the_binding_began() -> None:
    known = customer(Binding(PHONE, "ann", "cnv_a", at(0), at(DAYS)), binding(EMAIL, "bob"))
    before = known.introducer(NOW - timedelta(milliseconds=1))
    assert before is not None
    assert before.affiliate_id == "bob"
    assert known.introducer(NOW) == known.bindings[PHONE]
    assert known.introducer(NOW + timedelta(days=DAYS)) is None


def test_who_opted_out_has_no_introducer_and_is_bound_to_nobody() -> None:
    out = replace(customer(binding(PHONE)), opted_out=True)
    assert out.introducer(NOW) is None
    assert bound(out, introducing("ann"), NOW, room=True) == ()
    assert bound(replace(out, bindings={}), introducing("ann"), NOW, room=True) == ()


def test_a_sale_reported_late_takes_nobodys_customer_over() -> None:
    """Ann is bound today; Bob's sale of last week comes in only now."""
    known = customer(*(Binding(key, "ann", "cnv_a", at(0), at(DAYS)) for key in KEYS))
    assert known.introducer(NOW - timedelta(days=7)) is None
    assert bound(known, introducing("bob"), NOW - timedelta(days=7), room=True) == ()


def test_a_sale_reported_late_renews_from_when_it_occurred() -> None:
    late = replace(introducing("ann"), expires_at=at(DAYS - 7))
    (renewed, *_) = bound(customer(binding(PHONE)), late, NOW - timedelta(days=7), room=True)
    assert renewed.renewed_until == at(DAYS - 7)


BOUND = [
    pytest.param(
        customer(),
        introducing("ann"),
        dict.fromkeys(KEYS, ("ann", "cnv_new", at(DAYS))),
        id="the first non-introducer sale binds every key",
    ),
    pytest.param(customer(), None, {}, id="a sale that introduces nobody binds nobody"),
    pytest.param(
        customer(binding(PHONE), binding(EMAIL), binding(OWN)),
        introducing("ann"),
        dict.fromkeys(KEYS, ("ann", "cnv_a", at(DAYS))),
        id="the same affiliate's own sale renews, and stays the same introduction",
    ),
    pytest.param(
        customer(binding(PHONE), binding(EMAIL), binding(OWN)),
        None,
        {},
        id="an introducer sale renews nothing",
    ),
    pytest.param(
        customer(binding(PHONE), binding(EMAIL), binding(OWN)),
        introducing("bob"),
        {},
        id="nobody takes over before it expires",
    ),
    pytest.param(
        customer(binding(PHONE, expires=-1)),
        introducing("bob"),
        dict.fromkeys(KEYS, ("bob", "cnv_new", at(DAYS))),
        id="once it has expired, the next affiliate introduces",
    ),
    pytest.param(
        customer(binding(PHONE), ended=("cnv_a",)),
        introducing("bob"),
        dict.fromkeys(KEYS, ("bob", "cnv_new", at(DAYS))),
        id="a fully refunded introduction ends, and the next affiliate introduces",
    ),
    pytest.param(
        customer(binding(PHONE), ended=("cnv_a",)),
        introducing("ann"),
        dict.fromkeys(KEYS, ("ann", "cnv_new", at(DAYS))),
        id="after a full refund the same affiliate introduces anew",
    ),
    pytest.param(
        customer(binding(PHONE)),
        None,
        {},
        id="absent keys follow nobody by a sale that introduces nobody",
    ),
    pytest.param(
        customer(binding(EMAIL)),
        introducing("bob"),
        {},
        id="absent keys follow no other affiliate's sale",
    ),
    pytest.param(
        customer(binding(EMAIL)),
        introducing("ann"),
        {
            PHONE: ("ann", "cnv_new", at(DAYS)),
            EMAIL: ("ann", "cnv_a", at(DAYS)),
            OWN: ("ann", "cnv_new", at(DAYS)),
        },
        id="absent keys are bound by the same affiliate's further sale",
    ),
    pytest.param(
        customer(binding(PHONE), binding(EMAIL, "bob", "cnv_b")),
        introducing("bob"),
        {},
        id="the second of two introducers does not bind through the first",
    ),
    pytest.param(
        customer(binding(PHONE, expires=-1), binding(EMAIL, "bob", "cnv_b")),
        None,
        {},
        id="an expired key is revived by nothing",
    ),
    pytest.param(
        customer(binding(PHONE, expires=DAYS + 10)),
        introducing("ann"),
        {PHONE: ("ann", "cnv_a", at(DAYS + 10))}
        | dict.fromkeys((EMAIL, OWN), ("ann", "cnv_new", at(DAYS))),
        id="a renewal never shortens what was promised under longer settings",
    ),
    pytest.param(
        customer(replace(binding(PHONE), due_on=None, floor_minor=None)),
        introducing("ann"),
        dict.fromkeys((EMAIL, OWN), ("ann", "cnv_new", at(DAYS))),
        id="a binding of before lives as long as it did",
    ),
    pytest.param(
        customer(replace(binding(PHONE), unbound_at=at(-1))),
        introducing("ann"),
        dict.fromkeys(KEYS, ("ann", "cnv_new", at(DAYS))),
        id="what an operator ended, a further sale begins anew",
    ),
]


@pytest.mark.parametrize(("known", "introducer", "expected"), BOUND)
def test_a_confirmed_sale_binds_its_customer(
    known: KnownCustomer, introducer: Binding | None, expected: dict[str, tuple[str, str, str]]
) -> None:
    written = bound(known, introducer, NOW, room=True)
    assert {
        b.customer_key: (b.affiliate_id, b.conversion_id, b.renewed_until or b.expires_at)
        for b in written
    } == expected
    assert [b.customer_key for b in written] == [key for key in KEYS if key in expected]


@pytest.mark.parametrize(("known", "introducer", "_expected"), BOUND)
def test_binding_the_same_sale_again_changes_nothing(
    known: KnownCustomer, introducer: Binding | None, _expected: object
) -> None:
    written = {each.customer_key: each for each in bound(known, introducer, NOW, room=True)}
    now_known = replace(known, bindings={**known.bindings, **written})
    assert bound(now_known, introducer, NOW, room=True) == ()


def test_a_renewal_lives_by_the_sale_that_renewed() -> None:
    known = customer(binding(PHONE))
    (renewed, *_) = bound(known, introducing("ann"), NOW, room=False)
    known = replace(known, keys=(PHONE,), bindings={PHONE: renewed})
    later = NOW + timedelta(days=DAYS - 1)
    first, second = known.live(NOW), known.live(later)
    assert first is not None
    assert second is not None
    assert (first.conversion_id, second.conversion_id) == ("cnv_a", "cnv_new")
    assert second.introduction == introducing("ann").introduction
    assert replace(known, ended=frozenset({"cnv_new"})).live(later) is None
    by_the_second = replace(known, ended=frozenset({"cnv_a"})).live(NOW)
    assert by_the_second is not None
    assert by_the_second.conversion_id == "cnv_new"


def test_the_vendors_own_id_follows_whoever_earned_and_is_known_by_a_contact() -> None:
    def keys(known: KnownCustomer, earner: str | None) -> list[str]:
        written = bound(known, None, NOW, room=True, earner=earner)
        assert all(each.conversion_id == "cnv_a" for each in written)
        return [each.customer_key for each in written]

    assert keys(customer(binding(PHONE)), "ann") == [OWN]
    assert keys(customer(binding(PHONE)), "bob") == []
    assert keys(customer(binding(PHONE)), None) == []
    assert keys(customer(binding(OWN)), "ann") == []


def test_without_room_in_its_day_a_sale_renews_and_binds_no_free_key() -> None:
    assert bound(customer(), introducing("ann"), NOW, room=False) == ()
    written = bound(customer(binding(PHONE)), introducing("ann"), NOW, room=False)
    assert [each.customer_key for each in written] == [PHONE]


def test_a_customer_named_by_nothing_is_bound_to_nobody() -> None:
    assert bound(KnownCustomer(), introducing("ann"), NOW, room=True) == ()


def test_phone_and_email_are_network_wide_and_the_own_id_is_the_vendors() -> None:
    named = Customer("+263773047653", "tendai@example.com", "c-1")
    at_one, at_other = (customer_keys(SECRET, vendor, named) for vendor in ("one", "other"))
    assert at_one[:2] == at_other[:2]
    assert at_one[2] != at_other[2]
    assert [key.split("_")[0] for key in at_one] == ["phone", "email", "own"]


def test_a_key_tells_nothing_without_the_secret() -> None:
    named = Customer(email="tendai@example.com")
    (key,), (other,) = (customer_keys(secret, "v", named) for secret in ("one", "other"))
    assert key != other
    assert "tendai" not in key


def test_the_own_id_is_taken_in_its_one_form() -> None:
    composed, decomposed = (
        customer_keys(SECRET, "v", Customer(vendor_customer_id=each))
        for each in ("Café", " Cafe\u0301 ")
    )
    assert composed == decomposed


def test_a_vendor_cannot_name_another_vendors_customer() -> None:
    """`a` with customer `b:c` is not `a:b` with customer `c`; ids never hold a colon anyway."""
    one = customer_keys(SECRET, "mem_a", Customer(vendor_customer_id="mem_b:c"))
    other = customer_keys(SECRET, "mem_b", Customer(vendor_customer_id="c"))
    assert one != other


SAME_PERSON = [
    pytest.param("tendai@example.com", "tendai+shop@example.com", id="a tag"),
    pytest.param("tendai@example.com", "Tendai@Example.COM", id="capitals"),
    pytest.param("tendaimoyo@gmail.com", "tendai.moyo+a+b@gmail.com", id="dots at Gmail"),
    pytest.param("tendai.moyo@gmail.com", "tendaimoyo@googlemail.com", id="Gmail's other name"),
]
OTHERS = [
    pytest.param("tendaimoyo@example.com", "tendai.moyo@example.com", id="dots elsewhere"),
    pytest.param("tendai@example.com", "tendai@example.org", id="another domain"),
    pytest.param("+a@example.com", "+b@example.com", id="nothing but a tag is a name"),
    pytest.param("tendai@gmail.com.example", "ten.dai@gmail.com.example", id="Gmail's name inside"),
]


@pytest.mark.parametrize(("one", "other"), SAME_PERSON)
def test_a_mailbox_is_the_same_however_its_address_is_written(one: str, other: str) -> None:
    assert aliases(SECRET, Customer(email=one)) == aliases(SECRET, Customer(email=other))
    member = replace(MEMBER, email=one, phone=None)
    assert own_aliases(SECRET, member) == set(aliases(SECRET, Customer(email=other)))


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_what_may_be_another_mailbox_is_another_person(one: str, other: str) -> None:
    assert aliases(SECRET, Customer(email=one)) != aliases(SECRET, Customer(email=other))


@pytest.mark.parametrize(
    "written", ["+263 77 304 7653", "+263-77-304-7653", "+263773047653", "+263 (77) 304.7653"]
)
def test_a_phone_is_the_same_however_its_number_is_written(written: str) -> None:
    phone = normalised_phone(written, "/phone")
    assert aliases(SECRET, Customer(phone=phone)) == aliases(SECRET, Customer("+263773047653"))


def test_a_member_has_an_alias_for_each_way_to_reach_it() -> None:
    member = replace(MEMBER, phone="+263773047653", email="tendai@example.com")
    assert own_aliases(SECRET, member) == set(
        aliases(SECRET, Customer(member.phone, member.email, "its own id is no alias"))
    )
    assert len(own_aliases(SECRET, member)) == 2
    assert own_aliases(SECRET, replace(MEMBER, phone=None, email=None)) == frozenset()


def test_an_address_with_a_tag_is_a_customer_of_its_own_for_bindings() -> None:
    one, tagged = Customer(email="tendai@example.com"), Customer(email="tendai+shop@example.com")
    assert customer_keys(SECRET, "v", one) != customer_keys(SECRET, "v", tagged)
