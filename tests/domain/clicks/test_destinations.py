from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.domain.clicks.destinations import (
    checked_destination,
    checked_host,
    host_allowed,
    redirected,
)
from linkage.domain.errors import InvalidFieldError

HOSTS = ("shop.example", "*.builder.example", "xn--mbel-5qa.example")

REFUSED = [
    # other hosts
    "https://evil.example/",
    "https://shop.example.evil.example/",
    "https://evilshop.example/",
    "https://www.shop.example/",
    "https://builder.example/",
    "https://evilbuilder.example/",
    "https://shop.example-evil.example/",
    "https://shopxexample/",
    # no or another scheme
    "",
    "/",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "//shop.example",
    "shop.example",
    "shop.example/path",
    "/shop.example",
    "http://shop.example/",
    "HTTP://shop.example/",
    "ftp://shop.example/",
    "javascript:alert(1)",
    "JavaScript:alert(1)//shop.example",
    "javascript://shop.example/%0aalert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "file:///etc/passwd",
    "blob:https://shop.example/1",
    "https:shop.example",
    "https:/shop.example",
    "https:///shop.example",
    "https:evil.example",
    "https://",
    "https:///",
    "https://?shop.example",
    "https://#shop.example",
    # user names
    "https://shop.example@evil.example/",
    "https://shop.example:x@evil.example/",
    "https://evil.example@shop.example/",
    "https://user:secret@shop.example/",
    "https://@shop.example/",
    "https://shop.example%40evil.example/",
    "https://shop.example:443@evil.example/",
    "https://shop.example;@evil.example/",
    "https://shop.example&@evil.example/",
    # backslashes
    "https:\\\\shop.example\\",
    "https://shop.example\\@evil.example/",
    "https://evil.example\\@shop.example/",
    "https://evil.example\\.shop.example/",
    "\\\\evil.example",
    "/\\evil.example",
    "https://shop.example/\\evil.example",
    # ports
    "https://shop.example:80/",
    "https://shop.example:8443/",
    "https://shop.example:/",
    "https://shop.example:0443/",
    "https://shop.example:443.evil.example/",
    "https://shop.example:443:443/",
    # the form of the host
    "https://shop.example./",
    "https://shop.example../",
    "https://.shop.example/",
    "https://shop..example/",
    "https://shop%2eexample/",
    "https://shop.example%2f.evil.example/",
    "https://shop.example%00.evil.example/",
    "https://shop.example%23.evil.example/",
    "https://-x.builder.example/",
    "https://x-.builder.example/",
    "https://x_y.builder.example/",
    "https://*.builder.example/",
    "https://.builder.example/",
    f"https://{'x' * 64}.builder.example/",
    "https://127.0.0.1/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://localhost/",
    "https://169.254.169.254/latest/meta-data",
    # look-alikes
    "https://sh\u043ep.example/",
    "https://\u212aitchen.builder.example/",
    "https://\u017fhop.builder.example/",
    "https://möbel.example/",
    "https://shop。example/",
    "https://shop．example/",
    "https://ｓhop.example/",
    "https://shop.example／.evil.example/",
    "https://evil.example／.shop.example",
    "https://shop.exampl\u0435/",
    "https://shop.ex\u00adample/",
    "https://shop.example\u200b/",
    "https://shop.example\u2044evil",
    "httpſ://shop.example/",
    "https://xn--mbel-5qa.example.evil.example/",
    "https://xn--shp-8cd.example/",
    # control characters and white space
    "https://shop.example/\r\nSet-Cookie: a=b",
    "https://shop.example/\nLocation: https://evil.example",
    "https://shop.example/\r",
    "https://shop.example/\x00",
    "https://shop.example/\x7f",
    "https://shop.example/\x85",
    "https://shop.example/\u2028",
    "https://shop.example\t/",
    "ht\ntps://shop.example/",
    " https://shop.example/",
    "https://shop.example/ ",
    "https://shop.example/a b",
    "https://shop.example\n",
    "https://shop.example/\n",
    "https://shop.example/%0d%0aSet-Cookie:%20a=b",
    "https://shop.example/?a=%0A",
    "https://shop.example/%00",
    "https://shop.example/%7f",
    # what needs encoding
    "https://shop.example/%",
    "https://shop.example/%zz",
    "https://shop.example/<script>",
    'https://shop.example/"onload="',
    "https://shop.example/é",
    "https://shop.example/\ud800",
    "https://shop.example/`",
    "https://shop.example/{x}",
    "https://shop.example/" + "x" * 2_030,
]

