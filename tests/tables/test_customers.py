from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from linkage.domain.clicks.known_clicks import Click
from linkage.domain.errors import ConditionFailedError
from linkage.domain.people.client_codes import ClientCode
from linkage.domain.people.consent import AT_THE_VENDOR, NETWORK, Mark, Marks
from linkage.domain.people.customers import Binding, Renewal
from linkage.tables import customers
from linkage.tables.customers import CustomerItem, OptOut, Presented, Remembered
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.batch_reads import read

pytestmark = pytest.mark.usefixtures("network")

PHONE, EMAIL = "phone_1", "email_1"
BINDING = Binding(PHONE, "mem_ann", "cnv_1", "2026-11-01T09:00:00.000Z", "2027-11-01T09:00:00.000Z")
CLICK = Click("clk_1", "abcdefgh", "prg_1", "mem_shop", "mem_ann", "2026-11-01", {"sub1": "x"})
DAY = date(2026, 11, 21)
CODE = ClientCode("code_1", "2026-11-01T09:00:00.000Z", "2026-11-04T09:00:00.000Z")


MARK = Mark("2026-11-21T09:00:00.000Z", "key_1")
LIFTED = replace(MARK, lifted_at="2026-12-24T09:00:00.000Z", lifted_by="key_2")
HERE = replace(MARK, scope=AT_THE_VENDOR)


def find(keys: tuple[str, ...], vendor_id: str = "mem_shop") -> Remembered:
    return read(customers.reading_remembered(keys, vendor_id))


def opt_out(key: str) -> OptOut:
    return read(customers.reading_opt_outs([key]))[key]


def mark(marks: Marks, *keys: str) -> None:
    transactions.write([customers.put_marks(key, marks, opt_out(key)) for key in keys])


def stored(key: str) -> dict[str, Any]:
    answer = transactions.client.get_item(
        TableName="customers", Key={"customer_key": {"S": key}}, ConsistentRead=True
    )
    return transactions.from_wire(answer.get("Item", {}))


def test_of_a_customer_nobody_knows_nothing_is_found() -> None:
    assert find((PHONE, EMAIL)) == Remembered({}, False, {})
    assert find(()) == Remembered({}, False, {})
    assert opt_out(PHONE) == OptOut({}, {})
    assert read(customers.reading_codes([])) == {}
    assert read(customers.reading_count("marks", "mem_shop", DAY)) == 0


def test_everything_of_a_customer_is_found_under_its_key() -> None:
    transactions.write([customers.put_binding(BINDING, None)])
    transactions.write([customers.put_presented(EMAIL, "mem_shop", (CLICK,), Presented())])
    mark({NETWORK: MARK}, EMAIL)
    assert find((PHONE, EMAIL)) == Remembered(
        {PHONE: BINDING}, True, {EMAIL: Presented((CLICK,), 1)}
    )
    assert find((PHONE,)) == Remembered({PHONE: BINDING}, False, {})


def test_clicks_are_of_one_vendor() -> None:
    transactions.write([customers.put_presented(PHONE, "mem_shop", (CLICK,), Presented())])
    assert find((PHONE,), "mem_other").presented == {}
    without = read(customers.reading_remembered((PHONE,), "mem_shop", with_clicks=False))
    assert without.presented == {}
    presented = {PHONE: Presented((CLICK,), 1)}
    assert read(customers.reading_presented((PHONE, EMAIL), "mem_shop")) == presented


def test_clicks_are_kept_only_over_what_was_read() -> None:
    transactions.write([customers.put_presented(PHONE, "mem_shop", (), Presented())])
    stored = find((PHONE,)).presented[PHONE]
    transactions.write([customers.put_presented(PHONE, "mem_shop", (CLICK,), stored)])
    for stale in (Presented(), stored):
        with pytest.raises(ConditionFailedError):
            transactions.write([customers.put_presented(PHONE, "mem_shop", (), stale)])
    assert find((PHONE,)).presented == {PHONE: Presented((CLICK,), 2)}


def test_a_key_is_bound_only_over_what_was_read() -> None:
    transactions.write([customers.put_binding(BINDING, None)])
    renewed = replace(BINDING, expires_at="2028-01-01T00:00:00.000Z")
    transactions.write([customers.put_binding(renewed, BINDING)])
    for stale in (None, BINDING):
        with pytest.raises(ConditionFailedError):
            transactions.write([customers.put_binding(BINDING, stale)])
    assert find((PHONE,)).bindings == {PHONE: renewed}


