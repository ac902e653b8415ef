"""Beside the way of a click: a second person decides what another asked for."""

from collections.abc import Callable
from typing import Any

from linkage import requests, views
from linkage.edge.http import Answer, Request, answer, serve
from linkage.edge.runtime import logger
from linkage.flow import approving, proposing
from linkage.flow.authenticating import authenticated
from linkage.keys import Key


def _approve(request: Request, key: Key) -> Answer:
    requests.no_fields_in(request.body)
    proposal, shown, replayed = approving.approve(request.id("proposal_id", "proposal"), key)
    return answer(200, {**views.proposal(proposal), **shown}, replayed=replayed)


def _withdraw(request: Request, key: Key) -> Answer:
    requests.no_fields_in(request.body)
    proposal, replayed = proposing.withdraw(request.id("proposal_id", "proposal"), key)
    return answer(200, views.proposal(proposal), replayed=replayed)


ROUTES: dict[str, Callable[[Request, Key], Answer]] = {
    "POST /v1/proposals/{proposal_id}/approval": _approve,
    "POST /v1/proposals/{proposal_id}/withdrawal": _withdraw,
}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> Answer:
    return serve(event, ROUTES, lambda secret: authenticated(secret).require("operator"))
