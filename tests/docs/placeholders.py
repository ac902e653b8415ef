"""The README's tutorial: the steps of `make dev`, with … for what only a running network knows."""

from typing import Any

from linkage_cli.local.tutorial import Step, tutorial_steps

PLACEHOLDERS: dict[str, Any] = {
    "api_url": "http://127.0.0.1:4566/…",
    "links_url": "http://127.0.0.1:4566/…",
    "keys": {"operator": "lk_test_…", "vendor": "lk_test_…", "affiliate": "lk_test_…"},
    "demo": {
        "vendor_id": "mem_…",
        "affiliate_id": "mem_…",
        "sponsor_id": "mem_…",
        "program_id": "prg_…",
        "link_code": "…",
    },
}


def readme_steps() -> list[Step]:
    """The steps the README shows: all but the first, which is only names and keys."""
    return tutorial_steps(PLACEHOLDERS)[1:]


def readme_tutorial() -> str:
    """The steps as the README's section has them."""
    return "\n".join(
        f"**{number}. {step.title}**\n\n```bash\n{step.command}\n```\n\n→ {step.says}\n"
        for number, step in enumerate(readme_steps(), start=1)
    )
