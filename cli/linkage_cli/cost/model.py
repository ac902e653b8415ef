"""The arithmetic: units a month takes, by what they are for, times their prices.

Two files hold every number: `prices.toml` (what AWS asks, with date and source) and `units.toml`
(what is counted, and what is only assumed). Nothing here was measured on AWS.
"""

import math
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

HERE = Path(__file__).parent
MILLION = 1_000_000
GB = 1e9
MONTH_DAYS = 365 / 12

Variant = Literal["http-api", "edge"]
VARIANTS: tuple[Variant, ...] = ("http-api", "edge")
TIERS_MAX = 6


@dataclass(frozen=True)
class Month:
    """What happens in a month; `links` are made or changed, `tiers` counts the direct commission
    and the overrides."""

    clicks: int
    conversions: int
    payouts: int = 0
    impressions: int = 0
    links: int = 0
    tiers: int = 3
    variant: Variant = "http-api"


@dataclass(frozen=True)
class Line:
    """So many units of one price, for one part of the network."""

    part: str
    what: str
    price: str
    units: float


@dataclass(frozen=True)
class Price:
    """USD of one unit, and how many of them a month are always free in an account."""

    usd: float
    free: float
    source: str
    verified: bool


@dataclass(frozen=True)
class Prices:
    """The file of prices."""

    region: str
    as_of: str
    of: Mapping[str, Price]

    @classmethod
    def read(cls, path: Path = HERE / "prices.toml") -> "Prices":
        """Reads the file."""
        content = tomllib.loads(path.read_text())
        tables = {name: each for name, each in content.items() if isinstance(each, dict)}
        return cls(
            region=content["region"],
            as_of=content["as_of"].isoformat(),
            of={name: _price(each) for name, each in tables.items()},
        )


def _price(table: Mapping[str, Any]) -> Price:
    usd = table["per_unit"] if "per_unit" in table else table["per_million"] / MILLION
    free, verified = table.get("free_a_month", 0), table.get("verified", True)
    return Price(usd, free, table["source"], verified)


@dataclass(frozen=True)
class Units:
    """The file of units; `counted` by event, and what is `assumed`."""

    counted: Mapping[str, Mapping[str, Any]]
    assumed: Mapping[str, float]
    reasons: Mapping[str, str]

    @classmethod
    def read(cls, path: Path = HERE / "units.toml") -> "Units":
        """Reads the file."""
        content = tomllib.loads(path.read_text())
        assumed = content.pop("assumed")
        return cls(
            counted=content,
            assumed={name: each["value"] for name, each in assumed.items()},
            reasons={name: each["why"] for name, each in assumed.items()},
        )


# ---- units


def lines_of(month: Month, units: Units) -> list[Line]:
    """Everything a month takes."""
    click_lines = _edge_clicks if month.variant == "edge" else _clicks
    return [
        *click_lines(month, units),
        *_folding(month, units),
        *_links(month),
        *_impressions(month, units),
        *_conversions(month, units),
        *_payouts(month, units),
        *_fixed(month, units),
    ]


def _clicks(month: Month, units: Units) -> Iterator[Line]:
    number, click, assumed = month.clicks, units.counted["click"], units.assumed
    line = _of("clicks")
    yield line("HTTP API requests", "http_api_request", number)
    yield from _invocations("clicks", "", number, assumed["click_ms"], assumed["click_mb"])
    yield line("click, written", "dynamodb_write_unit", number * click["write_units"])
    cold = 1 - assumed["link_in_memory"]
    yield line(
        "link, read when not in memory",
        "dynamodb_read_unit",
        number * click["cold_read_units"] * cold,
    )
    yield line("traffic out", "egress_gb", number * click["answer_bytes"] / GB)
    yield line("logs", "log_gb", number * click["log_lines"] * assumed["access_line_bytes"] / GB)
    window_s = assumed["pack_window_s"]
    windows = assumed["month_hours"] * 3600 / window_s * assumed["stream_shards"]
    batches = max(number / assumed["pack_clicks_most"], min(number, windows))
    yield from _packs(number, batches, assumed["pack_ms"], assumed["pack_mb"], units)
    yield line("statistics: reads of the stream", "stream_read", batches)


def _edge_clicks(month: Month, units: Units) -> Iterator[Line]:
    number, click, assumed = month.clicks, units.counted["edge_click"], units.assumed
    line = _of("clicks")
    yield line("CloudFront requests", "cloudfront_request", number)
    yield line("CloudFront function", "cloudfront_function_run", number)
    yield line("key value store, read", "cloudfront_store_read", number)
    yield line("traffic out", "cloudfront_egress_gb", number * click["answer_bytes"] / GB)
    files = number / assumed["log_file_clicks"]
    yield from _packs(number, files, assumed["log_file_ms"], assumed["log_file_mb"], units)
    yield line("statistics: log files, read", "s3_get", files)
    links = files * assumed["log_file_links"] * click["link_read_units"]
    yield line("statistics: links, read", "dynamodb_read_unit", links)
    kept = number * assumed["log_line_bytes"] / GB * 7 / MONTH_DAYS
    yield line("statistics: log files, kept 7 days", "s3_gb_month", kept)


