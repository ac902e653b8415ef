from dataclasses import replace

import pytest

from linkage.domain.errors import InvalidFieldError
from linkage.domain.people.api_keys import Key
from linkage.domain.people.audit import Record, recorded
from linkage.tables.audit import list_records, put_record
from linkage.tables.dynamodb import transactions

pytestmark = pytest.mark.usefixtures("network")

HELD = Record(
    "payout#pay_1",
    "2026-12-01T09:00:00.000Z",
    "payout.held",
    "key_1",
    "rudo",
    {"status": "debited"},
    {"status": "held", "amount_minor": 5},
    "looks odd",
)


def put(*records: Record) -> None:
    transactions.write([put_record(record) for record in records])


def test_a_record_comes_back_by_its_subject_and_by_its_day() -> None:
    made = replace(HELD, subject="payout#pay_2", before=None, by_person="", why=None)
    put(HELD, made)
    assert list_records(10, None, subject="payout#pay_1").data == [HELD]
    assert list_records(10, None, subject="payout#pay_2").data == [made]
    found = list_records(10, None, day="2026-12-01").data
    assert sorted(found, key=lambda record: record.subject) == [HELD, made]
    assert list_records(10, None, day="2026-12-02").data == []


def test_records_of_one_moment_are_all_kept_and_the_newest_comes_first() -> None:
    later = replace(HELD, at="2026-12-01T09:00:00.001Z", action="payout.released")
    put(HELD, HELD, later)
    for of in ({"subject": HELD.subject}, {"day": "2026-12-01"}):
        assert list_records(10, None, **of).data == [later, HELD, HELD]
        page = list_records(2, None, **of)
        assert page.data == [later, HELD]
        assert list_records(2, page.next_cursor, **of).data == [HELD]
    with pytest.raises(InvalidFieldError):
        list_records(2, list_records(2, None, day="2026-12-01").next_cursor, subject="network")


def test_no_secret_is_kept_and_of_an_account_only_its_end() -> None:
    key = Key("key_1", "operator", None, "abcdef", "2026-12-01T09:00:00.000Z", person="rudo")
    made = recorded(key, "key#key_2", "key.created", None, replace(key, key_id="key_2"))
    assert made.after == {
        "key_id": "key_2",
        "role": "operator",
        "created_at": key.created_at,
        "person": "rudo",
    }
    assert (made.by_key, made.by_person) == ("key_1", "rudo")
    changed = recorded(
        key,
        "member#mem_1",
        "member.changed",
        {"name": "Tendai Moyo", "email": "t@moyo.example", "groups": ()},
        {
            "name": "Zuva Moyo",
            "email": "t@moyo.example",
            "groups": [],
            "payout_method": {"type": "bank", "account": "0012345678", "phone": "12"},
        },
    )
    assert changed.before == {"name": "…Moyo"}
    assert changed.after == {
        "name": "…Moyo",
        "payout_method": {"type": "bank", "account": "…5678", "phone": "…"},
    }