ACCEPTED = [
    ("https://shop.example", "https://shop.example/"),
    ("https://shop.example/", "https://shop.example/"),
    ("HTTPS://SHOP.Example/Path", "https://shop.example/Path"),
    ("https://shop.example:443/a", "https://shop.example/a"),
    ("https://shop.example?a=1", "https://shop.example/?a=1"),
    ("https://shop.example#top", "https://shop.example/#top"),
    ("https://www.builder.example/", "https://www.builder.example/"),
    ("https://a.b.builder.example/", "https://a.b.builder.example/"),
    ("https://xn--mbel-5qa.example/x", "https://xn--mbel-5qa.example/x"),
    ("https://shop.example/%C3%A9?q=%20+a", "https://shop.example/%C3%A9?q=%20+a"),
    ("https://shop.example/@user/a:b", "https://shop.example/@user/a:b"),
    ("https://shop.example//evil.example", "https://shop.example//evil.example"),
    (
        "https://shop.example/?next=https://evil.example/",
        "https://shop.example/?next=https://evil.example/",
    ),
    ("https://shop.example/?filter[a]=1#b?c", "https://shop.example/?filter[a]=1#b?c"),
]


def test_the_corpus_is_large_and_without_repetition() -> None:
    assert len(set(REFUSED)) == len(REFUSED) >= 60


@pytest.mark.parametrize("url", REFUSED)
def test_what_could_lead_elsewhere_is_refused(url: str) -> None:
    with pytest.raises(InvalidFieldError) as raised:
        checked_destination(url, HOSTS)
    assert raised.value.pointer == "/destination_url"
    assert raised.value.detail.endswith(".")


@pytest.mark.parametrize(("url", "kept"), ACCEPTED)
def test_an_address_on_a_listed_host_is_kept_in_one_form(url: str, kept: str) -> None:
    assert checked_destination(url, HOSTS) == kept
    assert checked_destination(kept, HOSTS) == kept
    assert host_allowed(kept, HOSTS)
    assert not host_allowed(kept, ())


def test_the_refusal_says_what_to_change() -> None:
    with pytest.raises(InvalidFieldError, match=r"evil\.example is not one of .*shop\.example"):
        checked_destination("https://evil.example/", HOSTS)
    with pytest.raises(InvalidFieldError, match="has none yet"):
        checked_destination("https://evil.example/", ())
    with pytest.raises(InvalidFieldError, match="full https address"):
        checked_destination("http://shop.example/", HOSTS)


