"""`linkage ledger check`: is every account exactly what the accepted facts make it?"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import batched
from typing import Annotated, Any

import typer
from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import BotoCoreError, ClientError

from linkage_cli.command_line import aws_errors, commands
from linkage_cli.errors import ExitCode
from linkage_cli.ledger.audit import Finding, Report, Stored, audit, places_of
from linkage_cli.networks import Network, find_network

SCANNED = ("conversions", "tallies", "ledger", "payouts", "programs", "settings")
NOUNS = (*SCANNED, "statistics")
READS_MAX = 3
KEYS_AT_ONCE = 100
BUCKET, FILES_PREFIX, FILES_SUFFIX = "PayoutFilesBucketName", "payouts/", ".csv"
FILES_AT_ONCE = 8
PAUSE_S = 2.0

app = commands("The ledger.")


@dataclass(frozen=True)
class Tables:
    """A DynamoDB client, and the names of the tables the audit reads."""

    dynamodb: Any
    names: Mapping[str, str]


@dataclass(frozen=True)
class Bucket:
    """An S3 client, and the name of the bucket of payout files."""

    s3: Any
    name: str


@app.callback()
def group() -> None:
    """The ledger."""


@app.command("check")
def check_command(
    stage: Annotated[str | None, typer.Option(help="The stage on AWS, for example prod.")] = None,
    local: Annotated[bool, typer.Option("--local", help="The network make dev runs.")] = False,
    no_in_flight: Annotated[
        bool, typer.Option("--no-in-flight", help="A fact not posted yet is a finding too.")
    ] = False,
    publish_metric: Annotated[
        bool,
        typer.Option("--publish-metric", help="Publish LedgerOutOfBalance to CloudWatch."),
    ] = False,
) -> None:
    """Verify the whole ledger against the accepted facts; exit 1 if anything is wrong."""
    with aws_errors("The network could not be read"):
        network = find_network(stage, local=local)
        tables = Tables(network.client("dynamodb"), {noun: network.table(noun) for noun in NOUNS})
        bucket = Bucket(network.client("s3"), network.named(BUCKET))
        report = check(tables, bucket, no_in_flight=no_in_flight)
        if publish_metric:
            publish(network, report)
    print("\n".join(lines_of(report)))
    if report.findings:
        raise typer.Exit(ExitCode.findings)


def check(
    tables: Tables,
    bucket: Bucket | None = None,
    *,
    no_in_flight: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> Report:
    """Audits a running network; without a bucket, its tables alone.

    A scan is no snapshot: what was being written meanwhile can look broken. So with findings the
    tables are read again, up to three times, and what is wrong in every one of them counts.
    """
    report = _once(tables, bucket, no_in_flight=no_in_flight)
    for _ in range(READS_MAX - 1):
        if not report.findings:
            break
        sleep(PAUSE_S)
        before = {(each.invariant, each.subject) for each in report.findings}
        again = _once(tables, bucket, no_in_flight=no_in_flight)
        still = [each for each in again.findings if (each.invariant, each.subject) in before]
        report = replace(again, findings=tuple(still))
    return report


def _once(tables: Tables, bucket: Bucket | None, *, no_in_flight: bool) -> Report:
    now = datetime.now(UTC)
    # Before the tables: a file that is listed has a batch that was approved by then.
    files, unread = _files_of(bucket)
    report = audit(replace(read(tables), files=files), now)
    report = replace(report, findings=(*report.findings, *unread))
    if not no_in_flight:
        return report
    unposted = (Finding("I4", each, "its fact is not posted yet") for each in report.in_flight)
    return replace(report, findings=(*report.findings, *unposted))


def _files_of(bucket: Bucket | None) -> tuple[list[Mapping[str, Any]] | None, list[Finding]]:
    """The payout files, or the finding that they cannot be read."""
    if bucket is None:
        return None, []
    try:
        return read_files(bucket), []
    except (BotoCoreError, ClientError) as error:
        return None, [Finding("I28", bucket.name, f"the payout files cannot be read: {error}")]


def read(tables: Tables) -> Stored:
    """All items of the tables, facts before what they are posted to; and what they bill.

    Of the statistics only the links' days that are billed are read, one by one as they are looked
    at: after the bills, so that they can only count more by then.
    """
    stored = Stored(**{noun: scan(tables.dynamodb, tables.names[noun]) for noun in SCANNED})
    places = [{"of": of, "at": at} for of, at in places_of(stored.conversions)]
    return replace(stored, statistics=get(tables.dynamodb, tables.names["statistics"], places))


def read_files(bucket: Bucket) -> list[Mapping[str, Any]]:
    """Every payout file, by its batch: all of them, since each may have been spoilt."""
    pages = bucket.s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket.name, Prefix=FILES_PREFIX
    )
    keys = [each["Key"] for page in pages for each in page.get("Contents", ())]

    def read_one(key: str) -> Mapping[str, Any]:
        body = bucket.s3.get_object(Bucket=bucket.name, Key=key)["Body"].read()
        batch_id = key.removeprefix(FILES_PREFIX).removesuffix(FILES_SUFFIX)
        return {"batch_id": batch_id, "body": body}

    with ThreadPoolExecutor(FILES_AT_ONCE) as pool:
        return list(pool.map(read_one, (key for key in keys if key.endswith(FILES_SUFFIX))))


def scan(dynamodb: Any, table: str) -> list[Mapping[str, Any]]:
    """Every item of a table in plain Python, as last written."""
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return [_plain_item(item) for page in pages for item in page["Items"]]


def get(
    dynamodb: Any, table: str, keys: Iterable[Mapping[str, str]]
) -> Iterator[Mapping[str, Any]]:
    """The items with these keys, each named once, that there are, as last written."""
    for some in batched(keys, KEYS_AT_ONCE, strict=False):
        wire = [{name: {"S": value} for name, value in key.items()} for key in some]
        left: Any = {table: {"Keys": wire, "ConsistentRead": True}}
        while left:
            answer = dynamodb.batch_get_item(RequestItems=left)
            yield from map(_plain_item, answer["Responses"].get(table, ()))
            left = answer.get("UnprocessedKeys")


def _plain_item(item: Mapping[str, Any]) -> dict[str, Any]:
    deserialize = TypeDeserializer().deserialize
    return {name: plain(deserialize(value)) for name, value in item.items()}


def plain(value: Any) -> Any:
    """Whole numbers as int; any other number stays what it is, for the audit to refuse.

    Binary values are bytes.
    """
    if hasattr(value, "__bytes__"):
        return bytes(value)
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if hasattr(value, "as_tuple"):
        return int(value) if value == value.to_integral_value() else value
    return value


def publish(network: Network, report: Report) -> None:
    """Tells CloudWatch how many findings there are, 0 too."""
    network.client("cloudwatch").put_metric_data(
        Namespace=f"Linkage-{network.stage}",
        MetricData=[
            {
                "MetricName": "LedgerOutOfBalance",
                "Dimensions": [{"Name": "service", "Value": "ledger_check"}],
                "Value": len(report.findings),
                "Unit": "Count",
            }
        ],
    )


def lines_of(report: Report) -> Iterable[str]:
    """What the command prints."""
    counts = report.counts
    if report.findings:
        yield from map(str, report.findings)
        yield f"The ledger is WRONG in {_many(len(report.findings), 'place')}, named above."
    else:
        yield "The ledger is right: every account is exactly what the accepted facts make it."
    yield "Checked: " + ", ".join(
        _many(counts[_plural(noun)], noun)
        for noun in ("fact", "tally", "transaction", "line", "balance", "payout", "file")
    )
    if counts["days_of_links"]:
        yield (
            f"Billed by count: {_many(counts['days_of_links'], 'day')} of links, "
            f"{counts['days_of_links_billed_for_less']:,} of them for less than is counted now"
        )
    if counts["conversions_of_a_later_release"]:
        later = _many(counts["conversions_of_a_later_release"], "conversion")
        yield f"NOT checked: {later} that a later release of Linkage wrote; check with that one"
    if report.in_flight:
        yield f"In flight: {_many(len(report.in_flight), 'fact')} accepted and not posted yet"
    for currency, totals in report.totals.items():
        yield (
            f"{currency}, in minor units: affiliates are owed {totals.owed_to_affiliates}, vendors "
            f"owe {totals.vendors_owe}, network fees {totals.network_fees}, its bonuses cost "
            f"{totals.network_bonuses}, being paid out {totals.in_payout}, paid out "
            f"{totals.paid_out}; by adjustments affiliates were given {totals.adjustments}"
        )


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun if count == 1 else _plural(noun)}"


def _plural(noun: str) -> str:
    return "tallies" if noun == "tally" else f"{noun}s"
