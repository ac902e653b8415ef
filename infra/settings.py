"""What differs between stages, read from the `stages` table of `cdk.json`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs

_KEY_ID = re.compile(r"[0-9]{1,4}")
_CODE = re.compile(r"[2-9A-HJKMNP-Za-km-z]{8,32}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class StageSettingsError(ValueError):
    """The context does not describe a stage; the message says what to change."""


@dataclass(frozen=True)
class Throttle:
    """Requests an API takes: `rate` a second, and `burst` at once."""

    rate: int
    burst: int


@dataclass(frozen=True)
class StageSettings:
    """One stage: `local` is the emulator; every other name is an AWS deployment."""

    stage: str
    retain: bool
    log_retention: str
    links_throttle: Throttle
    api_throttle: Throttle
    sweep_minutes: int
    automatic_batches: bool
    gateway_port: int
    alarm_email: str | None
    monthly_budget_usd: int | None
    check_link: str | None
    links_domain: str | None
    certificate_arn: str | None
    country_header: str | None
    links_access_log: bool
    edge: bool
    edge_certificate_arn: str | None
    click_token_keys: tuple[str, ...]

    @property
    def metrics_namespace(self) -> str:
        """Where the stage's own metrics are, apart from other stages' of the same account."""
        return f"Linkage-{self.stage}"

    @property
    def viewer_address_header(self) -> str | None:
        """Where the edge says whose request it sends on, as `ip:port`; None without the edge."""
        return "cloudfront-viewer-address" if self.edge else None

    @property
    def is_local(self) -> bool:
        return self.stage == "local"

    @property
    def enforce_ssl(self) -> bool:
        """Whether plain HTTP is refused: everywhere but in the emulator, which speaks nothing
        else and, when it enforces roles, would refuse every call."""
        return not self.is_local

    @property
    def removal_policy(self) -> RemovalPolicy:
        return RemovalPolicy.RETAIN if self.retain else RemovalPolicy.DESTROY

    @property
    def log_retention_days(self) -> logs.RetentionDays:
        return logs.RetentionDays[self.log_retention]

    @classmethod
    def from_context(cls, context: Callable[[str], Any]) -> "StageSettings":
        """Settings of the chosen stage; `-c name=value` wins over the stage's own optional
        values. Raises StageSettingsError."""
        stage, chosen = _chosen_stage(context)

        def optional(name: str) -> Any:
            return context(name) or chosen.get(name)

        if bool(optional("links_domain")) != bool(optional("certificate_arn")):
            raise StageSettingsError(
                "links_domain and certificate_arn go together: give both, or neither."
            )
        alarm_email = optional("alarm_email")
        if chosen.get("retain") and not _is_on(optional("without_alarm_email")):
            _require_somebody_to_tell(stage, alarm_email)
        edge = _is_on(optional("edge"))
        edge_certificate_arn = optional("edge_certificate_arn") if edge else None
        if edge:
            _require_edge(stage, optional("links_domain"), edge_certificate_arn)
        try:
            return cls(
                stage=stage,
                retain=chosen["retain"],
                log_retention=chosen["log_retention"],
                links_throttle=Throttle(**chosen["links_throttle"]),
                api_throttle=Throttle(**chosen["api_throttle"]),
                sweep_minutes=chosen["sweep_minutes"],
                automatic_batches=chosen["automatic_batches"],
                gateway_port=int(context("gateway_port")),
                alarm_email=alarm_email,
                monthly_budget_usd=_budget(optional("monthly_budget_usd")),
                check_link=_link_code(optional("check_link")),
                links_domain=optional("links_domain"),
                certificate_arn=optional("certificate_arn"),
                country_header=optional("country_header"),
                links_access_log=_is_on(optional("links_access_log")),
                edge=edge,
                edge_certificate_arn=edge_certificate_arn,
                click_token_keys=_key_ids(optional("click_token_keys"), edge=edge),
            )
        except KeyError as missing:
            raise StageSettingsError(
                f"Stage '{stage}' lacks the setting {missing}; add it under stages in cdk.json."
            ) from missing


def _chosen_stage(context: Callable[[str], Any]) -> tuple[str, Mapping[str, Any]]:
    stages: Mapping[str, Mapping[str, Any]] = context("stages") or {}
    stage = context("stage")
    if stage not in stages:
        raise StageSettingsError(
            f"There is no stage '{stage}'; choose one with -c stage=NAME out of "
            f"{', '.join(stages) or 'none'}, or add it under stages in cdk.json."
        )
    return stage, stages[stage]


def _is_on(value: Any) -> bool:
    """Whether an option is chosen; `-c` gives texts."""
    return value is True or value == "true"


def _require_somebody_to_tell(stage: str, alarm_email: str | None) -> None:
    if alarm_email is None or not _EMAIL.fullmatch(alarm_email):
        raise StageSettingsError(
            f"Stage '{stage}' keeps people's money, and nobody would hear of its alarms. Give"
            " -c alarm_email=NAME@EXAMPLE.COM, or better write it under stages in cdk.json. If you"
            " know that, and want none, give -c without_alarm_email=true."
        )


def _budget(value: str | int | None) -> int | None:
    if value is None:
        return None
    if not str(value).isdecimal() or not int(value):
        raise StageSettingsError("monthly_budget_usd is a whole number of US dollars, such as 50.")
    return int(value)


def _link_code(value: str | None) -> str | None:
    if value is not None and not _CODE.fullmatch(value):
        raise StageSettingsError(
            "check_link is the code of a link, which is the end of its address, and not all of it."
        )
    return value


def _require_edge(stage: str, links_domain: str | None, certificate_arn: str | None) -> None:
    if stage == "local":
        raise StageSettingsError(
            "The edge is CloudFront's, and the local emulator has none. Choose another stage."
        )
    if bool(links_domain) != bool(certificate_arn):
        raise StageSettingsError(
            "With edge=true, links_domain and edge_certificate_arn go together: CloudFront needs a"
            " certificate of its own for that name. Give both, or neither."
        )
    if certificate_arn and ":us-east-1:" not in certificate_arn:
        raise StageSettingsError(
            "edge_certificate_arn must be in us-east-1: CloudFront takes certificates from no other"
            " region."
        )


def _key_ids(listed: str | int | None, *, edge: bool) -> tuple[str, ...]:
    """The ids of the keys of click tokens, as `1,2`; the last one signs."""
    key_ids = tuple(str(listed).split(",")) if listed else (("1",) if edge else ())
    if len(set(key_ids)) < len(key_ids) or not all(_KEY_ID.fullmatch(each) for each in key_ids):
        raise StageSettingsError(
            "click_token_keys lists different numbers of one to four digits, such as 1,2."
        )
    return key_ids
