"""Proposals: what one person asks for and another decides, while the network has four eyes.

open → approved | withdrawn; one that is open and older than its days is expired: nobody can approve
it any more.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from linkage.domain import clock
from linkage.domain.errors import ConflictError
from linkage.domain.ids import computed, fingerprint
from linkage.domain.people.api_keys import Key, is_second_person
from linkage.domain.people.audit import Record, plain, recorded

PROPOSAL_DAYS = 7
OPEN, APPROVED, WITHDRAWN, EXPIRED = "open", "approved", "withdrawn", "expired"

type Operations = list[dict[str, Any]]


@dataclass(frozen=True)
class Asked:
    """What an action is asked to do: `said` is shown to whoever decides, `private` to nobody."""

    said: dict[str, Any]
    private: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """What an action would do to what is stored now.

    `before` and `after` are dataclasses or maps, None for nothing. `write` does it, together with
    the operations it is given, in one transaction; it raises ConditionFailedError if something was
    changed since it was read. Without `write` it is so already. `guarded` is whether one person
    alone must not do it while the network has four eyes. `shown` is what only the answer says.
    """

    subject: str
    action: str
    before: object
    after: object
    write: Callable[[Operations], None] | None
    guarded: bool = True
    shown: Mapping[str, Any] = field(default_factory=dict)

    @property
    def was(self) -> str:
        """What it changes, as one text to be compared: it holds no part of it."""
        return fingerprint(plain(self.before))

    def record(self, by: Key, why: str | None = None) -> Record:
        """The record of it."""
        return recorded(by, self.subject, self.action, self.before, self.after, why=why)


@dataclass(frozen=True)
class Proposal:
    """An action that waits for a second person; `before` and `after` are as records have them.

    `was` is the Change's. What was asked for is forgotten once it is decided.
    """

    proposal_id: str
    action: str
    subject: str
    asked: Asked
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    was: str
    asked_at: str
    expires_at: str
    by_key: str
    by_person: str
    status: str = OPEN
    decided_at: str | None = None
    decided_by_key: str | None = None
    decided_by_person: str | None = None

    def status_at(self, moment: str) -> str:
        """Its status at a time as stored: one nobody decided in time is expired."""
        return EXPIRED if self.status == OPEN and self.expires_at <= moment else self.status


def proposed(action: str, asked: Asked, change: Change, by: Key) -> Proposal:
    """The proposal of a change, made now; asked again by the same person it has the same id.

    Raises ConflictError for a key that names nobody: nobody could approve what it asks for.
    """
    require_named(by.person)
    now = clock.now()
    shown = change.record(by)
    causes = (action, change.subject, fingerprint(asked.said), change.was, by.person)
    return Proposal(
        proposal_id=computed("prp", *causes),
        action=action,
        subject=change.subject,
        asked=asked,
        before=shown.before,
        after=shown.after,
        was=change.was,
        asked_at=clock.text(now),
        expires_at=clock.text(now + timedelta(days=PROPOSAL_DAYS)),
        by_key=by.key_id,
        by_person=by.person,
    )


def require_decidable(proposal: Proposal, by: Key, moment: str) -> None:
    """Raises ConflictError unless the key may approve the proposal at a time as stored."""
    require_open(proposal, moment)
    require_second_person(proposal.by_person, proposal.asked_at, by)


def require_open(proposal: Proposal, moment: str) -> None:
    """Raises ConflictError if nobody can approve the proposal any more."""
    status = proposal.status_at(moment)
    if status != OPEN:
        raise ConflictError(f"proposal_{status}", f"This proposal is {status}. Ask for it again.")


def require_second_person(first: str, since: str, second: Key) -> None:
    """Raises ConflictError unless the key is another person's, and older than `since`."""
    require_named(first)
    require_named(second.person)
    if not is_second_person(first, second):
        raise ConflictError(
            "four_eyes",
            f"{first} asked for this, so another person has to approve it.",
        )
    require_older(second, since)


def require_named(person: str) -> None:
    """Raises ConflictError for who is nobody: a key without a name may be anybody's."""
    if not person:
        raise ConflictError(
            "four_eyes",
            "Four eyes need two named persons, and a key that names nobody may be anybody's. Who "
            "has AWS credentials names it: linkage keys name KEY --person NAME.",
        )


def require_older(key: Key, since: str) -> None:
    """Raises ConflictError for a key made after what it is to approve: it could be made for it."""
    if key.created_at > since:
        raise ConflictError(
            "four_eyes",
            "This key is younger than what it is to approve. Use a key of yours that is older, or "
            "ask for it again now.",
        )


def changed_meanwhile(why: str) -> ConflictError:
    """What is answered when a proposal no longer fits what is stored."""
    return ConflictError(
        "changed_meanwhile",
        f"What this proposal would change is not as it was when it was asked for: {why} "
        "Withdraw it, look again, and ask for what is still wanted.",
    )
