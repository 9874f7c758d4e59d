"""The chat page in a real browser. Needs Playwright and Chromium: `pip install playwright`, `apt install chromium`."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from autocakechat.testing import Project, checked_page, chromium

Serve = Callable[..., AbstractContextManager[Any]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    with checked_page(browser) as page:
        yield page


def open_page(page: Any, server: Any) -> None:
    page.goto(server.url)
    page.wait_for_function("() => document.title !== 'Chat'")


def send(page: Any, text: str) -> None:
    page.fill("#text", text)
    page.press("#text", "Enter")


def wait_for_reply(page: Any) -> None:
    page.wait_for_function("() => !document.getElementById('send').disabled")


def messages(page: Any) -> list[str]:
    texts: list[str] = page.locator(".message").all_inner_texts()
    return texts


def expect_messages(page: Any, *expected: str) -> None:
    wait_for_reply(page)
    assert messages(page) == list(expected)


def is_at_end(page: Any) -> bool:
    at_end: bool = page.locator("#talk").evaluate("e => e.scrollHeight - e.scrollTop - e.clientHeight < 2")
    return at_end


def test_chatting_and_switching_the_mood(page: Any, server: Any) -> None:
    open_page(page, server)
    assert page.title() == "bot"
    assert page.locator("#mood option").all_inner_texts() == ["usual", "joy", "anger"]
    send(page, "hello")
    expect_messages(page, "hello", "echo hello")
    page.select_option("#mood", label="joy")
    send(page, "two\nlines")
    expect_messages(page, "hello", "echo hello", "two\nlines", "joy: echo two\nlines")


def test_the_page_says_that_it_is_an_ai(page: Any, server: Any, odd_server: Any) -> None:
    open_page(page, server)
    assert page.locator("#disclosure").inner_text().startswith("This is an AI. It imitates how ")
    open_page(page, odd_server)
    assert page.locator("#disclosure").inner_text().startswith("This is an AI. It imitates how Zoë Đặng writes")
    assert page.locator("#disclosure").is_visible()


def test_html_in_messages_is_shown_as_text(page: Any, server: Any) -> None:
    open_page(page, server)
    html = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script> {{7*7}} &amp; \"'"
    send(page, html)
    expect_messages(page, html, f"echo {html}")
    assert page.title() == "bot"
    assert page.locator("#talk img, #talk script").count() == 0


def test_the_end_of_a_long_reply_is_followed_unless_the_reader_has_scrolled_up(page: Any, serve: Serve) -> None:
    lines = "\n".join(f"line {number}" for number in range(80))
    with serve(seconds=1.0) as server:
        open_page(page, server)
        send(page, lines)
        expect_messages(page, lines, f"echo {lines}")
        assert is_at_end(page)
        assert page.locator("#newest").is_hidden()
        send(page, lines)
        page.wait_for_selector(".waiting")
        page.hover("#talk")
        page.mouse.wheel(0, -900)
        page.wait_for_selector("#newest:not([hidden])")
        top = page.locator("#talk").evaluate("e => e.scrollTop")
        expect_messages(page, lines, f"echo {lines}", lines, f"echo {lines}")
        assert page.locator("#talk").evaluate("e => e.scrollTop") == top
        page.click("#newest")
        assert is_at_end(page)


def test_a_failed_message_is_kept_and_can_be_sent_again(page: Any, serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with serve(port=port) as server:
        open_page(page, server)
        send(page, "hello")
        expect_messages(page, "hello", "echo hello")
    send(page, "anybody?")
    expect_messages(page, "hello", "echo hello", "anybody?")
    assert "the server does not respond" in page.locator(".failed").inner_text()
    page.fill("#text", "not sent yet")
    page.click(".retry")
    wait_for_reply(page)
    assert page.locator(".failed").count() == 1
    with serve(port=port) as server:
        open_page(page, server)
        assert messages(page) == ["hello", "echo hello", "anybody?"]
        assert page.input_value("#text") == "not sent yet"
        page.click(".retry")
        expect_messages(page, "hello", "echo hello", "anybody?", "echo anybody?")
        assert page.locator(".failed").count() == 0


def test_an_error_of_the_server_is_shown_and_not_part_of_the_context(page: Any, odd_server: Any) -> None:
    open_page(page, odd_server)
    send(page, "fail")
    expect_messages(page, "fail")
    assert "No reply: the model failed" in page.locator(".failed").inner_text()
    send(page, "say nothing")
    expect_messages(page, "fail", "say nothing", "no text")
    send(page, "hello")
    expect_messages(page, "fail", "say nothing", "no text", "hello", "say nothing\nhello")


def test_a_reload_keeps_the_conversation_and_clearing_deletes_it(page: Any, server: Any) -> None:
    open_page(page, server)
    page.select_option("#mood", label="joy")
    send(page, "hello")
    expect_messages(page, "hello", "joy: echo hello")
    page.fill("#text", "half a mess")
    open_page(page, server)
    assert messages(page) == ["hello", "joy: echo hello"]
    assert page.input_value("#text") == "half a mess"
    assert page.locator("#mood").input_value() == "bot:joy"
    page.click("#clear")
    assert messages(page) == []
    open_page(page, server)
    assert messages(page) == []
    assert page.locator("#empty").is_visible()


def test_every_model_has_its_own_conversation(page: Any, serve: Serve, serve_odd_model: Serve) -> None:
    with serve() as server:
        port = server.port
        open_page(page, server)
        send(page, "hello")
        expect_messages(page, "hello", "echo hello")
    with serve_odd_model(port=port) as other:
        open_page(page, other)
        assert messages(page) == []
    with serve(port=port) as server:
        open_page(page, server)
        assert messages(page) == ["hello", "echo hello"]


def test_an_open_page_shows_no_reply_of_another_model(page: Any, serve: Serve, serve_odd_model: Serve) -> None:
    with serve() as server:
        port = server.port
        open_page(page, server)
        send(page, "hello")
        expect_messages(page, "hello", "echo hello")
    with serve_odd_model(port=port) as other:
        send(page, "who are you?")
        wait_for_reply(page)
        assert messages(page)[:3] == ["hello", "echo hello", "who are you?"]
        assert "the server now has another model; reload the page" in page.locator(".failed").inner_text()
        open_page(page, other)
        assert messages(page) == []


def test_a_reload_before_the_reply_marks_the_message(page: Any, serve: Serve) -> None:
    with serve(seconds=2.0) as server:
        open_page(page, server)
        send(page, "hello")
        page.wait_for_selector(".waiting")
        open_page(page, server)
        assert "the page was closed before the reply" in page.locator(".failed").inner_text()
        page.click(".retry")
        expect_messages(page, "hello", "echo hello")


def test_the_conversation_can_be_cleared_while_a_reply_is_awaited(page: Any, serve: Serve) -> None:
    with serve(seconds=1.0) as server:
        open_page(page, server)
        send(page, "forget this")
        page.wait_for_selector(".waiting")
        page.click("#clear")
        assert messages(page) == []
        send(page, "hello")
        expect_messages(page, "hello", "echo hello")


def test_enter_sends_shift_enter_breaks_the_line_and_composing_does_not_send(page: Any, server: Any) -> None:
    open_page(page, server)
    one_line = page.locator("#text").bounding_box()["height"]
    page.focus("#text")
    page.keyboard.type("first")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("second")
    assert page.input_value("#text") == "first\nsecond"
    assert one_line < page.locator("#text").bounding_box()["height"] < 2.5 * one_line
    for composing in ("isComposing: true", "keyCode: 229"):
        page.evaluate(
            f"document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {{key: 'Enter', {composing}}}))"
        )
    assert messages(page) == []
    page.keyboard.press("Enter")
    expect_messages(page, "first\nsecond", "echo first\nsecond")
    assert page.locator("#text").bounding_box()["height"] == one_line
    page.fill("#text", 100 * "line\n")
    assert page.locator("#text").bounding_box()["height"] < 640 / 2


def test_mixed_scripts_and_long_words_fit_a_phone(page: Any, odd_server: Any) -> None:
    open_page(page, odd_server)
    texts = ["مرحبا Anna 😀", "Hello עולם!", 40 * "Donaudampfschiff", "👩‍👩‍👧‍👦"]
    for text in texts:
        send(page, text)
        wait_for_reply(page)
    directions = page.locator(".me .message").evaluate_all("all => all.map((e) => getComputedStyle(e).direction)")
    assert directions == ["rtl", "ltr", "ltr", "ltr"]
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.locator("#talk").evaluate("e => e.scrollWidth - e.clientWidth") == 0


def test_screen_readers_get_names_and_the_whole_reply_at_once(page: Any, server: Any) -> None:
    open_page(page, server)
    page.get_by_role("textbox", name="Your message").fill("hello there")
    page.get_by_role("button", name="Send").click()
    expect_messages(page, "hello there", "echo hello there")
    assert page.get_by_role("status").text_content() == "bot: echo hello there"
    assert page.get_by_role("listitem").all_text_contents() == ["You:hello there", "bot:echo hello there"]
    assert page.evaluate("document.activeElement.id") == "text"


def test_the_page_asks_for_the_key(page: Any, serve: Serve, project: Project) -> None:
    project.environment["BOT_KEY"] = "fake-key-of-this-test"
    with serve(api_key={"env": "BOT_KEY"}) as server:
        page.goto(server.url)
        page.wait_for_selector("#key-form:not([hidden])")
        page.fill("#text", "typed before the key")
        assert "the server needs a key" in page.locator("#notice").inner_text()
        page.fill("#key", "wrong")
        page.press("#key", "Enter")
        page.wait_for_function("() => document.getElementById('problem').textContent.includes('rejects this key')")
        page.fill("#key", "fake-key-of-this-test")
        page.press("#key", "Enter")
        page.wait_for_selector("#key-form", state="hidden")
        assert page.input_value("#text") == "typed before the key"
        send(page, "hello")
        expect_messages(page, "hello", "echo hello")


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