def _packs(
    clicks: int, batches: float, batch_ms: float, memory_mb: float, units: Units
) -> Iterator[Line]:
    """Clicks packed for the statistics in so many batches."""
    if not clicks:
        return
    each = units.counted["statistics"]
    pack_bytes = each["pack_fixed_bytes"] + each["pack_bytes_per_click"] * clicks / batches
    write_units = batches * math.ceil(pack_bytes / 1024)
    yield from _invocations("clicks", "statistics: ", batches, batch_ms, memory_mb)
    yield _of("clicks")("statistics: packs, written", "dynamodb_write_unit", write_units)


def _folding(month: Month, units: Units) -> Iterator[Line]:
    """The hourly fold of the packs into counts."""
    assumed, each = units.assumed, units.counted["statistics"]
    line = _of("clicks")
    runs, mb = assumed["month_hours"], assumed["function_mb"]
    yield from _invocations("clicks", "statistics: fold, ", runs, assumed["fold_ms"], mb)
    counted = month.clicks + month.impressions
    read_units = counted * each["pack_bytes_per_click"] / 4096 / 2 * assumed["fold_readings"]
    yield line("statistics: fold, packs read", "dynamodb_read_unit", read_units)
    links = min(assumed["links_clicked_a_day"], counted / MONTH_DAYS)
    puts = links * 1.3 * 2 * MONTH_DAYS
    yield line("statistics: fold, counts written", "dynamodb_write_unit", puts)


def _links(month: Month) -> Iterator[Line]:
    """Each change of a link is published to the edge; elsewhere it is a write among few."""
    if month.variant == "edge" and month.links:
        yield Line("links", "published to the store", "cloudfront_store_change", month.links)


def _impressions(month: Month, units: Units) -> Iterator[Line]:
    number, each, assumed = month.impressions, units.counted["impression"], units.assumed
    if not number:
        return
    line = _of("impressions")
    if month.variant == "edge":
        yield line("CloudFront requests", "cloudfront_request", number)
        yield line("CloudFront function", "cloudfront_function_run", number)
    yield line("HTTP API requests", "http_api_request", number)
    yield from _invocations("impressions", "", number, assumed["click_ms"], assumed["click_mb"])
    yield line("impression, written", "dynamodb_write_unit", number * each["write_units"])
    yield line("traffic out", "egress_gb", number * each["answer_bytes"] / GB)
    packed = number * units.counted["statistics"]["pack_bytes_per_click"] / 1024
    yield line("statistics: packs, written", "dynamodb_write_unit", packed)


def _conversions(month: Month, units: Units) -> Iterator[Line]:
    number, each, assumed = month.conversions, units.counted["conversion"], units.assumed
    if not number:
        return
    line, tier, mb = _of("conversions"), month.tiers - 1, assumed["function_mb"]
    yield line("HTTP API requests", "http_api_request", number)
    yield from _invocations("conversions", "", number, assumed["intake_ms"], mb)
    yield line(
        "facts and ledger, written", "dynamodb_write_unit", number * each["write_units"][tier]
    )
    reads = each["read_units"][tier] + each["key_read_units"]
    yield line("facts and terms, read", "dynamodb_read_unit", number * reads)
    batches = number / assumed["facts_a_batch"]
    batch_ms = assumed["posting_ms"] * assumed["facts_a_batch"]
    yield from _invocations("conversions", "posting: ", batches, batch_ms, mb)
    yield line("traffic out", "egress_gb", number * assumed["report_bytes"] / GB)
    logged = assumed["access_line_bytes"] + assumed["system_lines_bytes"] * 2
    yield line("logs", "log_gb", number * logged / GB)


def _payouts(month: Month, units: Units) -> Iterator[Line]:
    number, each, assumed = month.payouts, units.counted["payout"], units.assumed
    if not number:
        return
    line = _of("payouts")
    yield line("payouts and ledger, written", "dynamodb_write_unit", number * each["write_units"])
    yield line("payouts and ledger, read", "dynamodb_read_unit", number * each["read_units"])
    yield line("work queue", "queue_request", number * each["queue_requests"])
    gb_s = _gb_seconds(number, assumed["payout_ms"], assumed["function_mb"])
    yield line("Lambda compute", "lambda_gb_second", gb_s)


