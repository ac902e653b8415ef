"""Every error Linkage raises on purpose.

LinkageError
├── MalformedRequestError     400  the request cannot be read at all
├── UnauthenticatedError      401  no key, or one that is not valid
├── ForbiddenError            403  the key's role may not do this
├── NotFoundError             404  it does not exist, or belongs to somebody else
├── ConflictError             409  it contradicts what is already stored
│   ├── BusyError             409  others were quicker at every attempt
│   └── NotPostableError      409  it could never be posted, so it is not accepted
├── InvalidFieldError         422  one field must be changed
│   └── NotSupportedError     422  a field of the contract that is not built yet
├── TooManyRequestsError      429  a count that begins anew is used up; says how long to wait
├── UnexpectedError           500  nobody foresaw what happened; not the request's fault
├── LedgerError               500  an invariant of the ledger would break; nothing is written
├── UnavailableError          503  what is needed is away for now; trying again helps
├── WrongSecretError          503  ids would be made with another secret than the network's
└── LaterReleaseError         503  a later release wrote it, so this one leaves it alone

A ConditionFailedError is none of them: no caller ever sees it, since whoever writes looks again.
"""

from collections.abc import Mapping
from typing import Any


class LinkageError(Exception):
    """An error with a stable code, an HTTP status and a sentence that says what to change."""

    status = 500
    title = "Internal error"
    retry_after_s: int | None = None

    def __init__(self, code: str, detail: str, *, pointer: str | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.pointer = pointer


class MalformedRequestError(LinkageError):
    status = 400
    title = "Malformed request"


class UnauthenticatedError(LinkageError):
    """The one answer to a missing, unknown, mistyped or revoked key."""

    status = 401
    title = "Not authenticated"

    def __init__(self) -> None:
        super().__init__(
            "invalid_key", "Send a valid API key in the header Authorization: Bearer lk_…"
        )


class ForbiddenError(LinkageError):
    status = 403
    title = "Not allowed"


class NotFoundError(LinkageError):
    status = 404
    title = "Not found"

    def __init__(self, noun: str) -> None:
        super().__init__(f"{noun}_not_found", f"There is no such {noun.replace('_', ' ')}.")


class ConflictError(LinkageError):
    status = 409
    title = "Conflict"


class BusyError(ConflictError):
    """Others were quicker at every attempt."""

    def __init__(self) -> None:
        super().__init__("busy", "Others are changing this right now. Try again.")


class NotPostableError(ConflictError):
    """What would be accepted is more than the database writes at once; nothing is written."""

    title = "Too large to be posted"

    def __init__(self, what: str) -> None:
        super().__init__(
            "not_postable",
            f"To keep or to post this would take {what}. Nothing was changed, and the same request "
            "again will be refused again. Tell an operator of the network, with this sentence.",
        )


class InvalidFieldError(LinkageError):
    """One field of the request is wrong; `pointer` is its JSON pointer."""

    status = 422
    title = "Invalid field"

    def __init__(self, pointer: str, detail: str, code: str = "invalid_field") -> None:
        super().__init__(code, detail, pointer=pointer)


class NotSupportedError(InvalidFieldError):
    """The field is part of the contract, but this version does not act on it, so it refuses it."""

    title = "Not supported yet"

    def __init__(self, pointer: str) -> None:
        name = pointer.rsplit("/", 1)[-1]
        super().__init__(
            pointer, f"{name} is not supported yet. Leave it out.", code="not_supported"
        )


class TooManyRequestsError(LinkageError):
    """The caller may do this only so often; `retry_after_s` says in how many seconds again."""

    status = 429
    title = "Too many requests"

    def __init__(self, code: str, detail: str, retry_after_s: int) -> None:
        super().__init__(code, detail)
        self.retry_after_s = retry_after_s


class UnexpectedError(LinkageError):
    """Whatever nobody foresaw; the request's id leads to it in the log."""

    def __init__(self) -> None:
        super().__init__(
            "internal_error",
            "The network failed, not your request. Nothing says yet whether it was done: look "
            "before you send it again, and tell an operator of the network the request_id.",
        )


class UnavailableError(LinkageError):
    """What is needed is away, too slow or overrun for now."""

    status = 503
    title = "Not available just now"
    retry_after_s = 5

    def __init__(self) -> None:
        super().__init__(
            "unavailable",
            "The network could not finish this just now. Send the same request again, unchanged "
            "and with the same Idempotency-Key if it had one: if it was done after all, the "
            "answer says what was done.",
        )


class LedgerError(LinkageError):
    title = "Ledger refused"

    def __init__(self, detail: str) -> None:
        super().__init__("ledger_refused", detail)


class WrongSecretError(LinkageError):
    """The ids of the network were made with another secret than the one that is deployed."""

    status = 503
    title = "Another secret"

    def __init__(self) -> None:
        super().__init__(
            "wrong_id_secret",
            "This deployment has another secret of ids than the network, so what was reported "
            "before could not be known again. Nothing was changed. Tell an operator, who has to "
            "bring the secret back; then send the same again.",
        )


class LaterReleaseError(LinkageError):
    """What is stored was written under rules of this version, which this release does not know."""

    status = 503
    title = "Upgrade under way"
    retry_after_s = 60

    def __init__(self, version: int) -> None:
        super().__init__(
            "later_release",
            f"This was written by a later release of Linkage (version {version} of the rules). "
            "Nothing was changed. Try again in a few minutes, when the upgrade is done.",
        )
        self.version = version


class ConditionFailedError(Exception):
    """What was read is no longer so, and nothing is written.

    `items` has, for each failed position, what is stored there.
    """

    def __init__(self, items: Mapping[int, dict[str, Any] | None]) -> None:
        super().__init__(f"conditions failed at {sorted(items)}")
        self.items = dict(items)
