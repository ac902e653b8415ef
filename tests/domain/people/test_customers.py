from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from linkage.domain import clock
from linkage.domain.people.customers import (
    OTHERS_MAX,
    RENEWALS_MAX,
    Binding,
    Customer,
    KnownCustomer,
    Renewal,
    aliases,
    bound,
    customer_keys,
    free_contacts,
    own_aliases,
)
from linkage.domain.people.members import normalised_phone
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


def renewal(
    cause: str = "cnv_new", days: int = DAYS, vendor_id: str = "shop", due: int = 14
) -> Renewal:
    """A sale that introduces until so many days from now."""
    return Renewal(cause, vendor_id, due_on=at(due)[:10], floor_minor=1, until=at(days))


def binds(
    known: KnownCustomer,
    introducer: Binding | None,
    occurred_at: datetime = NOW,
    *,
    room: int = len(KEYS),
    earner: str | None = None,
) -> tuple[Binding, ...]:
    """What a sale of the shop writes."""
    return bound(known, introducer, occurred_at, vendor_id="shop", room=room, earner=earner)


def ends(binding: Binding) -> str:
    """When the last of what stands of it ends."""
    return max(binding.expires_at, *(each.until for each in binding.renewals), "")


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
    pytest.param(
        customer(binding(PHONE, "bob"), binding(EMAIL, expires=99)),
        EMAIL,
        id="the one that began first",
    ),
    pytest.param(
        customer(replace(binding(PHONE, "bob", expires=50), confirmed_at=at(-1)), binding(EMAIL)),
        EMAIL,
        id="a vendor's word that it began earlier counts for nothing",
    ),
    pytest.param(
        customer(binding(OWN, expires=50), binding(EMAIL)),
        EMAIL,
        id="a contact before an own id that began first",
    ),
]


@pytest.mark.parametrize(("known", "key"), LIVE)
def test_the_first_live_binding_introduces_contacts_before_own_ids(
    known: KnownCustomer, key: str | None
) -> None:
    found = known.live(NOW)
    assert (found.customer_key if found else None) == key


def test_a_binding_lives_until_the_last_millisecond() -> None:
    known = customer(binding(PHONE, expires=0))
    assert known.live(NOW - timedelta(milliseconds=1)) is not None


def test_an_introducer_earns_nothing_of_sales_before_the_binding_began() -> None:
    known = customer(Binding(PHONE, "ann", "cnv_a", at(0), at(DAYS)))
    assert known.introducers(NOW - timedelta(milliseconds=1)) == ()
    assert known.introducers(NOW) == (known.bindings[PHONE],)
    assert known.introducers(NOW + timedelta(days=DAYS)) == ()


def test_of_bindings_that_had_begun_the_first_introduces() -> None:
    """Bob's was known first, but says that it began only now."""
    late = replace(binding(PHONE, "bob"), bound_at=at(0))
    known = customer(late, replace(binding(EMAIL), confirmed_at=at(1)))
    before = known.introducers(NOW - timedelta(milliseconds=1))
    assert before == (known.bindings[EMAIL],)
    assert known.introducers(NOW) == (known.bindings[PHONE], known.bindings[EMAIL])


def test_who_opted_out_has_no_introducer_and_is_bound_to_nobody() -> None:
    out = replace(customer(binding(PHONE)), opted_out=True)
    assert out.introducers(NOW) == ()
    assert binds(out, introducing("ann"), NOW) == ()
    assert binds(replace(out, bindings={}), introducing("ann"), NOW) == ()


def test_a_sale_reported_late_takes_nobodys_customer_over() -> None:
    """Ann is bound today; Bob's sale of last week comes in only now."""
    known = customer(*(Binding(key, "ann", "cnv_a", at(0), at(DAYS)) for key in KEYS))
    assert known.introducers(NOW - timedelta(days=7)) == ()
    assert binds(known, introducing("bob"), NOW - timedelta(days=7)) == ()


