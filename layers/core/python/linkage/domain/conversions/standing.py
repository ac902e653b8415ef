"""Standing: what a fact saw of members and tallies when accepted; posting looks at no more."""

from dataclasses import dataclass, field

from linkage.domain.conversions.tallies import Tally
from linkage.domain.people.members import Split


@dataclass(frozen=True)
class Standing:
    """What a fact saw of one member when it was accepted.

    `active` is whether it had a sale of its own within the settings' `active_days` (True without
    that setting), `buyer` whether it is itself the customer. `splits` are those whose receiver was
    an approved affiliate and not the customer.
    """

    member_id: str
    status: str
    active: bool = True
    buyer: bool = False
    groups: tuple[str, ...] = ()
    splits: tuple[Split, ...] = ()


@dataclass(frozen=True)
class Seen:
    """What a confirmation saw when it was accepted; posting reads nothing newer.

    `tallies` are as they were before this confirmation moved them; `limits` what the vendor's
    confirmations of the month might cost it, by currency, where it had a limit.
    """

    affiliate: Standing | None
    upline: tuple[Standing, ...] = ()
    tallies: tuple[Tally, ...] = ()
    limits: dict[str, int] = field(default_factory=dict)
