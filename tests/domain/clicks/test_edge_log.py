"""The edge's log is read as CloudFront documents it, and counts what the edge answered alone."""

from datetime import UTC, datetime

import pytest

from linkage.domain.clicks.clicks import device_of, visitor_hash
from linkage.domain.clicks.edge_log import StrangeLogError, visits_in
from linkage.edge.redirects import link_request

FIELDS = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) "
    "cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header "
    "cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher "
    "x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port "
    "time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start "
    "sc-range-end"
)
HEAD = ["#Version: 1.0", f"#Fields: {FIELDS}"]
LINE = {
    "date": "2026-11-22",
    "time": "05:30:01",
    "c-ip": "196.4.1.2",
    "cs-method": "GET",
    "cs-uri-stem": "/abcdefgh",
    "sc-status": "302",
    "cs(User-Agent)": "Mozilla/5.0%20(Windows%20NT%2010.0)",
    "cs-uri-query": "sub2=a%2520b&qr=1",
    "x-edge-result-type": "FunctionGeneratedResponse",
}


def line(**changes: str) -> str:
    named = LINE | {name.replace("_", "-"): value for name, value in changes.items()}
    return "\t".join(named.get(name, "-") for name in FIELDS.split())


def test_a_redirect_of_the_edge_is_a_visit_as_it_was_sent() -> None:
    (found,) = visits_in([*HEAD, line() + "\n"])
    assert found.code == "abcdefgh"
    assert found.visit.ip == "196.4.1.2"
    assert found.visit.user_agent == "Mozilla/5.0 (Windows NT 10.0)"
    assert found.visit.query == "sub2=a%20b&qr=1"
    assert found.visit.at == datetime(2026, 11, 22, 5, 30, 1, tzinfo=UTC)
    assert found.visit.method == "GET"


def test_an_empty_column_is_an_empty_text() -> None:
    (found,) = visits_in([*HEAD, line(cs_uri_query="-")])
    assert found.visit.query == ""


def test_a_visit_without_a_user_agent_is_a_bots_as_everywhere() -> None:
    (found,) = visits_in([*HEAD, line(**{"cs(User_Agent)": "-"})])
    assert device_of(found.visit.user_agent) == "bot"


def test_a_visitor_of_the_log_is_the_visitor_of_the_links_api() -> None:
    (found,) = visits_in([*HEAD, line(c_ip="2001:db8:0:0:0:0:0:1")])
    event = {
        "headers": {"cloudfront-viewer-address": "2001:0db8::1:46532"},
        "requestContext": {
            "http": {"sourceIp": "203.0.113.9", "userAgent": found.visit.user_agent}
        },
    }
    asked = link_request(event, "cloudfront-viewer-address")
    same = found.visit._replace(ip=asked.ip, user_agent=asked.user_agent)
    assert visitor_hash(same, "a secret") == visitor_hash(found.visit, "a secret")


@pytest.mark.parametrize(
    "changes",
    [
        {"x_edge_result_type": "Miss"},
        {"x_edge_result_type": "Error", "sc_status": "404"},
        {"x_edge_result_type": "Redirect", "sc_status": "301"},
        {"cs_uri_stem": "/abcdefgh/pixel.gif"},
        {"cs_uri_stem": "/favicon.ico"},
        {"sc_status": "503"},
    ],
)
def test_what_the_links_api_answered_is_its_own_to_count(changes: dict[str, str]) -> None:
    assert list(visits_in([*HEAD, line(**changes)])) == []


def test_columns_are_found_by_their_names() -> None:
    names = FIELDS.split()
    backwards = ["#Fields: " + " ".join(reversed(names)), "\t".join(reversed(line().split("\t")))]
    assert [each.code for each in visits_in(backwards)] == ["abcdefgh"]


@pytest.mark.parametrize(
    "lines",
    [
        [line()],
        ["#Fields: date time", "2026-11-22\t05:30:01"],
        [*HEAD, line().rpartition("\t")[0]],
        [*HEAD, line(date="yesterday")],
        ["no log at all"],
    ],
)
def test_what_is_no_log_is_not_guessed_at(lines: list[str]) -> None:
    with pytest.raises(StrangeLogError):
        list(visits_in(lines))


def test_a_log_of_nothing_is_a_log() -> None:
    assert list(visits_in(HEAD)) == []
