"""The links table, as everything but the redirect uses it."""

import os
from collections.abc import Iterable
from itertools import batched
from typing import Any

from pynamodb.attributes import ListAttribute, MapAttribute, UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from linkage.links import Link
from linkage.tables import transactions
from linkage.tables.base import TableMeta
from linkage.tables.pages import Listed, read_page

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
        allowed_hosts=tuple(item.allowed_hosts),
        program_id=item.program_id,
        vendor_id=item.vendor_id,
        affiliate_id=item.affiliate_id,
        sub=item.sub.as_dict() if item.sub else {},
        expires_at=item.expires_at,
        starts_at=item.starts_at,
    )


def put_link(link: Link, fingerprint: str | None, *also: dict[str, Any]) -> None:
    """Stores a new link, together with the `also` operations.

    Raises ConditionFailedError, with the stored link first if the code exists.
    """
    values = {**link._asdict(), "allowed_hosts": list(link.allowed_hosts), "sub": dict(link.sub)}
    wire = LinkItem(**values, fingerprint=fingerprint).serialize()
    transactions.write([transactions.put_wire(LinkItem.Meta.table_name, wire, "code"), *also])


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
    """The next codes of the whole table, and the code to go on after; None at the end."""
    start = {"code": {"S": after}} if after else None
    found = LinkItem.scan(limit=limit, page_size=limit, last_evaluated_key=start)
    codes = [item.code for item in found]
    last = found.last_evaluated_key
    return codes, last["code"]["S"] if last else None


def set_allowed_hosts(vendor_id: str, hosts: Iterable[str]) -> None:
    """Lets every link of a vendor lead to these hosts and no other.

    It may be repeated, and only writes what is left: a vendor may have more links than one call
    has time for.
    """
    wanted = list(hosts)
    codes = (item.code for item in LinkItem.by_vendor.query(vendor_id))
    for some in batched(codes, _READ_AT_ONCE, strict=False):
        for item in LinkItem.batch_get(some, consistent_read=True):
            if item.allowed_hosts == wanted:
                continue
            allow = transactions.update(
                LinkItem.Meta.table_name,
                {"code": item.code},
                "SET allowed_hosts = :hosts",
                condition="attribute_exists(code)",
                values={":hosts": wanted},
            )
            transactions.write([allow])


def list_links(affiliate_id: str, limit: int, cursor: str | None) -> Listed[Link]:
    """An affiliate's links, oldest first."""
    return read_page(
        lambda **start: LinkItem.by_affiliate.query(affiliate_id, **start),
        _link,
        keys=("affiliate_id", "link_id", "code"),
        limit=limit,
        cursor=cursor,
    )
