"""One call of the API: who makes it, what it asks for, and for which member."""

import base64
import binascii
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import Router

from linkage.domain import ids
from linkage.domain.errors import InvalidFieldError, NotFoundError
from linkage.domain.lists import LIMIT_DEFAULT, LIMIT_MAX, wrong_cursor
from linkage.domain.people.api_keys import Key
from linkage.domain.people.members import Member
from linkage.edge.http import Request, bearer, is_id, request_of
from linkage.edge.runtime import logger
from linkage.flow.people.authenticating import authenticated
from linkage.tables.members import find_member

ROLES = ("vendor", "affiliate", "operator")

PAGE = ("limit", "cursor")
"""The parameters of a list."""

OWNERS = ("vendor_id", "affiliate_id")
"""By which an operator says whose things a list shows."""

_CURSOR = re.compile(r"[A-Za-z0-9_-]{1,1000}")


@dataclass(frozen=True)
class Call:
    """A call by an authenticated key whose role may make it."""

    key: Key
    request: Request

    @property
    def body(self) -> Any:
        """The JSON body, None when there is none; raises MalformedRequestError."""
        return self.request.body

    def asked_for(self, name: str) -> str | None:
        """A parameter as it was sent, or None."""
        return self.request.query.get(name)

    def choice(self, name: str, allowed: tuple[str, ...]) -> str | None:
        """A parameter out of a closed list, or None; raises InvalidFieldError."""
        value = self.asked_for(name)
        if value is not None and value not in allowed:
            raise InvalidFieldError(f"/{name}", f"{name} must be one of: {', '.join(allowed)}.")
        return value

    def page(self) -> tuple[int, str | None]:
        """`limit` and `cursor` of a list; raises InvalidFieldError."""
        limit, cursor = self.asked_for("limit"), self.asked_for("cursor")
        if limit is None:
            size = LIMIT_DEFAULT
        elif re.fullmatch(r"[0-9]{1,3}", limit) and 1 <= int(limit) <= LIMIT_MAX:
            size = int(limit)
        else:
            raise InvalidFieldError(
                "/limit", f"limit must be a whole number from 1 to {LIMIT_MAX}."
            )
        if cursor is not None:
            _require_cursor(cursor)
        return size, cursor

    @property
    def is_operator(self) -> bool:
        """Whether the caller runs the network, and so may act for any member."""
        return self.key.role == "operator"

    def new_id(self, prefix: str, route: str) -> str:
        """The id of what this call makes: the same again for the same Idempotency-Key."""
        causes = self.causes(route)
        return ids.created(prefix) if causes is None else ids.computed(prefix, *causes)

    def causes(self, route: str) -> tuple[str, str, str] | None:
        """What makes a call with an Idempotency-Key the same one; None without such a key."""
        repeat_key = self.request.idempotency_key()
        return None if repeat_key is None else (self.key.member_id or "operator", route, repeat_key)


def call(
    router: Router,
    *roles: str,
    has_body: bool = False,
    query: Collection[str] = (),
    of_operators: Collection[str] = (),
) -> Call:
    """The call being answered, with the parameters and the body its route says it reads.

    `of_operators` are parameters of an operator only. Whatever else was sent is refused here.

    Raises UnauthenticatedError, ForbiddenError for other roles, and InvalidFieldError or
    MalformedRequestError for what the route does not read.
    """
    event = router.current_event.raw_event
    request = request_of(event)
    key = authenticated(bearer(request.headers))
    key.require(*roles)
    if router.current_event.http_method != "GET":
        logger.info(
            "change asked for",
            method=router.current_event.http_method,
            path=event["rawPath"],
            key_id=key.key_id,
        )
    asked = Call(key, request)
    names = [*query, *of_operators] if asked.is_operator else query
    request.require_expected(has_body=has_body, query=names)
    return asked


def checked_id(noun: str, value: str) -> str:
    """The id in a path; raises NotFoundError if it cannot be one, before any table is read."""
    if not is_id(value):
        raise NotFoundError(noun)
    return value


def require_same(stored: object, sent: object) -> None:
    """Raises InvalidFieldError if an Idempotency-Key comes back with another body."""
    if stored != sent:
        raise InvalidFieldError(
            "/Idempotency-Key",
            "This Idempotency-Key was used before with another body. Use a new one.",
            code="idempotency_key_reused",
        )


def acting_member(asked: Call, role: str, named_id: str | None) -> Member:
    """The member a call is for: the key's own, or the one an operator names.

    Raises InvalidFieldError at `/vendor_id` or `/affiliate_id`.
    """
    name = f"{role}_id"
    if asked.is_operator:
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
    member = find_member(asked.key.member_id or "-")
    if member is None:
        raise NotFoundError("member")
    return member


def member_with_role(role: str, member_id: str, pointer: str) -> Member:
    """The member a field names; raises InvalidFieldError unless it exists and has the role."""
    member = find_member(member_id) if is_id(member_id) else None
    if member is None or not member.has_role(role):
        raise InvalidFieldError(pointer, f"There is no {role} with this id.")
    return member


def owners(asked: Call) -> tuple[str | None, str | None]:
    """The vendor and the affiliate whose things a list shows: the caller's own, or as asked.

    Raises InvalidFieldError at `/vendor_id` or `/affiliate_id`.
    """
    if not asked.is_operator:
        own = asked.key.member_id
        return (own, None) if asked.key.role == "vendor" else (None, own)
    vendor_id, affiliate_id = asked.asked_for("vendor_id"), asked.asked_for("affiliate_id")
    for name, value in zip(OWNERS, (vendor_id, affiliate_id), strict=True):
        if value is not None and not is_id(value):
            raise InvalidFieldError(f"/{name}", f"{name} is not the id of a member.")
    if vendor_id and affiliate_id:
        raise InvalidFieldError("/affiliate_id", "Give vendor_id or affiliate_id, not both.")
    return vendor_id, affiliate_id


def _require_cursor(cursor: str) -> None:
    if not _CURSOR.fullmatch(cursor):
        raise wrong_cursor()
    try:
        decoded = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except binascii.Error:
        raise wrong_cursor() from None
    # No id and no time has a backslash; an escape could be a character DynamoDB cannot take.
    if b"\\" in decoded:
        raise wrong_cursor()
