"""The redirect, over HTTP."""

from urllib.parse import parse_qs, urlsplit


def _ask(api, method: str, path: str, agent: str = "Mozilla/5.0 (X11; Linux)", **headers: str):
    sent = {"user-agent": agent, **headers}
    return api.pool.request(method, api.links_url + path, headers=sent, redirect=False)


def test_a_visit_is_sent_on_with_a_click_that_is_stored(world) -> None:
    rudo, shop = world.affiliate(), world.vendor()
    code = world.link(rudo, world.program(shop))
    first, second = (_ask(world.api, "GET", f"/{code}") for _ in range(2))
    location = urlsplit(first.headers["location"])
    assert (first.status, location.hostname) == (302, "shop.example")
    assert "no-store" in first.headers["cache-control"]
    assert parse_qs(location.query)["click_id"][0].startswith("clk_")
    assert second.headers["location"] == first.headers["location"]
    other = _ask(world.api, "GET", f"/{code}", "Opera/9.80 (Android; Opera Mini)")
    assert other.headers["location"] != first.headers["location"]


def test_head_tells_where_a_link_leads_without_a_click(world) -> None:
    rudo, shop = world.affiliate(), world.vendor()
    code = world.link(rudo, world.program(shop))
    answer = _ask(world.api, "HEAD", f"/{code}")
    assert (answer.status, answer.headers["location"]) == (302, "https://shop.example/")


def test_what_is_no_link_is_not_found(api) -> None:
    for path in ("/" + "A" * 12, "/0OIl1", "/%2e%2e%2fetc", "/favicon.ico", "/%00", "/ü"):
        answer = _ask(api, "GET", path)
        assert answer.status == 404, path
        assert len(answer.data) < 2048


def test_a_query_goes_on_and_the_redirects_own_parameters_stay(world) -> None:
    code = world.link(world.affiliate(), world.program(world.vendor()))
    answer = _ask(world.api, "GET", f"/{code}?utm_source=news&sub1=flyer&click_id=stolen&qr=1")
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert set(asked) == {"utm_source", "click_id"}
    assert asked["click_id"][0].startswith("clk_")
    untracked = _ask(world.api, "GET", f"/{code}?no-track&utm_source=news")
    assert untracked.headers["location"] == "https://shop.example/?utm_source=news"


def test_of_a_visitor_without_consent_each_click_is_another(world) -> None:
    code = world.link(world.affiliate(), world.program(world.vendor()))
    headers = {"sec-gpc": "1"}
    answers = [_ask(world.api, "GET", f"/{code}", **headers) for _ in range(2)]
    assert len({answer.headers["location"] for answer in answers}) == 2


def test_the_pixel_is_a_picture_whatever_the_link_is(world) -> None:
    code = world.link(world.affiliate(), world.program(world.vendor()))
    for each in (code, "A" * 12):
        answer = _ask(world.api, "GET", f"/{each}/pixel.gif")
        assert (answer.status, answer.headers["content-type"]) == (200, "image/gif")
        assert answer.data.startswith(b"GIF89a")
        assert len(answer.data) == 43