def _fixed(month: Month, units: Units) -> Iterator[Line]:
    line, fixed = _of("whatever happens"), Counter(units.counted["fixed"])
    if month.variant == "edge":
        fixed.update(units.counted["fixed_edge"])
    yield line("alarms", "alarm_month", fixed["alarms"])
    yield line("metrics of its own", "metric_month", fixed["metrics"])
    yield line("secrets", "secret_month", fixed["secrets"])


def stored_gb(month: Month, units: Units) -> float:
    """GB of clicks in the table once the first ones expire; none at the edge, where logs do."""
    if month.variant == "edge":
        return 0.0
    return _clicks_gb(month.clicks, units) * units.assumed["click_keep_days"] / MONTH_DAYS


def _clicks_gb(clicks: float, units: Units) -> float:
    item_bytes: float = units.counted["click"]["item_bytes"] + units.assumed["item_overhead_bytes"]
    return clicks * item_bytes / GB


# ---- a flood


@dataclass(frozen=True)
class Flood:
    """A day of it: what it takes, how many clicks are kept, and how many GB for how many months."""

    lines: tuple[Line, ...]
    kept: int
    gb: float
    months: float


def floods_of(per_second: int, units: Units) -> dict[str, Flood]:
    """A day of so many requests a second, by who makes them; the API answers plain HTTP.

    What is refused by the throttle costs nothing and is not counted.
    """
    requests, hours = per_second * 24 * 3600, 24
    bounds = units.counted["flood"]
    asked: list[Line] = list(_clicks(Month(requests, 0), units))
    on_arrival = [line for line in asked if not line.what.startswith("statistics")]

    def clicks(lines: Iterable[Line], most: int) -> Flood:
        kept = min(requests, most)
        months = units.assumed["click_keep_days"] / MONTH_DAYS
        return Flood(tuple(lines), kept, _clicks_gb(kept, units), months)

    return {
        "clicks that nothing bounds: ever new visitors": clicks(asked, requests),
        "clicks of one visitor on one link": clicks(on_arrival, bounds["visitor_clicks"] * hours),
        "clicks without consent on one link": clicks(
            on_arrival, bounds["unrecognised_clicks"] * hours
        ),
        "calls of the API without a key": Flood(tuple(_refused(requests, units)), 0, 0.0, 0.0),
    }


def _refused(number: int, units: Units) -> Iterator[Line]:
    assumed, part = units.assumed, "refused calls"
    line = _of(part)
    yield line("HTTP API requests", "http_api_request", number)
    yield from _invocations(part, "", number, assumed["refused_ms"], assumed["function_mb"])
    yield line("traffic out", "egress_gb", number * assumed["report_bytes"] / GB)
    logged = assumed["access_line_bytes"] + assumed["system_lines_bytes"]
    yield line("logs", "log_gb", number * logged / GB)


def _invocations(
    part: str, prefix: str, number: float, each_ms: float, memory_mb: float
) -> Iterator[Line]:
    yield Line(part, f"{prefix}Lambda requests", "lambda_request", number)
    gb_s = _gb_seconds(number, each_ms, memory_mb)
    yield Line(part, f"{prefix}Lambda compute", "lambda_gb_second", gb_s)


def _gb_seconds(number: float, each_ms: float, memory_mb: float) -> float:
    return number * each_ms / 1000 * memory_mb / 1024


class _of:  # noqa: N801 # reads as a preposition
    """Makes the lines of one part."""

    def __init__(self, part: str) -> None:
        self._part = part

    def __call__(self, what: str, price: str, units: float) -> Line:
        return Line(self._part, what, price, units)


# ---- money


@dataclass(frozen=True)
class Bill:
    """What each line costs by list price, and what it costs with the always-free tier."""

    lines: tuple[tuple[Line, float, float], ...]

    def parts(self) -> dict[str, tuple[float, float]]:
        """USD of each part, by list price and with the free tier."""
        sums: dict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
        for line, listed, due in self.lines:
            before = sums[line.part]
            sums[line.part] = (before[0] + listed, before[1] + due)
        return dict(sums)

    @property
    def listed(self) -> float:
        """USD by list price."""
        return sum(listed for _, listed, _ in self.lines)

    @property
    def due(self) -> float:
        """USD with the always-free tier of an account that runs nothing else."""
        return sum(due for _, _, due in self.lines)


def bill(lines: Iterable[Line], prices: Prices) -> Bill:
    """Prices the lines; what is free of a price comes off all its lines in equal parts."""
    lines = list(lines)
    used: dict[str, float] = defaultdict(float)
    for line in lines:
        used[line.price] += line.units
    priced = []
    for line in lines:
        price, all_units = prices.of[line.price], used[line.price]
        listed = line.units * price.usd
        paid = max(0.0, all_units - price.free) / all_units if all_units else 0.0
        priced.append((line, listed, listed * paid))
    return Bill(tuple(priced))