@given(st.text(max_size=60) | st.text(alphabet="/\\@:?#.%&;[]\r\n\t sx", max_size=12))
def test_nothing_around_the_host_moves_it(text: str) -> None:
    for url in (f"https://{text}shop.example/", f"https://shop.example{text}", text):
        if host_allowed(url, HOSTS):
            host = urlsplit(url).hostname or ""
            assert host == "shop.example" or host.endswith(".builder.example")
            assert urlsplit(url).scheme == "https"
            assert url.isascii()
            assert url.isprintable()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("shop.example", "shop.example"),
        (" Shop.Example ", "shop.example"),
        ("*.Shop.example", "*.shop.example"),
        ("xn--mbel-5qa.example", "xn--mbel-5qa.example"),
        ("shop.co.zw", "shop.co.zw"),
        ("3.shop.example", "3.shop.example"),
    ],
)
def test_a_host_entry_is_kept_in_lower_case(text: str, kept: str) -> None:
    assert checked_host(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "",
        "shop",
        "localhost",
        "*",
        "*.",
        "*.example",
        "*.*.shop.example",
        "a.*.shop.example",
        "*shop.example",
        "https://shop.example",
        "shop.example/",
        "shop.example:443",
        "user@shop.example",
        "shop.example.",
        ".shop.example",
        "shop..example",
        "shop example.com",
        "127.0.0.1",
        "*.0.0.1",
        "[::1]",
        "möbel.example",
        "shop。example",
        "-a.example",
        "shop.example\n.evil",
        "a." * 130 + "example",
    ],
)
def test_what_is_no_host_entry_is_refused(text: str) -> None:
    with pytest.raises(InvalidFieldError) as raised:
        checked_host(text, "/hosts/0")
    assert raised.value.pointer == "/hosts/0"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://s.example/", "https://s.example/?click_id=clk_1"),
        ("https://s.example/?", "https://s.example/?click_id=clk_1"),
        ("https://s.example/?a=1", "https://s.example/?a=1&click_id=clk_1"),
        ("https://s.example/?a=%20+b&a=2", "https://s.example/?a=%20+b&a=2&click_id=clk_1"),
        ("https://s.example/#top", "https://s.example/?click_id=clk_1#top"),
        ("https://s.example/?a#t?b=1", "https://s.example/?a&click_id=clk_1#t?b=1"),
        ("https://s.example/?click_id=x", "https://s.example/?click_id=clk_1"),
        ("https://s.example/?click_id", "https://s.example/?click_id=clk_1"),
        (
            "https://s.example/?b=1&click%5Fid=x&a=2&click_id=y",
            "https://s.example/?b=1&a=2&click_id=clk_1",
        ),
        ("https://s.example/?my_click_id=x", "https://s.example/?my_click_id=x&click_id=clk_1"),
    ],
)
def test_the_click_id_is_added_once_and_the_rest_stays(url: str, expected: str) -> None:
    assert redirected(url, "", "clk_1") == expected


@given(st.lists(st.tuples(st.sampled_from(["a", "click_id", "c%6Cick_id"]), st.just("v"))))
def test_a_destination_always_sees_exactly_one_click_id(pairs: list[tuple[str, str]]) -> None:
    query = "&".join(f"{name}={value}" for name, value in pairs)
    seen = parse_qsl(urlsplit(redirected(f"https://s.example/?{query}", "", "clk_1")).query)
    assert [value for name, value in seen if name == "click_id"] == ["clk_1"]


@given(
    st.lists(st.sampled_from(["a", "click_id", "c%6Cick_id", "ä", "%ff", "%0a", "#", "sub1", ""])),
    st.text() | st.text(alphabet="ab=&%02Ff+#?/@:\\\r\n ", max_size=60),
)
def test_no_query_moves_an_address_or_names_what_it_names(pairs: list[str], query: str) -> None:
    asked = "&".join([*(f"{name}=1" for name in pairs), query])
    before = urlsplit("https://shop.example/path?a=own#top")
    location = redirected(before.geturl(), asked, "clk_1")
    after = urlsplit(location)
    assert (after.scheme, after.netloc, after.path, after.fragment) == (
        before.scheme,
        before.netloc,
        before.path,
        before.fragment,
    )
    assert location.isascii()
    assert location.isprintable()
    seen = parse_qsl(after.query, keep_blank_values=True)
    assert [value for name, value in seen if name == "a"] == ["own"]
    assert seen[-1] == ("click_id", "clk_1")
    assert all(value.isprintable() or "\ufffd" in value for _, value in seen if value.isascii())
    assert host_allowed(location, ["shop.example"])
