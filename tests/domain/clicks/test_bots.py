"""Bots are told from people as isbot tells them, on user agents that others collected."""

import importlib.util
import json
import lzma
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from linkage.domain.clicks import bot_patterns, bots
from linkage.domain.clicks.bots import is_bot
from linkage.domain.clicks.clicks import device_of

ROOT = Path(__file__).parents[3]
COLLECTED = ROOT / "tests/data/user_agents"
IS_BOT_OF_EACH = """
import { isbot } from 'isbot'
let text = ''
for await (const part of process.stdin) text += part
console.log(JSON.stringify(JSON.parse(text).map(isbot)))
"""

MOST_BOTS_MISSED = 170
MOST_PEOPLE_TAKEN_FOR_BOTS = 30

PREVIEWS = [
    "WhatsApp/2.23.20.0 A",
    "WhatsApp/2.2412.54 W",
    "TelegramBot (like TwitterBot)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "facebookexternalhit/1.1 Facebot Twitterbot/1.0",
    "facebookcatalog/1.0",
    "meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Slack-ImgProxy (+https://api.slack.com/robots)",
    "Twitterbot/1.0",
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
    "Mozilla/5.0 (Windows NT 6.1) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com",
    "Mozilla/5.0 (compatible; Pinterestbot/1.0; +http://www.pinterest.com/bot.html)",
    "Mozilla/5.0 (compatible; redditbot/1.0; +http://www.reddit.com/feedback)",
    "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Mobile Safari/537.36 (compatible; Google-InspectionTool/1.0;)",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; "
    "+https://openai.com/gptbot)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "HeadlessChrome/120.0.0.0 Safari/537.36",
    "curl/8.5.0",
    "python-requests/2.32.3",
    "Go-http-client/2.0",
    "okhttp/4.12.0",
]

_IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko)"
)
_ANDROID = (
    "Mozilla/5.0 (Linux; Android 14; SM-A135F Build/UP1A.231005.007; wv) AppleWebKit/537.36 "
    "(KHTML, like Gecko) Version/4.0 Chrome/142.0.0.0 Mobile Safari/537.36"
)
PEOPLE = [
    f"{_IPHONE} Mobile/15E148 [FBAN/FBIOS;FBAV/490.0.0.48;FBDV/iPhone15,2;FBMD/iPhone;FBLC/en_US]",
    f"{_ANDROID} [FB_IAB/FB4A;FBAV/490.0.0.63.82;]",
    "Dalvik/2.1.0 (Linux; U; Android 11; itel A48) [FBAN/EMA;FBBV/1;FBAV/300.0.0.1;FBDV/itel A48;]",
    f"{_IPHONE} Mobile/22B83 Instagram 350.0.0.20.90 (iPhone15,2; iOS 18_1; en_US; scale=3.00)",
    f"{_ANDROID} Instagram 350.1.0.46.93 Android (34/14; 420dpi; 1080x2177; samsung; SM-A135F)",
    f"{_ANDROID} Instagram 15.0.0.11.90 Android (25/7.1.1; motorola/google; Nexus 6; shamu)",
    f"{_ANDROID} Instagram 350.1.0 Android (34/14; 420dpi; Google/google; Pixel 8; shiba)",
    f"{_ANDROID} WhatsApp/2.24.20.89",
    f"{_IPHONE} Mobile/15E148 WhatsApp/24.20.80",
    f"{_ANDROID} Telegram-Android/11.2.3 (Samsung SM-A135F; Android 14; SDK 34; AVERAGE)",
    f"{_ANDROID} musical_ly_2023605030 JsSdk/1.0 Channel/googleplay BytedanceWebview/d8a21",
    f"{_IPHONE} Mobile/15E148 Snapchat/13.10.0.39 (like Safari/8619.2.8.10.7, panda)",
    f"{_IPHONE} Mobile/22B83 Twitter for iPhone/10.65",
    f"{_IPHONE} Mobile/15E148 [LinkedInApp]/9.30.1234",
    f"{_IPHONE} GSA/340.3.695551749 Mobile/15E148 Safari/604.1",
    "Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; id) Presto/2.12.423 Version/12.16",
    "Opera/9.80 (J2ME/MIDP; Opera Mini/9.80 (S60; SymbOS; Opera Mobi/23.348; U; en) Presto/2.5.25",
    "Mozilla/5.0 (Linux; U; Android 13; TECNO BF6; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Version/4.0 Chrome/131.0 Mobile Safari/537.36 OPR/82.0.2254.72929 Opera News/1.0",
    "Mozilla/5.0 (Mobile; Nokia 8110 4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5",
    "Mozilla/5.0 (Mobile; LYF/F120B/LYF-F120B; Android; rv:84.0) Gecko/84.0 Firefox/84.0 KAIOS/3.1",
    "Mozilla/5.0 (Linux; U; Android 12; en-US; itel S661) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Version/4.0 Chrome/100.0.4896.58 UCBrowser/13.8.0.1326 Mobile Safari/537.36",
    "UCWEB/2.0 (Java; U; MIDP-2.0; Nokia203/20.37) U2/1.0.0 UCMini/11.1.1 "
    "(SpeedMode; Proxy; Android 5.1.1; SM-T285 ) U2/1.0.0 Mobile",
    "Mozilla/5.0 (Series40; Nokia503/12.1.6/java_runtime_version=Nokia_Asha_1_1_1; "
    "Profile/MIDP-2.1 Configuration/CLDC-1.1) Gecko/20100401 S40OviBrowser/4.0.1.1.1",
    "Mozilla/5.0 (Linux; Android 13; CUBOT X70) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/130.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 7.0; M bot 54) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/58.0.3029.83 Mobile Safari/537.36",
]


