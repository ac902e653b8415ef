"""`linkage clicks recount`: are a day's statistics what the stored clicks make them?"""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import batched
from typing import Annotated, Any

import typer
from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer
from botocore.config import Config

from linkage.domain.clicks.click_packs import StrangeClickError, pack, row_of
from linkage.domain.clicks.clicks import CLICK_KEEP_DAYS, IMPRESSION_KEEP_DAYS
from linkage.domain.clicks.statistics import PACK_KEEP_DAYS
from linkage_cli.clicks.click_recount import (
    NETWORK,
    Difference,
    Numbers,
    differences,
    in_statistics,
    recounted,
)
from linkage_cli.command_line import aws_errors, commands
from linkage_cli.errors import CommandError, ExitCode
from linkage_cli.networks import Network, find_network

READS_MAX = 3
PAUSE_S = 2.0
SHOWN_MAX = 20
FOLD_TIMEOUT_S = 900

app = commands("Clicks and their statistics.")

type Click = Mapping[str, Any]


class RecountError(CommandError):
    """The day cannot be counted again."""


@dataclass(frozen=True)
class Counted:
    """The tables of a network, and what folds a day of it."""

    dynamodb: Any
    clicks: str
    statistics: str
    fold: Callable[[date], None]


@dataclass(frozen=True)
class Recounted:
    """How many clicks and impressions a day has in their table, and what is wrong with its
    statistics; `strange` are those that nobody could count."""

    clicks: int
    strange: tuple[str, ...]
    differences: Sequence[Difference]


@app.callback()
def group() -> None:
    """Clicks and their statistics."""


@app.command("recount")
def recount_command(
    day: Annotated[str, typer.Option(help="The UTC day, for example 2026-11-22.")],
    stage: Annotated[str | None, typer.Option(help="The stage on AWS, for example prod.")] = None,
    local: Annotated[bool, typer.Option("--local", help="The network make dev runs.")] = False,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="First give the day's clicks to the statistics again."),
    ] = False,
) -> None:
    """Count a day's clicks again, from the clicks; exit 1 if its statistics say otherwise."""
    with aws_errors("The day could not be counted again"):
        wanted = _day(day, datetime.now(UTC).date())
        result = recount(counted_of(find_network(stage, local=local)), wanted, repair=repair)
    print("\n".join(lines_of(result, wanted)))
    if result.differences:
        raise typer.Exit(ExitCode.findings)


def _day(text: str, today: date) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise RecountError(f"{text} is no date. Write it like {today}.") from None
    if day > today:
        raise RecountError(f"{day} has not begun: it is {today} (UTC).")
    if today - day >= timedelta(days=CLICK_KEEP_DAYS):
        raise RecountError(f"The clicks of {day} are gone: they are kept {CLICK_KEEP_DAYS} days.")
    return day


def counted_of(network: Network) -> Counted:
    """What a recount needs of a network."""
    # A fold may take minutes, and must not be asked for again meanwhile.
    patient = Config(read_timeout=FOLD_TIMEOUT_S, retries={"total_max_attempts": 1})
    lambda_ = network.client("lambda", patient)
    name = network.outputs.get("FoldClicksFunctionName", "")

    def fold(day: date) -> None:
        # To count is not to bill: that is left to the tick, or to an operator's own call.
        asked = json.dumps({"day": str(day), "bill": False})
        answer = lambda_.invoke(FunctionName=name, Payload=asked)
        if "FunctionError" in answer:
            said = answer["Payload"].read().decode()
            raise RecountError(f"fold_clicks could not fold {day}: {said}")

    return Counted(
        network.client("dynamodb"), network.table("clicks"), network.table("statistics"), fold
    )


