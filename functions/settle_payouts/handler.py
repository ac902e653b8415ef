"""Step 7 of the way of a click: book what the bank says of a batch's payouts."""

from typing import Any

from linkage import views
from linkage.edge.http import Answer, Request, answer, serve
from linkage.edge.runtime import logger
from linkage.flow.authenticating import authenticated
from linkage.flow.settling import settle
from linkage.keys import Key
from linkage.requests import results_in


def _operator(secret: str) -> Key:
    return authenticated(secret).require("operator")


def results(request: Request, key: Key) -> Answer:
    """`POST /v1/payout-batches/{batch_id}/results`."""
    batch_id = request.id("batch_id", "payout_batch")
    return answer(200, views.batch(settle(batch_id, results_in(request.body), key.key_id)))


ROUTES = {"POST /v1/payout-batches/{batch_id}/results": results}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> Answer:
    return serve(event, ROUTES, _operator)
