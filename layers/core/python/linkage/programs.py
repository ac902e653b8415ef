"""Programs: a vendor's terms. Every version is kept; a conversion lives by the one it saw."""

from dataclasses import dataclass

EVENTS = ("sale", "lead")


@dataclass(frozen=True)
class Reward:
    """What one event earns: a share of its amount, or a fixed amount in one currency."""

    event: str
    rate_bps: int | None = None
    amount_minor: int | None = None
    currency: str | None = None

    def matches(self, event: str, currency: str) -> bool:
        """Whether the reward is for this event; a fixed amount only in its own currency."""
        return self.event == event and self.currency in {None, currency}


@dataclass(frozen=True)
class Program:
    """One version of a vendor's terms."""

    program_id: str
    version: int
    vendor_id: str
    name: str
    destination_url: str
    rewards: tuple[Reward, ...]
    window_days: int
    hold_days: int
    confirmation: str
    introducer_rate_bps: int
    created_at: str
    fingerprint: str | None = None


def reward_for(program: Program, event: str, currency: str) -> Reward | None:
    """The one reward that matches; None when nothing does."""
    return next((r for r in program.rewards if r.matches(event, currency)), None)


def tied_rewards(rewards: tuple[Reward, ...]) -> tuple[int, int] | None:
    """The positions of two rewards that could both match one conversion; None when none can."""
    for second, later in enumerate(rewards):
        for first, earlier in enumerate(rewards[:second]):
            same_event = earlier.event == later.event
            currencies = {earlier.currency, later.currency}
            if same_event and (None in currencies or len(currencies) == 1):
                return first, second
    return None