RENEWAL = Renewal("cnv_2", "mem_shop", "2026-12-01", 1, "2028-01-01T00:00:00.000Z")


def renew(was: Binding, *renewals: Renewal) -> Binding:
    """Writes these renewals over a binding, and reads what is stored then."""
    transactions.write([customers.put_binding(replace(was, renewals=renewals), was)])
    return find((PHONE,)).bindings[PHONE]


def test_a_binding_keeps_its_renewals_and_is_written_only_over_those_it_was_read_with() -> None:
    transactions.write([customers.put_binding(BINDING, None)])
    first = renew(BINDING, RENEWAL)
    assert first.renewals == (RENEWAL,)
    second = renew(first, RENEWAL, replace(RENEWAL, conversion_id="cnv_3"))
    assert [each.conversion_id for each in second.renewals] == ["cnv_2", "cnv_3"]
    for stale in (BINDING, first):
        with pytest.raises(ConditionFailedError):
            renew(stale)
    assert renew(second).renewals == ()
    assert "renewals" not in stored(PHONE)


OF_THE_RELEASE_BEFORE = {
    "renewed_by": "cnv_9",
    "renewed_due_on": "2026-12-05",
    "renewed_floor_minor": 7,
    "renewed_until": "2027-12-01T00:00:00.000Z",
}


def renew_as_before(**changes: Any) -> None:
    """What the release of 2026-11-25 writes, which knows of one renewal and of no version."""
    values = {f":{name}": value for name, value in (OF_THE_RELEASE_BEFORE | changes).items()}
    sets = ", ".join(f"{name[1:]} = {name}" for name in values)
    key = {"customer_key": PHONE}
    exists = "attribute_exists(customer_key)"
    renewed = transactions.update("customers", key, f"SET {sets}", condition=exists, values=values)
    transactions.write([renewed])


def test_the_one_renewal_of_the_release_before_is_read_and_moves_into_the_list() -> None:
    transactions.write([customers.put_binding(BINDING, None)])
    renew_as_before()
    was = find((PHONE,)).bindings[PHONE]
    assert was.renewals == (Renewal("cnv_9", "", "2026-12-05", 7, "2027-12-01T00:00:00.000Z"),)
    with pytest.raises(ConditionFailedError):
        renew(BINDING, RENEWAL)
    assert renew(was, *was.renewals, RENEWAL).renewals == (*was.renewals, RENEWAL)
    assert stored(PHONE).keys().isdisjoint(OF_THE_RELEASE_BEFORE)
    renew_as_before(renewed_by="cnv_10")  # while both releases run
    both = find((PHONE,)).bindings[PHONE]
    assert [each.conversion_id for each in both.renewals] == ["cnv_9", "cnv_2", "cnv_10"]
    assert renew(both, RENEWAL).renewals == (RENEWAL,)


def test_what_the_release_before_binds_anew_has_no_renewals_of_who_had_the_key() -> None:
    transactions.write([customers.put_binding(BINDING, None)])
    renew(BINDING, RENEWAL)
    renew_as_before(conversion_id="cnv_7", affiliate_id="mem_bob")
    anew = find((PHONE,)).bindings[PHONE]
    assert [each.conversion_id for each in anew.renewals] == ["cnv_9"]


def test_what_a_later_release_keeps_with_a_binding_stays() -> None:
    transactions.write([customers.put_binding(BINDING, None)])
    renew_as_before(later="kept")
    renew(find((PHONE,)).bindings[PHONE], RENEWAL)
    assert stored(PHONE)["later"] == "kept"


MARKS = [
    pytest.param({}, False, False, id="nobody's"),
    pytest.param({NETWORK: MARK}, True, True, id="the network's"),
    pytest.param({"mem_shop": MARK}, True, True, id="the vendor's own"),
    pytest.param({"mem_shop": HERE}, True, False, id="the vendor's own, at that vendor alone"),
    pytest.param({"mem_shop": LIFTED}, False, False, id="lifted"),
    pytest.param({"mem_shop": LIFTED, NETWORK: MARK}, True, True, id="one of two lifted"),
    pytest.param({"mem_shop": HERE, "mem_b": LIFTED}, True, False, id="another's lifted"),
]


