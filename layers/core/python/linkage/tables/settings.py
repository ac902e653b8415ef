"""The settings table: every version of the settings, and `current`, a copy of the last."""

import os
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from linkage.network import FIRST_SETTINGS, NetworkSettings, PayoutSchedule, RecruitmentBonus
from linkage.tables import transactions
from linkage.tables.base import NestedAttribute, TableMeta

CURRENT = "current"


class SettingsItem(Model):
    """One version of the settings as stored."""

    class Meta(TableMeta):
        table_name = os.environ["SETTINGS_TABLE"]

    version = UnicodeAttribute(hash_key=True)
    number = NumberAttribute()
    settings = NestedAttribute()


def _settings(values: dict[str, Any]) -> NetworkSettings:
    schedule = values.pop("payout_schedule")
    if schedule:
        schedule = PayoutSchedule(
            tuple(schedule["days_of_month"]),
            schedule["hour"],
            schedule["time_zone"],
            tuple(schedule["currencies"]),
        )
    levels = tuple(values.pop("level_rates_bps"))
    bonus = values.pop("recruitment_bonus", None)
    return NetworkSettings(
        **values,
        level_rates_bps=levels,
        payout_schedule=schedule,
        recruitment_bonus=RecruitmentBonus(**bonus) if bonus else None,
    )


def current_settings() -> NetworkSettings:
    """The settings in force, as last written."""
    try:
        return _settings(SettingsItem.get(CURRENT, consistent_read=True).settings)
    except SettingsItem.DoesNotExist:
        return FIRST_SETTINGS


@lru_cache(maxsize=100)
def settings_version(number: int) -> NetworkSettings:
    """One version, which never changes, so a warm function keeps it."""
    if number == 0:
        return FIRST_SETTINGS
    return _settings(SettingsItem.get(_name(number), consistent_read=True).settings)


def _name(number: int) -> str:
    return f"v{number:06d}"


def publish_settings(settings: NetworkSettings) -> None:
    """Stores a version as the current one; raises ConditionFailedError if another came first."""
    table = SettingsItem.Meta.table_name
    number, values = settings.version, asdict(settings)
    version = SettingsItem(_name(number), number=number, settings=values).serialize()
    current = SettingsItem(CURRENT, number=number, settings=values).serialize()
    put_current = (
        transactions.put_wire(table, current, "version")
        if number == 1
        else transactions.put_over(table, current, {"number": number - 1})
    )
    transactions.write([transactions.put_wire(table, version, "version"), put_current])
