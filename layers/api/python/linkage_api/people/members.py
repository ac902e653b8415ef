"""`/v1/members`: who sells, who refers, and who may earn."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Annotated, Any, Literal, Self

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from pydantic import AfterValidator, Field, model_validator

from linkage.domain import clock
from linkage.domain.clicks.destinations import checked_host
from linkage.domain.errors import ConditionFailedError, InvalidFieldError, NotFoundError
from linkage.domain.fields import checked_text
from linkage.domain.ids import fingerprint
from linkage.domain.money import WHOLE_BPS
from linkage.domain.people import payout_methods
from linkage.domain.people.api_keys import Key
from linkage.domain.people.audit import Record, recorded
from linkage.domain.people.members import (
    Member,
    Split,
    normalised_email,
    normalised_phone,
    upline_below,
)
from linkage.domain.people.proposals import Asked, Change
from linkage.domain.terms.publication_checks import check_splits
from linkage.domain.terms.quotas import usage_of
from linkage.flow.people.acting import member_with_role, require_same
from linkage.flow.people.changing_members import CHANGE, STATUS, plan_change, plan_status
from linkage.flow.people.proposing import act
from linkage.tables import host_changes
from linkage.tables.audit import put_record
from linkage.tables.dynamodb.batch_reads import read as read_now
from linkage.tables.host_changes import HostsChange, reading_changes
from linkage.tables.members import get_member, list_members, put_member
from linkage.tables.settings import current_settings
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
from linkage_api.calls import (
    PAGE,
    call,
    checked_id,
)
from linkage_api.people.proposals import waiting

router = Router()
MONTH_MAX_MINOR = 10**15
_EDGE = os.environ.get("EDGE") == "on"


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
    body, sent = read(MemberBody, asked.body), fingerprint(asked.body)
    upline: tuple[str, ...] = ()
    if body.sponsor_id:
        upline = upline_below(member_with_role("affiliate", body.sponsor_id, "/sponsor_id"))
    member_id = asked.new_id("mem", "POST /v1/members")
    member = Member(
        member_id=member_id,
        name=body.name,
        roles=tuple(body.roles),
        status="applied",
        created_at=clock.text(clock.now()),
        email=body.email,
        phone=body.phone,
        sponsor_id=body.sponsor_id,
        upline=upline,
        groups=tuple(body.groups),
        hosts=tuple(body.hosts),
        payout_method=_method(body.payout_method),
        fingerprint=sent,
        splits=_splits(body.splits, member_id),
    )
    try:
        put_member(member, [put_record(_made(member, asked.key))])
    except ConditionFailedError:
        stored = get_member(member.member_id)
        require_same(stored.fingerprint, sent)
        return created(_shown(stored), replayed=True)
    return created(_view(member))


def _made(member: Member, by: Key) -> Record:
    return recorded(by, f"member#{member.member_id}", "member.created", None, member)


@router.get("/v1/members")
def index() -> Response[str]:
    """Every member, oldest first."""
    limit, cursor = call(router, "operator", query=PAGE).page()
    found = list_members(limit, cursor)
    changes = _changes(found.data)
    return listed(found, lambda member: _view(member, changes.get(member.member_id)))


@router.get("/v1/members/<member_id>")
def show(member_id: str) -> Response[str]:
    """One member with what it made of what it may make; members see themselves only."""
    asked = call(router, "operator", "vendor", "affiliate")
    if not asked.is_operator and member_id != asked.key.member_id:
        raise NotFoundError("member")
    member, settings = get_member(checked_id("member", member_id)), current_settings()
    shown = _shown(member) if asked.is_operator else _own_view(member)
    rests_until = payout_methods.rests_until(member, settings.method_rest_hours)
    also = {"payout_method_rests_until": rests_until, "usage": usage_of(member, settings)}
    return answer(200, shown | also)


@router.patch("/v1/members/<member_id>")
def change(member_id: str) -> Response[str]:
    """Changes the fields that were sent; all links of a vendor lead to its new hosts alone.

    What moves a member's money, or raises its limits, waits for a second person.
    """
    asked = call(router, "operator", has_body=True)
    member = get_member(checked_id("member", member_id))
    body = read(MemberChanges, asked.body)
    changes: dict[str, Any] = {name: getattr(body, name) for name in body.model_fields_set}
    if "payout_method" in changes:
        changes["payout_method"] = _method(body.payout_method)
    if "splits" in changes:
        changes["splits"] = [asdict(split) for split in _splits(body.splits, member.member_id)]
    if "confirmed_max_minor" in changes:
        changes["confirmed_max_minor"] = _limits(body, member)
    wanted = Asked({"member_id": member.member_id, "changes": changes})
    _, proposal = act(CHANGE, _plan_change, wanted, asked.key)
    return waiting(proposal) if proposal else answer(200, _shown(get_member(member_id)))


def _plan_change(asked: Asked, by: Key) -> Change:
    """The plan of a change; the edge is told of changed hosts in its transaction."""
    change = plan_change(asked, by)
    write, member_id = change.write, asked.said["member_id"]
    if not _EDGE or write is None or "hosts" not in asked.said["changes"]:
        return change
    return replace(change, write=lambda also: write([*also, host_changes.begin(member_id)]))


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
    wanted = Asked({"member_id": checked_id("member", member_id), "status": status})
    _, proposal = act(STATUS, plan_status, wanted, asked.key)
    return waiting(proposal) if proposal else answer(200, _shown(get_member(member_id)))


def _method(body: PayoutMethodBody | None) -> dict[str, str] | None:
    return body.model_dump(exclude_none=True) if body else None


def _limits(body: MemberChanges, member: Member) -> dict[str, int] | None:
    """A vendor's limits, None for none; raises InvalidFieldError for who is no vendor."""
    if body.confirmed_max_minor and not member.has_role("vendor"):
        raise InvalidFieldError(
            "/confirmed_max_minor",
            "Only a vendor's confirmations cost something. Leave confirmed_max_minor out.",
        )
    return body.confirmed_max_minor or None


