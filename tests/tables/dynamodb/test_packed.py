import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.tables.dynamodb.packed import packed, unpacked

TEXTS = st.text(max_size=20)
LEAVES = st.none() | st.booleans() | st.integers() | TEXTS
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4)
)


@given(VALUES)
def test_what_is_packed_comes_back(value: object) -> None:
    assert unpacked(packed(value)) == value


def test_the_same_value_is_always_packed_to_the_same_bytes() -> None:
    assert packed({"a": 1, "b": (2, None)}) == packed({"b": [2, None], "a": 1})


def test_integers_stay_integers_and_empty_texts_stay() -> None:
    assert repr(unpacked(packed({"n": 10**30, "t": "", "u": "é\ud800"}))) == repr(
        {"n": 10**30, "t": "", "u": "é\ud800"}
    )


@pytest.mark.parametrize("content", [b"", b"{}", packed({"a": 1})[:-1], packed("x")[1:]])
def test_what_was_never_packed_is_an_error(content: bytes) -> None:
    with pytest.raises(ValueError, match="it is not deflated"):
        unpacked(content)
