"""Which user agents are of bots: crawlers, previews, monitors and scripts, not people.

Every browser says what it is; who says nothing is taken for a script.

The words are a library's (`bot_patterns.py`). Told wrongly, a bot costs a vendor that pays by
the click, and a person costs an affiliate; either way the visit is redirected and its sale counts.
"""

import functools
import re
from collections.abc import Callable

from linkage.domain.clicks.bot_patterns import ANYWHERE, EXPRESSIONS, FIRST

LONGEST_READ = 1_024
"""Real user agents are shorter, and nobody decides what reading a longer one costs."""

# Words of people's devices and browsers that hold a word of a bot: what it was, and who has it.
_NO_BOTS = (
    ("speedmode; proxy", "UC Mini, which fetches pages for phones with little memory"),
    ("java_runtime_version", "Nokia's Asha phones"),
    ("opera news", "a newspaper and browser for Android, mostly in Africa"),
    ("qq-url-manager", "QQ's browser"),
    ("sogoumobilebrowser", "a browser of China"),
    ("sogoumse", "the same"),
    ("b bot 5", "phones of Bmobile: B BOT 50, 54, 55"),
    ("m bot 5", "the same: M bot 51, 54"),
    ("/google; nexus", "Instagram on the phones that others made for Google"),
)
_OF_PEOPLE = tuple(words for words, _ in _NO_BOTS)


def is_bot(user_agent: str) -> bool:
    """Say whether a user agent is a bot's, by its first `LONGEST_READ` characters; none is."""
    return not user_agent or _is_bot(user_agent[:LONGEST_READ])


@functools.lru_cache(maxsize=1_024)
def _is_bot(user_agent: str) -> bool:
    text = user_agent.lower()
    for words in _OF_PEOPLE:
        if words in text:
            text = text.replace(words, "")
    return text != "" and says_bot(text)


def says_bot(text: str) -> bool:
    """Say what the library alone says of a user agent in lower case that is not empty."""
    if text.startswith(FIRST):
        return True
    # A loop: over a hundred words `any` of a generator takes twice as long.
    for word in ANYWHERE:
        if word in text:
            return True
    return any(word in text and _finder(expression)(text) for word, expression in EXPRESSIONS)


@functools.cache
def _finder(expression: str) -> Callable[[str], re.Match[str] | None]:
    compiled = re.compile(expression, re.ASCII)
    return compiled.match if expression.startswith("^") else compiled.search
