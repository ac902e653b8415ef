"""Whatever goes wrong at the edge, the visitor's request goes on to the links API unchanged."""

import json

import pytest

from linkage.domain.clicks.links import is_code
from tests.edge.redirect_function import Answer, Visit, run

CODE = "abcdefgh"
VALUE = {
    "a": "https://shop.example/page",
    "q": "",
    "h": "",
    "n": "1",
    "k": "key",
    "i": "1.v.a",
    "s": {},
}


def answer_to(visit: Visit) -> Answer:
    (answer,) = run([visit])
    return answer


def test_the_value_of_these_tests_is_answered() -> None:
    assert answer_to(Visit(f"/{CODE}", {CODE: json.dumps(VALUE)})).status == 302


@pytest.mark.parametrize("name", ["a", "q", "h", "k"])
def test_a_value_that_lacks_something_is_passed_on(name: str) -> None:
    value = {key: text for key, text in VALUE.items() if key != name}
    assert answer_to(Visit(f"/{CODE}", {CODE: json.dumps(value)})).passed


@pytest.mark.parametrize("value", ["", "null", "[]", "no json", "1", "{}"])
def test_a_strange_value_is_passed_on(value: str) -> None:
    assert answer_to(Visit(f"/{CODE}", {CODE: value})).passed


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "//abcdefgh",
        "/abcdefgh/",
        "/abcdefgh/pixel.gif",
        "/abcdefgh%20",
        "/abcd%65fgh",
        "/abcdefg0",
        "/abcdéfgh",
        "/abcdefgh\n",
        "/!keys",
        "/__proto__",
    ],
)
def test_what_cannot_be_a_code_is_passed_on_without_a_read(path: str) -> None:
    answer = answer_to(Visit(path, {CODE: json.dumps(VALUE)}))
    assert answer.passed
    assert answer.reads == 0


def test_the_edge_and_the_links_api_know_the_same_codes() -> None:
    texts = [f"abcdefg{chr(each)}" for each in range(256)] + ["a" * each for each in range(40)]
    answers = run([Visit(f"/{text}", {}) for text in texts])
    known = [text for text, answer in zip(texts, answers, strict=True) if answer.reads == 1]
    assert known == [text for text in texts if is_code(text)]


@pytest.mark.parametrize(
    "query", ["sub1=%ff", "sub1=%", "sub1=%E2%82%AC", "sub2=%00", "sub1=%C2%AD"]
)
def test_a_sub_id_the_edge_cannot_judge_is_left_to_the_lambda(query: str) -> None:
    assert answer_to(Visit(f"/{CODE}", {CODE: json.dumps(VALUE)}, query)).passed


@pytest.mark.parametrize(
    "query", ["a=é", "é=1", "a b=1", "a=1\t", "a=\x7f", "a=\ufeff", "consent=no\xa0", "sub1=\x85"]
)
def test_what_no_browser_sends_as_it_is_is_passed_on(query: str) -> None:
    assert answer_to(Visit(f"/{CODE}", {CODE: json.dumps(VALUE)}, query)).passed


def test_a_request_without_a_question_mark_has_no_query() -> None:
    answer = answer_to(Visit(f"/{CODE}", {CODE: json.dumps(VALUE)}, None, method="HEAD"))
    assert answer.location == "https://shop.example/page"


def test_a_code_that_is_not_in_the_store_is_passed_on() -> None:
    assert answer_to(Visit("/constructor", {CODE: json.dumps(VALUE)})).passed


@pytest.mark.parametrize("query", ["a&" * 51, "a=" + "x" * 2_047, "a=1&" * 600])
def test_a_query_with_more_than_there_is_time_for_is_passed_on(query: str) -> None:
    assert answer_to(Visit(f"/{CODE}", {CODE: json.dumps(VALUE)}, query)).passed
