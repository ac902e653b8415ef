"""The demo network of the local run."""

from collections.abc import Mapping
from typing import Any


def seed(outputs: Mapping[str, str]) -> dict[str, Any]:
    """Fills a freshly deployed network; gives `keys` and `demo` as `.linkage/local.json` has them.

    `outputs` are the stack's outputs (`ApiUrl`, `LinksUrl`, `KeysTableName`, …). This process's
    AWS clients talk to the emulator already.
    """
    return {"keys": {}, "demo": {}}


def tutorial(local: Mapping[str, Any]) -> str:
    """What `make dev` prints at the end, from what `.linkage/local.json` holds."""
    return f"The API is at {local['api_url']}, the links at {local['links_url']}."