def recount(
    counted: Counted,
    day: date,
    *,
    repair: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> Recounted:
    """Compares the statistics of a day with its clicks; `repair` packs these again before.

    The counts of a day that are not final are brought up to date first; that bills nothing. What is
    still on its way can look like a difference, so with any the day is looked at again, up to three
    times.
    """
    if repair:
        _pack_again(counted, clicks_of(counted, day))
    result = _once(counted, day, fold=repair or not _is_closed(counted, day))
    for _ in range(READS_MAX - 1):
        if not result.differences:
            break
        sleep(PAUSE_S)
        result = _once(counted, day, fold=repair or not _is_closed(counted, day))
    return result


def _once(counted: Counted, day: date, *, fold: bool) -> Recounted:
    clicks = clicks_of(counted, day)
    if fold:
        counted.fold(day)
    strange = {each["click_id"] for each in clicks if not _is_countable(each)}
    ours = recounted(each for each in clicks if each["click_id"] not in strange)
    theirs = statistics_of(counted, {*ours, NETWORK}, day)
    kept = datetime.now(UTC).date() - day < timedelta(days=IMPRESSION_KEEP_DAYS)
    wrong = differences(ours, theirs, impressions=kept)
    return Recounted(len(clicks), tuple(sorted(strange)), wrong)


def _is_countable(click: Click) -> bool:
    named = ("code", "program_id", "vendor_id", "affiliate_id", "clicked_at")
    return all(isinstance(click.get(name), str) and click[name] for name in named)


def clicks_of(counted: Counted, day: date) -> list[Click]:
    """Every click and impression of a day; the whole table is read for it."""
    pages = counted.dynamodb.get_paginator("scan").paginate(
        TableName=counted.clicks,
        ConsistentRead=True,
        FilterExpression="begins_with(clicked_at, :day)",
        ExpressionAttributeValues={":day": {"S": f"{day}T"}},
    )
    return [_plain(item) for page in pages for item in page["Items"]]


def statistics_of(counted: Counted, scopes: Iterable[str], day: date) -> dict[str, Numbers]:
    """What the statistics say of these scopes."""
    found: dict[str, Numbers] = {}
    for some in batched(sorted(scopes), 100, strict=False):
        left = {counted.statistics: {"Keys": [_key(scope, str(day)) for scope in some]}}
        while left:
            answer = counted.dynamodb.batch_get_item(RequestItems=left)
            for item in map(_plain, answer["Responses"][counted.statistics]):
                found[item["of"]] = in_statistics(json.loads(item["counts"]))
            left = answer.get("UnprocessedKeys")
    return found


def _is_closed(counted: Counted, day: date) -> bool:
    answer = counted.dynamodb.get_item(TableName=counted.statistics, Key=_key("days", str(day)))
    return bool(_plain(answer.get("Item", {})).get("status") == "closed")


def _pack_again(counted: Counted, clicks: Iterable[Click]) -> None:
    """Puts the clicks among the packs once more; the fold counts each once."""
    rows = []
    for click in clicks:
        try:
            rows.append(row_of(click))
        except StrangeClickError:
            continue  # the report names it
    expires = datetime.now(UTC) + timedelta(days=PACK_KEEP_DAYS)
    for each in pack(rows):
        item = {
            "of": f"clicks#{each.hour[:10]}",
            "at": f"{each.hour[11:]}#{each.name}",
            "rows": Binary(each.rows),
            "clicks": each.clicks,
            "expires_epoch_s": int(expires.timestamp()),
        }
        counted.dynamodb.put_item(TableName=counted.statistics, Item=_wire(item))


def _key(of: str, at: str) -> dict[str, Any]:
    return {"of": {"S": of}, "at": {"S": at}}


def _wire(item: Mapping[str, Any]) -> dict[str, Any]:
    serialize = TypeSerializer().serialize
    return {name: serialize(value) for name, value in item.items()}


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    deserialize = TypeDeserializer().deserialize
    return {name: deserialize(value) for name, value in item.items()}


def lines_of(result: Recounted, day: date) -> Iterable[str]:
    """What the command prints."""
    for click_id in result.strange:
        yield f"{click_id} cannot be counted: it is not stored as a click is."
    yield from map(str, result.differences[:SHOWN_MAX])
    if len(result.differences) > SHOWN_MAX:
        yield f"… and {len(result.differences) - SHOWN_MAX:,} more."
    counted = f"{result.clicks:,} clicks and impressions of {day}"
    if not result.differences:
        yield f"The statistics are right: they are exactly what the {counted} make them."
        return
    yield f"The statistics are WRONG in {len(result.differences):,} numbers against the {counted}."
    if day == datetime.now(UTC).date():
        yield "The day is not over: a click counts a minute or two after it came. Try again."
    yield "To give the day's clicks to the statistics once more, add --repair."
