"""Publishing the next version of the network's settings, and who may publish it alone."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from functools import partial

from linkage.domain import clock
from linkage.domain.errors import ConflictError, InvalidFieldError
from linkage.domain.lists import LIMIT_MAX
from linkage.domain.people.api_keys import Key
from linkage.domain.people.proposals import Asked, Change, Operations, Proposal
from linkage.domain.rule_versions import RULES_OF_KEYED_IDS
from linkage.domain.terms.ceilings import on_top_of
from linkage.domain.terms.four_eyes import takes_two
from linkage.domain.terms.keyed_ids import CHANGEOVER, secret_mark
from linkage.domain.terms.network import NetworkSettings, began
from linkage.domain.terms.publication_checks import check_settings, check_settings_for
from linkage.flow.people.proposing import Plan, act
from linkage.tables.api_keys import list_keys
from linkage.tables.members import list_members
from linkage.tables.programs import tight_programs
from linkage.tables.settings import current_settings, publish_settings, settings_of

PUBLISH, KEYED_IDS = "network.publish", "keyed_ids"
_ID_SECRET = os.environ["ID_SECRET"]
_PERSONS_MIN = 2


def plan_publish(asked: Asked, _: Key) -> Change:
    """Publishes settings: `said` has them whole, with their version, and whether ids are keyed.

    Raises ConflictError if others were published meanwhile, or four eyes would be nobody's;
    InvalidFieldError for settings that cannot be, or that a program's ceiling does not allow.
    """
    current, asked_for = current_settings(), settings_of(asked.said)
    wanted = _with_keyed_ids(asked_for, asked.said.get(KEYED_IDS), current)
    schedule = began(wanted.payout_schedule, current.payout_schedule, clock.now())
    new = replace(wanted, payout_schedule=schedule)
    if current.version and replace(new, version=current.version) == current:
        return _change(current, current, None)
    if new.version != current.version + 1:
        raise ConflictError(
            "published_meanwhile",
            "Somebody else published settings meanwhile. Read them, and publish again.",
        )
    check_settings(new)
    if on_top_of(new) > on_top_of(current):
        _require_ceilings_kept(new)
    if new.four_eyes and not current.four_eyes:
        _require_two_persons()
    return _change(current, new, partial(publish_settings, new))


def _change(
    current: NetworkSettings, new: NetworkSettings, write: Callable[[Operations], None] | None
) -> Change:
    said = (asdict(current), asdict(new))
    return Change("network", "network.published", *said, write, guarded=takes_two(current, new))


def _with_keyed_ids(
    new: NetworkSettings, asked: bool | None, current: NetworkSettings
) -> NetworkSettings:
    """The new settings with keyed ids from some moment on, if they were on or are asked for.

    A network that has no member yet has nothing with another id, and begins with them. Raises
    InvalidFieldError for who wants them off again.
    """
    begin, mark = current.keyed_ids_from, current.id_secret_mark
    if begin is not None and asked is False:
        raise InvalidFieldError(
            f"/{KEYED_IDS}",
            "Ids that are keyed stay so: what has one could not be found again. Leave keyed_ids "
            "out, or true.",
        )
    if begin is None:
        is_new = current.version == 0 and not list_members(1, None).data
        if not (is_new if asked is None else asked):
            return new
        begin = clock.text(clock.now() if is_new else clock.now() + CHANGEOVER)
        mark = secret_mark(_ID_SECRET)
    return replace(new, rules=RULES_OF_KEYED_IDS, keyed_ids_from=begin, id_secret_mark=mark)


def _require_ceilings_kept(settings: NetworkSettings) -> None:
    """Raises InvalidFieldError for the tightest program that could exceed its ceiling.

    Only where more comes on top than before: each program was published under what came then.
    """
    for program in tight_programs(on_top_of(settings)):
        check_settings_for(program, settings)


def _require_two_persons() -> None:
    """Raises ConflictError unless live operators' keys name two persons."""
    persons: set[str] = set()
    for key in _keys():
        if key.role == "operator" and key.revoked_at is None and key.person:
            persons.add(key.person)
        if len(persons) >= _PERSONS_MIN:
            return
    raise ConflictError(
        "one_person",
        "Four eyes need live operators' keys of two named persons, and there are keys of "
        f"{len(persons)}. Make a key for another person (POST /v1/keys with role operator and "
        "person), or name the keys made before: linkage keys name KEY --person NAME.",
    )


def _keys() -> Iterator[Key]:
    cursor: str | None = None
    while True:
        page = list_keys(LIMIT_MAX, cursor)
        yield from page.data
        cursor = page.next_cursor
        if cursor is None:
            return


def settings_in_force(by: Key) -> NetworkSettings:
    """The settings in force; for operators."""
    by.require("operator")
    return current_settings()


def publish(
    by: Key, wanted: NetworkSettings, keyed_ids: bool | None, *, after: int | None
) -> tuple[NetworkSettings, Proposal | None]:
    """Publishes the next version of the settings, or proposes it; the same again publish nothing.

    `wanted` has no version; `after` is the one the caller has read, None for the one in force.
    Gives the settings in force. For operators. Raises what `plan_publish` raises.
    """
    by.require("operator")
    read_as = current_settings().version if after is None else after
    said = asdict(replace(wanted, version=read_as + 1))
    _, proposal = act(PUBLISH, plan_publish, Asked(said | {KEYED_IDS: keyed_ids}), by)
    return current_settings(), proposal


ACTIONS: Mapping[str, Plan] = {PUBLISH: plan_publish}
