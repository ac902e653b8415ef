"""What an earlier release accepted, made by this one."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from linkage.flow import confirming, deciding, recording, seeing
from linkage.rules import RULES_FIRST


@contextmanager
def rules_of(version: int) -> Iterator[None]:
    """Facts are accepted under these rules meanwhile, whoever accepts them."""
    with ExitStack() as stack:
        for module in (confirming, deciding, recording):
            stack.enter_context(patch.object(module, "RULES", version))
        if version == RULES_FIRST:  # it knew no bounds on a day or a month
            stack.enter_context(patch.object(confirming, "_new_contacts", lambda *_: 0))
            stack.enter_context(patch.object(seeing, "_may_recruit", lambda *_: False))
        yield
