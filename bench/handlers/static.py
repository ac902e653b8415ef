"""Sends everybody to the same place and stores nothing: what the runtime itself takes."""

from typing import Any

ANSWER = {"statusCode": 302, "headers": {"Location": "https://shop.example/"}}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answers anything."""
    return ANSWER
