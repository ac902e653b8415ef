"""Who is calling: from a Bearer secret to a key, by one read."""

import os

from linkage.domain.errors import UnauthenticatedError
from linkage.domain.people.api_keys import Key, key_id_in, opens
from linkage.tables.api_keys import find_key

_STAGE = os.environ["STAGE"]


def authenticated(secret: str) -> Key:
    """The live key behind a secret of this stage; raises UnauthenticatedError, always the same."""
    key_id = key_id_in(secret, _STAGE)
    key = find_key(key_id) if key_id else None
    if key is None or not opens(key, secret):
        raise UnauthenticatedError
    return key
