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
from linkage.domain.ids import is_id
from linkage.domain.lists import LIMIT_DEFAULT, LIMIT_MAX, wrong_cursor
from linkage.domain.outcomes import Repeatable
from linkage.domain.people.api_keys import Key
from linkage.edge.http import Request, bearer, request_of
from linkage.edge.runtime import logger
from linkage.flow.people.acting import Owners
from linkage.flow.people.authenticating import authenticated

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

    def repeatable(self, route: str) -> Repeatable:
        """What makes another call the same as this one."""
        return Repeatable(self.causes(route), ids.fingerprint(self.body))

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


def owners(asked: Call) -> Owners:
    """Whose things a list was asked for, as an operator may say it."""
    return Owners(*map(asked.asked_for, OWNERS))


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
