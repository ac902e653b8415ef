"""What differs between stages, read from the `stages` table of `cdk.json`."""

import difflib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs

from infra.setting_forms import (
    EDGE_REGION,
    PORT,
    SETTINGS,
    STAGE,
    Form,
    StageSettingsError,
    Throttle,
    region_of,
)

OF_THE_APP = {"stage": STAGE, "gateway_port": PORT}
"""What is said beside the stages; CDK's own names have a colon or a slash in them."""
_OURS = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


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
    def from_context(cls, context: Mapping[str, Any]) -> "StageSettings":
        """Settings of the chosen stage, out of all of the app's context; `-c name=value` wins over
        the stage's own value. Raises StageSettingsError, which names everything that is wrong."""
        stage, chosen = _chosen_stage(context)
        wrong = [*_strangers(f"Stage '{stage}'", chosen, SETTINGS), *_strange_context(context)]
        said = chosen | {name: context[name] for name in SETTINGS if context.get(name) is not None}
        read: dict[str, Any] = {}
        for name, setting in SETTINGS.items():
            if said.get(name) is None:
                wrong += [_missing(stage, name)] if setting.required else []
                continue
            wrong += _read_into(read, name, setting.form, said[name])
        wrong += _read_into(read, "gateway_port", PORT, context.get("gateway_port"))
        wrong += [] if wrong else _contradictions(stage, read)
        if wrong:
            raise StageSettingsError("\n".join(wrong))
        edge = read.get("edge", False)
        return cls(
            stage=stage,
            retain=read["retain"],
            log_retention=read["log_retention"],
            links_throttle=read["links_throttle"],
            api_throttle=read["api_throttle"],
            sweep_minutes=read["sweep_minutes"],
            automatic_batches=read["automatic_batches"],
            gateway_port=read["gateway_port"],
            alarm_email=read.get("alarm_email"),
            monthly_budget_usd=read.get("monthly_budget_usd"),
            check_link=read.get("check_link"),
            links_domain=read.get("links_domain"),
            certificate_arn=read.get("certificate_arn"),
            country_header=read.get("country_header"),
            links_access_log=read.get("links_access_log", False),
            edge=edge,
            edge_certificate_arn=read.get("edge_certificate_arn"),
            click_token_keys=read.get("click_token_keys", ("1",) if edge else ()),
        )


def _chosen_stage(context: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    stages = context.get("stages")
    if not isinstance(stages, dict) or not all(isinstance(each, dict) for each in stages.values()):
        raise StageSettingsError("stages in cdk.json must be an object of stages, each an object.")
    stage = context.get("stage")
    if not isinstance(stage, str) or stage not in stages:
        raise StageSettingsError(
            f"There is no stage '{stage}'; choose one with -c stage=NAME out of "
            f"{', '.join(stages) or 'none'}, or add it under stages in cdk.json."
        )
    wrong = _read_into({}, "stage", STAGE, stage)
    if wrong:
        raise StageSettingsError(wrong[0])
    return stage, stages[stage]


def _missing(stage: str, name: str) -> str:
    return f"Stage '{stage}' lacks the setting '{name}'; add it under stages in cdk.json."


def _read_into(read: dict[str, Any], name: str, form: Form, value: Any) -> list[str]:
    """Reads a value in its form, or says in a list of one what it may be."""
    try:
        read[name] = form.read(value)
    except ValueError:
        return [f"{name} is {json.dumps(value)}, and may be {form.may_be.replace('`', '')}."]
    return []


def _strangers(where: str, names: Iterable[str], known: Iterable[str]) -> list[str]:
    """What is said of names that nobody knows: each would else be off without a word."""
    return [
        f"{where} has no setting '{name}'.{_meant(name, known)}" for name in set(names) - {*known}
    ]


def _strange_context(context: Mapping[str, Any]) -> list[str]:
    known = [*SETTINGS, *OF_THE_APP, "stages"]
    ours = [name for name in context if _OURS.fullmatch(name)]
    return _strangers("Linkage", ours, known)


def _meant(name: str, known: Iterable[str]) -> str:
    plain = name.lower().replace("-", "_")
    close = difflib.get_close_matches(plain, known, n=1, cutoff=0.5)
    return f" Is {close[0]} meant?" if close else " Take it out."


def _contradictions(stage: str, read: Mapping[str, Any]) -> list[str]:
    """Why settings, each right by itself, cannot work together."""
    has = {name for name, value in read.items() if value is not False}
    said = []
    if read["retain"] and not has & {"alarm_email", "without_alarm_email"}:
        said.append(
            f"Stage '{stage}' keeps people's money, and nobody would hear of its alarms. Give"
            " -c alarm_email=NAME@EXAMPLE.COM, or better write it under stages in cdk.json. If you"
            " know that, and want none, give -c without_alarm_email=true."
        )
    if "monthly_budget_usd" in has and not has & {"alarm_email", "without_alarm_email"}:
        said.append("monthly_budget_usd writes to alarm_email: give that too, or leave both out.")
    if ("links_domain" in has) != ("certificate_arn" in has):
        said.append("links_domain and certificate_arn go together: give both, or neither.")
    if stage == "local" and "links_domain" in has:
        said.append("The local emulator answers by no name of yours: leave links_domain out.")
    return said + (_against_the_edge(stage, read) if "edge" in has else _without_edge(has))


def _without_edge(has: Collection[str]) -> list[str]:
    if "edge_certificate_arn" not in has:
        return []
    return ["edge_certificate_arn is the edge's: give edge=true too, or leave it out."]


def _against_the_edge(stage: str, read: Mapping[str, Any]) -> list[str]:
    if stage == "local":
        return ["The edge is CloudFront's, and the local emulator has none. Choose another stage."]
    certificate_arn = read.get("edge_certificate_arn")
    if ("links_domain" in read) != (certificate_arn is not None):
        return [
            "With edge=true, links_domain and edge_certificate_arn go together: CloudFront needs a"
            " certificate of its own for that name. Give both, or neither."
        ]
    if certificate_arn and region_of(certificate_arn) != EDGE_REGION:
        return [
            "edge_certificate_arn must be in us-east-1: CloudFront takes certificates from no other"
            " region."
        ]
    return []
