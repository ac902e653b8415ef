from typing import Any

import pytest

from linkage.domain.errors import InvalidFieldError
from linkage.domain.fields import Fields, checked_integer, checked_text


@pytest.mark.parametrize("body", [None, [], "text", 7, True, [{}]])
def test_a_body_is_an_object(body: object) -> None:
    with pytest.raises(InvalidFieldError) as refused:
        Fields(body)
    assert refused.value.code == "invalid_body"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="null"),
        pytest.param(7, id="number"),
        pytest.param(["x"], id="list"),
        pytest.param("", id="empty"),
        pytest.param(" \t\n", id="only white space"),
        pytest.param("x" * 256, id="too long"),
        pytest.param("a\x00b", id="NUL"),
        pytest.param("a\nb", id="line break inside"),
        pytest.param("a\x9fb", id="a C1 control"),
        pytest.param("a\ud800", id="half a surrogate pair"),
        pytest.param("\udfff", id="the other half"),
    ],
)
def test_a_text_that_cannot_be_kept_is_refused(value: object) -> None:
    with pytest.raises(InvalidFieldError) as refused:
        Fields({"name": value}).text("name")
    assert refused.value.pointer == "/name"
    assert "name" in refused.value.detail


def test_a_text_is_trimmed_and_its_length_counted_after() -> None:
    assert checked_text(f"  {'é' * 255}  ", "/name") == "é" * 255
    assert Fields({"name": " ключ 店 😀 "}).text("name") == "ключ 店 😀"


def test_an_optional_text_may_be_absent_or_null() -> None:
    fields = Fields({"a": None, "b": " x "})
    assert [fields.optional_text(name) for name in "abc"] == [None, "x", None]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="null"),
        pytest.param("5", id="text"),
        pytest.param(5.0, id="float, though whole"),
        pytest.param(1e400, id="infinite"),
        pytest.param(True, id="true is not 1"),
        pytest.param(False, id="false is not 0"),
        pytest.param(-1, id="too small"),
        pytest.param(11, id="too great"),
        pytest.param(10**5000, id="of five thousand digits"),
        pytest.param([5], id="list"),
    ],
)
def test_only_a_json_integer_in_range_is_a_whole_number(value: object) -> None:
    with pytest.raises(InvalidFieldError, match="whole number from 0 to 10"):
        checked_integer(value, "/amount_minor", 0, 10)


def test_the_ends_of_a_range_are_in_it() -> None:
    fields = Fields({"a": 0, "b": 10})
    assert [fields.integer(name, 0, 10) for name in "ab"] == [0, 10]


@pytest.mark.parametrize("value", [None, "", "PAID", "sent", 1, ["paid"], {"paid": 1}])
def test_a_choice_is_one_of_the_list(value: object) -> None:
    with pytest.raises(InvalidFieldError, match="paid, failed"):
        Fields({"status": value}).choice("status", ("paid", "failed"))


def test_a_nested_field_is_named_by_its_whole_path() -> None:
    customer = Fields({"customer": {"email": 7}}).object("customer")
    assert customer is not None
    with pytest.raises(InvalidFieldError) as refused:
        customer.text("email")
    assert refused.value.pointer == "/customer/email"


@pytest.mark.parametrize("value", [None, {}, "x", [], [1] * 4])
def test_a_list_has_one_item_to_its_greatest_length(value: object) -> None:
    with pytest.raises(InvalidFieldError, match="1 to 3 items"):
        Fields({"results": value}).array("results", 3)


def test_the_items_of_a_list_come_with_their_pointers() -> None:
    assert Fields({"results": ["a", "b"]}).array("results", 3) == [
        ("a", "/results/0"),
        ("b", "/results/1"),
    ]


@pytest.mark.parametrize(
    ("metadata", "sentence"),
    [
        pytest.param([], "an object", id="list"),
        pytest.param({str(n): "x" for n in range(21)}, "at most 20", id="21 keys"),
        pytest.param({"a": 7}, "must be a text", id="number"),
        pytest.param({"a": {"b": "c"}}, "must be a text", id="nested"),
        pytest.param({"a": None}, "must be a text", id="null"),
        pytest.param({"": "x"}, "between 1 and 40", id="empty key"),
        pytest.param({"k" * 41: "x"}, "between 1 and 40", id="long key"),
        pytest.param({"a": "x" * 501}, "between 1 and 500", id="long text"),
        pytest.param({str(n): "é" * 250 for n in range(9)}, "4 KB", id="too many bytes"),
        pytest.param({"a": "\ud800"}, "broken Unicode", id="half a surrogate pair"),
        pytest.param({"a": "1", " a ": "2"}, "twice", id="one key in two spellings"),
    ],
)
def test_metadata_that_cannot_be_kept_is_refused(metadata: Any, sentence: str) -> None:
    with pytest.raises(InvalidFieldError, match=sentence):
        Fields({"metadata": metadata}).metadata()