def _collected(name: str) -> list[str]:
    with lzma.open(COLLECTED / f"{name}.txt.xz", "rt", encoding="utf-8", newline="\n") as lines:
        return [line.removesuffix("\n") for line in lines]


@pytest.fixture(scope="module")
def of_bots() -> list[str]:
    examples = (text for kind in CRAWLER_USER_AGENTS_DATA for text in kind.get("instances", ()))
    return list(dict.fromkeys([*_collected("bots"), *examples]))


@pytest.fixture(scope="module")
def of_people() -> list[str]:
    lines = (files("fake_useragent") / "data" / "browsers.jsonl").read_text().splitlines()
    browsers = (json.loads(line)["useragent"] for line in lines)
    return list(dict.fromkeys([*_collected("people"), *browsers]))


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generator", ROOT / "layers/bot_patterns.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_user_agents_are_many_and_no_bot_is_among_the_people(
    of_bots: list[str], of_people: list[str]
) -> None:
    assert len(of_bots) > 5_000
    assert len(of_people) > 5_800
    assert set(of_bots).isdisjoint(of_people)


def test_the_committed_list_is_the_installed_librarys(generator: ModuleType) -> None:
    version, made = generator.version_of_library(), {}
    exec(generator.module_of(generator.patterns_of_library(), version), made)
    for name in ("ANYWHERE", "FIRST", "EXPRESSIONS", "__doc__"):
        assert getattr(bot_patterns, name) == made[name], "run `make bots`"


def test_every_verdict_is_the_librarys_own(of_bots: list[str], of_people: list[str]) -> None:
    everyone = [*of_bots, *of_people, *PREVIEWS, *PEOPLE[:-1]]
    done = subprocess.run(
        ["node", "--input-type=module", "-e", IS_BOT_OF_EACH],
        cwd=ROOT,
        input=json.dumps(everyone),
        capture_output=True,
        text=True,
        check=True,
    )
    verdicts = zip(everyone, json.loads(done.stdout), strict=True)
    assert [text for text, theirs in verdicts if bots.says_bot(text.lower()) != theirs] == []


def test_few_bots_are_missed_and_fewer_people_taken_for_bots(
    of_bots: list[str], of_people: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    missed = [text for text in of_bots if not is_bot(text)]
    wronged = [text for text in of_people if is_bot(text)]
    with capsys.disabled():
        sys.stdout.write(f"\n{_share('bots missed', missed, of_bots)}\n")
        sys.stdout.write(f"{_share('people taken for bots', wronged, of_people)}\n")
    assert len(missed) <= MOST_BOTS_MISSED
    assert len(wronged) <= MOST_PEOPLE_TAKEN_FOR_BOTS


def _share(what: str, some: list[str], of_all: list[str]) -> str:
    return f"{what}: {len(some)} of {len(of_all)} ({len(some) / len(of_all):.2%})"


@pytest.mark.parametrize("user_agent", PREVIEWS)
def test_a_preview_or_script_is_a_bot(user_agent: str) -> None:
    assert is_bot(user_agent)
    assert device_of(user_agent) == "bot"


@pytest.mark.parametrize("user_agent", ["", " ", "-"])
def test_who_does_not_say_what_it_is_is_taken_for_a_bot(user_agent: str) -> None:
    assert is_bot(user_agent)
    assert device_of(user_agent) == "bot"


@pytest.mark.parametrize("user_agent", PEOPLE)
def test_people_in_apps_and_small_browsers_are_people(user_agent: str) -> None:
    assert not is_bot(user_agent)
    assert device_of(user_agent) != "bot"


@pytest.mark.parametrize(
    "words",
    ["FBAN/", "FB_IAB", "Opera Mini", "KAIOS", "UCBrowser", "UCWEB", "CUBOT", "Silk/", "Line/"],
)
def test_hardly_anyone_in_an_app_or_a_small_browser_is_taken_for_a_bot(
    of_people: list[str], words: str
) -> None:
    there = [text for text in of_people if words in text]
    assert len(there) >= 29
    assert sum(map(is_bot, there)) <= 1


@pytest.mark.parametrize("words", [words for words, _ in bots._NO_BOTS])
def test_each_correction_is_of_words_the_library_takes_for_a_bots(words: str) -> None:
    assert bots.says_bot(f"mozilla/5.0 (x; y) {words}0; z) gecko")
    assert not is_bot(f"Mozilla/5.0 (X; Y) {words}0; z) Gecko")


def test_a_user_agent_without_end_is_read_no_further_than_its_start() -> None:
    assert not is_bot("Mozilla/5.0 (X11; Linux x86_64) " + "x" * 1_000_000 + " bot")
    assert bots._is_bot.cache_info().maxsize == 1_024
