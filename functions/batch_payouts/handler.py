"""Step 4 of the way of a click: plan payout batches, by schedule or by an operator."""

from typing import Any

from linkage import clock, views
from linkage.edge.http import Answer, Request, answer, serve
from linkage.edge.runtime import logger
from linkage.flow import planning
from linkage.flow.authenticating import authenticated
from linkage.ids import computed, created
from linkage.keys import Key
from linkage.payouts import checked_cutoff
from linkage.requests import batch_in


def _operator(secret: str) -> Key:
    return authenticated(secret).require("operator")


def create(request: Request, key: Key) -> Answer:
    """`POST /v1/payout-batches`."""
    sent = batch_in(request.body)
    cutoff = checked_cutoff(sent.cutoff, clock.day(clock.now()))
    repeat_key = request.idempotency_key()
    batch_id = computed("bat", "operator", repeat_key) if repeat_key else created("bat")
    terms, maker = (sent.currency, cutoff), (key.key_id, sent.fingerprint)
    batch, replayed = planning.start(
        planning.new_batch(batch_id, *terms, *maker, person=key.person)
    )
    return answer(200 if replayed else 201, views.batch(batch), replayed=replayed)


def approve(request: Request, key: Key) -> Answer:
    """`POST /v1/payout-batches/{batch_id}/approval`."""
    return answer(200, views.batch(planning.approve(request.id("batch_id", "payout_batch"), key)))


def cancel(request: Request, key: Key) -> Answer:
    """`POST /v1/payout-batches/{batch_id}/cancellation`."""
    return answer(200, views.batch(planning.cancel(request.id("batch_id", "payout_batch"), key)))


ROUTES = {
    "POST /v1/payout-batches": create,
    "POST /v1/payout-batches/{batch_id}/approval": approve,
    "POST /v1/payout-batches/{batch_id}/cancellation": cancel,
}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> Answer | None:
    """Answers an operator, or acts on the hourly tick."""
    if "routeKey" in event:
        return serve(event, ROUTES, _operator)
    planning.tick()
    return None