def test_metadata_is_kept_as_sent() -> None:
    assert Fields({}).metadata() == {}
    assert Fields({"metadata": None}).metadata() == {}
    assert Fields({"metadata": {"till": "3"}}).metadata() == {"till": "3"}


def test_what_nothing_asked_for_is_refused() -> None:
    fields = Fields({"name": "x", "nmae": "y"})
    fields.text("name")
    with pytest.raises(InvalidFieldError) as refused:
        fields.done()
    assert (refused.value.code, refused.value.pointer) == ("unknown_field", "/nmae")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2026-11-21T09:12:00Z", "2026-11-21T09:12:00.000Z"),
        ("2026-11-21t09:12:00z", "2026-11-21T09:12:00.000Z"),
        ("2026-11-21T11:12:00+02:00", "2026-11-21T09:12:00.000Z"),
        ("2026-11-20T23:12:00.1239-10:00", "2026-11-21T09:12:00.123Z"),
        ("1997-01-18T12:00:00+02:00", "1997-01-18T10:00:00.000Z"),
        (None, None),
    ],
)
def test_a_time_is_kept_in_utc_to_the_millisecond(sent: str | None, kept: str | None) -> None:
    assert Fields({"occurred_at": sent}).optional_time("occurred_at") == kept


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param("2026-11-21T09:12:00", id="no zone"),
        pytest.param("2026-11-21", id="a date"),
        pytest.param("2026-02-30T09:12:00Z", id="a day that is none"),
        pytest.param("2026-11-21T24:30:00Z", id="an hour that is none"),
        pytest.param("2026-11-21T09:12:00+99:00", id="a zone that is none"),
        pytest.param("20261121T091200Z", id="without punctuation"),
        pytest.param("2026-W47-6T09:12:00Z", id="by weeks"),
        pytest.param("2026-11-21 09:12:00Z", id="with a space"),
        pytest.param("0001-01-01T00:00:00+14:00", id="before time began"),
        pytest.param("9999-12-31T23:59:59-14:00", id="after it ended"),
        pytest.param("٢٠٢٦-11-21T09:12:00Z", id="other digits"),
        pytest.param(" 2026-11-21T09:12:00Z", id="spaces"),
        pytest.param(1_795_000_000, id="a number"),
    ],
)
def test_only_an_rfc_3339_time_is_a_time(sent: object) -> None:
    with pytest.raises(InvalidFieldError, match="time with its zone") as refused:
        Fields({"occurred_at": sent}).optional_time("occurred_at")
    assert refused.value.pointer == "/occurred_at"


def test_what_may_be_absent_may_be_null_too() -> None:
    for body in ({}, {"a": None}):
        fields = Fields(body)
        assert fields.optional_integer("a", 1, 9) is None
        assert Fields(body).optional_array("a", 3) == []
        assert Fields(body).optional_choice("a", ("x",)) is None


def test_what_may_be_absent_is_checked_when_it_is_not() -> None:
    assert Fields({"a": []}).optional_array("a", 3) == []
    assert Fields({"a": ["x"]}).optional_array("a", 3) == [("x", "/a/0")]
    assert Fields({"a": "x"}).optional_choice("a", ("x",)) == "x"
    assert Fields({"a": 9}).optional_integer("a", 1, 9) == 9
    for ask in (
        lambda: Fields({"a": {}}).optional_array("a", 3),
        lambda: Fields({"a": [1] * 4}).optional_array("a", 3),
        lambda: Fields({"a": "y"}).optional_choice("a", ("x",)),
        lambda: Fields({"a": ""}).optional_choice("a", ("x",)),
        lambda: Fields({"a": 10}).optional_integer("a", 1, 9),
    ):
        with pytest.raises(InvalidFieldError) as refused:
            ask()
        assert refused.value.pointer == "/a"
