"""The proposals table: what waits for a second person, and what became of it."""

import os
from dataclasses import asdict
from typing import Any

from pynamodb.attributes import UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from linkage.domain.errors import NotFoundError
from linkage.domain.lists import Listed
from linkage.domain.people.proposals import OPEN, Asked, Proposal
from linkage.tables.dynamodb import transactions
from linkage.tables.dynamodb.base import TableMeta
from linkage.tables.dynamodb.batch_reads import place, read, reading_one
from linkage.tables.dynamodb.packed import PackedAttribute
from linkage.tables.dynamodb.pages import read_page


class _ListingIndex(GlobalSecondaryIndex["ProposalItem"]):
    class Meta(TableMeta):
        index_name = "listing"
        projection = AllProjection()

    listing = UnicodeAttribute(hash_key=True)
    asked_at = UnicodeAttribute(range_key=True)


class ProposalItem(Model):
    """A proposal as stored."""

    class Meta(TableMeta):
        table_name = os.environ["PROPOSALS_TABLE"]

    proposal_id = UnicodeAttribute(hash_key=True)
    listing = UnicodeAttribute(default="proposal")
    action = UnicodeAttribute()
    subject = UnicodeAttribute()
    asked = PackedAttribute(null=True)
    shown = PackedAttribute()
    was = UnicodeAttribute()
    asked_at = UnicodeAttribute()
    expires_at = UnicodeAttribute()
    by_key = UnicodeAttribute()
    by_person = UnicodeAttribute(null=True)
    status = UnicodeAttribute()
    decided_at = UnicodeAttribute(null=True)
    decided_by_key = UnicodeAttribute(null=True)
    decided_by_person = UnicodeAttribute(null=True)
    by_listing = _ListingIndex()


_TABLE = ProposalItem.Meta.table_name
_OWN_FORM = ("asked", "before", "after", "by_person")


def put_proposal(proposal: Proposal) -> dict[str, Any]:
    """The operation that opens a proposal, unless one of its id is open and not expired."""
    same = {name: value for name, value in vars(proposal).items() if name not in _OWN_FORM}
    wire = ProposalItem(
        **same,
        asked=asdict(proposal.asked),
        shown={"before": proposal.before, "after": proposal.after},
        by_person=proposal.by_person or None,
    ).serialize()
    put = transactions.put_wire(_TABLE, wire, "proposal_id")["Put"]
    # What was asked for is there exactly while the proposal is open.
    put["ConditionExpression"] = "attribute_not_exists(#asked) OR expires_at <= :now"
    put["ExpressionAttributeNames"] = {"#asked": "asked"}
    put["ExpressionAttributeValues"] = transactions.to_wire({":now": proposal.asked_at})
    return {"Put": put}


def close_proposal(was: Proposal, becomes: Proposal) -> dict[str, Any]:
    """The operation that decides a proposal, if it is still open as it was read.

    What was asked for is forgotten: it may say what a record must not.
    """
    decided = {
        ":becomes": becomes.status,
        ":at": becomes.decided_at,
        ":key": becomes.decided_by_key,
        ":person": becomes.decided_by_person,
    }
    return transactions.update(
        _TABLE,
        {"proposal_id": was.proposal_id},
        "SET #status = :becomes, decided_at = :at, decided_by_key = :key, "
        "decided_by_person = :person REMOVE asked",
        condition="#status = :open AND asked_at = :asked_at",
        values={**decided, ":open": OPEN, ":asked_at": was.asked_at},
        names={"#status": "status"},
    )


def get_proposal(proposal_id: str) -> Proposal:
    """The proposal as last written; raises NotFoundError."""
    at = place(_TABLE, proposal_id=proposal_id)
    found = read(reading_one(at, lambda wire: _proposal(ProposalItem.from_raw_data(wire))))
    if found is None:
        raise NotFoundError("proposal")
    return found


def list_proposals(limit: int, cursor: str | None) -> Listed[Proposal]:
    """Proposals, the last asked for first."""
    return read_page(
        lambda **start: ProposalItem.by_listing.query(
            "proposal", scan_index_forward=False, **start
        ),
        _proposal,
        keys=("listing", "asked_at", "proposal_id"),
        limit=limit,
        cursor=cursor,
    )


def _proposal(item: ProposalItem) -> Proposal:
    same = Proposal.__dataclass_fields__.keys() - {*_OWN_FORM}
    return Proposal(
        **{name: getattr(item, name) for name in same},
        **item.shown,
        asked=Asked(**item.asked) if item.asked else Asked({}),
        by_person=item.by_person or "",
    )
