"""Publishing programs: a vendor's terms, version by version, each checked before it counts."""

from dataclasses import replace
from typing import Any

from linkage.domain import ids
from linkage.domain.clicks.destinations import checked_destination
from linkage.domain.errors import (
    ConditionFailedError,
    ConflictError,
    InvalidFieldError,
    NotFoundError,
)
from linkage.domain.ids import is_id
from linkage.domain.lists import Listed
from linkage.domain.outcomes import Made, Repeatable
from linkage.domain.people.api_keys import Key
from linkage.domain.people.audit import recorded
from linkage.domain.people.members import Member
from linkage.domain.terms.network import NetworkSettings
from linkage.domain.terms.programs import Program
from linkage.domain.terms.publication_checks import check_program
from linkage.domain.terms.quotas import Quota, quota_of
from linkage.flow.people.acting import (
    acting_member,
    member_with_role,
    require_approved,
    require_same,
)
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


def create_program(
    by: Key, vendor_id: str | None, terms: Program, request: Repeatable
) -> Made[Program]:
    """Makes a program of an approved vendor, version 1; `terms` are without an id or a vendor.

    `vendor_id` is for operators. Raises InvalidFieldError for terms that cannot be, or
    ConflictError where the vendor is not approved or a quota is reached.
    """
    vendor = acting_member(by, "vendor", vendor_id)
    require_approved(vendor, "vendor")
    settings = current_settings()
    quota = quota_of(vendor, "programs", settings)
    causes = request.causes
    program = replace(
        _checked(terms, vendor, settings),
        program_id=ids.created("prg") if causes is None else ids.computed("prg", *causes),
        fingerprint=request.fingerprint,
        by_operator=by.role == "operator",
    )
    counted = count_one(vendor.member_id, "programs", quota.most)
    try:
        publish_program(program, counted, _record(by, "created", None, program))
    except ConditionFailedError as failed:
        if 0 not in failed.items:
            raise quota.reached() from None
        first = program_version(program.program_id, 1)
        require_same(first.fingerprint, request.fingerprint)
        return Made(first, replayed=True)
    return Made(program, warnings=tuple(quota.warnings()))


def publish_version(
    by: Key, program_id: str, terms: Program, fingerprint: str, *, after: int | None
) -> Made[Program]:
    """Publishes the next version of a program; the same terms again publish nothing (a replay).

    `after` is the version that the caller has read, None if it does not say. Raises NotFoundError,
    InvalidFieldError for terms that cannot be, or ConflictError where somebody else was quicker,
    the vendor is not approved, or the day's versions are used up.
    """
    by.require("vendor", "operator")
    current, by_operator = own_program(by, program_id), by.role == "operator"
    vendor = get_member(current.vendor_id)
    if not by_operator:
        require_approved(vendor, "vendor")
    settings = current_settings()
    new = replace(
        _checked(terms, vendor, settings, current),
        program_id=current.program_id,
        version=current.version + 1,
        created_at=current.created_at,
        fingerprint=fingerprint,
        by_operator=by_operator,
    )
    # A vendor that says again what an operator said for it makes it its own word.
    is_its_own = by_operator or not current.by_operator
    if is_its_own and _terms_of(new) == _terms_of(current):
        return Made(current, replayed=True)
    if after not in {None, current.version}:
        raise _published_meanwhile()
    new = _after(current, new)
    quota = _versions_of_the_day(current, new, settings)
    if quota.is_reached:
        raise quota.reached()
    try:
        publish_program(new, _record(by, "published", current, new))
    except ConditionFailedError:
        raise _published_meanwhile() from None
    return Made(new, warnings=tuple(quota.warnings()))


def programs(by: Key, vendor_id: str | None, limit: int, cursor: str | None) -> Listed[Program]:
    """Current versions, oldest first: a vendor's own, or everybody's; `vendor_id` for operators."""
    if vendor_id is not None and not is_id(vendor_id):
        raise InvalidFieldError("/vendor_id", "There is no vendor with this id.")
    own = by.member_id if by.role == "vendor" else vendor_id
    return list_programs(own, limit, cursor)


def own_program(by: Key, program_id: str) -> Program:
    """A program that the caller may read, in its current version; raises NotFoundError."""
    program = get_program(program_id)
    if by.role == "vendor" and program.vendor_id != by.member_id:
        raise NotFoundError("program")
    return program


def shown_to(by: Key, program: Program) -> Program:
    """A program as the caller may see it: what one affiliate alone gets is no other's business."""
    if by.role != "affiliate":
        return program
    allowed = (None, by.member_id)
    rewards = tuple(each for each in program.rewards if each.affiliate_id in allowed)
    return replace(program, rewards=rewards)


def _record(by: Key, verb: str, before: Program | None, after: Program) -> dict[str, Any]:
    """The operation that keeps who published what."""
    subject, action = f"program#{after.program_id}", f"program.{verb}"
    return put_record(recorded(by, subject, action, before, after))


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


def _published_meanwhile() -> ConflictError:
    return ConflictError(
        "published_meanwhile",
        "Somebody else published this program meanwhile. Read it, and publish again.",
    )


def _checked(
    terms: Program, vendor: Member, settings: NetworkSettings, current: Program | None = None
) -> Program:
    """The vendor's program with these terms, after `current` if there is one.

    Raises InvalidFieldError for terms that cannot be.
    """
    before = current.bonus_currencies if current else ()
    program = replace(
        terms,
        vendor_id=vendor.member_id,
        destination_url=checked_destination(terms.destination_url, vendor.hosts),
        bonus_currencies=tuple(sorted({*before, *(bonus.currency for bonus in terms.bonuses)})),
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
            other = get_program(program_id) if is_id(program_id) else None
        except NotFoundError:
            other = None
        if other is None:
            raise InvalidFieldError(pointer, "There is no program with this id.")
        if other.vendor_id == program.vendor_id:
            raise InvalidFieldError(
                pointer, "A joint promotion is with another vendor. Name a program of theirs."
            )
