"""`/v1/proposals`: what waits for a second person, and what became of it."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from linkage.domain.people import views
from linkage.domain.people.proposals import Proposal
from linkage.flow.people.proposing import proposals
from linkage_api.answers import answer, listed
from linkage_api.calls import PAGE, call

router = Router()


@router.get("/v1/proposals")
def index() -> Response[str]:
    """Every proposal, the last asked for first."""
    asked = call(router, "operator", query=PAGE)
    return listed(proposals(asked.key, *asked.page()), views.proposal)


def waiting(proposal: Proposal, **also: Any) -> Response[str]:
    """202: nothing was changed yet, and this is the proposal that waits."""
    return answer(202, {"proposal": views.proposal(proposal), **also})
