"""The page of a blind test: its content, and a friend who uses it in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from autocakechat.display.blind_page import blind_page
from autocakechat.evaluation.blind_result import BlindResult, read_results, score
from autocakechat.evaluation.blind_test import BlindTest, Moment
from autocakechat.testing import checked_page, chromium

HOSTILE = (
    "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"> &amp; \u202e{{7*7}}"
)
PLACES = [0, 1, 1, 0, 1, 1, 0, 0, 1, 0]

Open = Callable[..., Any]


def blind_test(places: Sequence[int] = PLACES, person: str = "real", bot: str = "bot") -> BlindTest:
    moments = []
    for number, place in enumerate(places):
        replies = (f"{person} {number}", f"{bot} {number}")
        context = ("hi", "hello", f"question {number}") if number % 2 else (f"question {number}",)
        moments.append(Moment(context, replies[::-1] if place else replies, place))  # type: ignore[arg-type]
    return BlindTest("k3j2m4qz", tuple(moments), 0)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Opens the page of a test."""
    with checked_page(browser) as page:

        def opened(test: BlindTest, person: str = "Mila") -> Any:
            (tmp_path / "page.html").write_text(blind_page(test, person), "utf-8")
            page.goto((tmp_path / "page.html").as_uri())
            return page

        yield opened


def choose(page: Any, choices: Sequence[int]) -> None:
    for choice in choices:
        page.locator(".choice").nth(choice).click()


def text_of(page: Any, selector: str) -> str:
    """Returns the text of an element, with plain spaces."""
    text: str = page.locator(selector).inner_text()
    return text.replace("\u00a0", " ")


def test_the_page_needs_no_network_and_its_policy_allows_its_own_script_only() -> None:
    page = blind_page(blind_test(), "Mila")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-\S{44}'; script-src 'sha256-\S{44}'; "
        "base-uri 'none'; form-action 'none'",
        policy[1].replace("&#39;", "'"),
    )
    assert not re.search(r"https?:|\bon\w+=|<link|src=", page)


def test_the_source_of_the_page_does_not_show_the_answers_at_a_glance() -> None:
    pages = [blind_page(blind_test([place] * 8, "a", "a"), "Mila") for place in (0, 1)]
    contents = [json.loads(re.findall(r'id="test">(.*?)</script>', page)[0]) for page in pages]
    assert [content.pop("key") for content in contents] == ["aa", "55"]
    assert contents[0] == contents[1]


def test_a_friend_picks_replies_and_gets_a_result_to_send_back(open_page: Open) -> None:
    page = open_page(blind_test())
    assert "lines of real chats" in page.locator("#start").inner_text()
    page.click("#begin")
    assert page.locator("#progress").inner_text() == "1 of 10"
    assert page.locator("#context p").all_inner_texts() == ["question 0"]
    choose(page, [1])
    assert page.locator("#context p").all_inner_texts() == ["hi", "hello", "question 1"]
    assert page.locator(".choice span").all_inner_texts() == ["bot 1", "real 1"]
    choose(page, PLACES[1:])
    assert text_of(page, "#score") == "You were right in 9 of 10: 90 %"
    expected = BlindResult("k3j2m4qz", (False, *[True] * 9))
    total = score([expected])
    assert text_of(page, "#interval") == (
        f"95 % confidence interval: {100 * total.low:.0f} % to {100 * total.high:.0f} %. Guessing gives 50 %. "
        "You can tell them apart."
    )
    (result,) = read_results([page.input_value("#result")])
    assert (result.test, result.correct) == (expected.test, expected.correct)
    assert page.locator("#fooled h3").all_inner_texts() == ["Moment 1"]
    assert page.locator("#fooled p").all_inner_texts() == ["question 0", "Mila\nreal 0", "bot\nbot 0"]
    page.click("summary")
    assert page.locator("#others h3").count() == 9


def test_two_friends_get_different_results(open_page: Open) -> None:
    texts = []
    for _ in range(2):
        page = open_page(blind_test())
        page.click("#begin")
        choose(page, PLACES)
        assert page.locator("#fooled").inner_text() == "in no moment."
        texts.append(page.input_value("#result"))
    assert len(read_results(texts)) == 2


def test_the_keyboard_answers_goes_back_and_stops(open_page: Open) -> None:
    page = open_page(blind_test())
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "prompt"
    for key in ("1", "1", "Backspace", "2", "x", "Control+1"):
        page.keyboard.press(key)
    assert page.locator("#progress").inner_text() == "3 of 10"
    page.get_by_role("button", name="Stop here").press("Enter")
    assert text_of(page, "#score") == "You were right in 2 of 2: 100 %"
    assert page.evaluate("document.activeElement.id") == "score"
    page.keyboard.press("1")
    (result,) = read_results([page.input_value("#result")])
    assert result.correct == (True, True)


def test_the_second_click_of_a_double_click_is_not_an_answer(open_page: Open) -> None:
    page = open_page(BlindTest("k3j2m4qz", (Moment(("hi",), ("hello", "hey"), 0),) * 3, 0))
    page.click("#begin")
    page.locator(".choice").nth(0).dblclick()
    assert page.locator("#progress").inner_text() == "2 of 3"


def test_hostile_texts_are_shown_as_text(open_page: Open) -> None:
    test = BlindTest("k3j2m4qz", (Moment((HOSTILE,), (HOSTILE, ""), 0),), 0)
    page = open_page(test, HOSTILE)
    title = page.title()
    visible = HOSTILE.replace("\u202e", "\\u202e")
    page.click("#begin")
    assert page.locator("#context p").inner_text() == visible
    assert page.locator(".choice span").all_inner_texts() == [visible, "(no text)"]
    choose(page, [1])
    assert page.locator("#fooled p").all_text_contents() == [visible, visible * 2, "bot(no text)"]
    assert page.locator("#blind img, #blind script:not(#test)").count() == 0
    assert page.title() == title


def test_long_words_and_other_scripts_fit_a_phone(open_page: Open) -> None:
    replies = ("مرحبا Anna\nsecond line", 40 * "Donaudampfschiff")
    page = open_page(BlindTest("k3j2m4qz", (Moment((40 * "Donaudampfschiff",), replies, 0),), 0), 30 * "Name")
    for click in ("#begin", ".choice", "summary"):
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        if click == ".choice":
            assert page.locator(".choice span").all_inner_texts() == list(replies)  # with the line break
        page.click(click)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.locator("#others p").nth(1).inner_text().endswith("Anna\nsecond line")
    directions = page.locator(".choice span").evaluate_all("all => all.map((e) => getComputedStyle(e).direction)")
    assert directions == ["rtl", "ltr"]


def test_dark_mode(browser: Any, tmp_path: Path) -> None:
    colours = set()
    (tmp_path / "page.html").write_text(blind_page(blind_test(), "Mila"), "utf-8")
    for scheme in ("light", "dark"):
        with checked_page(browser, color_scheme=scheme) as page:
            page.goto((tmp_path / "page.html").as_uri())
            colours.add(page.evaluate("getComputedStyle(document.getElementById('begin')).backgroundColor"))
    assert len(colours) == 2
