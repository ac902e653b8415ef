"""For whom a caller acts: the member its key is of, or the one an operator names."""

from typing import NamedTuple

from linkage.domain.errors import ConflictError, InvalidFieldError, NotFoundError
from linkage.domain.ids import is_id
from linkage.domain.people.api_keys import Key
from linkage.domain.people.members import Member
from linkage.tables.members import find_member


def acting_member(by: Key, role: str, named_id: str | None) -> Member:
    """The member a caller acts for: the key's own, or the one an operator names.

    Raises ForbiddenError for a key of another role, and InvalidFieldError at `/vendor_id` or
    `/affiliate_id`.
    """
    by.require(role, "operator")
    name = f"{role}_id"
    if by.role == "operator":
        if named_id is None:
            raise InvalidFieldError(
                f"/{name}", f"{name} is required: an operator names the {role} to act for."
            )
        return member_with_role(role, named_id, f"/{name}")
    if named_id is not None:
        raise InvalidFieldError(
            f"/{name}",
            f"Only operators name {name}; your key says who you are. Leave it out.",
            code="unknown_field",
        )
    member = find_member(by.member_id or "-")
    if member is None:
        raise NotFoundError("member")
    return member


def member_with_role(role: str, member_id: str, pointer: str) -> Member:
    """The member a field names; raises InvalidFieldError unless it exists and has the role."""
    member = find_member(member_id) if is_id(member_id) else None
    if member is None or not member.has_role(role):
        raise InvalidFieldError(pointer, f"There is no {role} with this id.")
    return member


def require_approved(member: Member, role: str) -> None:
    """Raises ConflictError unless an operator has approved the member."""
    if member.status != "approved":
        raise ConflictError(
            "member_not_approved",
            f"The {role} is {member.status}. An operator has to approve it first.",
        )


def require_same(stored: object, sent: object) -> None:
    """Raises InvalidFieldError if an Idempotency-Key comes back with another body."""
    if stored != sent:
        raise InvalidFieldError(
            "/Idempotency-Key",
            "This Idempotency-Key was used before with another body. Use a new one.",
            code="idempotency_key_reused",
        )


class Owners(NamedTuple):
    """By whom an operator asks for a list of things that a vendor and an affiliate have."""

    vendor_id: str | None
    affiliate_id: str | None


def owners_for(by: Key, asked: Owners) -> Owners:
    """The vendor or the affiliate whose things a list shows: the caller's own, or as asked.

    Raises InvalidFieldError at `/vendor_id` or `/affiliate_id`.
    """
    if by.role != "operator":
        own = by.member_id
        return Owners(own, None) if by.role == "vendor" else Owners(None, own)
    for name, value in asked._asdict().items():
        if value is not None and not is_id(value):
            raise InvalidFieldError(f"/{name}", f"{name} is not the id of a member.")
    if asked.vendor_id and asked.affiliate_id:
        raise InvalidFieldError("/affiliate_id", "Give vendor_id or affiliate_id, not both.")
    return asked
