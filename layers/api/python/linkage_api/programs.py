"""`/v1/programs`: a vendor's terms, every version kept."""

from dataclasses import asdict, replace
from typing import Annotated, Any, Literal, Self

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from pydantic import Field, model_validator

from linkage import clock
from linkage.destinations import checked_destination
from linkage.edge.http import is_id
from linkage.errors import ConflictError, InvalidFieldError, NotFoundError
from linkage.fields import checked_text
from linkage.ids import fingerprint
from linkage.members import Member
from linkage.programs import EVENTS, Program, Reward, tied_rewards
from linkage.requests import LATER_EVENTS
from linkage.tables.members import get_member
from linkage.tables.programs import get_program, list_programs, program_version, publish_program
from linkage.tables.transactions import ConditionFailedError
from linkage_api.answers import answer, created, listed
from linkage_api.bodies import (
    AmountMinor,
    Body,
    Bps,
    Currency,
    Id,
    Later,
    RawText,
    Text,
    checked,
    fault,
    read,
    whole,
)
from linkage_api.calls import Call, Query, acting_member, call, checked_id, require_same

router = Router()


def _event(value: object, pointer: str) -> str:
    event = checked_text(value, pointer, 64)
    if event in LATER_EVENTS:
        raise InvalidFieldError(
            pointer, f"The event {event} is not supported yet.", code="not_supported"
        )
    if event not in EVENTS:
        raise InvalidFieldError(pointer, f"event must be one of: {', '.join(EVENTS)}.")
    return event


class RewardBody(Body):
    """What one event earns: a share of its amount, or a fixed amount in one currency."""

    event: Annotated[str, checked(_event)]
    rate_bps: Bps | None = None
    amount_minor: AmountMinor | None = None
    currency: Currency | None = None
    category: Later = None
    thresholds: Later = None
    affiliate_id: Later = None
    coupon: Later = None
    group: Later = None
    max_minor: Later = None
    first_n: Later = None
    months: Later = None
    starts_on: Later = None
    ends_on: Later = None

    @model_validator(mode="after")
    def _require_one_kind(self) -> Self:
        if (self.rate_bps is None) == (self.amount_minor is None):
            raise fault("Give either rate_bps, or amount_minor with its currency.")
        if self.amount_minor is not None and self.currency is None:
            raise fault("currency is required beside amount_minor.", field="currency")
        if self.rate_bps is not None and self.currency is not None:
            raise fault("A rate holds in every currency. Leave currency out.", field="currency")
        return self

    def reward(self) -> Reward:
        """The domain's reward."""
        return Reward(self.event, self.rate_bps, self.amount_minor, self.currency)


class ProgramBody(Body):
    """A program's terms, whole; `vendor_id` is for operators."""

    vendor_id: Id | None = None
    name: Text
    destination_url: RawText
    rewards: Annotated[list[RewardBody], Field(min_length=1, max_length=100)]
    introducer_rate_bps: Bps = 0
    window_days: Annotated[int, whole(1, 365)]
    hold_days: Annotated[int, whole(0, 365)]
    confirmation: Literal["on_report", "manual"]
    ceiling_bps: Later = None


@router.post("/v1/programs")
def create() -> Response[str]:
    """Makes a program of an approved vendor, version 1."""
    asked = call(router, "vendor", "operator")
    body, sent = read(ProgramBody, asked.body), fingerprint(asked.body)
    vendor = acting_member(asked, "vendor", body.vendor_id)
    program = replace(
        _terms(body, vendor),
        program_id=asked.new_id("prg", "POST /v1/programs"),
        fingerprint=sent,
    )
    try:
        publish_program(program)
    except ConditionFailedError:
        first = program_version(program.program_id, 1)
        require_same(first.fingerprint, sent)
        return created(_view(first), replayed=True)
    return created(_view(program))


