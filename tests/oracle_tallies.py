"""What the rules say of tallies and of the bonuses they hold, worked out apart from the product.

A state is a tally as a plain dictionary; nothing here is imported from `linkage`.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from tests.oracle import (
    Held,
    Plain,
    Story,
    cap_names,
    cost_names,
    difference,
    direct_of,
    due_on,
    held,
    introduces,
    least,
    left,
    recruits,
    together,
)

type State = dict[str, Any]


def new(name: str) -> State:
    """A tally nobody has moved yet."""
    return {
        "name": name, "version": 0, "count": 0, "amount_minor": 0,
        "since": None, "last_on": None, "recruited_by": None, "held": (),
    }  # fmt: skip


def wanted(story: Story) -> list[str]:
    """The sorted names of the tallies the confirmation has to read."""
    conversion, program = story.conversion, story.program
    event, currency = conversion["event"], conversion["currency"]
    names = set(cost_names(story).values())
    if any(r["event"] == event and (r["first_n"] or r["months"]) for r in program["rewards"]):
        begins = f"customer#{conversion['program_id']}#{event}#"
        names |= {begins + key for key in conversion["customer_keys"]}
    if story.earns and not story.introduced:
        for reward in program["rewards"]:
            if (reward["event"], reward["currency"]) == (event, currency):
                names |= set(cap_names(story, reward))
        if story.is_sale:
            names |= _sales_names(story)
            if story.amount > 0:
                names.add(f"member#{story.affiliate}")
    return sorted(names)


def _sales_names(story: Story) -> set[str]:
    currency = story.conversion["currency"]
    steps = [(r["thresholds"], r["currency"]) for r in story.program["rewards"] if r["thresholds"]]
    uses = steps + [(bonus, bonus["currency"]) for bonus in story.program["bonuses"]]
    return {
        story.sales_name(use["by"], use["period"], of)
        for use, of in uses
        if use["by"] == "count" or of == currency
    }


def after_confirmation(story: Story) -> dict[str, State]:
    """Every tally the confirmation saw, as it is afterwards."""
    after = {name: _confirmed(story, dict(tally)) for name, tally in story.tallies.items()}
    everything = together(held(story, story.refunded), bonuses(story, story.tallies, after))
    return after | _costs(story, story.tallies, everything)


def _costs(story: Story, before: Mapping[str, Plain], posted: Held) -> dict[str, State]:
    """The cost tallies, once what was posted has moved the vendor's account; at least 0."""
    vendor, costs = f"vendor:{story.conversion['vendor_id']}", {}
    for currency, name in cost_names(story).items():
        was = before[name]
        minor = max(0, was["amount_minor"] - posted[vendor, currency])
        moves = minor != was["amount_minor"]
        costs[name] = {**was, "amount_minor": minor, "version": was["version"] + moves}
    return costs


def _confirmed(story: Story, tally: State) -> State:
    before, kind = dict(tally), tally["name"].split("#")[0]
    stands = story.refunded < story.amount or story.amount == 0
    if kind == "sales":
        if stands:
            tally["count"] += 1
            if not _of_all(tally):
                tally["amount_minor"] += story.amount - story.refunded
        room = 24 - len(tally["held"]) if story.confirmation["rules"] >= 2 else 10**9
        tally["held"] = (*tally["held"], *_granted(story, tally)[: max(0, room)])
    elif kind == "reward":
        tally["amount_minor"] += _part(story, tally, story.refunded)
    elif kind == "customer":
        tally["count"] += 1 if stands else 0
        if tally["since"] is None and story.earns:
            tally["since"] = story.conversion["occurred_at"]
    elif kind == "bindings":
        said = story.confirmation
        new = said["new_contacts"] if said["rules"] >= 3 else 1
        room = max(0, story.settings["bindings_per_day_max"] - tally["count"])
        tally["count"] += min(new, room) if introduces(story) else 0
    elif kind == "recruits":
        sponsor = story.confirmation["seen"]["upline"][0]
        may_have = sponsor["status"] == "approved" and not sponsor["buyer"]
        tally["count"] += 1 if may_have and recruits(story) else 0
    elif kind == "member":
        tally["last_on"] = max(tally["last_on"] or "", story.conversion["occurred_at"][:10])
        if recruits(story):
            tally["recruited_by"] = story.conversion["conversion_id"]
    return tally | {"version": tally["version"] + (tally != before)}


