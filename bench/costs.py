"""What the cost model says at 10 million clicks and 100,000 conversions a month, per million."""

from typing import Any, get_args

from linkage_cli.cost.command import said
from linkage_cli.cost.model import Month, Prices, Units, Variant

CLICKS, CONVERSIONS, PAYOUTS = 10_000_000, 100_000, 2_000


def result() -> dict[str, Any]:
    """USD of a million of each, by list price and with the always-free tier, by variant."""
    prices, units = Prices.read(), Units.read()
    figures: dict[str, Any] = {"prices_as_of": prices.as_of, "region": prices.region}
    for variant in get_args(Variant):
        month = Month(CLICKS, CONVERSIONS, PAYOUTS, tiers=3, variant=variant)
        told = said(month, prices, units)
        parts = told["parts"]
        figures[variant] = {
            "clicks": round(parts["clicks"]["usd_per_million"], 3),
            "clicks_with_free_tier": round(parts["clicks"]["usd_per_million_with_free_tier"], 3),
            "conversions": round(parts["conversions"]["usd_per_million"], 2),
            "payouts": round(parts["payouts"]["usd_per_million"], 2),
            "month": told["usd"],
            "month_with_free_tier": told["usd_with_free_tier"],
            "lines": {
                line["what"]: round(line["usd"] / CLICKS * 1e6, 3)
                for line in told["lines"]
                if line["part"] == "clicks" and line["usd"] >= 0.005
            },
            "conversion_lines": {
                line["what"]: round(line["usd"] / CONVERSIONS * 1e6, 2)
                for line in told["lines"]
                if line["part"] == "conversions" and line["usd"] >= 0.0005
            },
            "clicks_kept": told["clicks_kept"],
        }
    return figures
