"""A random network that changes while it trades: members, terms, settings, coupons, customers."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zlib import crc32

from linkage.domain import clock
from linkage.domain.errors import InvalidFieldError
from linkage.domain.people.members import Member, Split, upline_below
from linkage.domain.rule_versions import RULES_OF_KEYED_IDS
from linkage.domain.terms.coupons import Coupon
from linkage.domain.terms.keyed_ids import CHANGEOVER, secret_mark
from linkage.domain.terms.network import FIRST_SETTINGS, NetworkSettings
from linkage.domain.terms.programs import Program
from linkage.domain.terms.publication_checks import check_splits
from linkage.tables import coupons, members, programs, settings
from linkage.tables.dynamodb import transactions
from tests.faults.terms import (
    COUPONS,
    CURRENCIES,
    GROUPS,
    growing_program,
    random_program,
    random_settings,
)

KEYED_FROM_VERSION = 3
START = datetime(2026, 1, 1, 8, tzinfo=UTC)
BOTH = 2
"""So many of the affiliates sell too."""
SHOPS = ("mem_v0", "mem_v1")
PROGRAMS_EACH = 3
CLICKS_KEPT = 400


@dataclass(frozen=True)
class KnownClick:
    """A click that may be sent with a report."""

    click_id: str
    vendor_id: str


class World:
    """Everything that is there before a fact is reported; `moment` is the only clock."""

    def __init__(self, random: Random, affiliates: int = 56, customers: int = 300) -> None:
        self._affiliate_count, self._customer_count = affiliates, customers
        self.random, self.moment = random, START
        self.settings: NetworkSettings = FIRST_SETTINGS
        self.members: dict[str, Member] = {}
        self.programs: dict[str, Program] = {}
        self.clicks: list[KnownClick] = []
        self.coupons: list[tuple[str, str]] = []
        self.customers: list[dict[str, str]] = []
        self.clicked = 0

    @property
    def affiliates(self) -> list[str]:
        return [each.member_id for each in self.members.values() if each.has_role("affiliate")]

    @property
    def vendors(self) -> list[str]:
        return [each.member_id for each in self.members.values() if each.has_role("vendor")]

    def build(self) -> None:
        """The network as it opens."""
        for vendor_id in SHOPS:
            self._join(vendor_id, ("vendor",))
        for number in range(self._affiliate_count):
            roles = ("affiliate", "vendor") if number < BOTH else ("affiliate",)
            self._join(f"mem_a{number:02d}", roles)
        self.publish_settings()
        self._open_programs()
        for number in range(self._customer_count):
            self.customers.append(self._customer(number))
        for _ in range(20):
            self.change_splits()
            self.click()
        for _ in range(8):
            self.change_coupon()

    def _join(self, member_id: str, roles: tuple[str, ...]) -> None:
        others = self.affiliates
        # Mostly the newest brings the next one, so that uplines get as deep as they can.
        recruited = others and self.random.random() < 0.9 and "affiliate" in roles
        sponsor = self.members[self.random.choice(others[-3:])] if recruited else None
        member = Member(
            member_id=member_id,
            name=member_id,
            roles=roles,
            status="approved",
            created_at=clock.text(self.moment),
            email=f"{member_id}@gmail.com",
            phone=f"+26377{len(self.members):07d}",
            sponsor_id=sponsor.member_id if sponsor else None,
            upline=upline_below(sponsor) if sponsor else (),
            groups=tuple(self.random.sample(GROUPS, self.random.choice((0, 1, 1, 2)))),
        )
        members.put_member(member)
        self.members[member_id] = member

    def _open_programs(self) -> None:
        ids = {v: [f"prg_{v[4:]}{n}" for n in range(PROGRAMS_EACH)] for v in self.vendors}
        together = self._promoted_together(ids)
        for vendor_id, program_ids in ids.items():
            for program_id in program_ids:
                program = Program(
                    program_id=program_id,
                    version=0,
                    vendor_id=vendor_id,
                    name=program_id,
                    destination_url="https://shop.example/",
                    rewards=(),
                    window_days=30,
                    hold_days=0,
                    confirmation="manual",
                    introducer_rate_bps=0,
                    created_at=clock.text(self.moment),
                    joint_program_ids=together[program_id],
                )
                self.programs[program_id] = program
                self.publish_program(program_id)

    def _promoted_together(self, ids: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
        """For each program some of other vendors; most of them name it back."""
        named: dict[str, set[str]] = {each: set() for theirs in ids.values() for each in theirs}
        for vendor_id, program_ids in ids.items():
            others = [each for vendor in ids if vendor != vendor_id for each in ids[vendor]]
            for program_id in program_ids:
                for other in self.random.sample(others, 2):
                    named[program_id].add(other)
                    if crc32(f"{program_id} {other}".encode()) % 5:
                        named[other].add(program_id)
        return {each: tuple(sorted(theirs)) for each, theirs in named.items()}

    def _customer(self, number: int) -> dict[str, str]:
        customer = {
            "phone": f"+26371{number:07d}",
            "email": f"customer{number}@example.com",
            "id": f"c-{number}",
        }
        if number % 12 == 0:  # a member, as its mail service would also know it
            local = self.random.choice(self.affiliates)
            customer["email"] = f"{local.replace('_', '_.')}+shop@googlemail.com"
        if number % 15 == 0:
            customer["phone"] = str(self.members[self.random.choice(self.affiliates)].phone)
        return customer

    # ---- what changes

    def change(self) -> None:
        """One change at random."""
        self.random.choices(
            (
                *(self.publish_program, self.publish_settings, self.change_status),
                *(self.change_groups, self.change_splits, self.change_coupon, self.click),
                *(self.suspend_or_approve_a_vendor, self.change_limits),
            ),
            (3, 3, 4, 3, 3, 4, 40, 2, 2),
        )[0]()

    def publish_program(self, program_id: str | None = None) -> None:
        """A new version of a program's terms."""
        was = self.programs[program_id or self.random.choice(list(self.programs))]
        now = clock.text(self.moment)
        fresh = replace(was, version=was.version + 1, published_at=now)
        program = random_program(self.random, fresh, self.settings)
        programs.publish_program(program)
        self.programs[program.program_id] = program

    def open_program(self) -> str:
        """A program whose vendor may sell now, as much as it will."""
        program = self.programs[self.random.choice(list(self.programs))]
        self._set(program.vendor_id, status="approved", confirmed_max_minor=None)
        return program.program_id

    def open_affiliate(self) -> str:
        """An affiliate that sells nothing and may earn now."""
        sellers = set(self.vendors)
        affiliate_id = self.random.choice([each for each in self.affiliates if each not in sellers])
        self._set(affiliate_id, status="approved")
        return affiliate_id

    def grow_program(self, program_id: str, number: int) -> None:
        """The numbered version of terms that grow: one bonus more, and another hold."""
        was = self.programs[program_id]
        fresh = replace(was, version=was.version + 1, published_at=clock.text(self.moment))
        program = growing_program(fresh, number, self.settings)
        programs.publish_program(program)
        self.programs[program_id] = program

    def publish_settings(self) -> None:
        """A new version of the settings, if one is found that every program's ceiling allows."""
        found = random_settings(self.random, self.settings, list(self.programs.values()))
        if found.version > self.settings.version:
            self.settings = self._with_keyed_ids(found)
            settings.publish_settings(self.settings)

    def _with_keyed_ids(self, found: NetworkSettings) -> NetworkSettings:
        """A network from before there were any turns them on with its third version."""
        begin = self.settings.keyed_ids_from
        if begin is None and found.version < KEYED_FROM_VERSION:
            return found
        return replace(
            found,
            rules=RULES_OF_KEYED_IDS,
            keyed_ids_from=begin or clock.text(self.moment + CHANGEOVER),
            id_secret_mark=secret_mark(os.environ["ID_SECRET"]),
        )

    def change_status(self) -> None:
        """Suspends a member, or takes one that is suspended back; few are suspended at a time."""
        member_id = self.random.choice(list(self.members))
        gone = [each for each in self.members.values() if each.status != "approved"]
        if len(gone) > 6:
            member_id = self.random.choice(gone).member_id
        suspended = self.members[member_id].status == "suspended"
        self._set(member_id, status="approved" if suspended else "suspended")

    def suspend_or_approve_a_vendor(self) -> None:
        """One vendor at most is suspended by this, and it is approved again soon."""
        gone = [each for each in self.vendors if self.members[each].status != "approved"]
        member_id = self.random.choice(gone or self.vendors)
        self._set(member_id, status="approved" if gone else "suspended")

    def change_limits(self) -> None:
        """Limits what a vendor's confirmations of a month may cost it, or takes that away."""
        limits = {
            currency: self.random.choice((1, 5_000, 300_000, 10**9))
            for currency in self.random.sample(CURRENCIES, self.random.choice((0, 1, 2)))
        }
        self._set(self.random.choice(self.vendors), confirmed_max_minor=limits or None)

    def change_groups(self) -> None:
        """Puts an affiliate into other groups."""
        groups = tuple(self.random.sample(GROUPS, self.random.choice((0, 1, 2))))
        self._set(self.random.choice(self.affiliates), groups=groups)

    def change_splits(self) -> None:
        """Gives an affiliate other splits, as many as the settings allow now."""
        member_id = self.random.choice(self.affiliates)
        many = min(self.settings.split_members_max, self.random.choice((0, 1, 2, 9)))
        most = min(many, len(self.affiliates))
        receivers = self.random.sample(self.affiliates, most)
        shares = [self.random.randint(1, 10_000 // max(1, most)) for _ in receivers]
        splits = tuple(Split(*each) for each in zip(receivers, shares, strict=True))
        try:
            check_splits(member_id, splits, self.settings)
        except InvalidFieldError:
            return
        members.set_member(member_id, splits=[asdict(each) for each in splits])
        self.members[member_id] = replace(self.members[member_id], splits=splits)

    def _set(self, member_id: str, **changes: Any) -> None:
        members.set_member(member_id, **changes)
        self.members[member_id] = replace(self.members[member_id], **changes)

    def change_coupon(self) -> None:
        """A new coupon, or one that is paused, taken up again or dated otherwise."""
        program = self.programs[self.random.choice(list(self.programs))]
        code, today = self.random.choice(COUPONS), self.moment.date()
        starts, ends = (
            (today + timedelta(days=self.random.randint(*bounds))).isoformat()
            if self.random.random() < 0.5
            else None
            for bounds in ((-30, 10), (10, 60))
        )
        if (program.vendor_id, code) in self.coupons:
            paused = self.random.random() < 0.3
            was = coupons.find_coupon(program.vendor_id, code)
            assert was is not None
            changed = replace(was, paused=paused, starts_on=starts, ends_on=ends)
            if changed != was:
                coupons.set_coupon(was, changed)
            return
        coupons.put_coupon(
            Coupon(
                vendor_id=program.vendor_id,
                code=code,
                program_id=program.program_id,
                affiliate_id=self.random.choice(self.affiliates),
                exclusive=self.random.random() < 0.5,
                starts_on=starts,
                ends_on=ends,
                paused=False,
                created_at=clock.text(self.moment),
            )
        )
        self.coupons.append((program.vendor_id, code))

    def click(self) -> None:
        """A visit through an affiliate's link, some time ago."""
        program = self.programs[self.random.choice(list(self.programs))]
        clicked_at = self.moment - timedelta(minutes=int(self.random.expovariate(1 / 5_000)))
        self.clicked += 1
        click_id = f"clk_{self.clicked}"
        item = {
            "click_id": click_id,
            "code": "abcdefgh",
            "program_id": program.program_id,
            "vendor_id": program.vendor_id,
            "affiliate_id": self.random.choice(self.affiliates),
            "clicked_at": clock.text(clicked_at),
        }
        transactions.write([transactions.put_new("clicks", item, "click_id")])
        self.clicks = [*self.clicks[-CLICKS_KEPT:], KnownClick(click_id, program.vendor_id)]
