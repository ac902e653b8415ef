"""The settings table: every version of the settings, and `current`, a copy of the last."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from linkage.domain.rule_versions import RULES_FIRST, require_known
from linkage.domain.terms.network import (
    FIRST_SETTINGS,
    NetworkSettings,
    PayoutSchedule,
    RecruitmentBonus,
)
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.base import NestedAttribute, TableMeta
from linkage.tables.dynamodb.batch_reads import Kept, Place, Reading, Wire, place, read
from linkage.tables.dynamodb.packed import known_fields

CURRENT = "current"


class SettingsItem(Model):
    """One version of the settings as stored."""

    class Meta(TableMeta):
        table_name = os.environ["SETTINGS_TABLE"]

    version = UnicodeAttribute(hash_key=True)
    number = NumberAttribute()
    settings = NestedAttribute()


def settings_of(values: dict[str, Any]) -> NetworkSettings:
    """Settings out of plain values, as they are stored and as JSON has them."""
    schedule, bonus = values["payout_schedule"], values.get("recruitment_bonus")
    own_form: dict[str, Any] = {"level_rates_bps": tuple(values["level_rates_bps"])}
    if schedule:
        lists = {name: tuple(schedule[name]) for name in ("days_of_month", "currencies")}
        own_form["payout_schedule"] = PayoutSchedule(
            **known_fields(PayoutSchedule, schedule) | lists
        )
    if bonus:
        own_form["recruitment_bonus"] = RecruitmentBonus(**known_fields(RecruitmentBonus, bonus))
    return NetworkSettings(**known_fields(NetworkSettings, values) | own_form)


def reading_settings() -> Reading[NetworkSettings]:
    """The settings in force."""
    at = _place(CURRENT)
    return Reading((at,), lambda found: _stored(found[at]) if at in found else FIRST_SETTINGS)


def current_settings() -> NetworkSettings:
    """The same, as last written."""
    return read(reading_settings())


kept_versions: Kept[int, NetworkSettings] = Kept(100)
"""Versions a warm function has read."""


def reading_settings_version(number: int) -> Reading[NetworkSettings]:
    """One version, which never changes."""
    if number == 0:
        return Reading((), lambda _: FIRST_SETTINGS)
    return kept_versions.reading(number, _place(_name(number)), _version)


def settings_version(number: int) -> NetworkSettings:
    """The same, read once by a warm function."""
    return read(reading_settings_version(number))


def _version(stored: Wire | None) -> NetworkSettings:
    if stored is None:
        raise SettingsItem.DoesNotExist
    return _stored(stored)


def _stored(wire: Wire) -> NetworkSettings:
    return settings_of(SettingsItem.from_raw_data(wire).settings)


def _place(version: str) -> Place:
    return place(SettingsItem.Meta.table_name, version=version)


def _name(number: int) -> str:
    return f"v{number:06d}"


def publish_settings(settings: NetworkSettings, also: Sequence[dict[str, Any]] = ()) -> None:
    """Stores a version as the current one, with the `also` operations.

    Raises ConditionFailedError if another version came first, LaterReleaseError instead of
    following settings that a later release has published.
    """
    table = SettingsItem.Meta.table_name
    number = settings.version
    said = {
        name: value
        for name, value in asdict(settings).items()
        if name not in _OPTIONAL or value != getattr(FIRST_SETTINGS, name)
    }
    values = (_of_later_release() if number > 1 else {}) | said
    version = SettingsItem(_name(number), number=number, settings=values).serialize()
    current = SettingsItem(CURRENT, number=number, settings=values).serialize()
    put_current = (
        transactions.put_wire(table, current, "version")
        if number == 1
        else transactions.set_over(table, current, ("version",), {"number": number - 1})
    )
    transactions.write([transactions.put_wire(table, version, "version"), put_current, *also])


def _of_later_release() -> dict[str, Any]:
    """What the settings in force say that only a later release than this one reads.

    Raises LaterReleaseError if it takes a later release to understand them at all.
    """
    at = _place(CURRENT)
    stored = read(Reading((at,), lambda found: SettingsItem.from_raw_data(found[at]).settings))
    require_known(stored.get("rules", RULES_FIRST))
    return {name: value for name, value in stored.items() if name not in _KNOWN}


_KNOWN = NetworkSettings.__dataclass_fields__
_OPTIONAL = frozenset(
    {
        "rules",
        "keyed_ids_from",
        "id_secret_mark",
        "introduction_minimum_minor",
        "bindings_per_day_max",
        "recruits_per_month_max",
        "programs_max",
        "program_versions_per_day_max",
        "links_max",
        "coupons_max",
        "method_rest_hours",
    }
)
"""What is not stored while it is as it was before there was such a setting."""
