"""`/v1/audit`: who changed what, for operators."""

from dataclasses import asdict
from datetime import date
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from linkage.domain.errors import InvalidFieldError
from linkage.domain.people.audit import Record, is_subject
from linkage.flow.people.auditing import records
from linkage_api.answers import listed
from linkage_api.calls import PAGE, call

router = Router()


@router.get("/v1/audit")
def index() -> Response[str]:
    """The records of one subject, or of one UTC day, newest first."""
    asked = call(router, "operator", query=("subject", "day", *PAGE))
    subject, day = asked.asked_for("subject"), asked.asked_for("day")
    limit, cursor = asked.page()
    if (subject is None) == (day is None):
        raise InvalidFieldError(
            "/subject", "Give subject, such as member#mem_…, or day, such as 2026-12-01: one."
        )
    if subject is not None and not is_subject(subject):
        raise InvalidFieldError("/subject", "subject must be a noun, #, and an id; or network.")
    page = records(asked.key, limit, cursor, subject=subject, day=_checked(day))
    return listed(page, _view)


def _checked(day: str | None) -> str | None:
    try:
        if day is None or date.fromisoformat(day).isoformat() == day:
            return day
    except ValueError:
        pass
    raise InvalidFieldError("/day", "Give day as a date: YYYY-MM-DD.")


def _view(record: Record) -> dict[str, Any]:
    return asdict(record)