def _splits(bodies: list[SplitBody], member_id: str) -> tuple[Split, ...]:
    """The splits of a body; raises InvalidFieldError for one that cannot be."""
    splits = tuple(body.split() for body in bodies)
    if splits:
        check_splits(member_id, splits, current_settings())
    for at, split in enumerate(splits):
        member_with_role("affiliate", split.member_id, f"/splits/{at}/member_id")
    return splits


def _changes(members: Iterable[Member]) -> Mapping[str, HostsChange | None]:
    """The latest change of each vendor's hosts that the edge had to follow, where there is one."""
    vendors = (each.member_id for each in members if each.has_role("vendor"))
    return read_now(reading_changes(vendors)) if _EDGE else {}


def _shown(member: Member) -> dict[str, Any]:
    """A member that was not made just now, so that the edge may have something to follow."""
    return _view(member, _changes([member]).get(member.member_id))


def _view(member: Member, change: HostsChange | None = None) -> dict[str, Any]:
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
        "hosts_pending": change is not None and change.published_at is None,
        "hosts_published_at": change.published_at if change else None,
        "payout_method": member.payout_method,
        "payout_method_changed_at": member.payout_method_changed_at,
        "payout_method_changed_by": member.payout_method_changed_by,
        "payout_method_before": member.payout_method_before,
        "splits": [asdict(split) for split in member.splits],
        "confirmed_max_minor": member.confirmed_max_minor or {},
        "created_at": member.created_at,
    }


def _own_view(member: Member) -> dict[str, Any]:
    """What a member sees of itself: whoever has got its key learns no number to be paid to."""
    method = member.payout_method and payout_methods.masked(member.payout_method)
    operators_only = {"payout_method_changed_by", "payout_method_before"}
    shown = {name: value for name, value in _shown(member).items() if name not in operators_only}
    return shown | {"payout_method": method}
