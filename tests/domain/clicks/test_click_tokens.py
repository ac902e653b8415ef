"""A click token is as good as a stored click, and nothing else is."""

import string
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.domain.clicks.click_tokens import LONGEST_TOKEN, Owners, click_in, keys_in, signing_key
from tests.edge.tokens import signed, token_of

AT = datetime(2026, 11, 22, 5, 30, 0, 123_000, tzinfo=UTC)
OWNERS = Owners("abcdefgh", "prg_1", "mem_v", "mem_a")
KEYS = {"1": "the first secret", "2": "the second secret"}
SUB = {"sub1": "flyer", "sub5": "été & co."}
TOKEN = token_of(OWNERS, SUB, AT, "a request", "1", KEYS["1"])
CHARACTERS = string.ascii_letters + string.digits + "._-~"


def test_a_token_gives_the_click_it_was_made_of() -> None:
    click = click_in(TOKEN, KEYS)
    assert click is not None
    assert click.click_id == TOKEN
    assert (click.code, click.program_id, click.vendor_id, click.affiliate_id) == OWNERS
    assert click.clicked_at == "2026-11-22T05:30:00.123Z"
    assert click.sub == SUB


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from(CHARACTERS))
def test_with_any_character_changed_it_is_none(at: int, character: str) -> None:
    altered = TOKEN[:at] + character + TOKEN[at + 1 :]
    assert (click_in(altered, KEYS) is None) == (altered != TOKEN)


@given(st.integers(0, len(TOKEN) - 1))
def test_truncated_it_is_none(length: int) -> None:
    assert click_in(TOKEN[:length], KEYS) is None
    assert click_in(TOKEN[length + 1 :], KEYS) is None


@given(st.text(max_size=600) | st.text(CHARACTERS, max_size=600).map(lambda each: f"clt_1.{each}"))
def test_no_text_makes_it_fail_and_none_is_a_click(text: str) -> None:
    assert click_in(text, KEYS) is None


def test_another_network_s_token_is_none() -> None:
    assert click_in(TOKEN, {"1": "another secret"}) is None
    assert click_in(TOKEN, {}) is None


def test_a_key_that_is_no_longer_listed_signs_nothing() -> None:
    assert click_in(TOKEN, {"2": KEYS["2"]}) is None
    assert click_in(token_of(OWNERS, SUB, AT, "a request", "2", KEYS["2"]), KEYS) is not None


def test_a_key_id_cannot_be_exchanged() -> None:
    assert click_in(TOKEN.replace("clt_1.1.", "clt_1.2."), KEYS) is None


@pytest.mark.parametrize(
    "other",
    [
        OWNERS._replace(code="hgfedcba"),
        OWNERS._replace(program_id="prg_2"),
        OWNERS._replace(vendor_id="mem_w"),
        OWNERS._replace(affiliate_id="mem_b"),
    ],
)
def test_the_key_of_one_link_signs_for_no_other(other: Owners) -> None:
    forged = TOKEN.rpartition(".")[0].replace(
        ".abcdefgh.1.v.a.", f".{other.code}.{'.'.join(each[4:] for each in other[1:])}."
    )
    assert forged != TOKEN.rpartition(".")[0]
    assert click_in(signed(forged, signing_key(KEYS["1"], OWNERS)), KEYS) is None
    assert click_in(signed(forged, signing_key(KEYS["1"], other)), KEYS) is not None


def test_a_token_that_is_too_long_is_none_even_if_it_is_signed() -> None:
    long = token_of(OWNERS, {"sub1": "x" * 255, "sub2": "y" * 255}, AT, "r", "1", KEYS["1"])
    assert len(long) > LONGEST_TOKEN
    assert click_in(long, KEYS) is None


def test_a_signed_sub_id_of_more_than_255_characters_is_passed_over() -> None:
    long = token_of(OWNERS, {"sub1": "x" * 256, "sub2": "y"}, AT, "r", "1", KEYS["1"])
    click = click_in(long, KEYS)
    assert click is not None
    assert click.sub == {"sub2": "y"}


def test_keys_are_read_from_json_and_no_text_means_none() -> None:
    assert keys_in('{"1":"a","2":"b"}') == {"1": "a", "2": "b"}
    assert keys_in("") == {}
    for wrong in ("[]", '{"1": 2}', "{"):
        with pytest.raises(ValueError, match=r"CLICK_TOKEN_KEYS|Expecting"):
            keys_in(wrong)
