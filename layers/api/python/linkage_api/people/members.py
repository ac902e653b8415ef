"""`/v1/members`: who sells, who refers, and who may earn."""

from dataclasses import asdict
from typing import Annotated, Any, Literal, Self

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from pydantic import AfterValidator, Field, model_validator

from linkage.domain.clicks.destinations import checked_host
from linkage.domain.fields import checked_text
from linkage.domain.money import WHOLE_BPS
from linkage.domain.people import payout_methods
from linkage.domain.people.members import Split, normalised_email, normalised_phone
from linkage.domain.people.proposals import Proposal
from linkage.flow.people import managing_members
from linkage.flow.people.managing_members import NewMember, SeenMember
from linkage_api.answers import answer, created, listed
from linkage_api.bodies import (
    Body,
    Currency,
    Id,
    Text,
    checked,
    fault,
    read,
    text,
    unique,
    whole,
)
from linkage_api.calls import PAGE, ROLES, call, checked_id
from linkage_api.people.proposals import waiting

router = Router()
MONTH_MAX_MINOR = 10**15


def _email(value: object, pointer: str) -> str:
    return normalised_email(checked_text(value, pointer, 254), pointer)


def _phone(value: object, pointer: str) -> str:
    return normalised_phone(checked_text(value, pointer, 40), pointer)


def _host(value: object, pointer: str) -> str:
    return checked_host(checked_text(value, pointer, 255), pointer)


type Email = Annotated[str, checked(_email)]
type Phone = Annotated[str, checked(_phone)]
type Groups = Annotated[
    list[Annotated[str, text(64)]], Field(max_length=20), AfterValidator(unique)
]
type Hosts = Annotated[
    list[Annotated[str, checked(_host)]], Field(max_length=50), AfterValidator(unique)
]


class SplitBody(Body):
    """A fixed part of what a member earns that goes to another member."""

    member_id: Id
    share_bps: Annotated[int, whole(1, WHOLE_BPS)]

    def split(self) -> Split:
        """The domain's split."""
        return Split(self.member_id, self.share_bps)


type Splits = Annotated[list[SplitBody], Field(max_length=9)]


type Limits = Annotated[
    dict[Currency, Annotated[int, whole(1, MONTH_MAX_MINOR)]], Field(max_length=20)
]
"""By currency, minor units."""


class PayoutMethodBody(Body):
    """How an affiliate is paid: by hand, to a mobile-money number, or to a bank account."""

    type: Literal["manual", "mobile_money", "bank"]
    provider: Text | None = None
    phone: Phone | None = None
    account: Text | None = None
    name: Text | None = None

    @model_validator(mode="after")
    def _require_destination(self) -> Self:
        needed = {"mobile_money": "phone", "bank": "account"}.get(self.type)
        if needed and getattr(self, needed) is None:
            raise fault(f"{needed} is required for the payout method {self.type}.", field=needed)
        return self


class MemberBody(Body):
    """A new member."""

    name: Text
    roles: Annotated[
        list[Literal["affiliate", "vendor"]],
        Field(min_length=1, max_length=2),
        AfterValidator(unique),
    ]
    email: Email | None = None
    phone: Phone | None = None
    sponsor_id: Id | None = None
    groups: Groups = []
    hosts: Hosts = []
    payout_method: PayoutMethodBody | None = None
    splits: Splits = []


class MemberChanges(Body):
    """What may change of a member; null takes an e-mail address, phone, method or limits away."""

    name: Text = ""
    email: Email | None = None
    phone: Phone | None = None
    groups: Groups = []
    hosts: Hosts = []
    payout_method: PayoutMethodBody | None = None
    splits: Splits = []
    confirmed_max_minor: Limits | None = None


@router.post("/v1/members")
def create() -> Response[str]:
    """Makes a member, as `applied`; its upline is fixed from its sponsor here and for ever."""
    asked = call(router, "operator", has_body=True)
    body = read(MemberBody, asked.body)
    new = NewMember(
        name=body.name,
        roles=tuple(body.roles),
        email=body.email,
        phone=body.phone,
        sponsor_id=body.sponsor_id,
        groups=tuple(body.groups),
        hosts=tuple(body.hosts),
        payout_method=_method(body.payout_method),
        splits=_splits(body.splits),
    )
    done = managing_members.create_member(asked.key, new, asked.repeatable("POST /v1/members"))
    return created(_view(done.thing), replayed=done.replayed)


