"""The resolver of every `/v1` route that has no function of its own."""

from typing import Any, NoReturn

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.exceptions import NotFoundError as NoRouteError

from linkage.edge.http import Answer, answered
from linkage.errors import NotFoundError
from linkage_api import (
    audit,
    balances,
    conversions,
    coupons,
    keys,
    links,
    members,
    network,
    payout_batches,
    programs,
    proposals,
    statistics,
)

app = APIGatewayHttpResolver()
for noun in (
    network,
    members,
    keys,
    programs,
    coupons,
    links,
    conversions,
    balances,
    payout_batches,
    statistics,
    proposals,
    audit,
):
    app.include_router(noun.router)


@app.not_found
def _no_route(_: NoRouteError) -> NoReturn:
    raise NotFoundError("route")


def resolved(event: dict[str, Any], context: Any) -> Answer:
    """Answers an HTTP API event, payload 2.0."""
    return answered(event, context, lambda: app.resolve(event, context))
