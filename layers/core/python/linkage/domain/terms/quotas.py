"""Quotas: how much one member may make, so that nothing of it grows without end."""

from dataclasses import dataclass

from linkage.domain.errors import ConflictError
from linkage.domain.people.members import Member
from linkage.domain.terms.network import NetworkSettings

_OF = {
    "programs_max": "programs of this vendor",
    "coupons_max": "coupons of this vendor",
    "links_max": "links of this affiliate",
    "program_versions_per_day_max": "versions of this program in one UTC day",
}
_TOLD_FROM = 80
"""From so many percent of a quota on, whoever uses it is told."""


@dataclass(frozen=True)
class Quota:
    """How many of something a setting allows, and how many of them were made so far."""

    setting: str
    most: int
    used: int

    @property
    def is_reached(self) -> bool:
        """Whether no more can be made."""
        return self.used >= self.most

    def reached(self) -> ConflictError:
        """What is answered when no more can be made: whom to ask."""
        tomorrow = " Or publish again tomorrow." if "per_day" in self.setting else ""
        return ConflictError(
            "quota_reached",
            f"The network allows {self.most:,} {_OF[self.setting]}, and there are as many. Ask an "
            f"operator of the network to raise {self.setting}.{tomorrow}",
        )

    def warnings(self) -> list[str]:
        """What to tell with one more made, while there is time to ask for more."""
        used = self.used + 1
        if used * 100 < self.most * _TOLD_FROM:
            return []
        return [
            f"{used:,} of the {self.most:,} {_OF[self.setting]} that the network allows are made. "
            f"For more, ask an operator of the network to raise {self.setting}."
        ]


def quota_of(member: Member, what: str, settings: NetworkSettings) -> Quota:
    """How many `programs`, `coupons` or `links` a member may make and has made."""
    setting = f"{what}_max"
    used: int = getattr(member, f"{what}_count")
    return Quota(setting, getattr(settings, setting), used)


def usage_of(member: Member, settings: NetworkSettings) -> dict[str, dict[str, int]]:
    """What a member has made and may make, by what it is."""
    made = {"vendor": ("programs", "coupons"), "affiliate": ("links",)}
    quotas = {
        what: quota_of(member, what, settings)
        for role, of_role in made.items()
        for what in of_role
        if member.has_role(role)
    }
    return {what: {"used": quota.used, "max": quota.most} for what, quota in quotas.items()}
