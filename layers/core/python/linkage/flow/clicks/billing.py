"""Billing a day: the clicks and impressions of each link become one conversion that pays for them.

Such a conversion is accepted, confirmed and posted as any report is. Its id is made of event, link
and day, so a day can be billed again, by two at once, or from where it broke off.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache

from linkage.domain import clock
from linkage.domain.clicks.known_clicks import CountedLink
from linkage.domain.clicks.statistics import LinkDay
from linkage.domain.conversions.conversions import Conversion
from linkage.domain.conversions.requests import Report
from linkage.domain.errors import ConflictError, LinkageError, NotFoundError
from linkage.domain.ids import fingerprint
from linkage.domain.people.customers import Customer
from linkage.domain.terms.programs import COUNTED_EVENTS, Program
from linkage.flow.conversions.recording import report
from linkage.tables.programs import program_in_force

_START_OF_DAY = time(tzinfo=UTC)
_END_OF_DAY = time(23, 59, 59, 999_000, tzinfo=UTC)
_FOR_NOW = "busy"
"""The code of the conflict that another attempt may settle."""


@dataclass(frozen=True)
class NotBilled:
    """A link's clicks or impressions that will not be billed, or not yet, and why.

    `error` is what went wrong, None where the answer is a plain no.
    """

    code: str
    event: str
    quantity: int
    why: str
    error: Exception | None = None


@dataclass(frozen=True)
class Billed:
    """What came of billing a day; `repeated` were billed before, of `accepted` these are `held`."""

    accepted: int
    repeated: int
    refused: tuple[NotBilled, ...]
    held: tuple[Conversion, ...] = ()


class DayNotBilledError(Exception):
    """Some links of a day could not be billed now; the same call again bills the rest."""

    def __init__(self, day: date, failed: list[NotBilled], held: Iterable[Conversion] = ()) -> None:
        first = failed[0]
        super().__init__(
            f"{len(failed)} of {day} are not billed yet; the first: {first.event}s of link "
            f"{first.code}: {first.why}"
        )
        self.failed, self.held = tuple(failed), tuple(held)


def bill_day(day: date, counts: Iterable[LinkDay]) -> Billed:
    """Bills every link whose program pays for what was counted on it that UTC day, once.

    All links of a program live by its version in force as the day began, on the program's first
    day by its first one: so nothing that is published later changes what visitors already came for.
    One that is refused for good (its vendor was never approved, or it was billed with another
    count) is reported and passed over.
    Raises ValueError if the day is not over, DayNotBilledError once all
    others are done if some failed for now.
    """
    if day >= clock.day(clock.now()):
        raise ValueError(f"{day} is not over, so it cannot be billed")
    began = clock.text(datetime.combine(day, _START_OF_DAY))
    program_of = cache(lambda program_id: program_in_force(program_id, began))
    accepted, repeated = 0, 0
    refused: list[NotBilled] = []
    failed: list[NotBilled] = []
    held: list[Conversion] = []
    for link in counts:
        for event, quantity in _counted(link):
            try:
                billed = _bill(day, link, event, quantity, program_of(link.program_id))
            except (ConflictError, NotFoundError) as error:
                missed = failed if error.code == _FOR_NOW else refused
                missed.append(NotBilled(link.code, event, quantity, _why(error)))
            except Exception as error:  # noqa: BLE001, one of many
                failed.append(NotBilled(link.code, event, quantity, repr(error), error))
            else:
                if billed is None:
                    continue
                conversion, replayed = billed
                accepted, repeated = accepted + (not replayed), repeated + replayed
                held += [conversion] if conversion.held_reason and not replayed else []
    if failed:
        raise DayNotBilledError(day, failed, held)
    return Billed(accepted, repeated, tuple(refused), tuple(held))


def _why(error: LinkageError) -> str:
    if error.code == "external_id_reused":
        return "This day was billed before, for another count, which stands."
    return error.detail


def _counted(link: LinkDay) -> Iterator[tuple[str, int]]:
    for event, quantity in zip(COUNTED_EVENTS, (link.visitors, link.impressions), strict=True):
        if quantity:
            yield event, quantity


def _bill(
    day: date, link: LinkDay, event: str, quantity: int, program: Program
) -> tuple[Conversion, bool] | None:
    """The conversion, and whether it was billed before; None if the program does not pay."""
    paying = (each.currency for each in program.rewards if each.event == event)
    currency = next(paying, None)
    if currency is None:
        return None
    counted = {"event": event, "code": link.code, "day": day.isoformat(), "quantity": quantity}
    sent = Report(
        vendor_id=link.vendor_id,
        program_id=link.program_id,
        event=event,
        external_id=f"{event}/{link.code}/{day.isoformat()}",
        amount_minor=0,
        currency=currency,
        fingerprint=fingerprint(counted),
        click_id=None,
        affiliate_id=None,
        customer=Customer(),
        metadata={},
        occurred_at=clock.text(datetime.combine(day, _END_OF_DAY)),
        may_backdate=True,
        link=CountedLink(link.code, link.affiliate_id),
        quantity=quantity,
    )
    return report(sent, program)
