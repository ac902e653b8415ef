import base64
import json
from dataclasses import replace

import pytest

from linkage.errors import InvalidFieldError
from linkage.tables import members
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
