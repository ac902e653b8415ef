"""`/v1/network`: the network's settings, versioned."""

from dataclasses import asdict
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from pydantic import AfterValidator, Field

from linkage.domain.errors import InvalidFieldError
from linkage.domain.fields import checked_text
from linkage.domain.rule_versions import RULES_FIRST, RULES_OF_LEAST_HOLDS
from linkage.domain.terms.network import (
    LEVELS_MAX,
    NetworkSettings,
    PayoutSchedule,
    RecruitmentBonus,
)
from linkage.flow.terms import publishing_settings
from linkage.flow.terms.publishing_settings import KEYED_IDS
from linkage_api.answers import answer
from linkage_api.bodies import (
    AmountMinor,
    Body,
    Bps,
    Currency,
    Text,
    checked,
    read,
    unique,
    whole,
)
from linkage_api.calls import call
from linkage_api.people.proposals import waiting

router = Router()
_OWN = ("rules", "keyed_ids_from", "id_secret_mark")
"""What the network keeps for itself."""


_NO_ZONES = {"localtime", "Factory", "posixrules"}
"""What a machine keeps beside the zones of IANA: its own, and what stands for none."""


def _time_zone(value: object, pointer: str) -> str:
    name = checked_text(value, pointer, 64)
    if name not in available_timezones() - _NO_ZONES:
        raise InvalidFieldError(pointer, "Use the name of a time zone, such as Africa/Harare.")
    return name


class PayoutScheduleBody(Body):
    """When a payout batch is planned by itself."""

    days_of_month: Annotated[
        list[Annotated[int, whole(1, 28)]],
        Field(min_length=1, max_length=28),
        AfterValidator(unique),
    ]
    hour: Annotated[int, whole(0, 23)]
    time_zone: Annotated[str, checked(_time_zone)]
    currencies: Annotated[
        list[Currency], Field(min_length=1, max_length=20), AfterValidator(unique)
    ]

    def schedule(self) -> PayoutSchedule:
        """The domain's schedule, its days in order."""
        return PayoutSchedule(
            tuple(sorted(self.days_of_month)), self.hour, self.time_zone, tuple(self.currencies)
        )


class RecruitmentBonusBody(Body):
    """What a sponsor gets for its recruit's first confirmed sale."""

    amount_minor: AmountMinor
    currency: Currency

    def bonus(self) -> RecruitmentBonus:
        """The domain's bonus."""
        return RecruitmentBonus(self.amount_minor, self.currency)


class NetworkBody(Body):
    """The settings as an operator publishes them, whole; `version` is the one they were read as."""

    version: Annotated[int, whole(0, 999_999)] | None = None
    name: Text
    level_rates_bps: Annotated[list[Bps], Field(max_length=LEVELS_MAX)]
    network_fee_bps: Bps
    override_funding: Literal["network", "vendor"]
    introducer_days: Annotated[int, whole(1, 3650)] = 365
    payout_minimum_minor: dict[Currency, AmountMinor] = {}
    four_eyes: bool = False
    payout_schedule: PayoutScheduleBody | None = None
    affiliate_fee_bps: Bps = 0
    active_days: Annotated[int, whole(1, 3650)] | None = None
    recruitment_bonus: RecruitmentBonusBody | None = None
    split_members_max: Annotated[int, whole(0, 9)] = 4
    introduction_minimum_minor: dict[Currency, AmountMinor] = {}
    bindings_per_day_max: Annotated[int, whole(0, 100_000)] = 50
    recruits_per_month_max: Annotated[int, whole(0, 100_000)] = 20
    programs_max: Annotated[int, whole(1, 10_000)] = 100
    program_versions_per_day_max: Annotated[int, whole(1, 1_000)] = 24
    links_max: Annotated[int, whole(1, 10_000_000)] = 10_000
    coupons_max: Annotated[int, whole(1, 1_000_000)] = 1_000
    hold_days_min: Annotated[int, whole(0, 365)] = 0
    method_rest_hours: Annotated[int, whole(0, 720)] = 72
    keyed_ids: bool | None = None

    def settings(self) -> NetworkSettings:
        """The domain's settings, of no version yet."""
        return NetworkSettings(
            version=0,
            name=self.name,
            level_rates_bps=tuple(self.level_rates_bps),
            network_fee_bps=self.network_fee_bps,
            override_funding=self.override_funding,
            introducer_days=self.introducer_days,
            payout_minimum_minor=self.payout_minimum_minor,
            four_eyes=self.four_eyes,
            payout_schedule=self.payout_schedule.schedule() if self.payout_schedule else None,
            affiliate_fee_bps=self.affiliate_fee_bps,
            active_days=self.active_days,
            recruitment_bonus=self.recruitment_bonus.bonus() if self.recruitment_bonus else None,
            split_members_max=self.split_members_max,
            introduction_minimum_minor=self.introduction_minimum_minor,
            bindings_per_day_max=self.bindings_per_day_max,
            recruits_per_month_max=self.recruits_per_month_max,
            programs_max=self.programs_max,
            program_versions_per_day_max=self.program_versions_per_day_max,
            links_max=self.links_max,
            coupons_max=self.coupons_max,
            hold_days_min=self.hold_days_min,
            method_rest_hours=self.method_rest_hours,
            rules=RULES_OF_LEAST_HOLDS if self.hold_days_min else RULES_FIRST,
        )


@router.get("/v1/network")
def show() -> Response[str]:
    """The settings in force."""
    return answer(200, _view(publishing_settings.settings_in_force(call(router, "operator").key)))


@router.put("/v1/network")
def publish() -> Response[str]:
    """Publishes the next version; the same settings again publish nothing.

    What takes from what two persons guard waits for the second.
    """
    asked = call(router, "operator", has_body=True)
    body = read(NetworkBody, asked.body)
    in_force, proposal = publishing_settings.publish(
        asked.key, body.settings(), body.keyed_ids, after=body.version
    )
    return waiting(proposal) if proposal else answer(200, _view(in_force))


def _view(settings: NetworkSettings) -> dict[str, Any]:
    shown = {name: value for name, value in asdict(settings).items() if name not in _OWN}
    schedule = shown["payout_schedule"]
    if schedule:
        # What is shown may be published again, so nothing is in it that no body may say.
        shown["payout_schedule"] = {n: value for n, value in schedule.items() if n != "since"}
    return shown | {KEYED_IDS: settings.keyed_ids_from is not None}
