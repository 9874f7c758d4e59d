from __future__ import annotations

import json
import string
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from autocakechat.corpus.masking.masker import Masker

MASKED = {
    "call +49 171 1234567 now": "call [phone] now",
    "+1 (202) 555-0143": "[phone]",
    "0171 1234567": "[phone]",
    "0049 171 1234567": "[phone]",
    "+49 (0)171 1234567": "[phone]",
    "(212) 555-1234": "[phone]",
    "212-555-1234, ok?": "[phone], ok?",
    "1-800-555-1234": "[phone]",
    "89161234567": "[phone]",
    "8 (916) 123-45-67": "[phone]",
    "тел.89161234567": "тел.[phone]",
    "phone:+79161234567": "phone:[phone]",
    "9161234567 это я": "[phone] это я",
    "06 12 34 56 78": "[phone]",
    "06.12.34.56.78": "[phone]",
    "612 345 678": "[phone]",
    "020 7946 0958": "[phone]",
    "07911 123456": "[phone]",
    "098765 43210": "[phone]",
    "(11) 98765-4321": "[phone]",
    "067 123 45 67": "[phone]",
    "٠٥٣٢ ١٢٣ ٤٥ ٦٧": "[phone]",
    "89161234567 89267654321 both": "[phone] [phone] both",
    "wa.me/79161234567": "wa.me/[phone]",
    "me@example.com.": "[email].",
    "write to a.b+c@mail.co.uk, please": "write to [email], please",
    "write to a%40b.com@gmail.com, please": "write to [email], please",
    "почта иван@почта.рф": "почта [email]",
    "4111 1111 1111 1111": "[card]",
    "5555555555554444!": "[card]!",
    "378282246310005": "[card]",
    "2200 0000 0000 0004": "[card]",
    "DE89 3704 0044 0532 0130 00 BITTE": "[iban] BITTE",
    "de89370400440532013000": "[iban]",
    "GB82WEST12345698765432": "[iban]",
}

KEPT = [
    "2024-01-31 12:30",
    "2024-01-31 12",
    "31.12.2024 18:30",
    "01.02.2024-05.02.2024",
    "от 01.01.2020 до 02.02.2021",
    "1/2/2024 3/4/2024",
    "20240131",
    "1999–2003",
    "2019 2020 2021 2022",
    "12:30:15",
    "8:00 9:30 10:15 11:45",
    "$2,125,551,234",
    "2125551234€",
    "1,500,000",
    "1 500 000",
    "12 500 000 руб",
    "5 000 000 000",
    "9000000000",
    "192.168.100.200",
    "1234567",
    "1609459200",
    "3.1415926535",
    "55.7512444, 37.6184231",
    "1 2 3 4 5 6 7 8 9 10",
    "22 33 44 55 66",
    "978-3-16-148410-0",
    "3-0 2-1 4-4 2-2",
    "order #2125551234",
    "user123456789012",
    "+100500",
    "99999999999",
    "https://t.me/c/1234567890/55",
    "@someone hi",
    "5@3.50 each",
    "4111 1111 1111 1112",
    "1234567+7654321",
    "v1.2.3.4.5.6.7",
]


SAMPLES: dict[str, list[str]] = json.loads((Path(__file__).parents[2] / "data/masking.json").read_text())
"""Made-up texts by the kind of what they contain; those with nothing to mask look similar."""

TAKEN_FOR_PHONE_NUMBERS = {
    "100 200 300 400 500 600",
    "DE00 1234 5678 9012 3456 78",
    "90210-1234",
    "level 12 xp 12345/20000",
    "track 01 02 03 04 05",
}
"""Nothing in these texts tells their numbers from local phone numbers."""


def mask(text: str) -> str:
    return Masker().mask(text, Counter())


@pytest.mark.parametrize("text", MASKED)
def test_sensitive_numbers_and_addresses_are_masked(text: str) -> None:
    assert mask(text) == MASKED[text]
    assert Masker().may_match(text.encode())


