"""Step 7 of the way of a click: book what the bank says of a batch's payouts."""

from typing import Any

from linkage import views
from linkage.edge.http import Answer, Request, answer, bearer, serve
from linkage.edge.runtime import logger
from linkage.flow.authenticating import authenticated
from linkage.flow.settling import settle
from linkage.requests import results_in


def results(request: Request) -> Answer:
    """`POST /v1/payout-batches/{batch_id}/results`."""
    authenticated(bearer(request.headers)).require("operator")
    return answer(200, views.batch(settle(request.id("batch"), results_in(request.body))))


ROUTES = {"POST /v1/payout-batches/{batch_id}/results": results}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> Answer:
    return serve(event, ROUTES)
