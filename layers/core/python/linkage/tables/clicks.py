"""The clicks table, as attribution reads it; the redirect writes it by hand."""

import os

from pynamodb.attributes import MapAttribute, UnicodeAttribute
from pynamodb.models import Model

from linkage.attribution import Click
from linkage.tables.base import TableMeta


class ClickItem(Model):
    """What attribution reads of a stored click."""

    class Meta(TableMeta):
        table_name = os.environ["CLICKS_TABLE"]

    click_id = UnicodeAttribute(hash_key=True)
    code = UnicodeAttribute()
    program_id = UnicodeAttribute()
    vendor_id = UnicodeAttribute()
    affiliate_id = UnicodeAttribute()
    clicked_at = UnicodeAttribute()
    sub: MapAttribute[str, str] = MapAttribute(null=True)


def find_click(click_id: str) -> Click | None:
    """The click as last written, or None."""
    try:
        item = ClickItem.get(click_id, consistent_read=True)
    except ClickItem.DoesNotExist:
        return None
    return Click(
        click_id=item.click_id,
        code=item.code,
        program_id=item.program_id,
        vendor_id=item.vendor_id,
        affiliate_id=item.affiliate_id,
        clicked_at=item.clicked_at,
        sub=item.sub.as_dict() if item.sub else {},
    )
