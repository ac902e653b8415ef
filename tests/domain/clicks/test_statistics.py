"""Click statistics equal a plain recount, however the stream delivers the clicks."""

import gc
import random
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.domain.clicks.click_packs import (
    PACK_BYTES_MAX,
    Owners,
    StrangeClickError,
    UnreadablePackError,
    pack,
    row_of,
    unpack,
)
from linkage.domain.clicks.statistics import MEASURES, Counts, Folded, LinkDay, fold
from linkage.domain.clicks.sub_ids import most_clicked

DAY = "2026-11-20"
CLICK: dict[str, Any] = {
    "click_id": "clk_" + "a" * 32,
    "code": "Abcdefgh2345",
    "link_id": "lnk_1",
    "program_id": "prg_1",
    "vendor_id": "mem_v",
    "affiliate_id": "mem_a",
    "clicked_at": f"{DAY}T05:06:07.890Z",
    "visitor": "b" * 32,
    "device": "mobile",
    "sub": {"sub1": "story"},
    "expires_epoch_s": 1,
}
LINKS = [
    {"code": "AAAAAAAA", "program_id": "prg_1", "vendor_id": "mem_v", "affiliate_id": "mem_a"},
    {"code": "BBBBBBBB", "program_id": "prg_1", "vendor_id": "mem_v", "affiliate_id": "mem_b"},
    {"code": "CCCCCCCC", "program_id": "prg_2", "vendor_id": "mem_w", "affiliate_id": "mem_a"},
]


@st.composite
def clicks(draw: st.DrawFn) -> dict[str, Any]:
    """A stored click or impression; few ids, so that the same one comes again."""
    number = draw(st.integers(0, 40))
    chosen = draw(st.randoms(use_true_random=False))
    chosen.seed(number)  # an id stands for one click: whatever else it has follows from it
    click = {
        **chosen.choice(LINKS),
        "click_id": f"{chosen.choice(['clk_', 'clk_', 'imp_'])}{number:032d}",
        "clicked_at": f"{DAY}T{chosen.randrange(24):02d}:00:00.000Z",
        "device": chosen.choice(["mobile", "desktop", "bot"]),
        "sub": {"sub1": f"s{chosen.randrange(3)}"} if chosen.random() < 0.5 else {},
    }
    if chosen.random() < 0.8:
        click["visitor"] = f"visitor-{chosen.randrange(5)}"
    if chosen.random() < 0.5:
        click["country"] = chosen.choice(["ZW", "ZA"])
    if chosen.random() < 0.3:
        click["via"] = "qr"
    if chosen.random() < 0.2:
        click["prefetch"] = True
    return click


def folded(batches: Iterable[list[dict[str, Any]]]) -> Folded:
    """What is counted when these batches came."""
    hours: dict[int, dict[str, bytes]] = defaultdict(dict)
    for batch in batches:
        for packed in pack(row_of(click) for click in batch):
            hours[int(packed.hour[11:])][packed.name] = packed.rows
    return fold((hour, packs.values()) for hour, packs in sorted(hours.items()))


def plain(counts: Counts) -> dict[str, Any]:
    numbers = {measure: counts.total(measure) for measure in MEASURES}
    return numbers | {
        "devices": dict(counts.devices),
        "countries": dict(counts.countries),
        "subs": dict(counts.subs),
    }


def recounted(clicks: Iterable[dict[str, Any]], field: str, value: str) -> dict[str, Any]:
    """A plain recount of one scope, in as few words as possible."""
    ours = [c for c in {c["click_id"]: c for c in clicks}.values() if c[field] == value]
    real = [c for c in ours if c["click_id"].startswith("clk_")]
    valid = [c for c in real if c["device"] != "bot" and "prefetch" not in c]
    shown = [c for c in ours if c not in real and c["device"] != "bot" and "prefetch" not in c]
    subs = Counter(f"{k}={v}" for c in valid for k, v in c["sub"].items())
    return {
        "clicks": len(valid),
        "visitors": len({(c["code"], c["visitor"]) for c in valid if "visitor" in c}),
        "bots": len([c for c in real if c["device"] == "bot"]),
        "prefetches": len([c for c in real if c["device"] != "bot" and "prefetch" in c]),
        "impressions": len(shown),
        "qr": len([c for c in valid if "via" in c]),
        "devices": dict(Counter(c["device"] for c in valid)),
        "countries": dict(Counter(c.get("country", "") for c in valid)),
        "subs": dict(subs) if field in {"code", "affiliate_id"} else {},
    }


