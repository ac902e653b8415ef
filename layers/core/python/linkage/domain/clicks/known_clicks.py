"""What a conversion knows of the clicks it came by, and which of them stay known."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from linkage.domain import clock

CLICKS_EARLIEST, CLICKS_LATEST = 5, 15
CLICK_KEEP_DAYS = 365
"""What is kept of the clicks presented for a customer: enough for either click model."""


@dataclass(frozen=True)
class Click:
    """What a conversion keeps of the click it was sent with."""

    click_id: str
    code: str
    program_id: str
    vendor_id: str
    affiliate_id: str
    clicked_at: str
    sub: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CountedLink:
    """A link of which the network counted the clicks or the impressions of a day itself."""

    code: str
    affiliate_id: str


def moment_of(click: Click) -> tuple[str, str]:
    """By what clicks are sorted in time; their ids decide between those of one moment."""
    return click.clicked_at, click.click_id


def kept_clicks(clicks: Iterable[Click], occurred_at: datetime) -> tuple[Click, ...]:
    """The clicks that stay, oldest first: none older than a year, the first five, the last fifteen.

    A click is kept once, and its age is what it was when the conversion occurred.
    """
    young = {
        click.click_id: click
        for click in clicks
        if clock.days_later(clock.instant(click.clicked_at), CLICK_KEEP_DAYS) >= occurred_at
    }
    kept = tuple(sorted(young.values(), key=moment_of))
    if len(kept) <= CLICKS_EARLIEST + CLICKS_LATEST:
        return kept
    return kept[:CLICKS_EARLIEST] + kept[-CLICKS_LATEST:]
