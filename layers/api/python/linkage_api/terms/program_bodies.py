"""A program's terms as JSON: what vendors send, and the same again when they are shown."""

from dataclasses import asdict
from datetime import date
from itertools import zip_longest
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainValidator

from linkage.domain.errors import InvalidFieldError
from linkage.domain.fields import checked_integer, checked_text
from linkage.domain.money import MAX_AMOUNT_MINOR
from linkage.domain.terms.coupons import checked_code
from linkage.domain.terms.programs import (
    COUNTED_EVENTS,
    EVENTS,
    Bonus,
    Program,
    Reward,
    Step,
    Thresholds,
)
from linkage_api.bodies import (
    AmountMinor,
    Body,
    Bps,
    Currency,
    Id,
    RawText,
    Text,
    checked,
    text,
    unique,
    whole,
)

type Measure = Literal["volume", "count"]
type Period = Literal["month", "quarter", "year"]
type Category = Annotated[str, text(64)]


def _event(value: object, pointer: str) -> str:
    event = checked_text(value, pointer, 64)
    known = (*EVENTS, *COUNTED_EVENTS)
    if event not in known:
        raise InvalidFieldError(pointer, f"event must be one of: {', '.join(known)}.")
    return event


def _date(value: object, pointer: str) -> str:
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        day = None
    if day is None or value != day.isoformat():
        raise InvalidFieldError(pointer, f"{pointer[1:]} must be a date such as 2026-12-31.")
    return day.isoformat()


def _code(value: object, pointer: str) -> str:
    return checked_code(checked_text(value, pointer, 64), pointer)


type Date = Annotated[str, checked(_date)]
type CouponCode = Annotated[str, checked(_code)]


def _named(name: str, low: int) -> PlainValidator:
    """A whole number in a field that has another name in Python."""

    def check(value: object, _: str) -> int:
        return checked_integer(value, f"/{name}", low, MAX_AMOUNT_MINOR)

    return checked(check)


class StepBody(Body):
    """One step of thresholds; without `to` it goes up to the next one, the last one on and on."""

    start: Annotated[int, _named("from", 0)] = Field(alias="from")
    stop: Annotated[int, _named("to", 1)] | None = Field(default=None, alias="to")
    rate_bps: Bps | None = None
    amount_minor: AmountMinor | None = None

    def step(self, following: "StepBody | None") -> Step:
        """The domain's step; `following` is the next one of its thresholds, if it has one."""
        stop = following.start if following and self.stop is None else self.stop
        return Step(self.start, stop, self.rate_bps, self.amount_minor)


class ThresholdsBody(Body):
    """Steps by what an affiliate sold in the period before."""

    by: Measure
    period: Period
    steps: Annotated[list[StepBody], Field(min_length=1, max_length=20)]

    def thresholds(self) -> Thresholds:
        """The domain's thresholds."""
        each_with_next = zip_longest(self.steps, self.steps[1:])
        steps = tuple(step.step(following) for step, following in each_with_next)
        return Thresholds(self.by, self.period, steps)


class RewardBody(Body):
    """What one event earns, for whom, when, and up to how much."""

    event: Annotated[str, checked(_event)]
    rate_bps: Bps | None = None
    amount_minor: AmountMinor | None = None
    thresholds: ThresholdsBody | None = None
    currency: Currency | None = None
    name: Annotated[str, text(64)] | None = None
    affiliate_id: Id | None = None
    coupon: CouponCode | None = None
    group: Annotated[str, text(64)] | None = None
    category: Category | None = None
    starts_on: Date | None = None
    ends_on: Date | None = None
    first_n: Annotated[int, whole(1, 1_000_000)] | None = None
    months: Annotated[int, whole(1, 1200)] | None = None
    max_minor: AmountMinor | None = None
    period: Period | None = None
    period_max_minor: AmountMinor | None = None
    budget_minor: AmountMinor | None = None

    def reward(self) -> Reward:
        """The domain's reward."""
        values = {name: getattr(self, name) for name in RewardBody.model_fields}
        values["thresholds"] = self.thresholds and self.thresholds.thresholds()
        return Reward(**values)


