import re
from itertools import pairwise
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.domain import ids

TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
seeded = settings(deadline=None, derandomize=True, max_examples=200)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ab", "c"), ("a", "bc")),
        (("a", "b"), ("ab",)),
        (("a", ""), ("a",)),
        (("", "a"), ("a", "")),
        (("1:a",), ("a",)),
        (("a1:b",), ("a", "b")),
        (("é",), ("e\u0301",)),
    ],
)
def test_different_causes_give_different_ids(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert ids.computed("cnv", *one) != ids.computed("cnv", *other)


@seeded
@given(st.lists(TEXTS, max_size=4), st.lists(TEXTS, max_size=4))
def test_a_computed_id_names_its_causes_alone(one: list[str], other: list[str]) -> None:
    assert (ids.digest(*one) == ids.digest(*other)) == (one == other)


def test_created_ids_sort_by_the_millisecond_they_were_made_in() -> None:
    instants_ms = [0, 1, 31, 32, 1_700_000_000_000, 1_700_000_000_001, 2**50 - 1]
    made = []
    for instant_ms in instants_ms:
        with patch.object(ids.time, "time_ns", return_value=instant_ms * 1_000_000):
            made.append(ids.created("bat"))
    assert made == sorted(made)
    assert all(re.fullmatch(r"bat_[0-9a-hjkmnp-tv-z]{26}", each) for each in made)


def test_ids_created_in_one_millisecond_differ_at_random() -> None:
    with patch.object(ids.time, "time_ns", return_value=1_700_000_000_000_000_000):
        made = {ids.created("mem") for _ in range(200)}
    assert len(made) == 200
    assert len({each[:14] for each in made}) == 1
    assert all(earlier[:14] == later[:14] for earlier, later in pairwise(sorted(made)))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param({"a": 1, "b": 2}, {"b": 2, "a": 1}, True, id="order of keys"),
        pytest.param({"a": {"x": 1, "y": 2}}, {"a": {"y": 2, "x": 1}}, True, id="nested order"),
        pytest.param([1, 2], [2, 1], False, id="order of a list"),
        pytest.param({"a": 1}, {"a": "1"}, False, id="number and text"),
        pytest.param({"a": 1}, {"a": 1.0}, False, id="integer and float"),
        pytest.param({"a": 1}, {"a": True}, False, id="number and boolean"),
        pytest.param({"a": None}, {}, False, id="null and absent"),
        pytest.param({"a": "é"}, {"a": "e\u0301"}, False, id="as sent, not composed"),
    ],
)
def test_a_fingerprint_is_of_the_content_not_of_its_spelling(
    one: object, other: object, same: bool
) -> None:
    assert (ids.fingerprint(one) == ids.fingerprint(other)) is same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param({"a": 1, "b": 2}, {"b": 2, "a": 1}, True, id="order of keys"),
        pytest.param({"a": "é"}, {"a": "e\u0301"}, False, id="as categories are matched"),
        pytest.param([1, 2], [2, 1], False, id="order of a list"),
        pytest.param({"a": 1}, {"a": "1"}, False, id="number and text"),
        pytest.param({"a": "b"}, {"a": "B"}, False, id="case"),
        pytest.param({"a": "x"}, {"b": "x"}, False, id="name"),
    ],
)
def test_a_meaning_is_of_checked_values_as_they_are(one: object, other: object, same: bool) -> None:
    assert (ids.meaning(one) == ids.meaning(other)) is same


def test_even_broken_unicode_has_a_fingerprint() -> None:
    assert ids.fingerprint({"a": "\ud800"}) != ids.fingerprint({"a": "\ud801"})
