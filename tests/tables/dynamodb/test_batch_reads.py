from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from botocore.exceptions import ClientError

from linkage.domain.conversions.tallies import Tally
from linkage.domain.people.members import Member
from linkage.tables import members, tallies
from linkage.tables.dynamodb import batch_reads, transactions
from linkage.tables.dynamodb.batch_reads import (
    NOTHING,
    Kept,
    gather,
    place,
    read,
    reading_each,
    reading_one,
)
from linkage.tables.dynamodb.transactions import ATTEMPTS_MAX
from tests.domain.examples import MEMBER

pytestmark = pytest.mark.usefixtures("network")

NAMES = [f"customer#prg_1#sale#phone_{number:03d}" for number in range(250)]


@pytest.fixture
def requests() -> Iterator[list[dict[str, Any]]]:
    """What every BatchGetItem from here on asks for; nobody waits."""
    made: list[dict[str, Any]] = []
    real = transactions.client.batch_get_item

    def batch_get_item(**arguments: Any) -> Any:
        made.append(arguments["RequestItems"])
        return real(**arguments)

    with (
        patch.object(transactions.client, "batch_get_item", batch_get_item),
        patch("time.sleep"),
    ):
        yield made


def counted(request: dict[str, Any]) -> int:
    return sum(len(of_table["Keys"]) for of_table in request.values())


def put_tallies(*names: str) -> None:
    transactions.write([tallies.move(Tally(name, 1, count=1)) for name in names])


def put_member() -> Member:
    members.put_member(MEMBER)
    return MEMBER


def test_items_of_several_tables_come_by_one_consistent_call(
    requests: list[dict[str, Any]],
) -> None:
    put_member()
    put_tallies(NAMES[0])
    people = members.reading_members([MEMBER.member_id, "mem_none"])
    counts = tallies.reading_tallies(NAMES[:2])
    found = gather(people, NOTHING, counts)
    assert people.of(found) == {MEMBER.member_id: MEMBER}
    assert [tally.version for tally in counts.of(found).values()] == [1, 0]
    assert NOTHING.of(found) is None
    (request,) = requests
    assert {table: each["ConsistentRead"] for table, each in request.items()} == {
        "members": True,
        "tallies": True,
    }


def test_an_item_wanted_twice_is_asked_for_once(requests: list[dict[str, Any]]) -> None:
    put_member()
    one = reading_one(place("members", member_id=MEMBER.member_id), lambda wire: wire["name"]["S"])
    same = members.reading_members([MEMBER.member_id] * 2)
    each = reading_each({"a": one, "b": one})
    found = gather(one, same, each)
    assert counted(requests[0]) == 1
    assert each.of(found) == {"a": MEMBER.name, "b": MEMBER.name}
    assert same.of(found) == {MEMBER.member_id: MEMBER}


def test_nothing_wanted_is_no_call(requests: list[dict[str, Any]]) -> None:
    assert gather() == gather(NOTHING, members.reading_members([])) == {}
    assert requests == []


def test_more_than_a_hundred_items_take_a_call_for_each_hundred(
    requests: list[dict[str, Any]],
) -> None:
    put_tallies(*NAMES[:99])
    found = read(tallies.reading_tallies(NAMES))
    assert sum(tally.count for tally in found.values()) == 99
    assert [counted(request) for request in requests] == [100, 100, 50]


def test_what_is_left_unprocessed_is_asked_for_until_it_is_read() -> None:
    put_member()
    put_tallies(*NAMES[:9])
    real, made = transactions.client.batch_get_item, list[dict[str, Any]]()

    def two_at_most(**arguments: Any) -> Any:
        """Reads the first two keys of each table, as DynamoDB may when it is busy."""
        wanted, left = arguments["RequestItems"], {}
        for table, each in wanted.items():
            if each["Keys"][2:]:
                left[table] = {**each, "Keys": each["Keys"][2:]}
        some = {table: {**each, "Keys": each["Keys"][:2]} for table, each in wanted.items()}
        made.append(some)
        return real(RequestItems=some) | {"UnprocessedKeys": left}

    with patch.object(transactions.client, "batch_get_item", two_at_most), patch("time.sleep"):
        people = members.reading_members([MEMBER.member_id])
        counts = tallies.reading_tallies(NAMES[:9])
        found = gather(people, counts)
    assert people.of(found) == {MEMBER.member_id: MEMBER}
    assert [tally.version for tally in counts.of(found).values()] == [1] * 9
    assert [counted(request) for request in made] == [3, 2, 2, 2, 1]
    assert all(each["ConsistentRead"] for request in made for each in request.values())


def test_what_is_never_processed_is_an_error_and_nothing_missing() -> None:
    asked: list[int] = []

    def none(**arguments: Any) -> Any:
        asked.append(counted(arguments["RequestItems"]))
        return {"Responses": {}, "UnprocessedKeys": arguments["RequestItems"]}

    with (
        patch.object(transactions.client, "batch_get_item", none),
        patch("time.sleep"),
        pytest.raises(ClientError, match="3 items were never read") as error,
    ):
        read(tallies.reading_tallies(NAMES[:3]))
    assert transactions.is_transient(error.value)
    assert asked == [3] * ATTEMPTS_MAX


@pytest.mark.parametrize(
    ("code", "tries"), [("ThrottlingException", ATTEMPTS_MAX), ("ValidationException", 1)]
)
def test_a_refused_call_is_tried_again_as_a_write_is(code: str, tries: int) -> None:
    refused = ClientError({"Error": {"Code": code, "Message": code}}, "BatchGetItem")
    with (
        patch.object(transactions.client, "batch_get_item", side_effect=refused) as called,
        patch("time.sleep"),
        pytest.raises(ClientError, match=code),
    ):
        read(tallies.reading_tallies(NAMES[:3]))
    assert called.call_count == tries


def test_what_never_changes_is_read_once_and_the_oldest_is_forgotten(
    requests: list[dict[str, Any]],
) -> None:
    put_tallies(*NAMES[:3])
    kept: Kept[str, int] = Kept(2)

    def version(name: str) -> int:
        at = place("tallies", tally=name)
        return read(kept.reading(name, at, lambda wire: int(wire["version"]["N"]) if wire else 0))

    for name in (*NAMES[:2], *NAMES[:2]):
        assert version(name) == 1
    assert len(requests) == 2
    version(NAMES[2])
    version(NAMES[1])
    assert len(requests) == 3
    version(NAMES[0])
    assert len(requests) == 4
    kept.clear()
    version(NAMES[0])
    assert len(requests) == 5
    assert counted(requests[-1]) == 1 <= batch_reads.BATCH_MAX
