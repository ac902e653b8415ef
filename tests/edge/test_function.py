"""What CloudFront asks of a function's code, beside that it is right."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.edge.redirect_function import NODE, SOURCE

SIZE_MAX = 10 * 1024
TEXT = SOURCE.read_text()
CODE = re.sub(r"^\s*//.*$", "", TEXT, flags=re.MULTILINE)

# What cloudfront-js-2.0 does not document: it is ECMAScript 5.1 with some of 6 to 12.
MISSING = {
    "for-of": r"\bfor\s*(await)?\s*\((const|let|var)\s+\w+\s+of\b",
    "spread": r"\.\.\.",
    "optional chaining": r"\?\.",
    "nullish coalescing": r"\?\?",
    "destructuring": r"\b(const|let|var)\s*[\[{]|\(\s*[\[{][\w\s,]*[\]}]\s*\)\s*=>",
    "a default argument": r"\bfunction\s+\w*\([^)]*=",
    "a class": r"\bclass\s",
    "a generator": r"\bfunction\s*\*|\byield\b",
    "an async closure": r"\basync\s*(\(|\w+\s*=>|function\s*\()",
    "code from text": r"\beval\b|\bnew\s+Function\b",
    "a timer": r"\bset(Timeout|Interval|Immediate)\b",
    "the network": r"\bfetch\b|\bXMLHttpRequest\b",
    "a promise combinator": r"\bPromise\b|\.then\(|\.catch\(",
    "a group with a name, a look-behind or a flag": r"\(\?<|/[a-z]*[suvyd][a-z]*[,;.)]",
    "Buffer": r"\bBuffer\b",
    "process": r"\bprocess\b",
}


def test_its_size_is_within_cloudfront_s_limit() -> None:
    assert len(TEXT.encode()) <= SIZE_MAX


def test_its_syntax_is_good(tmp_path: Path) -> None:
    copy = tmp_path / "redirect.mjs"
    copy.write_text(TEXT)
    checked = subprocess.run([NODE, "--check", copy], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("feature", MISSING)
def test_it_uses_nothing_the_runtime_does_not_have(feature: str) -> None:
    assert re.search(MISSING[feature], CODE) is None


def test_it_imports_what_the_runtime_has_and_reads_the_store_once() -> None:
    assert re.findall(r"^import .*from '(.*)';$", CODE, re.MULTILINE) == ["crypto", "cloudfront"]
    assert len(re.findall(r"\bawait\b", CODE)) == CODE.count("cf.kvs().get(") == 1


def test_its_handler_is_an_async_function_of_that_name() -> None:
    assert re.search(r"^async function handler\(event\) \{$", CODE, re.MULTILINE)
