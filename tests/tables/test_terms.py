"""What terms and members say is read back as it was stored; what older ones left out is filled."""

from dataclasses import asdict, replace

import pytest

from linkage.domain.people.members import Split
from linkage.domain.terms.network import NetworkSettings, PayoutSchedule, RecruitmentBonus
from linkage.domain.terms.programs import Bonus, Reward, Step, Thresholds
from linkage.tables import members, programs, settings
from linkage.tables.dynamodb import transactions
from tests.domain.examples import MEMBER, PROGRAM, SETTINGS

pytestmark = pytest.mark.usefixtures("network")

STEPS = Thresholds(
    "volume", "quarter", (Step(0, 1_000, rate_bps=500), Step(1_000, None, amount_minor=70))
)
REWARDS = (
    Reward("sale", currency="USD", thresholds=STEPS, name="steps", max_minor=900),
    Reward(
        "sale",
        rate_bps=700,
        currency="USD",
        name="tiles",
        affiliate_id="mem_a",
        coupon="SPRING",
        group="gold",
        category="tiles",
        starts_on="2026-11-01",
        ends_on="2026-11-30",
        first_n=2,
        months=12,
        period="month",
        period_max_minor=5_000,
        budget_minor=90_000,
    ),
    Reward("lead", amount_minor=250, currency="USD"),
)
FULL = replace(
    PROGRAM,
    rewards=REWARDS,
    fingerprint="f",
    confirmation="automatic",
    confirm_after_days=14,
    click_model="first",
    lateness_days=0,
    categories=("tiles", "paint"),
    bonuses=(Bonus("count", "year", 10, 500, "USD"), Bonus("volume", "month", 9, 1, "JPY")),
    ceiling_bps=2_000,
    paused=True,
    joint_program_ids=("prg_2",),
)
NETWORK = NetworkSettings(
    version=1,
    affiliate_fee_bps=100,
    active_days=30,
    recruitment_bonus=RecruitmentBonus(500, "USD"),
    split_members_max=9,
    payout_minimum_minor={"USD": 100},
    payout_schedule=PayoutSchedule((1, 15), 9, "Africa/Harare", ("USD",)),
)


def strip(table: str, key: dict[str, str], *names: str) -> None:
    """Takes attributes off an item, as if it had been stored before they were thought of."""
    transactions.client.update_item(
        TableName=table,
        Key=transactions.to_wire(key),
        UpdateExpression="REMOVE " + ", ".join(names),
    )


@pytest.mark.parametrize("program", [PROGRAM, FULL], ids=["plain", "full"])
def test_a_program_comes_back_as_it_was_published(program: programs.Program) -> None:
    programs.publish_program(program)
    assert programs.get_program("prg_1") == program
    assert programs.program_version("prg_1", 1) == program


def test_a_program_stored_before_has_the_defaults() -> None:
    programs.publish_program(PROGRAM)
    added = ("click_model", "lateness_days", "categories", "bonuses", "paused", "joint_program_ids")
    strip("programs", {"program_id": "prg_1", "version": "current"}, *added)
    assert programs.get_program("prg_1") == PROGRAM


@pytest.mark.parametrize("published", [SETTINGS, NETWORK], ids=["plain", "full"])
def test_settings_come_back_as_they_were_published(published: NetworkSettings) -> None:
    settings.publish_settings(published)
    assert settings.current_settings() == published
    assert settings.settings_version(1) == published


def test_settings_stored_before_have_the_defaults() -> None:
    old = settings.SettingsItem(
        "current", number=1, settings={"level_rates_bps": [300], "payout_schedule": None}
    )
    old.save()
    assert settings.current_settings() == NetworkSettings(level_rates_bps=(300,))


def test_a_member_comes_back_with_its_splits() -> None:
    member = replace(MEMBER, groups=("gold",), splits=(Split("mem_e", 2_500), Split("mem_f", 1)))
    members.put_member(member)
    assert members.get_member(member.member_id) == member
    changed = members.set_member(member.member_id, splits=[asdict(Split("mem_f", 5))])
    assert changed.splits == members.get_member(member.member_id).splits == (Split("mem_f", 5),)
    assert members.set_member(member.member_id, splits=None).splits == ()


def test_a_member_stored_before_splits_nothing() -> None:
    members.put_member(MEMBER)
    strip("members", {"member_id": MEMBER.member_id}, "splits")
    assert members.get_member(MEMBER.member_id) == MEMBER