def test_a_sale_reported_late_renews_from_when_it_occurred() -> None:
    late = replace(introducing("ann"), expires_at=at(DAYS - 7))
    (renewed, *_) = binds(customer(binding(PHONE)), late, NOW - timedelta(days=7))
    assert ends(renewed) == at(DAYS - 7)


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
        {EMAIL: ("bob", "cnv_b", at(DAYS))},
        id="the second of two introducers renews its own and binds nothing through the first",
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
        {PHONE: ("ann", "cnv_a", at(100))}
        | dict.fromkeys((EMAIL, OWN), ("ann", "cnv_new", at(DAYS))),
        id="a binding of before lives as long as it did, and only learns who came with it",
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
    written = binds(known, introducer)
    assert {b.customer_key: (b.affiliate_id, b.conversion_id, ends(b)) for b in written} == expected
    assert [b.customer_key for b in written] == [key for key in KEYS if key in expected]


@pytest.mark.parametrize(("known", "introducer", "_expected"), BOUND)
def test_binding_the_same_sale_again_changes_nothing(
    known: KnownCustomer, introducer: Binding | None, _expected: object
) -> None:
    written = {each.customer_key: each for each in binds(known, introducer)}
    now_known = replace(known, bindings={**known.bindings, **written})
    assert binds(now_known, introducer) == ()


# ---- renewals


def test_a_renewal_lives_by_the_sale_that_renewed() -> None:
    known = customer(binding(PHONE))
    (renewed, *_) = binds(known, introducing("ann"), room=0)
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


def test_a_later_renewal_that_is_refunded_leaves_the_one_before() -> None:
    honest, sham = renewal("cnv_b"), renewal("cnv_x", DAYS + 1, "other")
    held = binding(PHONE).renewed(honest, NOW, frozenset()).renewed(sham, NOW, frozenset())
    later = NOW + timedelta(days=200)
    for ended in (frozenset[str](), frozenset({"cnv_x"})):
        then = held.at(later, ended)
        assert then is not None
        assert then.conversion_id == "cnv_b"
    other = held.at(later, frozenset({"cnv_b"}))
    assert other is not None
    assert (other.conversion_id, other.expires_at) == ("cnv_x", at(DAYS + 1))
    assert held.at(later, frozenset({"cnv_b", "cnv_x"})) is None


def test_a_renewal_that_ends_no_later_than_what_stands_is_none() -> None:
    held = binding(PHONE)
    assert held.renewed(renewal(days=100), NOW, frozenset()) == held
    assert held.renewed(renewal("cnv_a"), NOW, frozenset()) == held
    assert held.renewed(renewal(days=100), NOW, frozenset({"cnv_a"})).renewals


def renewed_by(*renewals: Renewal, ended: frozenset[str] = frozenset()) -> list[str]:
    held = binding(PHONE)
    for each in renewals:
        held = held.renewed(each, NOW, ended)
    return [each.conversion_id for each in held.renewals]


def test_of_one_vendor_the_three_newest_renewals_stay() -> None:
    """One that says it happened earlier is as new as any."""
    fifth = renewal("cnv_5", 101, vendor_id="other")
    sold = [renewal(f"cnv_{number}", 350 - number, "other") for number in range(5)]
    assert renewed_by(renewal("cnv_b"), *sold, fifth) == ["cnv_b", "cnv_3", "cnv_4", "cnv_5"]


def test_of_too_many_renewals_the_one_that_ends_first_goes() -> None:
    sold = [renewal(f"cnv_{n}", 200 - n, vendor_id=f"shop_{n}") for n in range(RENEWALS_MAX + 1)]
    assert renewed_by(*sold) == [each.conversion_id for each in sold[:-1]]


def test_a_renewal_that_has_expired_or_ended_goes_when_another_comes() -> None:
    gone, over = renewal("cnv_b"), replace(renewal("cnv_c"), until=at(0))
    held = replace(binding(PHONE), expires_at=at(-1), renewals=(gone, over, renewal("cnv_d")))
    now = held.renewed(renewal("cnv_e"), NOW, frozenset({"cnv_b"}))
    assert [each.conversion_id for each in now.renewals] == ["cnv_d", "cnv_e"]


# ---- what follows, and how many


def test_the_vendors_own_id_follows_whoever_earned_and_is_known_by_a_contact() -> None:
    def keys(known: KnownCustomer, earner: str | None) -> list[str]:
        written = binds(known, None, earner=earner)
        assert all(each.conversion_id == "cnv_a" for each in written)
        return [each.customer_key for each in written]

    assert keys(customer(binding(PHONE)), "ann") == [PHONE, OWN]  # each learns of the other
    assert keys(customer(binding(PHONE)), "bob") == []
    assert keys(customer(binding(PHONE)), None) == []
    assert keys(customer(binding(OWN)), "ann") == []


