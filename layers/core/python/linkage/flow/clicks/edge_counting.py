"""Counting at the edge: a delivered log becomes packs, as the clicks of the stream do."""

import gzip
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any

import boto3

from linkage.domain.clicks.clicks import click_of
from linkage.domain.clicks.edge_log import EdgeVisit, visits_in
from linkage.flow.clicks.counting import count_clicks
from linkage.tables.links import find_links

_SECRET = os.environ["HASH_SECRET"]
_COUNTED_AT_ONCE = 10_000

_logs = boto3.client("s3", region_name=os.environ.get("AWS_REGION"))


@dataclass(frozen=True)
class Counted:
    """How many redirects a log had, and how many of their links were not found."""

    clicks: int
    unknown: int


def count_log(bucket: str, key: str) -> Counted:
    """Packs the clicks of one log file; again, they are the same packs.

    Ids and visitors are hashed as the redirect hashes them, from the address that CloudFront tells
    the Lambda as well: visits of one visitor that both answered in the same hour are one click.
    Raises StrangeLogError.
    """
    body = _logs.get_object(Bucket=bucket, Key=key)["Body"].read()
    lines = gzip.decompress(body).decode("utf-8", "replace").splitlines()
    clicks = unknown = 0
    for some in batched(visits_in(lines), _COUNTED_AT_ONCE, strict=False):
        items = list(_clicks(some))
        count_clicks(item for item in items if item is not None)
        clicks += len(items) - items.count(None)
        unknown += items.count(None)
    return Counted(clicks, unknown)


def _clicks(visits: Sequence[EdgeVisit]) -> Iterator[dict[str, Any] | None]:
    """The click of each visit that leaves one; None for a link that was not found."""
    links = find_links({each.code for each in visits})
    for code, visit in visits:
        if code not in links:
            yield None
        elif (click := click_of(links[code], visit, _SECRET)) is not None:
            yield click
