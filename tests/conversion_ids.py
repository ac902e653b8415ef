"""The ids of conversions in both their forms, with the secret that tests have."""

import os

from linkage.domain.terms.keyed_ids import Forms, conversion_ids


def ids_of(vendor_id: str, event: str, external_id: str) -> Forms:
    """Both forms."""
    return conversion_ids(os.environ["ID_SECRET"], vendor_id, event, external_id)


def plain_id(vendor_id: str, event: str, external_id: str) -> str:
    """The form of a network that has not turned keyed ids on."""
    return ids_of(vendor_id, event, external_id).plain


def keyed_id(vendor_id: str, event: str, external_id: str) -> str:
    """The form of a network that begins today."""
    return ids_of(vendor_id, event, external_id).keyed