def test_a_sale_binds_as_many_contacts_as_there_is_room_for_and_the_own_id_with_any() -> None:
    def keys(known: KnownCustomer, room: int) -> list[str]:
        return [each.customer_key for each in binds(known, introducing("ann"), room=room)]

    assert keys(customer(), 0) == []
    assert keys(customer(), 1) == [PHONE, OWN]
    assert keys(customer(binding(PHONE)), 0) == [PHONE, OWN]
    only_own = replace(customer(), keys=(OWN,))
    assert keys(only_own, 0) == [OWN]
    assert free_contacts(only_own, "ann", NOW) == ()


def test_a_free_contact_is_of_whoever_has_the_customer() -> None:
    theirs = customer(binding(EMAIL))
    assert free_contacts(theirs, "ann", NOW) == (PHONE,)
    assert free_contacts(theirs, "bob", NOW) == ()
    assert free_contacts(replace(theirs, opted_out=True), "ann", NOW) == ()


# ---- the keys that came together


def with_others(key: str, *others: str) -> Binding:
    return replace(binding(key), others=others)


MANY = tuple(f"email_{number}" for number in range(100, 100 + OTHERS_MAX))
MANY_OWN = tuple(f"own_{number}" for number in range(100, 100 + OTHERS_MAX))


def test_keys_are_tied_by_a_sale_that_bound_one_of_them_and_by_no_other() -> None:
    new = {each.customer_key: each.others for each in binds(customer(), introducing("ann"))}
    assert new == {PHONE: (EMAIL, OWN), EMAIL: (PHONE, OWN), OWN: (PHONE, EMAIL)}
    known = customer(binding(PHONE), binding(EMAIL), binding(OWN))
    assert [each.others for each in binds(known, introducing("ann"))] == [(), (), ()]
    known = replace(customer(binding(PHONE)), keys=(PHONE, EMAIL))
    assert [each.others for each in binds(known, introducing("ann"))] == [(EMAIL,), (PHONE,)]


def test_no_contact_is_bound_together_with_one_that_has_come_with_twenty_others() -> None:
    full = customer(with_others(PHONE, *MANY))
    assert free_contacts(full, "ann", NOW) == ()
    (phone, own) = binds(full, introducing("ann"))
    assert (phone.customer_key, phone.others) == (PHONE, (*MANY, OWN))
    assert (own.customer_key, own.others) == (OWN, (PHONE,))
    one_less = customer(with_others(PHONE, *MANY[1:], *MANY_OWN))
    assert free_contacts(one_less, "ann", NOW) == (EMAIL,)
    assert free_contacts(customer(with_others(PHONE, EMAIL, *MANY[1:])), "ann", NOW) == (EMAIL,)


def test_what_came_with_a_key_is_not_forgotten_when_it_is_bound_anew() -> None:
    """Else whoever gives the first sale back could have a key that cannot be found again."""
    known = replace(customer(with_others(PHONE, *MANY), ended=("cnv_a",)), keys=(PHONE,))
    (anew,) = binds(known, introducing("ann"))
    assert (anew.conversion_id, anew.others) == ("cnv_new", MANY)
    (other,) = binds(known, introducing("bob"))
    assert other.others == ()


def test_own_ids_are_counted_apart_and_follow_no_contact_that_has_come_with_twenty() -> None:
    full = customer(with_others(PHONE, *MANY_OWN))
    (phone, email) = binds(full, introducing("ann"))
    assert (phone.others, email.others) == ((EMAIL, *MANY_OWN), (PHONE,))
    assert binds(full, None, earner="ann") == ()


def test_an_own_id_that_stands_for_many_people_keeps_nobody_from_being_bound() -> None:
    (phone, email, own) = binds(customer(with_others(OWN, *MANY)), introducing("ann"))
    assert (phone.customer_key, email.customer_key, own.others) == (PHONE, EMAIL, MANY)


def test_a_customer_named_by_nothing_is_bound_to_nobody() -> None:
    assert binds(KnownCustomer(), introducing("ann"), NOW) == ()


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