def after_refund(
    story: Story, states: Mapping[str, Plain], before_minor: int, after_minor: int, on: str
) -> dict[str, State]:
    """Tallies as a refund after the confirmation finds them, once it has moved them back.

    `on` is the refund's UTC date: what had fallen due by then is spent for good.
    """
    after = {
        name: _refunded(story, dict(tally), before_minor, after_minor)
        for name, tally in states.items()
    }
    shares = difference(held(story, after_minor), held(story, before_minor))
    in_time = together(
        shares if on < due_on(story) else Counter(),
        bonuses(story, _held_after(states, on), _held_after(after, on)),
    )
    return after | _costs(story, states, in_time)


def _held_after(states: Mapping[str, Plain], on: str) -> dict[str, Plain]:
    """The tallies with those of their bonuses that fall due after a date."""
    return {
        name: {**tally, "held": [each for each in tally["held"] if each["due_on"] > on]}
        for name, tally in states.items()
    }


def _refunded(story: Story, tally: State, before_minor: int, after_minor: int) -> State:
    before, kind, whole = dict(tally), tally["name"].split("#")[0], after_minor == story.amount
    if kind in {"sales", "customer"} and whole:
        tally["count"] = max(0, tally["count"] - 1)
    if kind == "sales":
        if not _of_all(tally):
            tally["amount_minor"] = max(0, tally["amount_minor"] - (after_minor - before_minor))
        stays = [bonus for bonus in tally["held"] if bonus["target"] <= _value(tally)]
        tally["held"] = tuple(stays)
    elif kind == "reward":
        less = _part(story, tally, before_minor) - _part(story, tally, after_minor)
        tally["amount_minor"] = max(0, tally["amount_minor"] - less)
    elif kind == "member" and tally["recruited_by"] == story.conversion["conversion_id"]:
        sponsor, stands = story.confirmation["seen"]["upline"][:1], story.amount - after_minor
        may_have = sponsor and sponsor[0]["status"] == "approved" and not sponsor[0]["buyer"]
        bonus = story.settings["recruitment_bonus"] and may_have
        if stands < ((least(story) or 1) if bonus else 1):
            tally["recruited_by"] = None
    return tally | {"version": tally["version"] + (tally != before)}


def bonuses(story: Story, before: Mapping[str, Plain], after: Mapping[str, Plain]) -> Held:
    """What vendor and affiliate gain or lose by what tallies hold after and did not before."""
    of: Held = Counter()
    for sign, states in ((1, after), (-1, before)):
        for tally in states.values():
            for bonus in tally["held"]:
                minor = sign * bonus["amount_minor"]
                of[f"affiliate:{story.affiliate}", bonus["currency"]] += minor
                of[f"vendor:{story.conversion['vendor_id']}", bonus["currency"]] -= minor
    return Counter({account: minor for account, minor in of.items() if minor})


def _of_all(tally: Plain) -> bool:
    return tally["name"].split("#")[-1] == "*"


def _value(tally: Plain) -> int:
    return int(tally["count"] if _of_all(tally) else tally["amount_minor"])


def _part(story: Story, tally: Plain, refunded: int) -> int:
    return sum(
        left(minor, story.amount, refunded)
        for reward, minor in zip(story.program["rewards"], direct_of(story)[1], strict=True)
        if tally["name"] in cap_names(story, reward)
    )


def _granted(story: Story, tally: Plain) -> list[Plain]:
    has = {(bonus["target"], bonus["currency"]) for bonus in tally["held"]}
    return [
        {
            "target": bonus["target"],
            "amount_minor": bonus["amount_minor"],
            "currency": bonus["currency"],
            "due_on": due_on(story),
        }
        for bonus in story.program["bonuses"]
        if story.sales_name(bonus["by"], bonus["period"], bonus["currency"]) == tally["name"]
        and bonus["target"] <= _value(tally)
        and (bonus["target"], bonus["currency"]) not in has
    ]