@given(st.lists(clicks(), max_size=60), st.data())
def test_redelivery_order_and_batches_change_nothing_and_the_counts_equal_a_recount(
    stored: list[dict[str, Any]], data: st.DataObject
) -> None:
    twice = data.draw(st.lists(st.sampled_from(stored))) if stored else []
    came = data.draw(st.permutations(stored + twice))
    batches, left = [], list(came)
    while left:
        size = data.draw(st.integers(1, 20))
        batches.append(left[:size])
        left = left[size:]
    again = batches + [batch[: len(batch) // 2] for batch in batches if len(batch) > 1]
    result = folded(again)
    assert result == folded([stored])
    for field, name in (
        ("code", "link"),
        ("program_id", "program"),
        ("affiliate_id", "affiliate"),
        ("vendor_id", "vendor"),
    ):
        for value in {link[field] for link in LINKS}:
            found = result.counts.get(f"{name}#{value}", Counts())
            assert plain(found) == recounted(stored, field, value)
    assert result.links == tuple(
        LinkDay(
            *(link[name] for name in Owners._fields),
            *(
                recounted(stored, "code", link["code"])[name]
                for name in ("visitors", "impressions")
            ),
        )
        for link in LINKS
        if any(click["code"] == link["code"] for click in stored)
    )


@given(st.lists(clicks(), max_size=60))
def test_a_pack_gives_back_its_rows_and_the_same_rows_make_the_same_bytes(
    stored: list[dict[str, Any]],
) -> None:
    rows = [row_of(click) for click in stored]
    packs = pack(rows)
    assert [row for each in packs for row in unpack(each.rows)] == sorted(set(rows))
    assert pack([*reversed(rows), *rows]) == packs
    assert sum(each.clicks for each in packs) == len(set(rows))
    one = LINKS[0]["code"]
    wanted = [row for each in packs for row in unpack(each.rows, lambda link: link.code == one)]
    assert wanted == [row for row in sorted(set(rows)) if row.link.code == one]


@given(st.lists(clicks(), max_size=60))
def test_the_counts_of_one_scope_alone_are_those_it_has_among_all(
    stored: list[dict[str, Any]],
) -> None:
    hours = [(int(each.hour[11:]), [each.rows]) for each in pack(map(row_of, stored))]
    code = LINKS[0]["code"]
    everything = fold(hours).counts
    for scope in (f"link#{code}", "program#prg_1", "affiliate#mem_a", "vendor#mem_w", "network"):
        alone = fold(hours, scope).counts
        assert alone == ({scope: everything[scope]} if scope in everything else {})


def test_two_rows_of_one_click_that_differ_count_once_and_the_same_in_any_order() -> None:
    here, there = CLICK | {"country": "ZA"}, CLICK | {"country": "ZW"}
    assert folded([[here], [there]]) == folded([[there], [here]]) == folded([[there, here]])
    assert folded([[here], [there]]).counts["network"].total("clicks") == 1


def test_rows_that_do_not_fit_into_one_item_are_several_packs() -> None:
    chosen = random.Random(1)
    rows = [
        row_of(
            CLICK
            | {
                "click_id": f"clk_{number:032d}",
                "sub": {f"sub{place}": f"{chosen.getrandbits(1000):x}" for place in range(1, 6)},
            }
        )
        for number in range(1000)
    ]
    packs = pack(rows)
    assert len(packs) > 1
    assert max(len(each.rows) for each in packs) <= PACK_BYTES_MAX
    assert sorted(row for each in packs for row in unpack(each.rows)) == sorted(rows)


def test_a_day_that_ends_belongs_to_the_utc_day_its_clicks_came_in() -> None:
    late = CLICK | {"clicked_at": "2026-11-20T23:59:59.999Z"}
    early = CLICK | {"click_id": "clk_" + "b" * 32, "clicked_at": "2026-11-21T00:00:00.000Z"}
    assert [each.hour for each in pack(map(row_of, [early, late]))] == [
        "2026-11-20T23",
        "2026-11-21T00",
    ]


def test_a_visitor_counts_in_the_first_hour_of_the_day_it_came_and_once_for_each_link() -> None:
    visits = [
        CLICK | {"click_id": f"clk_{number:032d}", "clicked_at": f"{DAY}T{hour:02d}:00:00.000Z"}
        for number, hour in enumerate((7, 5, 9))
    ]
    other = visits[0] | {"click_id": "clk_" + "z" * 32, "code": "Other2222222"}
    counts = folded([[*visits, other]]).counts
    assert counts[f"link#{CLICK['code']}"].hours["visitors"][5] == 1
    assert counts[f"link#{CLICK['code']}"].total("visitors") == 1
    assert counts["network"].total("visitors") == 2


@pytest.mark.parametrize(
    "change",
    [
        {"click_id": "foo_1"},
        {"click_id": None},
        {"code": ""},
        {"vendor_id": 5},
        {"clicked_at": "2026-11-20"},
        {"clicked_at": "2026-02-31T05:06:07.890Z"},
        {"clicked_at": "2026-11-20T25:06:07.890Z"},
        {"sub": ["a"]},
    ],
)
def test_what_is_no_click_is_said_to_be_none(change: dict[str, Any]) -> None:
    with pytest.raises(StrangeClickError):
        row_of(CLICK | change)


def test_what_a_click_does_not_say_is_not_made_up() -> None:
    bare = {name: CLICK[name] for name in CLICK if name not in {"visitor", "device", "sub"}}
    row = row_of(bare)
    assert (row.visitor, row.device, row.country, row.sub) == (b"", "other", "", ())
    assert (row.qr, row.prefetch, row.impression) == (False, False, False)
    strange = row_of(CLICK | {"device": "fridge", "country": "zw", "sub": {"sub9": "x", "sub1": 1}})
    assert (strange.device, strange.country, strange.sub) == ("other", "", ())


def test_sub_ids_beyond_the_hundred_most_clicked_are_one_number() -> None:
    subs = Counter({f"sub1={number:03d}": 1 for number in range(150)} | {"sub1=best": 7})
    listed = most_clicked(subs)
    assert len(listed) == 101
    assert listed["sub1=best"] == 7
    assert listed["sub1=098"] == 1
    assert "sub1=099" not in listed
    assert listed["other"] == 51
    assert listed.total() == subs.total()
    assert most_clicked(listed) == listed


def test_an_hour_s_sub_ids_of_a_link_are_cut_before_they_are_added_up() -> None:
    hours = [
        [{"sub1": f"{hour}-{number:03d}"} for number in range(100)] * 2 + [{"sub1": "steady"}]
        for hour in range(3)
    ]
    subs = folded_subs(hours)
    assert "sub1=steady" not in subs  # the 101st of each hour, though with 3 the day's first
    assert subs["sub1=0-000"] == 2
    assert subs["other"] == 3 + 400
    assert subs.total() == 603
    few = [[*hour[:99], {"sub1": "steady"}] for hour in hours]
    assert folded_subs(few)["sub1=steady"] == 3


def folded_subs(hours: list[list[dict[str, str]]]) -> Counter[str]:
    """The sub-ids of one link, each hour's clicks in a batch of their own."""
    batches = [
        [
            CLICK
            | {
                "click_id": f"clk_{hour:016d}{number:016d}",
                "clicked_at": f"{DAY}T{hour:02d}:00:00.000Z",
                "sub": sub,
            }
            for number, sub in enumerate(subs)
        ]
        for hour, subs in enumerate(hours)
    ]
    counts = folded(batches).counts
    assert counts[f"link#{CLICK['code']}"].subs == counts[f"affiliate#{CLICK['affiliate_id']}"].subs
    assert not counts["network"].subs
    return counts[f"link#{CLICK['code']}"].subs


@pytest.mark.parametrize(
    ("scope", "most"),
    [(None, 101), ("affiliate#mem_a", 101), ("network", 0), ("program#prg_1", 0)],
)
def test_of_random_sub_ids_a_fold_keeps_a_hundred_for_each_hour_that_is_over(
    scope: str | None, most: int
) -> None:
    kept: list[int] = []

    def hours() -> Iterator[tuple[int, list[bytes]]]:
        for hour in range(4):
            kept.append(kept_keys())
            rows = [
                row_of(
                    CLICK
                    | {
                        "click_id": f"clk_{hour:016d}{number:016d}",
                        "clicked_at": f"{DAY}T{hour:02d}:00:00.000Z",
                        "sub": {f"sub{place}": f"u{hour}-{number}" for place in range(1, 6)},
                    }
                )
                for number in range(60)
            ]
            yield hour, [packed.rows for packed in pack(rows)]

    fold(hours(), scope)
    assert all(each <= hour * most for hour, each in enumerate(kept)), kept
    assert (kept[-1] > 0) == (most > 0)


def kept_keys() -> int:
    """How many of these sub-ids are counted in any counter that is alive."""
    counters = [each for each in gc.get_objects() if type(each) is Counter]
    return sum("=u" in str(key) for counter in counters for key in counter)


def test_a_pack_of_another_format_is_refused_and_not_misread() -> None:
    with pytest.raises(ValueError, match="format 1, not 9"):
        list(unpack(b"\x09\x00\x00\x00\x00"))


@given(st.binary(max_size=40), st.integers(0, 200))
def test_what_is_no_whole_pack_has_one_error(noise: bytes, kept: int) -> None:
    (whole,) = pack([row_of(CLICK)])
    for rows in (noise, whole.rows[: min(kept, len(whole.rows) - 1)], whole.rows + b"x"):
        with pytest.raises(UnreadablePackError):
            list(unpack(rows))


def test_a_row_names_nobody() -> None:
    (packed,) = pack([row_of(CLICK)])
    content = packed.rows + zlib.decompress(packed.rows[5:-16])
    assert CLICK["code"].encode() in content
    assert CLICK["visitor"].encode() not in content
    assert CLICK["click_id"].encode() not in content
