"""Accepting what is said of a conversion: read, decided, and written if nothing moved between."""

from collections.abc import Callable
from typing import Any

from linkage.domain.conversions.conversions import Conversion, History
from linkage.domain.errors import BusyError, ConditionFailedError, NotFoundError
from linkage.domain.rule_versions import require_known
from linkage.tables import conversions
from linkage.tables.dynamodb.transactions import attempts

type Operations = list[dict[str, Any]]

type Accepted = tuple[Conversion, Operations]
"""The conversion one fact on, and the operations that make it so."""


def accept(
    conversion_id: str,
    vendor_id: str | None,
    accepted: Callable[[History], Accepted | None],
) -> tuple[Conversion, bool]:
    """Reads, decides and writes until nothing moved in between; None from `accepted` is a replay.

    `vendor_id` is the caller's, None for an operator; another vendor's conversion is not found, and
    one with a fact of a later release is left alone (LaterReleaseError).
    """
    for _ in attempts():
        history = conversions.get_history(conversion_id)
        conversion = history.conversion
        if vendor_id not in {None, conversion.vendor_id}:
            raise NotFoundError("conversion")
        require_known(*history.versions())
        decision = accepted(history)
        if decision is None:
            return conversion, True
        becomes, operations = decision
        try:
            conversions.accept(operations)
        except ConditionFailedError:
            continue
        return becomes, False
    raise BusyError
