"""Where links may lead: https addresses on a vendor's own hosts, and nowhere else.

One strict pattern is used instead of a URL parser: browsers and parsers disagree about
backslashes, control characters and `@`, and every disagreement is an open redirect. What the
pattern does not know is refused.

A host entry is either a host, which matches itself only, or `*.` and a host, which matches every
host below it but not the host itself.
"""

import functools
import re
from collections.abc import Collection
from typing import NamedTuple
from urllib.parse import unquote_plus

from linkage.domain.errors import InvalidFieldError

LONGEST_URL = 2_048

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = rf"{_LABEL}(?:\.{_LABEL})+"
OWN_PARAMETERS = frozenset(
    ("click_id", "sub1", "sub2", "sub3", "sub4", "sub5", "no-track", "consent", "qr")
)
"""Parameters of a request that are for the redirect, and go no further, however a server that is
lenient about names might write them."""

_URL_CHARACTER = r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})"
_URL = re.compile(
    rf"https://(?P<host>{_NAME})(?::443)?(?P<rest>[/?#]{_URL_CHARACTER}*)?",
    re.IGNORECASE | re.ASCII,  # without ASCII, the long s and the Kelvin sign pass for s and k
)
# Without the semicolon, at which some servers begin another pair.
_PASSED_PAIR = re.compile(r"(?:[A-Za-z0-9\-._~:/?\[\]@!$'()*+,=]|%[0-9A-Fa-f]{2})+")
_PLAIN_NAME = re.compile("[A-Za-z0-9_-]+")
_BLANKS = " \xa0"
_UNDERSCORED = str.maketrans(" .", "__")
_HOST_ENTRY = re.compile(rf"(?:\*\.)?{_NAME}")
_ENCODED_CONTROL = re.compile(r"%(?:[01][0-9A-Fa-f]|7[Ff])")
_LONGEST_HOST = 253


def checked_destination(
    url: str, allowed_hosts: Collection[str], pointer: str = "/destination_url"
) -> str:
    """Return `url` with scheme and host in lower case, if it leads to one of `allowed_hosts`.

    Raises `InvalidFieldError` at `pointer` for anything else.
    """
    if len(url) > LONGEST_URL:
        raise InvalidFieldError(pointer, f"This address is longer than {LONGEST_URL} characters.")
    found = _URL.fullmatch(url)
    if found is None or _ENCODED_CONTROL.search(url):
        raise InvalidFieldError(
            pointer,
            "Write a full https address such as https://shop.example/page: without user name, "
            "port or spaces, and with everything beyond plain ASCII encoded (%C3%A9, xn--…).",
        )
    host = found["host"].lower()
    if not _is_listed(host, allowed_hosts):
        raise InvalidFieldError(
            pointer,
            f"{host} is not one of the vendor's hosts "
            f"({', '.join(sorted(allowed_hosts)) or 'it has none yet'}). "
            "Use an address on one of them, or have an operator add this host to the vendor.",
        )
    rest = found["rest"] or "/"
    return f"https://{host}{rest if rest.startswith('/') else '/' + rest}"


def checked_host(text: str, pointer: str = "/hosts") -> str:
    """Return a vendor's host entry in lower case: `shop.example`, or `*.shop.example`.

    Raises `InvalidFieldError` at `pointer` for anything but a name with a dot. It cannot know
    which names strangers share: whoever lists `*.co.zw` lets links lead anywhere under it.
    """
    host = text.strip().lower() if text.isascii() else text
    name = host.removeprefix("*.")
    if (
        len(name) > _LONGEST_HOST
        or not _HOST_ENTRY.fullmatch(host)
        or name.rpartition(".")[2].isdigit()
    ):
        raise InvalidFieldError(
            pointer,
            "Write a host name such as shop.example, or *.shop.example for all below it: without "
            "https://, path or port, no IP address, and international names in the form xn--….",
        )
    return host


def host_allowed(url: str, hosts: Collection[str]) -> bool:
    """Say whether `url` is well formed and leads to one of `hosts`."""
    found = _URL.fullmatch(url)
    return found is not None and _is_listed(found["host"].lower(), hosts)


def redirected(url: str, query: str, click_id: str | None) -> str:
    """Return the address to send a visitor to who asked with `query`.

    It is `url` with, after its own parameters, those of `query` that may pass, and last `click_id`
    as its only click_id parameter. Scheme, host, path and fragment stay as they are; what passes is
    made of URL characters without control characters, and leaves `url` at `LONGEST_URL` at most.
    Names are compared as lenient servers read them: `price[]`, `+price` and `price` are one.
    """
    path, own, named, fragment = _parts(url)
    pairs = list(own)
    if query:
        length = len(path) + len(fragment) + sum(len(pair) + 1 for pair in pairs)
        pairs += _passed(query, named, LONGEST_URL - length)
    if click_id is not None:
        pairs.append(f"click_id={click_id}")
    return f"{path}{'?' if pairs else ''}{'&'.join(pairs)}{fragment}"


class _Parts(NamedTuple):
    """A destination without its click_id: its pairs, what they name, the fragment with its `#`."""

    path: str
    pairs: tuple[str, ...]
    named: frozenset[str]
    fragment: str


@functools.lru_cache(maxsize=1_024)
def _parts(url: str) -> _Parts:
    address, hash_sign, fragment = url.partition("#")
    path, _, own = address.partition("?")
    pairs = tuple(pair for pair in map(_without_click_id, own.split("&")) if pair)
    named = (_read(_name_of(part)) for pair in pairs for part in pair.split(";") if part)
    return _Parts(path, pairs, frozenset(named), hash_sign + fragment)


def _passed(query: str, named: Collection[str], room: int) -> list[str]:
    passed: list[str] = []
    for pair in query.split("&"):
        if (
            len(pair) + 1 > room
            or not _PASSED_PAIR.fullmatch(pair)
            or _ENCODED_CONTROL.search(pair)
        ):
            continue
        name = pair.partition("=")[0]
        if not _PLAIN_NAME.fullmatch(name):
            name = _name_of(pair)
            if ";" in name or name.rfind("[") > name.rfind("]"):
                continue  # servers disagree about what these name
            name = _read(name)
        if name not in named and name.lower() not in OWN_PARAMETERS:
            passed.append(pair)
            room -= len(pair) + 1
    return passed


def _without_click_id(pair: str) -> str:
    """A destination's own pair, or what is left of it: one with semicolons may be several."""
    if ";" in pair:
        return ";".join(part for part in pair.split(";") if not part or _without_click_id(part))
    return "" if _read(_name_of(pair)).lower() == "click_id" else pair


def _name_of(pair: str) -> str:
    # Byte by byte: a name that is no UTF-8 is compared as well, and alike in every language.
    return unquote_plus(pair.partition("=")[0], encoding="latin-1")


def _read(name: str) -> str:
    """The name that a lenient server makes of one: PHP of ` a.b[]` and of `a b`, say, `a_b`."""
    before = name.replace("]", "[").lstrip(_BLANKS + "[").partition("[")[0]
    return before.rstrip(_BLANKS).translate(_UNDERSCORED)


def _is_listed(host: str, hosts: Collection[str]) -> bool:
    if host in hosts:
        return True
    labels = host.split(".")
    return any(f"*.{'.'.join(labels[at:])}" in hosts for at in range(1, len(labels) - 1))
