"""What an earlier release accepted, made by this one."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from linkage.domain.commissions.shares import Commission
from linkage.domain.conversions.conversions import Confirmation, Conversion
from linkage.domain.rule_versions import RULES_FIRST, RULES_OF_WHAT_STANDS
from linkage.flow.commissions import withdrawing
from linkage.flow.conversions import confirmation_snapshot, confirming, recording, vendor_decisions


@contextmanager
def rules_of(version: int) -> Iterator[None]:
    """Facts are accepted under these rules meanwhile, whoever accepts them."""
    with ExitStack() as stack:
        for module in (confirming, vendor_decisions, recording, withdrawing):
            stack.enter_context(patch.object(module, "RULES", version))
        if version < RULES_OF_WHAT_STANDS:  # what it withdrew stayed in the tallies
            stack.enter_context(patch.object(withdrawing, "moved_by_withdrawal", lambda _: ()))
            stack.enter_context(patch.object(confirming, "_living_by_introduction", _until_due))
        if version == RULES_FIRST:  # it knew no bounds on a day or a month
            stack.enter_context(patch.object(confirming, "_new_contacts", lambda *_: 0))
            stack.enter_context(
                patch.object(confirmation_snapshot, "_may_recruit", lambda *_: False)
            )
        yield


_remembering = confirming._living_by_introduction


def _until_due(
    conversion: Conversion, confirmation: Confirmation, commission: Commission | None
) -> list[dict[str, Any]]:
    """It did not remember what was due on the day it was confirmed, or earned nothing."""
    is_due = commission and commission.due_on == confirmation.accepted_at[:10]
    if is_due or not commission or not commission.direct_minor:
        return []
    return _remembering(conversion, confirmation, commission)
