"""Every setting of a stage: what it may be, and what it means; docs/operating.md shows them."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from aws_cdk import aws_logs as logs

_STAGE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,29}")
_EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s.,;<>]{2,}")
_CODE = re.compile(r"[2-9A-HJKMNP-Za-km-z]{8,32}")
_KEY_ID = re.compile(r"[0-9]{1,4}")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{4,253}}$)(?:{_LABEL}\.)+[a-z][a-z0-9-]{{0,61}}[a-z0-9]")
_CERTIFICATE = re.compile(
    r"arn:aws(-[a-z]+)*:acm:[a-z]{2}(-[a-z]+)+-\d:\d{12}:certificate/[A-Za-z0-9-]+"
)
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_WHOLE = re.compile(r"[0-9]{1,9}")
REQUESTS_MAX = 100_000
EDGE_REGION = "us-east-1"
"""Where CloudFront's certificates are: it takes them from no other region."""


class StageSettingsError(ValueError):
    """The context does not describe a stage; the message says what to change."""


@dataclass(frozen=True)
class Throttle:
    """Requests an API takes: `rate` a second, and `burst` at once."""

    rate: int
    burst: int


@dataclass(frozen=True)
class Form:
    """What a value may be, in words, and how it is read; `read` raises ValueError for another."""

    may_be: str
    read: Callable[[Any], Any]


def _read_switch(value: Any) -> bool:
    if value is True or value == "true":
        return True
    if value is False or value == "false":
        return False
    raise ValueError


def _matched(pattern: re.Pattern[str]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise ValueError
        return value

    return read


def whole(low: int, high: int) -> Form:
    """A whole number, also as the text that `-c` gives."""

    def read(value: Any) -> int:
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if not is_number and not (isinstance(value, str) and _WHOLE.fullmatch(value)):
            raise ValueError
        if not low <= int(value) <= high:
            raise ValueError
        return int(value)

    return Form(f"a whole number from {low:,} to {high:,}", read)


def _read_retention(value: Any) -> str:
    if not isinstance(value, str) or value not in logs.RetentionDays.__members__:
        raise ValueError
    return value


def _read_throttle(value: Any) -> Throttle:
    if not isinstance(value, dict) or set(value) != {"rate", "burst"}:
        raise ValueError
    requests = whole(10, REQUESTS_MAX)
    return Throttle(requests.read(value["rate"]), requests.read(value["burst"]))


def _read_key_ids(value: Any) -> tuple[str, ...]:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError
    key_ids = tuple(str(value).split(","))
    if len(set(key_ids)) < len(key_ids) or not all(_KEY_ID.fullmatch(each) for each in key_ids):
        raise ValueError
    return key_ids


def region_of(certificate_arn: str) -> str:
    """The region of a certificate whose form is right."""
    return certificate_arn.split(":")[3]


SWITCH = Form("`true` or `false`", _read_switch)
EMAIL = Form("one e-mail address", _matched(_EMAIL))
CERTIFICATE = Form(
    "the ARN of a certificate: `arn:aws:acm:REGION:ACCOUNT:certificate/ID`", _matched(_CERTIFICATE)
)
RETENTION = Form(
    "a name of CDK's `RetentionDays`, such as `TWO_WEEKS`, `SIX_MONTHS`, `ONE_YEAR`, `INFINITE`",
    _read_retention,
)
THROTTLE = Form(
    f'`{{"rate": …, "burst": …}}`, whole numbers from 10 to {REQUESTS_MAX:,}', _read_throttle
)
DOMAIN = Form(
    "a host name in small letters, such as `go.example.com`, without `https://`, port or path",
    _matched(_DOMAIN),
)
STAGE = Form("up to 30 letters, digits and hyphens, a letter first", _matched(_STAGE))
PORT = whole(1, 65_535)


@dataclass(frozen=True)
class Setting:
    """A setting of a stage, in `cdk.json` or by `-c`, and what it means."""

    name: str
    form: Form
    means: str
    required: bool = False


SETTINGS: dict[str, Setting] = {
    each.name: each
    for each in (
        Setting(
            "retain",
            SWITCH,
            "keep tables, buckets, the secrets and logs when the stack goes; protect tables and "
            "stack from deletion",
            required=True,
        ),
        Setting("log_retention", RETENTION, "how long logs are kept", required=True),
        Setting(
            "links_throttle",
            THROTTLE,
            "requests a second (`rate`) and at once (`burst`) that **each route** of the links API "
            "takes",
            required=True,
        ),
        Setting(
            "api_throttle",
            THROTTLE,
            "the same of the network's API; routes that operators use by hand, and all addresses "
            "that are no route, take a tenth of it",
            required=True,
        ),
        Setting(
            "sweep_minutes",
            whole(1, 60),
            "how often unposted facts are looked for, in minutes",
            required=True,
        ),
        Setting(
            "automatic_batches",
            SWITCH,
            "whether the hourly tick of payouts exists",
            required=True,
        ),
        Setting(
            "alarm_email",
            EMAIL,
            "who gets the alarms. AWS sends a mail to confirm it first. A stage with `retain` is "
            "not deployed without one",
        ),
        Setting(
            "without_alarm_email",
            SWITCH,
            "that nobody is to be told, and that this is known: in the place of `alarm_email`",
        ),
        Setting(
            "monthly_budget_usd",
            whole(1, 999_999_999),
            "what the account may cost in a month, in US dollars: at half of it, at all of it, and "
            "when that is expected, AWS Budgets writes to `alarm_email`. It looks a few times a "
            "day, so a flood is known by `…Requests` first",
        ),
        Setting(
            "check_link",
            Form("the code of a link: the end of its address, not all of it", _matched(_CODE)),
            "a link of the network's own, which is followed each hour as a visitor would: see "
            "below",
        ),
        Setting(
            "links_domain",
            DOMAIN,
            "a short name for links, with `certificate_arn`. Point its CNAME at the output "
            "`LinksDomainTarget`",
        ),
        Setting(
            "certificate_arn",
            CERTIFICATE,
            "the certificate of `links_domain`, in the stack's region",
        ),
        Setting(
            "links_access_log",
            SWITCH,
            "a line of API Gateway's for each click: neither address nor path, about 0.10 USD a "
            "million. Without it a click that is stored leaves no line in any log",
        ),
        Setting(
            "country_header",
            Form("the name of a header, such as `cf-ipcountry`", _matched(_HEADER)),
            "a header that says where a visitor is, two capitals, such as "
            "`cloudfront-viewer-country`. Only for links behind a network of yours that sets it on "
            "every request: else visitors could write it themselves",
        ),
        Setting(
            "edge",
            SWITCH,
            "redirects at the edge of the network: see [The edge variant](#the-edge-variant)",
        ),
        Setting(
            "edge_certificate_arn",
            Form(f"{CERTIFICATE.may_be}, in `{EDGE_REGION}`", _matched(_CERTIFICATE)),
            "with `edge`: CloudFront's own certificate of `links_domain`",
        ),
        Setting(
            "click_token_keys",
            Form("different numbers of one to four digits, such as `1,2`", _read_key_ids),
            "the keys that sign click ids at the edge, of which the last one signs",
        ),
    )
}


def table() -> Iterator[str]:
    """The lines of the table in docs/operating.md."""
    yield "| setting | may be | means |"
    yield "|---|---|---|"
    for setting in SETTINGS.values():
        name = f"`{setting.name}`" + ("" if setting.required else " (optional)")
        yield f"| {name} | {setting.form.may_be} | {setting.means} |"
