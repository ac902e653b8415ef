"""`/v1/programs`: a vendor's terms, every version kept."""

from dataclasses import replace
from functools import partial
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from linkage.domain import clock
from linkage.domain.clicks.destinations import checked_destination
from linkage.domain.errors import (
    ConditionFailedError,
    ConflictError,
    InvalidFieldError,
    NotFoundError,
)
from linkage.domain.ids import fingerprint
from linkage.domain.people.audit import recorded
from linkage.domain.people.members import Member
from linkage.domain.terms.network import NetworkSettings
from linkage.domain.terms.programs import Program
from linkage.domain.terms.publication_checks import check_program
from linkage.domain.terms.quotas import Quota, quota_of
from linkage.edge.http import is_id
from linkage.tables.audit import put_record
from linkage.tables.members import count_one, get_member
from linkage.tables.programs import (
    get_program,
    list_programs,
    program_version,
    publish_program,
    versions_since,
)
from linkage.tables.settings import current_settings
from linkage_api.answers import answer, created, listed, made
from linkage_api.bodies import read
from linkage_api.calls import (
    PAGE,
    ROLES,
    Call,
    acting_member,
    call,
    checked_id,
    member_with_role,
    require_same,
)
from linkage_api.terms.program_bodies import ProgramBody, ProgramVersionBody, view

router = Router()


@router.post("/v1/programs")
def create() -> Response[str]:
    """Makes a program of an approved vendor, version 1."""
    asked = call(router, "vendor", "operator", has_body=True)
    body, sent = read(ProgramBody, asked.body), fingerprint(asked.body)
    vendor = acting_member(asked, "vendor", body.vendor_id)
    require_approved(vendor, "vendor")
    settings = current_settings()
    quota = quota_of(vendor, "programs", settings)
    program = replace(
        _terms(body, vendor, settings),
        program_id=asked.new_id("prg", "POST /v1/programs"),
        fingerprint=sent,
        by_operator=asked.is_operator,
    )
    counted, record = (
        count_one(vendor.member_id, "programs", quota.most),
        _record(asked, "created", None, program),
    )
    try:
        publish_program(program, counted, record)
    except ConditionFailedError as failed:
        if 0 not in failed.items:
            raise quota.reached() from None
        first = program_version(program.program_id, 1)
        require_same(first.fingerprint, sent)
        return created(view(first), replayed=True)
    return made(view(program), quota.warnings())


@router.put("/v1/programs/<program_id>")
def publish(program_id: str) -> Response[str]:
    """Publishes the next version of a program; the same terms again publish nothing."""
    asked = call(router, "vendor", "operator", has_body=True)
    current = _own_program(asked, program_id)
    body = read(ProgramVersionBody, asked.body)
    _require_own(body, current)
    vendor = get_member(current.vendor_id)
    if not asked.is_operator:
        require_approved(vendor, "vendor")
    settings = current_settings()
    new = replace(
        _terms(body, vendor, settings, current),
        program_id=current.program_id,
        version=current.version + 1,
        created_at=current.created_at,
        fingerprint=fingerprint(asked.body),
        by_operator=asked.is_operator,
    )
    # A vendor that says again what an operator said for it makes it its own word.
    is_its_own = asked.is_operator or not current.by_operator
    if is_its_own and _terms_of(new) == _terms_of(current):
        return answer(200, view(current))
    if body.version not in {None, current.version}:
        raise _published_meanwhile()
    new = _after(current, new)
    quota = _versions_of_the_day(current, new, settings)
    if quota.is_reached:
        raise quota.reached()
    try:
        publish_program(new, _record(asked, "published", current, new))
    except ConditionFailedError:
        raise _published_meanwhile() from None
    return made(view(new), quota.warnings(), status=200)


