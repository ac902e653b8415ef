"""What the figures must show; `make bench` fails when one of them does not."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Gate:
    """A figure and the most it may be."""

    what: str
    figure: float
    most: float
    unit: str = ""

    @property
    def met(self) -> bool:
        """Whether the figure is within its bound."""
        return self.figure <= self.most


def gates(results: dict[str, Any]) -> list[Gate]:
    """Every bound, in the order of the page."""
    redirect, starting = results["redirect"], results["starting"]
    starts = starting["starts"]
    clicks, costs = results["clicks"], results["costs"]
    three_tiers = results["conversions"][2]["in_all"]
    modules = results["assets"]["modules"]
    return [
        Gate(
            "warm redirect ÷ an SDK's GetItem and PutItem, processor time",
            redirect["variants"]["linkage"]["of_sdk"]["median"],
            redirect["limit"],
        ),
        Gate(
            "cold start ÷ making an SDK's client, processor time",
            starts["linkage"]["of_boto3_client"]["median"],
            starting["limit"],
        ),
        Gate(
            "the same with the Logger the other functions use",
            starts["linkage_and_logger"]["of_boto3_client"]["median"],
            starting["limit_with_logger"],
        ),
        Gate("writes of a click on a link in memory", clicks["calls"].get("PutItem", 0), 1),
        Gate("reads of a click on a link in memory", clicks["calls"].get("GetItem", 0), 0),
        Gate("write units of a click", clicks["write_units"], 1),
        Gate(
            "write units of the statistics, per click, 100 in a batch",
            clicks["packs"]["100"]["write_units"],
            0.05,
        ),
        Gate(
            "write units of a conversion of three tiers, with its indexes",
            round(three_tiers["write_units"] + three_tiers["index_write_units"], 2),
            22,
        ),
        Gate(
            "modules without byte code that is taken as it is",
            sum(modules.values()) - modules.get("unchecked hash", 0),
            0,
        ),
        Gate(
            "a million clicks by HTTP API, with statistics",
            costs["http-api"]["clicks"],
            1.96,
            "USD",
        ),
        Gate("a million clicks at the edge, with statistics", costs["edge"]["clicks"], 1.26, "USD"),
        Gate(
            "a million conversions of three tiers that came by a click",
            costs["http-api"]["conversions"],
            18,
            "USD",
        ),
    ]
