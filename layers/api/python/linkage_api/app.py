"""The resolver of every `/v1` route that has no function of its own."""

from typing import Any, NoReturn

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.exceptions import NotFoundError as NoRouteError

from linkage.domain.errors import NotFoundError
from linkage.edge.http import Answer, answered
from linkage_api.clicks import links, statistics
from linkage_api.conversions import conversions
from linkage_api.ledger import balances
from linkage_api.payouts import payout_batches
from linkage_api.people import api_keys, audit, members, proposals
from linkage_api.terms import coupons, network, programs

app = APIGatewayHttpResolver()
for noun in (
    network,
    members,
    api_keys,
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
