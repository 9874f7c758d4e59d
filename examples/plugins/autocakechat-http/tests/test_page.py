"""The page in a real browser. Needs playwright and a Chromium: `pip install playwright`, `apt install chromium`."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from autocakechat.testing import Project

Serve = Callable[..., AbstractContextManager[Any]]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
SWITCHES = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: the page is not tested"
    )
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: the page is not tested")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=[*SWITCHES, "--disable-component-update"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page on which nothing may go wrong, and from which nothing may be fetched elsewhere."""
    context = browser.new_context(viewport={"width": 520, "height": 640})
    page = context.new_page()
    page.set_default_timeout(10_000)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if "Content Security" in message.text else None)
    page.on("request", lambda request: None if "127.0.0.1" in request.url else wrong.append(request.url))
    yield page
    context.close()
    assert wrong == []


def say(page: Any, text: str) -> None:
    page.fill("#text", text)
    page.press("#text", "Enter")


def said(page: Any) -> list[str]:
    texts: list[str] = page.locator(".said").all_inner_texts()
    return texts


def expect_said(page: Any, *expected: str) -> None:
    page.wait_for_function("() => !document.getElementById('send').disabled")
    assert said(page) == list(expected)


def test_people_chat_and_switch_the_mood(page: Any, server: Any) -> None:
    page.goto(server.url)
    page.wait_for_selector("#mood-choice:not([hidden])")
    assert page.title() == "bot"
    assert page.locator("#mood option").all_inner_texts() == ["usual", "joy", "anger"]
    say(page, "hello")
    expect_said(page, "hello", "echo hello")
    page.select_option("#mood", label="joy")
    say(page, "two\nlines")
    expect_said(page, "hello", "echo hello", "two\nlines", "joy: echo two\nlines")
    page.click("#forget")
    assert said(page) == []


def test_what_is_said_never_becomes_part_of_the_page(page: Any, server: Any) -> None:
    page.goto(server.url)
    nasty = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script> {{7*7}} &amp; \"'"
    say(page, nasty)
    expect_said(page, nasty, f"echo {nasty}")
    assert page.title() == "bot"
    assert page.locator("#talk img, #talk script").count() == 0


def test_the_page_asks_for_the_key(page: Any, serve: Serve, project: Project) -> None:
    project.environment["BOT_KEY"] = "fake-key-of-this-test"
    with serve(api_key={"env": "BOT_KEY"}) as server:
        page.goto(server.url)
        page.fill("#key", "wrong")
        page.press("#key", "Enter")
        page.wait_for_selector(".note")
        page.fill("#key", "fake-key-of-this-test")
        page.press("#key", "Enter")
        page.wait_for_selector("#key-form", state="hidden")
        say(page, "hello")
        expect_said(page, "hello", "echo hello")


def test_a_server_that_is_gone_is_told_and_the_message_can_be_sent_again(page: Any, serve: Serve) -> None:
    with serve() as server:
        page.goto(server.url)
        say(page, "hello")
        expect_said(page, "hello", "echo hello")
    say(page, "anybody?")
    page.wait_for_selector(".note")
    assert page.locator(".note").inner_text().startswith("No answer")
    assert page.is_enabled("#send")


def test_another_page_cannot_use_the_server(browser: Any, server: Any) -> None:
    """A page of another origin, in a real browser: nothing is answered, and nothing can be read."""
    context = browser.new_context()
    page = context.new_page()
    page.goto("about:blank")
    ask = """async ([url, mode, kind]) => {
        const asked = {method: "POST", mode, body: '{"context": ["hi"]}', headers: {"Content-Type": kind}};
        try { return (await fetch(url, asked)).type } catch (error) { return "refused" }
    }"""
    path = f"{server.url}/cakechat_api/v1/actions/get_response"
    assert page.evaluate(ask, [path, "cors", "application/json"]) == "refused"
    assert page.evaluate(ask, [path, "cors", "text/plain"]) == "refused"
    assert page.evaluate(ask, [path, "no-cors", "text/plain"]) in ("opaque", "refused")
    context.close()