@router.get("/v1/programs")
def index() -> Response[str]:
    """Current versions, oldest first: a vendor's own, or everybody's."""
    asked = call(router, *ROLES, query=PAGE, of_operators=("vendor_id",))
    vendor_id, (limit, cursor) = asked.asked_for("vendor_id"), asked.page()
    if vendor_id is not None and not is_id(vendor_id):
        raise InvalidFieldError("/vendor_id", "There is no vendor with this id.")
    if asked.key.role == "vendor":
        vendor_id = asked.key.member_id
    return listed(list_programs(vendor_id, limit, cursor), partial(_view, asked))


@router.get("/v1/programs/<program_id>")
def show(program_id: str) -> Response[str]:
    """A program's current version."""
    asked = call(router, *ROLES)
    return answer(200, _view(asked, _own_program(asked, program_id)))


def _record(asked: Call, verb: str, before: Program | None, after: Program) -> dict[str, Any]:
    """The operation that keeps who published what."""
    subject, action = f"program#{after.program_id}", f"program.{verb}"
    return put_record(recorded(asked.key, subject, action, before, after))


def _terms_of(program: Program) -> Program:
    """What two versions have in common that say the same."""
    return replace(program, version=0, fingerprint=None, published_at=None, by_operator=False)


def _after(current: Program, new: Program) -> Program:
    """The new version, published no earlier than the one it follows: clocks may differ."""
    return replace(new, published_at=max(new.in_force_from, current.in_force_from))


def _versions_of_the_day(current: Program, new: Program, settings: NetworkSettings) -> Quota:
    """How often the program may be published and was, on the UTC day of the new version."""
    most = settings.program_versions_per_day_max
    used = versions_since(current, new.in_force_from[:10], most)
    return Quota("program_versions_per_day_max", most, used)


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


def _require_own(body: ProgramVersionBody, current: Program) -> None:
    """Raises InvalidFieldError if what a GET showed comes back for another program."""
    if body.id not in {None, current.program_id}:
        raise InvalidFieldError("/id", "This is another program's id. Leave id out.")
    if body.vendor_id not in {None, current.vendor_id}:
        raise InvalidFieldError(
            "/vendor_id", "A program stays with its vendor. Leave vendor_id out."
        )


def _published_meanwhile() -> ConflictError:
    return ConflictError(
        "published_meanwhile",
        "Somebody else published this program meanwhile. Read it, and publish again.",
    )


def _terms(
    body: ProgramBody, vendor: Member, settings: NetworkSettings, current: Program | None = None
) -> Program:
    """The program a body asks for, after `current` if there is one.

    Raises InvalidFieldError for terms that cannot be.
    """
    asked = body.program(vendor.member_id, clock.text(clock.now()))
    before = current.bonus_currencies if current else ()
    program = replace(
        asked,
        destination_url=checked_destination(body.destination_url, vendor.hosts),
        bonus_currencies=tuple(sorted({*before, *(bonus.currency for bonus in asked.bonuses)})),
    )
    check_program(program, settings)
    _require_named(program)
    return program


def _require_named(program: Program) -> None:
    """Raises InvalidFieldError unless the affiliates and programs that the terms name exist."""
    for at, reward in enumerate(program.rewards):
        if reward.affiliate_id is not None:
            member_with_role("affiliate", reward.affiliate_id, f"/rewards/{at}/affiliate_id")
    for at, program_id in enumerate(program.joint_program_ids):
        pointer = f"/joint_program_ids/{at}"
        try:
            other = get_program(checked_id("program", program_id))
        except NotFoundError:
            raise InvalidFieldError(pointer, "There is no program with this id.") from None
        if other.vendor_id == program.vendor_id:
            raise InvalidFieldError(
                pointer, "A joint promotion is with another vendor. Name a program of theirs."
            )


def _view(asked: Call, program: Program) -> dict[str, Any]:
    """A program as the caller may see it: what one affiliate alone gets is no other's business."""
    if asked.key.role == "affiliate":
        allowed = (None, asked.key.member_id)
        rewards = tuple(each for each in program.rewards if each.affiliate_id in allowed)
        program = replace(program, rewards=rewards)
    return view(program)