class BonusBody(Body):
    """What an affiliate gets whose sales of a period reach a target."""

    by: Measure
    period: Period
    target: AmountMinor
    amount_minor: AmountMinor
    currency: Currency

    def bonus(self) -> Bonus:
        """The domain's bonus."""
        return Bonus(self.by, self.period, self.target, self.amount_minor, self.currency)


class ProgramBody(Body):
    """A program's terms, whole; `vendor_id` is for operators."""

    vendor_id: Id | None = None
    name: Text
    destination_url: RawText
    rewards: Annotated[list[RewardBody], Field(min_length=1, max_length=100)]
    introducer_rate_bps: Bps = 0
    window_days: Annotated[int, whole(1, 365)]
    click_model: Literal["last", "first"] = "last"
    lateness_days: Annotated[int, whole(0, 365)] = 30
    hold_days: Annotated[int, whole(0, 365)]
    confirmation: Literal["on_report", "manual", "automatic"]
    confirm_after_days: Annotated[int, whole(1, 365)] | None = None
    categories: Annotated[list[Category], Field(max_length=50), AfterValidator(unique)] = []
    bonuses: Annotated[list[BonusBody], Field(max_length=10)] = []
    ceiling_bps: Annotated[int, whole(1, 10_000)] | None = None
    paused: bool = False
    joint_program_ids: Annotated[list[Id], Field(max_length=10), AfterValidator(unique)] = []

    def program(self, vendor_id: str, created_at: str) -> Program:
        """The domain's program, a first version without an id; nothing of it is checked yet."""
        return Program(
            program_id="",
            version=1,
            vendor_id=vendor_id,
            name=self.name,
            destination_url=self.destination_url,
            rewards=tuple(reward.reward() for reward in self.rewards),
            window_days=self.window_days,
            hold_days=self.hold_days,
            confirmation=self.confirmation,
            introducer_rate_bps=self.introducer_rate_bps,
            created_at=created_at,
            click_model=self.click_model,
            lateness_days=self.lateness_days,
            confirm_after_days=self.confirm_after_days,
            categories=tuple(self.categories),
            bonuses=tuple(bonus.bonus() for bonus in self.bonuses),
            ceiling_bps=self.ceiling_bps,
            paused=self.paused,
            joint_program_ids=tuple(self.joint_program_ids),
            published_at=created_at,
        )


class ProgramVersionBody(ProgramBody):
    """The next version of a program: its terms, or what a GET showed with changes."""

    id: Id | None = None
    version: Annotated[int, whole(1, 999_999)] | None = None
    created_at: Text | None = None
    by_operator: bool | None = None


def view(program: Program) -> dict[str, Any]:
    """A program as everybody who may see it sees it; a PUT takes it back as it is."""
    same = (
        "version",
        "vendor_id",
        "name",
        "destination_url",
        "introducer_rate_bps",
        "window_days",
        "click_model",
        "lateness_days",
        "hold_days",
        "confirmation",
        "confirm_after_days",
        "ceiling_bps",
        "paused",
        "by_operator",
        "created_at",
    )
    return {
        "id": program.program_id,
        **{name: getattr(program, name) for name in same},
        "rewards": [_reward(reward) for reward in program.rewards],
        "categories": list(program.categories),
        "bonuses": [asdict(bonus) for bonus in program.bonuses],
        "joint_program_ids": list(program.joint_program_ids),
    }


def _reward(reward: Reward) -> dict[str, Any]:
    shown = _set({**asdict(reward), "thresholds": None})
    if reward.thresholds:
        steps = [
            _set({"from": step.start, "to": step.stop})
            | _set({"rate_bps": step.rate_bps, "amount_minor": step.amount_minor})
            for step in reward.thresholds.steps
        ]
        shown["thresholds"] = asdict(reward.thresholds) | {"steps": steps}
    return shown


def _set(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
