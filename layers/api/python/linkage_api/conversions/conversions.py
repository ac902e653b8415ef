"""`/v1/conversions`, read: the list, one conversion, and its explanation."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from linkage.domain.conversions.conversions import STATUSES
from linkage.flow.explanations.explanations import explanation
from linkage.flow.explanations.viewers import Viewer, viewed
from linkage.flow.people.acting import owners_for
from linkage.tables.conversions import list_conversions
from linkage_api.answers import answer, listed
from linkage_api.calls import OWNERS, PAGE, ROLES, call, checked_id, owners

router = Router()


@router.get("/v1/conversions")
def index() -> Response[str]:
    """A vendor's own, an affiliate's attributed ones, newest first; everybody's in no order."""
    asked = call(router, *ROLES, query=("status", "held", *PAGE), of_operators=OWNERS)
    vendor_id, affiliate_id = owners_for(asked.key, owners(asked))
    status = asked.choice("status", STATUSES)
    held = asked.choice("held", ("true",)) is not None
    limit, cursor = asked.page()
    viewer = Viewer(asked.key.role, asked.key.member_id)
    page = list_conversions(
        vendor_id=vendor_id,
        affiliate_id=affiliate_id,
        status=status,
        held=held,
        limit=limit,
        cursor=cursor,
    )
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
