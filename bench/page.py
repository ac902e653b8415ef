"""The tables of docs/performance.md, made from docs/performance.json.

`python -m bench.page` takes the results of the last `make bench` into both; a test holds the page
against the JSON, so the two cannot part.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.gates import gates

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "performance.json"
PAGE = ROOT / "docs" / "performance.md"
KEPT = ROOT / "build" / "bench.json"

VARIANTS = {
    "linkage": "Linkage: link in memory, PutItem",
    "sdk_cached": "boto3 client: link in memory, PutItem",
    "sdk": "boto3 client: GetItem, PutItem",
    "naive": "powertools resolver and Logger, boto3 resource",
}
STARTS = {
    "linkage": "Linkage's redirect",
    "linkage_and_logger": "the same and a powertools Logger",
    "boto3_client": "`boto3.client('dynamodb')`",
    "boto3_resource": "`boto3.resource('dynamodb')`",
}
SERVERS = {
    "ceiling": "asyncio server, a fixed 302, no Lambda runtime",
    "static": "Lambda runtime, a function that answers a fixed 302",
    "linkage": "Lambda runtime, Linkage's redirect",
    "sdk": "Lambda runtime, boto3 client",
    "naive": "Lambda runtime, powertools and boto3 resource",
}
EMPTY_START_MS = (77, 85)
"""Published Init Durations of an empty function; and how many times what takes a millisecond here
is published to take on Lambda."""

TIMES_ON_LAMBDA = (1.2, 5)


def tables(results: dict[str, Any]) -> dict[str, str]:
    """Every table by its name."""
    return {
        "bounds": _bounds(results),
        "machine": _machine(results),
        "redirect": _redirect(results["redirect"]),
        "starting": _starting(results["starting"]),
        "forecast": _forecast(results["starting"]["starts"]),
        "runtime loop": _runtime_loop(results["runtime_loop"]),
        "clicks": _clicks(results["clicks"]),
        "conversions": _conversions(results["conversions"]),
        "stream batch": _stream_batch(results["stream_batch"]["figures"]),
        "payouts": _payouts(results["payouts"]),
        "commission": _commission(results["commission"]["figures"]),
        "assets": _assets(results["assets"]),
        "costs": _costs(results["costs"]),
        "cost lines": _cost_lines(results["costs"]),
    }


def rendered(page: str, results: dict[str, Any]) -> str:
    """The page with its tables made anew."""
    made = tables(results)

    def table(mark: re.Match[str]) -> str:
        return f"<!-- table: {mark[1]} -->\n{made[mark[1]]}\n<!-- end -->"

    return re.sub(r"<!-- table: ([\w ]+) -->\n.*?<!-- end -->", table, page, flags=re.DOTALL)


def _table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    heads = list(heads)
    lines = [heads, *rows]
    shown = [f"| {' | '.join(map(str, row))} |" for row in lines]
    return "\n".join([shown[0], "|---" * len(heads) + "|", *shown[1:]])


def _spread(figures: dict[str, float], digits: int | None = None) -> str:
    """The median, and the middle half of the rounds."""
    return (
        f"{_number(figures['median'], digits)} "
        f"({_number(figures['quarter'], digits)}–{_number(figures['three_quarters'], digits)})"
    )


def _number(value: float, digits: int | None = None) -> str:
    return f"{value:,}" if digits is None else f"{value:,.{digits}f}"


def _bounds(results: dict[str, Any]) -> str:
    return _table(
        ("what", "at most", "is"),
        (
            (gate.what, f"{gate.most:g} {gate.unit}".strip(), f"{gate.figure:g}")
            for gate in gates(results)
        ),
    )


def _machine(results: dict[str, Any]) -> str:
    machine = results["machine"]
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    return _table(
        ("measured on", results["measured_on"]),
        (
            (
                "processor",
                f"{machine['processor']}, {machine['cores']} cores, shared;"
                f" {machine['load']} processes wanted them when the run began",
            ),
            ("system", f"{machine['system']}, {machine['python']}"),
            ("packages", packages),
        ),
    )


def _redirect(results: dict[str, Any]) -> str:
    return _table(
        ("one redirect", "processor µs", "÷ boto3 client"),
        (
            (title, _spread(figures["cpu_us"], 0), _spread(figures["of_sdk"]))
            for name, title in VARIANTS.items()
            for figures in [results["variants"][name]]
        ),
    )


def _starting(results: dict[str, Any]) -> str:
    return _table(
        ("one cold start", "processor ms", "÷ boto3 client", "modules"),
        (
            (
                title,
                _spread(figures["cpu_ms"], 1),
                _spread(figures["of_boto3_client"]),
                figures["modules"],
            )
            for name, title in STARTS.items()
            for figures in [results["starts"][name]]
        ),
    )


def _forecast(starts: dict[str, Any]) -> str:
    low_ms, high_ms = EMPTY_START_MS
    least, most = TIMES_ON_LAMBDA
    return _table(
        ("forecast of Init Duration, not measured", "ms"),
        (
            (title, f"{low_ms + each * least:.0f}–{high_ms + each * most:.0f}")
            for name, title in STARTS.items()
            for each in [starts[name]["cpu_ms"]["median"]]
        ),
    )


def _runtime_loop(results: dict[str, Any]) -> str:
    return _table(
        (
            "two processes, one request at a time",
            "redirects a second",
            "÷ ceiling",
            "÷ boto3 client",
        ),
        (
            (
                title,
                _spread(figures["per_s"], 0),
                _number(figures["of_ceiling"]["median"], 3),
                _number(figures["of_sdk"]["median"], 1),
            )
            for name, title in SERVERS.items()
            for figures in [results["servers"][name]]
        ),
    )


def _calls(calls: dict[str, float]) -> str:
    return ", ".join(f"{number:g} {name}" for name, number in calls.items()) or "none"


def _clicks(results: dict[str, Any]) -> str:
    packs = results["packs"]
    return _table(
        ("per click", "counted"),
        (
            ("calls, link in memory", _calls(results["calls"])),
            ("calls, link not in memory", _calls(results["first_visit_calls"])),
            ("write units", f"{results['write_units']:g}"),
            (
                "bytes stored",
                f"{results['item_bytes']} on average, {results['item_bytes_max']} at most",
            ),
            ("bytes answered", results["answer_bytes"]),
            *(
                (
                    f"statistics, {batch} clicks in a batch",
                    f"{pack['write_units']:g} write units, {pack['calls']:g} calls, "
                    f"{pack['bytes']:.1f} bytes",
                )
                for batch, pack in packs.items()
            ),
        ),
    )


def _units(figures: dict[str, float]) -> tuple[str, ...]:
    return tuple(
        f"{figures[name]:.2f}"
        for name in ("calls", "write_units", "index_write_units", "read_units")
    )


_UNITS = ("calls", "write units of tables", "of indexes", "read units")


def _conversions(results: list[dict[str, Any]]) -> str:
    return _table(
        ("tiers", *_UNITS, "write units in all"),
        (
            (
                each["tiers"],
                *_units(each["in_all"]),
                f"{each['in_all']['write_units'] + each['in_all']['index_write_units']:.2f}",
            )
            for each in results
        ),
    )


def _stream_batch(figures: dict[str, Any]) -> str:
    return _table(
        ("a conversion of three tiers", *_UNITS),
        (
            (f"{way}, {phase}", *_units(phases[phase]))
            for way, phases in figures.items()
            for phase in ("accepted", "posted")
        ),
    )


def _payouts(results: dict[str, Any]) -> str:
    steps = results["steps"] | {"in all": results["in_all"]}
    return _table(
        (f"per payout, {results['affiliates']} in a batch", *_UNITS),
        ((name, *_units(figures)) for name, figures in steps.items()),
    )


def _commission(figures: dict[str, Any]) -> str:
    rows = {
        "one computation ÷ one GetItem": ("ratio", ""),
        "one computation": ("computation_us", " µs"),
        "one GetItem": ("get_item_us", " µs"),
    }
    return _table(
        ("", "median", "lowest round", "highest round"),
        (
            (
                title,
                *(
                    f"{figures[name][end]:,.{0 if unit else 2}f}{unit}"
                    for end in ("median", "lowest", "highest")
                ),
            )
            for title, (name, unit) in rows.items()
        ),
    )


def _assets(results: dict[str, Any]) -> str:
    return _table(
        ("asset", "modules", "of them with unchecked hash", "KB", "KB zipped"),
        (
            (
                f"`{name}`",
                sum(each["modules"].values()),
                each["modules"].get("unchecked hash", 0),
                f"{each['bytes'] / 1024:,.0f}",
                f"{each['zip_bytes'] / 1024:,.0f}",
            )
            for name, each in results["assets"].items()
        ),
    )


def _costs(results: dict[str, Any]) -> str:
    api, edge = results["http-api"], results["edge"]
    rows = {
        "a million clicks, with statistics": "clicks",
        "the same with the always-free tier": "clicks_with_free_tier",
        "a million conversions of three tiers": "conversions",
        "a million payouts": "payouts",
        "the month": "month",
        "the month with the always-free tier": "month_with_free_tier",
    }
    return _table(
        ("USD", "HTTP API", "edge"),
        ((title, f"{api[name]:.2f}", f"{edge[name]:.2f}") for title, name in rows.items()),
    )


def _cost_lines(results: dict[str, Any]) -> str:
    rows = [
        (f"{title}: {what}", f"{usd:.3f}")
        for variant, name, title in (
            ("http-api", "lines", "click"),
            ("edge", "lines", "click at the edge"),
            ("http-api", "conversion_lines", "conversion"),
        )
        for what, usd in results[variant][name].items()
    ]
    return _table(("USD a million", ""), rows)


def main() -> None:
    """Writes the last results into docs/."""
    results = json.loads(KEPT.read_text())
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    PAGE.write_text(rendered(PAGE.read_text(), results))


if __name__ == "__main__":
    main()
