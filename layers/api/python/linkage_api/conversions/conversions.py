"""`/v1/conversions`, read: the list, one conversion, and its explanation."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from linkage.domain.conversions.conversions import STATUSES
from linkage.flow.conversions.listing import conversions
from linkage.flow.explanations.explanations import explanation
from linkage.flow.explanations.viewers import Viewer, viewed
from linkage_api.answers import answer, listed
from linkage_api.calls import OWNERS, PAGE, ROLES, call, checked_id, owners

router = Router()


@router.get("/v1/conversions")
def index() -> Response[str]:
    """A vendor's own, an affiliate's attributed ones, newest first; everybody's in no order."""
    asked = call(router, *ROLES, query=("status", "held", *PAGE), of_operators=OWNERS)
    whose, status = owners(asked), asked.choice("status", STATUSES)
    held = asked.choice("held", ("true",)) is not None
    page = conversions(asked.key, whose, *asked.page(), status=status, held=held)
    viewer = Viewer(asked.key.role, asked.key.member_id)
    return listed(page, viewer.conversion)


@router.get("/v1/conversions/<conversion_id>")
def show(conversion_id: str) -> Response[str]:
    """One conversion, as far as it is the caller's."""
    asked = call(router, *ROLES)
    conversion, viewer = viewed(checked_id("conversion", conversion_id), asked.key)
    return answer(200, viewer.conversion(conversion))


@router.get("/v1/conversions/<conversion_id>/explanation")
def explain(conversion_id: str) -> Response[str]:
    """Why a conversion earned what it earned, for whom, and when that is paid."""
    asked = call(router, *ROLES)
    conversion, viewer = viewed(checked_id("conversion", conversion_id), asked.key)
    return answer(200, explanation(conversion, viewer))
