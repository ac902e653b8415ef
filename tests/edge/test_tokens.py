"""Tokens of the edge are read in Python, and are the ones Python would have made."""

import random
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, quote_plus

from linkage.domain import clock, ids
from linkage.domain.clicks.click_tokens import LONGEST_TOKEN, Owners, click_in
from linkage.domain.clicks.edge_links import published
from linkage.domain.clicks.links import CODE_ALPHABET, Link, link_of
from tests.edge.redirect_function import Visit, run
from tests.edge.tokens import token_of

CASES = 400
PRINTABLE = "".join(map(chr, [*range(0x20, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x250)]))


def random_text(chance: random.Random, most: int) -> str:
    return "".join(chance.choices(PRINTABLE, k=chance.randint(1, most)))


def random_link(chance: random.Random) -> Link:
    names = chance.sample(["sub1", "sub2", "sub3", "sub4", "sub5"], chance.randint(0, 2))
    return link_of(
        {
            "code": "".join(chance.choices(CODE_ALPHABET, k=chance.randint(8, 32))),
            "link_id": ids.created("lnk"),
            "status": "active",
            "destination_url": "https://shop.example/page?a=1#top",
            "program_id": ids.created("prg"),
            "vendor_id": ids.created("mem"),
            "affiliate_id": ids.created("mem"),
            "sub": {name: random_text(chance, 12) for name in names},
        }
    )


def test_tokens_of_random_clicks_are_the_same_in_both_languages_and_give_the_click() -> None:
    chance = random.Random(20261122)
    keys = {"1": "an older secret", "2": "the secret that signs"}
    visits, expected = [], []
    for number in range(CASES):
        link = random_link(chance)
        value = published(link, ["shop.example"], keys)
        assert value is not None
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=chance.randrange(10**11))
        sent = {f"sub{chance.randint(1, 5)}": random_text(chance, 12) for _ in range(2)}
        encode = chance.choice([quote, quote_plus])
        query = "&".join(f"{name}={encode(text, safe='')}" for name, text in sent.items())
        store = {link.code: value}
        visits.append(
            Visit(f"/{link.code}", store, query, now=clock.text(at), request_id=f"r{number}")
        )
        owners = Owners(link.code, link.program_id, link.vendor_id, link.affiliate_id)
        sub = dict(link.sub) | sent
        expected.append((token_of(owners, sub, at, f"r{number}", "2", keys["2"]), sub, at))
    for answer, (token, sub, at) in zip(run(visits), expected, strict=True):
        assert len(token) <= LONGEST_TOKEN
        assert answer.location == f"https://shop.example/page?a=1&click_id={token}#top"
        click = click_in(token, keys)
        assert click is not None
        assert click.sub == sub
        assert click.clicked_at == clock.text(at)


def test_two_requests_of_one_moment_are_two_clicks() -> None:
    link = random_link(random.Random(1))
    store = {link.code: published(link, ["shop.example"], {"1": "secret"}) or ""}
    answers = run([Visit(f"/{link.code}", store, request_id=each) for each in ("a", "b")])
    assert len({answer.location for answer in answers}) == 2


def test_sub_ids_too_long_for_a_token_are_left_to_the_lambda() -> None:
    link = random_link(random.Random(1))
    store = {link.code: published(link, ["shop.example"], {"1": "secret"}) or ""}
    long = "&".join(f"sub{number}={'x' * 200}" for number in (1, 2))
    (short_answer, long_answer) = run(
        [Visit(f"/{link.code}", store, each) for each in ("sub1=" + "x" * 200, long)]
    )
    assert short_answer.status == 302
    assert long_answer.passed
