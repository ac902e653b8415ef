"""The links table, as everything but the redirect uses it."""

import os
from collections.abc import Iterable
from itertools import batched
from typing import Any

from pynamodb.attributes import ListAttribute, MapAttribute, UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from linkage.domain.clicks.links import Link
from linkage.domain.lists import Listed
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.base import TableMeta
from linkage.tables.dynamodb.pages import read_page

_READ_AT_ONCE = 100


class _AffiliateIndex(GlobalSecondaryIndex["LinkItem"]):
    class Meta(TableMeta):
        index_name = "by_affiliate"
        projection = AllProjection()

    affiliate_id = UnicodeAttribute(hash_key=True)
    link_id = UnicodeAttribute(range_key=True)


class _VendorIndex(GlobalSecondaryIndex["LinkItem"]):
    class Meta(TableMeta):
        index_name = "by_vendor"
        projection = KeysOnlyProjection()

    vendor_id = UnicodeAttribute(hash_key=True)
    link_id = UnicodeAttribute(range_key=True)


class LinkItem(Model):
    """A link as stored."""

    class Meta(TableMeta):
        table_name = os.environ["LINKS_TABLE"]

    code = UnicodeAttribute(hash_key=True)
    link_id = UnicodeAttribute()
    status = UnicodeAttribute()
    destination_url = UnicodeAttribute()
    allowed_hosts: ListAttribute[Any] = ListAttribute(of=UnicodeAttribute)
    program_id = UnicodeAttribute()
    vendor_id = UnicodeAttribute()
    affiliate_id = UnicodeAttribute()
    sub: MapAttribute[str, str] = MapAttribute(null=True)
    expires_at = UnicodeAttribute(null=True)
    starts_at = UnicodeAttribute(null=True)
    fingerprint = UnicodeAttribute(null=True)
    by_affiliate = _AffiliateIndex()
    by_vendor = _VendorIndex()


def _link(item: LinkItem) -> Link:
    return Link(
        code=item.code,
        link_id=item.link_id,
        status=item.status,
        destination_url=item.destination_url,
        program_id=item.program_id,
        vendor_id=item.vendor_id,
        affiliate_id=item.affiliate_id,
        sub=item.sub.as_dict() if item.sub else {},
        expires_at=item.expires_at,
        starts_at=item.starts_at,
    )


def put_link(
    link: Link, hosts: Iterable[str], fingerprint: str | None, *also: dict[str, Any]
) -> None:
    """Stores a new link, together with the `also` operations.

    `hosts`, its vendor's, are for the release before alone, whose redirect knows no others.
    Raises ConditionFailedError, with the stored link first if the code exists.
    """
    values = {**link._asdict(), "allowed_hosts": list(hosts), "sub": dict(link.sub)}
    wire = LinkItem(**values, fingerprint=fingerprint).serialize()
    transactions.write([transactions.put_wire(LinkItem.Meta.table_name, wire, "code"), *also])


def no_link(code: str) -> dict[str, Any]:
    """The check that no link has this code."""
    return transactions.absent(LinkItem.Meta.table_name, {"code": code})


def find_link(code: str) -> Link | None:
    """The link of a code as last written, or None."""
    try:
        return _link(LinkItem.get(code, consistent_read=True))
    except LinkItem.DoesNotExist:
        return None


def find_links(codes: Iterable[str]) -> dict[str, Link]:
    """The links of these codes that exist, as last written, by their codes."""
    return {
        item.code: _link(item)
        for some in batched(codes, _READ_AT_ONCE, strict=False)
        for item in LinkItem.batch_get(some, consistent_read=True)
    }


def walk_links(after: str | None, limit: int) -> tuple[list[str], str | None]:
    """The next keys of the whole table, and the one to go on after; None at the end.

    They are the codes of links, and the keys of changes of hosts beside them.
    """
    start = {"code": {"S": after}} if after else None
    found = LinkItem.scan(limit=limit, page_size=limit, last_evaluated_key=start)
    codes = [item.code for item in found]
    last = found.last_evaluated_key
    return codes, last["code"]["S"] if last else None


def walk_vendor(vendor_id: str, after: str | None, limit: int) -> tuple[list[str], str | None]:
    """The next codes of a vendor by their links' ids, and the id to go on after; None at the end.

    A link made less than a moment ago may be missing: its own publication is younger.
    """
    later = LinkItem.link_id > after if after else None
    found = LinkItem.by_vendor.query(vendor_id, later, limit=limit, page_size=limit)
    items = list(found)
    return [item.code for item in items], items[-1].link_id if len(items) == limit else None


def list_links(affiliate_id: str, limit: int, cursor: str | None) -> Listed[Link]:
    """An affiliate's links, oldest first."""
    return read_page(
        lambda **start: LinkItem.by_affiliate.query(affiliate_id, **start),
        _link,
        keys=("affiliate_id", "link_id", "code"),
        limit=limit,
        cursor=cursor,
    )