@pytest.mark.parametrize("text", KEPT)
def test_dates_times_prices_and_other_numbers_are_kept(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize("kind", [kind for kind in SAMPLES if kind != "nothing"])
def test_all_samples_of_a_kind_are_masked(kind: str) -> None:
    for text in SAMPLES[kind]:
        counts: Counter[str] = Counter()
        masked = Masker().mask(text, counts)
        assert set(counts) == {kind}, (text, masked)
        assert mask(masked) == masked


def test_look_alikes_are_kept() -> None:
    assert {text for text in SAMPLES["nothing"] if mask(text) != text} == TAKEN_FOR_PHONE_NUMBERS


def test_only_the_number_is_masked() -> None:
    assert mask("\u200b4111 1111 1111 1111 12/27 123 ok\u200b") == "\u200b[card] 12/27 123 ok\u200b"
    assert mask("https://wa.me/491711234567?text=hi") == "https://wa.me/[phone]?text=hi"
    assert mask("TOKEN=ghp_" + "F4ke" * 9 + " done") == "TOKEN=[secret] done"
    assert mask("a\u00adnna @ gma\u200bil.com!") == "[email]!"


def test_full_width_secrets_are_masked() -> None:
    secret = "ghp_" + "A1b2C3d4" * 4 + "E5f6"
    full_width = "".join(chr(ord(sign) + 0xFEE0) for sign in secret)
    assert mask(f"it is {full_width}") == "it is [secret]"


def test_placeholders_are_counted_by_kind() -> None:
    counts: Counter[str] = Counter()
    Masker().mask("a@b.example or c@d.example or +491711234567", counts)
    assert counts == {"email": 2, "phone": 1}


def test_only_the_given_kinds_are_masked() -> None:
    assert Masker(["email"]).mask("a@b.example +491711234567", Counter()) == "[email] +491711234567"
    assert not Masker([]).may_match(b"a@b.example +491711234567")


def test_local_numbers_depend_on_the_regions() -> None:
    assert Masker(regions=["NO"]).mask("412 34 567", Counter()) == "[phone]"
    assert Masker(regions=["DE"]).mask("412 34 567", Counter()) == "412 34 567"
    assert Masker(regions=[]).mask("0171 1234567 +491711234567", Counter()) == "0171 1234567 [phone]"


@given(st.text() | st.text(st.sampled_from("0123456789 +-()./\u2013\u00a0\u0663a,")))
@example("ⅷ²①" * 10)
@example("+" * 20 + "1" * 40)
def test_texts_without_suspicion_have_nothing_to_mask(text: str) -> None:
    if not Masker().may_match(text.encode("utf-8", "surrogatepass")):
        # The address makes the masker search the whole text.
        assert mask(f"a@b.example, {text}") == f"[email], {text}"


@given(st.text(st.sampled_from("0123456789 +-().@aA:/,\n\u0661"), max_size=80))
def test_masking_is_idempotent_and_keeps_line_breaks(text: str) -> None:
    once = mask(text)
    assert mask(once) == once
    assert once.count("\n") == text.count("\n")


@given(st.lists(st.sampled_from([*MASKED, *KEPT]), min_size=1, max_size=8))
def test_line_breaks_beside_numbers_and_addresses_are_kept(lines: list[str]) -> None:
    assert mask("\n".join(lines)).count("\n") == len(lines) - 1


@given(st.text(string.ascii_letters + " ,!?ёя", max_size=40), st.text(string.ascii_letters + " ,!?", max_size=40))
def test_phone_number_is_found_between_words(before: str, after: str) -> None:
    assert mask(f"{before} +49 171 1234567 {after}") == f"{before} [phone] {after}"


@given(
    st.datetimes(datetime(1970, 1, 1), datetime(2099, 12, 31)),
    st.sampled_from(["%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M:%S", "%d/%m/%y", "%m/%d/%Y", "%H:%M", "%d-%m-%Y", "%Y%m%d"]),
)
def test_dates_and_times_are_kept(time: datetime, form: str) -> None:
    text = f"on {time:{form}}, or on {time:{form}} - {time:{form}}."
    assert mask(text) == text


@given(st.integers(1, 10**9), st.sampled_from(["${}", "€{}", "{} €", "{} руб", "{} USD", "{} euros", "{}%"]))
def test_prices_are_kept(amount: int, form: str) -> None:
    for text in (form.format(amount), form.format(f"{amount:,}"), form.format(f"{amount:,}".replace(",", " "))):
        assert mask(f"it costs {text} today") == f"it costs {text} today"


@given(st.integers(0, 99_999), st.integers(0, 999_999))
def test_short_numbers_are_kept(first: int, second: int) -> None:
    assert mask(f"number {first}, then {second}") == f"number {first}, then {second}"


HOSTILE = [
    "AA11 ",
    "DE89",
    "DE89 3704 0044 0532 0130 01 ",
    "1",
    "1 ",
    "1.",
    "4111 ",
    "a@",
    "a@a.",
    "a @ ",
    "+1",
    "+49 171 ",
]
HOSTILE += [
    "(1",
    "1\u200b",
    "-----BEGIN PRIVATE KEY-----",
    "eyJaaaaaaaaaa.",
    "1234567890:",
    "sk-ant-",
    "bc1",
    "2019 ",
    "tel:1",
    "_1",
]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("unit", HOSTILE)
def test_long_hostile_texts_take_linear_time(unit: str) -> None:
    """Each takes a fraction of a second; with a quadratic pattern, such a text takes hours."""
    text = unit * (1_000_000 // len(unit) // 8)
    mask(text)
