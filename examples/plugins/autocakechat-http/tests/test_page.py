"""The chat page in a real browser. Needs Playwright and Chromium: `pip install playwright`, `apt install chromium`."""

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
        "playwright.sync_api", reason="the page was not tested: playwright is not installed"
    )
    if CHROMIUM is None:
        pytest.skip("the page was not tested: Chromium is not installed")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=[*SWITCHES, "--disable-component-update"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page. The test fails after errors, violations of the content security policy, and requests to other servers."""
    context = browser.new_context(viewport={"width": 520, "height": 640})
    page = context.new_page()
    page.set_default_timeout(10_000)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if "Content Security" in message.text else None)
    page.on("request", lambda request: None if "127.0.0.1" in request.url else problems.append(request.url))
    yield page
    context.close()
    assert problems == []


def send(page: Any, text: str) -> None:
    page.fill("#text", text)
    page.press("#text", "Enter")


def messages(page: Any) -> list[str]:
    texts: list[str] = page.locator(".message").all_inner_texts()
    return texts


def expect_messages(page: Any, *expected: str) -> None:
    page.wait_for_function("() => !document.getElementById('send').disabled")
    assert messages(page) == list(expected)


def test_chatting_and_switching_the_mood(page: Any, server: Any) -> None:
    page.goto(server.url)
    page.wait_for_selector("#mood-choice:not([hidden])")
    assert page.title() == "bot"
    assert page.locator("#mood option").all_inner_texts() == ["usual", "joy", "anger"]
    send(page, "hello")
    expect_messages(page, "hello", "echo hello")
    page.select_option("#mood", label="joy")
    send(page, "two\nlines")
    expect_messages(page, "hello", "echo hello", "two\nlines", "joy: echo two\nlines")
    page.click("#forget")
    assert messages(page) == []


def test_html_in_messages_is_shown_as_text(page: Any, server: Any) -> None:
    page.goto(server.url)
    html = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script> {{7*7}} &amp; \"'"
    send(page, html)
    expect_messages(page, html, f"echo {html}")
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
        send(page, "hello")
        expect_messages(page, "hello", "echo hello")


def test_an_unreachable_server_is_reported_and_the_message_can_be_sent_again(page: Any, serve: Serve) -> None:
    with serve() as server:
        page.goto(server.url)
        send(page, "hello")
        expect_messages(page, "hello", "echo hello")
    send(page, "anybody?")
    page.wait_for_selector(".note")
    assert page.locator(".note").inner_text().startswith("No reply")
    assert page.is_enabled("#send")


def test_a_page_of_another_origin_cannot_use_the_server(browser: Any, server: Any) -> None:
    """In a real browser: requests are refused, and no response can be read."""
    context = browser.new_context()
    page = context.new_page()
    page.goto("about:blank")
    post = """async ([url, mode, contentType]) => {
        const options = {method: "POST", mode, body: '{"context": ["hi"]}', headers: {"Content-Type": contentType}};
        try { return (await fetch(url, options)).type } catch (error) { return "refused" }
    }"""
    path = f"{server.url}/cakechat_api/v1/actions/get_response"
    assert page.evaluate(post, [path, "cors", "application/json"]) == "refused"
    assert page.evaluate(post, [path, "cors", "text/plain"]) == "refused"
    assert page.evaluate(post, [path, "no-cors", "text/plain"]) in ("opaque", "refused")
    context.close()
