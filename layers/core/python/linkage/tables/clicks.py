"""The clicks table, as attribution reads it; the redirect writes it by hand."""

import os

from pynamodb.attributes import MapAttribute, UnicodeAttribute
from pynamodb.models import Model

from linkage.domain.clicks import click_tokens
from linkage.domain.clicks.known_clicks import Click
from linkage.tables.dynamodb.base import TableMeta
from linkage.tables.dynamodb.batch_reads import Reading, Wire, place, reading_one

_IMPRESSION = "imp_"

_TOKEN_KEYS = click_tokens.keys_in(os.environ.get("CLICK_TOKEN_KEYS", ""))


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


def reading_click(click_id: str) -> Reading[Click | None]:
    """The click, or None; a click token carries its own, and an impression is no click."""
    if click_id.startswith(click_tokens.PREFIX):
        click = click_tokens.click_in(click_id, _TOKEN_KEYS)
        return Reading((), lambda _: click)
    if click_id.startswith(_IMPRESSION):
        return Reading((), lambda _: None)
    return reading_one(place(ClickItem.Meta.table_name, click_id=click_id), _click)


def _click(wire: Wire) -> Click:
    item = ClickItem.from_raw_data(wire)
    return Click(
        click_id=item.click_id,
        code=item.code,
        program_id=item.program_id,
        vendor_id=item.vendor_id,
        affiliate_id=item.affiliate_id,
        clicked_at=item.clicked_at,
        sub=item.sub.as_dict() if item.sub else {},
    )
