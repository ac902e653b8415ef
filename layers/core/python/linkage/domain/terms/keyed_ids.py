"""Ids that are computed of what is guessed easily, so they are keyed by a secret of the network.

An id computed of an order's number by a plain hash tells the number to whoever tries all numbers.
A network that was made before ids were keyed keeps the ids it has. Its operator turns keyed ones on
once no function of an earlier release runs; they are written from an hour later on, and each of the
two forms only where the other is not, as long as a function could still be writing that one.
"""

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import NamedTuple

from linkage.domain import clock
from linkage.domain.errors import WrongSecretError
from linkage.domain.ids import computed, encoded, external, joined
from linkage.domain.terms.network import NetworkSettings

CHANGEOVER = timedelta(hours=1)
"""From turning keyed ids on to the first one: four times what the longest function may run."""

_OVERLAP = timedelta(days=1)
"""As long after that a new id also asks that the plain one is not there."""


class Forms(NamedTuple):
    """The two forms of one id."""

    plain: str
    keyed: str


class New(NamedTuple):
    """The form that something new gets, and the one that must not be there; None if it cannot."""

    form: str
    absent: str | None


def conversion_ids(secret: str, vendor_id: str, event: str, external_id: str) -> Forms:
    """The ids of the one conversion a vendor can report under this event and external id."""
    return _forms(secret, "cnv", vendor_id, event, external(external_id))


def link_causes(secret: str, *causes: str) -> Forms:
    """What the code of a link is made of that a repeated call makes once."""
    return _forms(secret, "lnk", *causes)


def new_form(forms: Forms, settings: NetworkSettings, secret: str, now: datetime) -> New:
    """Which of the forms is written now.

    Raises WrongSecretError if the network's keyed ids are made with another secret.
    """
    if settings.keyed_ids_from is None:
        return New(forms.plain, None)
    if settings.id_secret_mark != secret_mark(secret):
        raise WrongSecretError
    begin = clock.instant(settings.keyed_ids_from)
    if now < begin:
        return New(forms.plain, forms.keyed)
    return New(forms.keyed, forms.plain if now < begin + _OVERLAP else None)


def secret_mark(secret: str) -> str:
    """What tells a secret from another one, and tells nothing of it."""
    return _keyed(secret, "mark")


def _forms(secret: str, prefix: str, *causes: str) -> Forms:
    return Forms(computed(prefix, *causes), f"{prefix}_{_keyed(secret, prefix, *causes)}")


def _keyed(secret: str, *causes: str) -> str:
    return encoded(hmac.digest(secret.encode(), joined(*causes), hashlib.sha256))
