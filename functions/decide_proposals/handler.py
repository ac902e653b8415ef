"""Beside the way of a click: a second person decides what another asked for."""

from typing import Any

from linkage.domain.people import views
from linkage.domain.people.api_keys import Key
from linkage.edge.http import Answer, Request, Route, answer, serve
from linkage.edge.runtime import logger
from linkage.flow.approvals import approving
from linkage.flow.people import proposing
from linkage.flow.people.authenticating import authenticated


def _approve(request: Request, key: Key) -> Answer:
    proposal, shown, replayed = approving.approve(request.id("proposal_id", "proposal"), key)
    return answer(200, {**views.proposal(proposal), **shown}, replayed=replayed)


def _withdraw(request: Request, key: Key) -> Answer:
    proposal, replayed = proposing.withdraw(request.id("proposal_id", "proposal"), key)
    return answer(200, views.proposal(proposal), replayed=replayed)


ROUTES: dict[str, Route[Key]] = {
    "POST /v1/proposals/{proposal_id}/approval": Route(_approve),
    "POST /v1/proposals/{proposal_id}/withdrawal": Route(_withdraw),
}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> Answer:
    return serve(event, context, ROUTES, lambda secret: authenticated(secret).require("operator"))