@router.put("/v1/programs/<program_id>")
def publish(program_id: str) -> Response[str]:
    """Publishes the next version of a program; the same terms again publish nothing."""
    asked = call(router, "vendor", "operator")
    current = _own_program(asked, program_id)
    body = read(ProgramBody, asked.body)
    if body.vendor_id is not None and not (
        asked.is_operator and body.vendor_id == current.vendor_id
    ):
        raise InvalidFieldError(
            "/vendor_id", "A program stays with its vendor. Leave vendor_id out."
        )
    terms = _terms(body, get_member(current.vendor_id))
    new = replace(
        terms,
        program_id=current.program_id,
        version=current.version + 1,
        created_at=current.created_at,
        fingerprint=fingerprint(asked.body),
    )
    if replace(new, version=current.version, fingerprint=current.fingerprint) == current:
        return answer(200, _view(current))
    try:
        publish_program(new)
    except ConditionFailedError:
        raise ConflictError(
            "published_meanwhile",
            "Somebody else published this program at the same moment. Read it, and publish again.",
        ) from None
    return answer(200, _view(new))


@router.get("/v1/programs")
def index() -> Response[str]:
    """Current versions, oldest first: a vendor's own, or everybody's."""
    asked = call(router, "vendor", "affiliate", "operator")
    query = Query(asked)
    vendor_id = query.text("vendor_id") if asked.is_operator else None
    limit, cursor = query.page()
    if vendor_id is not None and not is_id(vendor_id):
        raise InvalidFieldError("/vendor_id", "There is no vendor with this id.")
    if asked.key.role == "vendor":
        vendor_id = asked.key.member_id
    return listed(list_programs(vendor_id, limit, cursor), _view)


@router.get("/v1/programs/<program_id>")
def show(program_id: str) -> Response[str]:
    """A program's current version."""
    asked = call(router, "vendor", "affiliate", "operator")
    return answer(200, _view(_own_program(asked, program_id)))


def _own_program(asked: Call, program_id: str) -> Program:
    program = get_program(checked_id("program", program_id))
    if asked.key.role == "vendor" and program.vendor_id != asked.key.member_id:
        raise NotFoundError("program")
    return program


def require_approved(member: Member, role: str) -> None:
    """Raises ConflictError unless an operator has approved the member."""
    if member.status != "approved":
        raise ConflictError(
            "member_not_approved",
            f"The {role} is {member.status}. An operator has to approve it first.",
        )


def _terms(body: ProgramBody, vendor: Member) -> Program:
    require_approved(vendor, "vendor")
    rewards = tuple(reward.reward() for reward in body.rewards)
    tied = tied_rewards(rewards)
    if tied:
        raise InvalidFieldError(
            f"/rewards/{tied[1]}",
            f"Rewards {tied[0] + 1} and {tied[1] + 1} would both apply to the same "
            f"{rewards[tied[0]].event}. "
            "Keep one rate for an event, or one fixed amount for each currency.",
            code="tied_rewards",
        )
    return Program(
        program_id="",
        version=1,
        vendor_id=vendor.member_id,
        name=body.name,
        destination_url=checked_destination(body.destination_url, vendor.hosts),
        rewards=rewards,
        window_days=body.window_days,
        hold_days=body.hold_days,
        confirmation=body.confirmation,
        introducer_rate_bps=body.introducer_rate_bps,
        created_at=clock.text(clock.now()),
    )


def _view(program: Program) -> dict[str, Any]:
    return {
        "id": program.program_id,
        "version": program.version,
        "vendor_id": program.vendor_id,
        "name": program.name,
        "destination_url": program.destination_url,
        "rewards": [
            {name: value for name, value in asdict(reward).items() if value is not None}
            for reward in program.rewards
        ],
        "introducer_rate_bps": program.introducer_rate_bps,
        "window_days": program.window_days,
        "hold_days": program.hold_days,
        "confirmation": program.confirmation,
        "created_at": program.created_at,
    }
