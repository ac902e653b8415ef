"""`linkage cost`: what a month of so many clicks and conversions costs on AWS."""

import json
import re
from collections.abc import Iterator
from typing import Annotated, Any, get_args

import typer

from linkage_cli.cost.model import (
    MILLION,
    TIERS_MAX,
    Month,
    Prices,
    Units,
    Variant,
    bill,
    floods_of,
    lines_of,
    stored_gb,
)
from linkage_cli.errors import CommandError

_NUMBER = re.compile(r"(\d+(?:[_,]\d{3})*(?:\.\d+)?)([kKmMgG]?)")
_TIMES = {"": 1, "k": 1_000, "m": MILLION, "g": 1_000 * MILLION}
MOST = 10**12


def cost(  # noqa: PLR0913, PLR0917 (each is an option of the command)
    clicks: Annotated[str, typer.Option(help="Clicks a month: 10M, 250k, 1500.")],
    conversions: Annotated[str, typer.Option(help="Conversions a month.")] = "0",
    payouts: Annotated[str, typer.Option(help="Payouts a month.")] = "0",
    impressions: Annotated[str, typer.Option(help="Impressions a month.")] = "0",
    links: Annotated[str, typer.Option(help="Links made or changed a month.")] = "0",
    tiers: Annotated[str, typer.Option(help="Who earns of a sale: 1 is the affiliate alone.")] = (
        "3"
    ),
    variant: Annotated[str, typer.Option(help="What answers a link: http-api or edge.")] = (
        "http-api"
    ),
    flood: Annotated[
        str, typer.Option(help="What a day of so many unwanted requests a second costs, too.")
    ] = "0",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compute a month's bill from list prices and counted units; nothing is measured on AWS."""
    month = Month(
        clicks=number("--clicks", clicks),
        conversions=number("--conversions", conversions),
        payouts=number("--payouts", payouts),
        impressions=number("--impressions", impressions),
        links=number("--links", links),
        tiers=tiers_of(tiers),
        variant=variant_of(variant),
    )
    per_second = number("--flood", flood)
    prices, units = Prices.read(), Units.read()
    told = said(month, prices, units)
    if per_second:
        told |= {"flood": flood_said(per_second, prices, units)}
    print(json.dumps(told) if as_json else "\n".join(lines_said(month, told, prices)))


def number(option: str, text: str) -> int:
    """A count like 1500, 250k or 1.5M; raises CommandError."""
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        raise CommandError(
            f"{option} {text!r} is no number: write it like 1500, 250k, 10M or 1.5M."
        )
    count = float(re.sub("[_,]", "", found[1])) * _TIMES[found[2].lower()]
    if count > MOST or count != int(count):
        raise CommandError(f"{option} {text!r} must be a whole number of at most 1000G.")
    return int(count)


def tiers_of(text: str) -> int:
    """Who earns of a sale, from 1 to 6; raises CommandError."""
    if text.strip() not in {str(each) for each in range(1, TIERS_MAX + 1)}:
        raise CommandError(
            f"--tiers {text!r} must be 1 (no overrides) to {TIERS_MAX} (five levels of them)."
        )
    return int(text)


def variant_of(text: str) -> Variant:
    """One of the variants; raises CommandError."""
    for each in get_args(Variant):
        if each == text:
            return each  # type: ignore[no-any-return]
    raise CommandError(f"--variant {text!r} must be http-api or edge.")


def said(month: Month, prices: Prices, units: Units) -> dict[str, Any]:
    """Everything the command says, as it is in its JSON."""
    made = bill(lines_of(month, units), prices)
    gb, each_gb = stored_gb(month, units), _usd_of_gb(prices)
    used = {line.price for line, _, _ in made.lines}
    return {
        "region": prices.region,
        "prices_as_of": prices.as_of,
        "measured_on_aws": False,
        "month": month.__dict__,
        "lines": [
            {
                "part": line.part,
                "what": line.what,
                "price": line.price,
                "units": round(line.units, 3),
                "usd": round(listed, 4),
                "usd_with_free_tier": round(due, 4),
            }
            for line, listed, due in made.lines
        ],
        "parts": {part: _part(month, part, *sums) for part, sums in made.parts().items()},
        "usd": round(made.listed, 2),
        "usd_with_free_tier": round(made.due, 2),
        "clicks_kept": {"gb": round(gb, 1), "usd": round(gb * each_gb, 2)},
        "unverified_prices": sorted(name for name in used if not prices.of[name].verified),
    }


def _usd_of_gb(prices: Prices) -> float:
    """A GB in a table for a month, with recovery to any second."""
    return prices.of["dynamodb_gb_month"].usd + prices.of["dynamodb_recovery_gb_month"].usd


def flood_said(per_second: int, prices: Prices, units: Units) -> dict[str, Any]:
    """A day of a flood, by who makes it; `usd_kept` is for as long as its clicks are kept."""
    return {
        "requests_a_second": per_second,
        "requests": per_second * 24 * 3600,
        "days": {
            who: {
                "usd": round(bill(flood.lines, prices).listed, 2),
                "clicks_kept": flood.kept,
                "gb_kept": round(flood.gb, 2),
                "usd_kept": round(flood.gb * flood.months * _usd_of_gb(prices), 2),
            }
            for who, flood in floods_of(per_second, units).items()
        },
    }


def _part(month: Month, part: str, listed: float, due: float) -> dict[str, float | None]:
    events = getattr(month, part, 0)
    return {
        "usd": round(listed, 4),
        "usd_with_free_tier": round(due, 4),
        "usd_per_million": round(listed / events * MILLION, 4) if events else None,
        "usd_per_million_with_free_tier": round(due / events * MILLION, 4) if events else None,
    }


def lines_said(month: Month, told: dict[str, Any], prices: Prices) -> Iterator[str]:
    """What the command prints."""
    yield f"A month of {described(month)}: list prices of {told['region']}, {told['prices_as_of']}."
    yield "Units are counted from the code, times are assumed, and nothing was measured on AWS."
    for part, sums in told["parts"].items():
        yield ""
        events = getattr(month, part, 0)
        yield f"{part:44} {'USD a month':>12}" + (f" {'per million':>12}" if events else "")
        for line in told["lines"]:
            if line["part"] == part and line["usd"]:
                mark = "" if prices.of[line["price"]].verified else " ?"
                yield _row(f"  {line['what']}{mark}", line["usd"], events)
        yield _row("  in all", sums["usd"], events)
        yield _row("  with the always-free tier", sums["usd_with_free_tier"], events)
    yield ""
    yield _row("in all", told["usd"], 0)
    yield _row("with the always-free tier of one account", told["usd_with_free_tier"], 0)
    kept = told["clicks_kept"]
    if kept["gb"]:
        yield ""
        yield (
            f"Storage comes on top: once clicks are kept for all their days, {kept['gb']:,} GB for"
            f" USD {kept['usd']:,.2f} a month, with recovery to any second."
        )
    if "flood" in told:
        yield ""
        yield from flood_lines(told["flood"])
    if told["unverified_prices"]:
        yield "A price with ? was on no public page found; see prices.toml."


def flood_lines(told: dict[str, Any]) -> Iterator[str]:
    """What the command prints of a flood."""
    yield (
        f"A day of {told['requests_a_second']:,} unwanted requests a second, {told['requests']:,}"
        " in all, if no throttle refuses them:"
    )
    yield f"{'':48} {'USD that day':>12} {'clicks kept':>12} {'GB':>8} {'USD to keep':>12}"
    for who, day in told["days"].items():
        yield (
            f"  {who:46} {day['usd']:>12,.2f} {day['clicks_kept']:>12,} {day['gb_kept']:>8,.2f}"
            f" {day['usd_kept']:>12,.2f}"
        )


def described(month: Month) -> str:
    """The month in words."""
    parts = [f"{month.clicks:,} clicks ({month.variant})"]
    parts += [f"{month.impressions:,} impressions"] if month.impressions else []
    if month.conversions:
        parts += [f"{month.conversions:,} conversions of {month.tiers} tiers"]
    parts += [f"{month.payouts:,} payouts"] if month.payouts else []
    parts += [f"{month.links:,} links made or changed"] if month.links else []
    return ", ".join(parts)


def _row(what: str, usd: float, events: int) -> str:
    each = f" {usd / events * MILLION:>12,.3f}" if events else ""
    return f"{what:44} {usd:>12,.2f}{each}"