@router.get("/v1/members")
def index() -> Response[str]:
    """Every member, oldest first."""
    asked = call(router, "operator", query=PAGE)
    return listed(managing_members.members(asked.key, *asked.page()), _view)


@router.get("/v1/members/<member_id>")
def show(member_id: str) -> Response[str]:
    """One member with what it made of what it may make; members see themselves only."""
    asked = call(router, *ROLES)
    seen = managing_members.seen_member(asked.key, checked_id("member", member_id))
    shown = _view(seen) if asked.is_operator else _own_view(seen)
    return answer(200, shown | {"payout_method_rests_until": seen.rests_until, "usage": seen.usage})


@router.patch("/v1/members/<member_id>")
def change(member_id: str) -> Response[str]:
    """Changes the fields that were sent; all links of a vendor lead to its new hosts alone.

    What moves a member's money, or raises its limits, waits for a second person.
    """
    asked = call(router, "operator", has_body=True)
    managing_members.require_member(asked.key, checked_id("member", member_id))
    body = read(MemberChanges, asked.body)
    changes: dict[str, Any] = {name: getattr(body, name) for name in body.model_fields_set}
    if "payout_method" in changes:
        changes["payout_method"] = _method(body.payout_method)
    if "splits" in changes:
        changes["splits"] = _splits(body.splits)
    if "confirmed_max_minor" in changes:
        changes["confirmed_max_minor"] = body.confirmed_max_minor or None
    return _told(*managing_members.change_member(asked.key, member_id, changes))


@router.post("/v1/members/<member_id>/approval")
def approve(member_id: str) -> Response[str]:
    """Lets a member sell or earn, from now on; to lift a suspension takes a second person."""
    return _become(member_id, "approved")


@router.post("/v1/members/<member_id>/suspension")
def suspend(member_id: str) -> Response[str]:
    """Ends what a member may newly earn or sell; balances stay."""
    return _become(member_id, "suspended")


def _become(member_id: str, status: str) -> Response[str]:
    asked = call(router, "operator")
    member_id = checked_id("member", member_id)
    return _told(*managing_members.set_status(asked.key, member_id, status))


def _told(seen: SeenMember, proposal: Proposal | None) -> Response[str]:
    return waiting(proposal) if proposal else answer(200, _view(seen))


def _method(body: PayoutMethodBody | None) -> dict[str, str] | None:
    return body.model_dump(exclude_none=True) if body else None


def _splits(bodies: list[SplitBody]) -> tuple[Split, ...]:
    return tuple(body.split() for body in bodies)


def _view(seen: SeenMember) -> dict[str, Any]:
    member = seen.member
    return {
        "id": member.member_id,
        "name": member.name,
        "roles": list(member.roles),
        "status": member.status,
        "email": member.email,
        "phone": member.phone,
        "sponsor_id": member.sponsor_id,
        "groups": list(member.groups),
        "hosts": list(member.hosts),
        "hosts_pending": seen.hosts_pending,
        "hosts_published_at": seen.hosts_published_at,
        "payout_method": member.payout_method,
        "payout_method_changed_at": member.payout_method_changed_at,
        "payout_method_changed_by": member.payout_method_changed_by,
        "payout_method_before": member.payout_method_before,
        "splits": [asdict(split) for split in member.splits],
        "confirmed_max_minor": member.confirmed_max_minor or {},
        "created_at": member.created_at,
    }


def _own_view(seen: SeenMember) -> dict[str, Any]:
    """What a member sees of itself: whoever has got its key learns no number to be paid to."""
    method = seen.member.payout_method and payout_methods.masked(seen.member.payout_method)
    operators_only = {"payout_method_changed_by", "payout_method_before"}
    shown = {name: value for name, value in _view(seen).items() if name not in operators_only}
    return shown | {"payout_method": method}
