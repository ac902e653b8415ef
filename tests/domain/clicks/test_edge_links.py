"""What is published of a link fits the edge's store, whatever the link."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.domain.clicks.click_tokens import LONGEST_TOKEN
from linkage.domain.clicks.edge_links import PAIR_BYTES_MAX, published
from linkage.domain.clicks.links import Link

LINK = Link(
    code="abcdefgh",
    link_id="lnk_1",
    status="active",
    destination_url="https://shop.example/",
    program_id="prg_1",
    vendor_id="mem_v",
    affiliate_id="mem_a",
    sub={},
    expires_at=None,
)
KEYS = {"1": "older", "2": "newer"}
HOSTS = ("shop.example",)


@given(
    st.integers(0, 2_000),
    st.dictionaries(
        st.sampled_from(["sub1", "sub2", "sub3", "sub4", "sub5"]), st.text(min_size=1, max_size=255)
    ),
)
def test_a_value_never_has_more_than_a_kilobyte_with_its_key(
    length: int, sub: dict[str, str]
) -> None:
    link = LINK._replace(destination_url=f"https://shop.example/{'x' * length}", sub=sub)
    try:
        value = published(link, HOSTS, KEYS)
    except UnicodeEncodeError:
        pytest.fail("a sub-id that is no text")
    if value is not None:
        assert len(link.code) + len(value.encode()) <= PAIR_BYTES_MAX


def test_the_newest_key_signs() -> None:
    assert '"n":"2"' in (published(LINK, HOSTS, KEYS) or "")


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "paused"},
        {"status": "something new"},
        {"destination_url": "http://shop.example/"},
        {"program_id": "1"},
        {"vendor_id": "ven_1"},
        {"affiliate_id": "aff_1"},
        {"sub": {"sub1": "." * 200}},
        {"destination_url": f"https://shop.example/?{'a&' * 50}a"},
        {"destination_url": f"https://shop.example/?{'a;' * 50}a"},
    ],
)
def test_what_the_edge_must_not_or_cannot_answer_for_is_not_published(
    changes: dict[str, object],
) -> None:
    assert published(LINK._replace(**changes), HOSTS, KEYS) is None


@pytest.mark.parametrize("hosts", [(), ("other.example",), ("*.shop.example",)])
def test_a_link_that_may_not_lead_there_any_more_is_not_published(hosts: tuple[str, ...]) -> None:
    assert published(LINK, hosts, KEYS) is None


def test_without_a_key_nothing_is_published() -> None:
    assert published(LINK, HOSTS, {}) is None


def test_tokens_have_room_for_the_sub_ids_of_every_published_link() -> None:
    longest = LINK._replace(
        code="a" * 32,
        program_id=f"prg_{'p' * 26}",
        vendor_id=f"mem_{'v' * 26}",
        affiliate_id=f"mem_{'a' * 26}",
        sub={"sub1": "x" * 255},
    )
    assert published(longest, HOSTS, {"9999": "key"}) is not None
    beside = len(f"clt_1.9999.{'a' * 32}.{'p' * 26}.{'v' * 26}.{'a' * 26}.{'z' * 9}.{'n' * 16}.")
    assert beside + len(".1" + "x" * 255) + 22 <= LONGEST_TOKEN
