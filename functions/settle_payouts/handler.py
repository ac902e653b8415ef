"""Step 7 of the way of a click: book what the bank says of payouts, and what is adjusted."""

from typing import Any

from linkage.domain.ids import computed
from linkage.domain.ledger import views as ledger_views
from linkage.domain.ledger.requests import adjustment_in
from linkage.domain.payouts import views as payout_views
from linkage.domain.payouts.requests import results_in
from linkage.domain.people import views as people_views
from linkage.domain.people.api_keys import Key
from linkage.edge.http import Answer, Request, Route, answer, serve
from linkage.edge.runtime import logger
from linkage.flow.ledger.adjusting import adjust
from linkage.flow.payouts.settling import settle
from linkage.flow.people.authenticating import authenticated


def _operator(secret: str) -> Key:
    return authenticated(secret).require("operator")


def results(request: Request, key: Key) -> Answer:
    """`POST /v1/payout-batches/{batch_id}/results`."""
    batch_id = request.id("batch_id", "payout_batch")
    return answer(200, payout_views.batch(settle(batch_id, results_in(request.body), key)))


def _id_of(request: Request) -> str:
    return computed("adj", "operator", request.required_idempotency_key())


def adjustments(request: Request, key: Key) -> Answer:
    """`POST /v1/adjustments`."""
    sent = adjustment_in(request.body)
    made, waits, replayed = adjust(sent, _id_of(request), key)
    if waits:
        return answer(202, {"proposal": people_views.proposal(waits)})
    return answer(200 if replayed else 201, ledger_views.adjustment(made), replayed=replayed)


ROUTES = {
    "POST /v1/payout-batches/{batch_id}/results": Route(results, has_body=True),
    "POST /v1/adjustments": Route(adjustments, has_body=True),
}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> Answer:
    return serve(event, context, ROUTES, _operator)
