"""What the edge redirected counts like what the Lambda redirected, and never twice."""

import gzip
import io
from datetime import UTC, date, datetime
from typing import Any

import pytest

from linkage.domain.clicks.clicks import Visit, click_of
from linkage.domain.clicks.links import Link
from linkage.domain.clicks.statistics import fold
from linkage.flow.clicks import edge_counting
from linkage.flow.clicks.counting import count_clicks
from linkage.flow.clicks.edge_counting import Counted, count_log
from linkage.tables import links
from linkage.tables.statistics import find_packs
from tests.domain.clicks.test_edge_log import HEAD, line
from tests.flow_units.network import VENDOR, Network, table

LINK = Link(
    code="abcdefgh",
    link_id="lnk_1",
    status="active",
    destination_url="https://shop.example/",
    program_id="prg_now",
    vendor_id=VENDOR,
    affiliate_id="mem_ann",
    sub={},
    expires_at=None,
)
DAY = date(2026, 11, 22)


class Logs:
    """A bucket of one log."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def get_object(self, **_: Any) -> dict[str, Any]:
        text = "\n".join([*HEAD, *self.lines]) + "\n"
        return {"Body": io.BytesIO(gzip.compress(text.encode()))}


@pytest.fixture
def logs(network: Network, monkeypatch: pytest.MonkeyPatch) -> Logs:
    standin = Logs()
    monkeypatch.setattr(edge_counting, "_logs", standin)
    links.put_link(LINK, (), None)
    return standin


def counted(logs: Logs, *lines: str) -> Counted:
    logs.lines = list(lines)
    return count_log("bucket", "clicks/E123.2026-11-22-05.abc.gz")


def network_counts() -> Any:
    return fold(find_packs(DAY)).counts["network"]


def test_redirects_become_counts_with_nothing_of_the_visitor_in_clear(logs: Logs) -> None:
    lines = [line(c_ip=f"196.4.1.{number}") for number in range(5)]
    assert counted(logs, *lines) == Counted(5, 0)
    counts = network_counts()
    assert (counts.total("clicks"), counts.total("visitors")) == (5, 5)
    assert (counts.total("qr"), counts.devices["desktop"]) == (5, 5)
    assert "196.4.1" not in repr(table("statistics"))
    assert table("clicks") == []


def test_the_same_log_twice_counts_once(logs: Logs) -> None:
    for _ in range(3):
        counted(logs, line(), line(c_ip="196.4.1.3"))
    assert network_counts().total("clicks") == 2


def test_a_visitor_within_an_hour_is_one_click_at_the_edge_and_at_the_lambda(logs: Logs) -> None:
    counted(logs, line(), line(time="05:59:59"))
    at = datetime(2026, 11, 22, 5, 45, tzinfo=UTC)
    visit = Visit("196.4.1.2", "Mozilla/5.0 (Windows NT 10.0)", "sub2=a%20b&qr=1", at)
    stored = click_of(LINK, visit, "a secret for tests")
    assert stored is not None
    count_clicks([stored])
    assert network_counts().total("clicks") == 1


def test_bots_are_counted_apart_and_what_leaves_no_click_is_not_counted(logs: Logs) -> None:
    bot = line(**{"cs(User-Agent)": "WhatsApp/2.23.20.0%20A"})
    head, untracked = line(cs_method="HEAD"), line(cs_uri_query="no-track")
    assert counted(logs, bot, head, untracked) == Counted(1, 0)
    assert network_counts().total("bots") == 1
    assert network_counts().total("clicks") == 0


def test_a_link_that_is_not_there_is_said_and_holds_up_nothing(logs: Logs) -> None:
    assert counted(logs, line(cs_uri_stem="/hgfedcba"), line()) == Counted(1, 1)
