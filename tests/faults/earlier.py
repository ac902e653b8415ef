"""What an earlier release accepted, made by this one."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from linkage.flow import confirming, deciding, recording


@contextmanager
def rules_of(version: int) -> Iterator[None]:
    """Facts are accepted under these rules meanwhile, whoever accepts them."""
    with ExitStack() as stack:
        for module in (confirming, deciding, recording):
            if hasattr(module, "RULES"):
                stack.enter_context(patch.object(module, "RULES", version))
        yield