@pytest.mark.parametrize(("marks", "at_the_vendor", "elsewhere"), MARKS)
def test_marks_hold_where_they_say_and_leave_the_binding(
    marks: Marks, at_the_vendor: bool, elsewhere: bool
) -> None:
    transactions.write([customers.put_binding(BINDING, None)])
    mark(marks, PHONE)
    assert find((PHONE, EMAIL)) == Remembered({PHONE: BINDING}, at_the_vendor, {})
    assert find((PHONE, EMAIL), "mem_other").opted_out == elsewhere
    assert opt_out(PHONE).marks == marks
    # All that the release of 2026-11-22 reads.
    assert ("opted_out_at" in stored(f"{PHONE}#opt_out")) == elsewhere


def test_marks_are_kept_only_over_what_was_read() -> None:
    nothing = opt_out(PHONE)
    mark({NETWORK: MARK}, PHONE)
    first = opt_out(PHONE)
    mark({NETWORK: MARK, "mem_shop": HERE}, PHONE)
    for stale in (nothing, first):
        with pytest.raises(ConditionFailedError):
            transactions.write([customers.put_marks(PHONE, {}, stale)])
    assert opt_out(PHONE).marks == {NETWORK: MARK, "mem_shop": HERE}


@pytest.mark.parametrize("opted_out_at", [MARK.at, None], ids=["opted out", "in again"])
def test_what_was_marked_before_markers_were_kept_is_the_networks(
    opted_out_at: str | None,
) -> None:
    CustomerItem(f"{PHONE}#opt_out", opted_out_at=opted_out_at).save()
    before = opt_out(PHONE)
    assert before.marks == ({NETWORK: Mark(MARK.at)} if opted_out_at else {})
    assert find((PHONE,), "mem_other").opted_out == bool(opted_out_at)
    mark({**before.marks, "mem_shop": LIFTED}, PHONE)
    assert opt_out(PHONE).marks == {**before.marks, "mem_shop": LIFTED}
    assert stored(f"{PHONE}#opt_out").get("opted_out_at") == opted_out_at


def test_the_release_before_writing_in_between_is_noticed() -> None:
    CustomerItem(f"{PHONE}#opt_out").save()
    read_before = opt_out(PHONE)
    CustomerItem(f"{PHONE}#opt_out", opted_out_at=MARK.at).save()
    with pytest.raises(ConditionFailedError):
        transactions.write([customers.put_marks(PHONE, {"mem_shop": HERE}, read_before)])


def test_what_a_later_release_says_of_marks_stays() -> None:
    item = CustomerItem(
        f"{PHONE}#opt_out",
        marks={"mem_shop": {"at": MARK.at, "by": "key_1", "why": "asked"}, "mem_b": {"at": "1"}},
        version=7,
    )
    wire = {**item.serialize(), "of_later": {"S": "kept"}}
    transactions.client.put_item(TableName="customers", Item=wire)
    marks = opt_out(PHONE).marks | {"mem_shop": LIFTED}
    mark(marks, PHONE)
    now = stored(f"{PHONE}#opt_out")
    assert (now["of_later"], now["version"]) == ("kept", 8)
    (after,) = CustomerItem.query(f"{PHONE}#opt_out")
    assert after.marks["mem_shop"]["why"] == "asked"
    assert after.marks["mem_shop"]["lifted_by"] == "key_2"
    assert opt_out(PHONE).marks == marks


def test_a_vendors_day_is_counted_only_over_what_was_read() -> None:
    for was in (0, 1):
        transactions.write([customers.count_one("marks", "mem_shop", DAY, was)])
    assert read(customers.reading_count("marks", "mem_shop", DAY)) == 2
    for stale in (0, 1, 3):
        with pytest.raises(ConditionFailedError):
            transactions.write([customers.count_one("marks", "mem_shop", DAY, stale)])
    for others in (("lifts", "mem_shop", DAY), ("marks", "mem_other", DAY)):
        assert read(customers.reading_count(*others)) == 0
    assert read(customers.reading_count("marks", "mem_shop", date(2026, 11, 22))) == 0


def test_a_code_is_used_once() -> None:
    transactions.write([customers.put_code(CODE)])
    transactions.write([customers.use_code("code_1", "cnv_1")])
    assert read(customers.reading_codes(["code_1", "code_2"])) == {
        "code_1": replace(CODE, used_by="cnv_1")
    }
    for key in ("code_1", "code_2"):
        with pytest.raises(ConditionFailedError):
            transactions.write([customers.use_code(key, "cnv_2")])
    with pytest.raises(ConditionFailedError):
        transactions.write([customers.put_code(CODE)])
