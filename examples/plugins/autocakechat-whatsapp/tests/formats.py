"""Writes messages with the headers of many languages and regions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

Writer = Callable[[datetime, str, str], str]

LRM, RLM, NARROW = "\u200e", "\u200f", "\u202f"
_ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
_HINDI = str.maketrans("0123456789", "०१२३४५६७८९")


def _h12(at: datetime) -> int:
    return at.hour % 12 or 12


def _half(at: datetime, am: str, pm: str) -> str:
    return am if at.hour < 12 else pm


def _short(at: datetime) -> str:
    return f"{at.year % 100:02}"


ANDROID: dict[str, Writer] = {
    "en-US": lambda at, who, text: (
        f"{at.month}/{at.day}/{_short(at)}, {_h12(at)}:{at:%M}{NARROW}{_half(at, 'AM', 'PM')} - {who}: {text}"
    ),
    "en-GB": lambda at, who, text: f"{at:%d/%m/%Y}, {at:%H:%M} - {who}: {text}",
    "en-IN": lambda at, who, text: f"{at:%d/%m/%y}, {_h12(at)}:{at:%M}{NARROW}{_half(at, 'am', 'pm')} - {who}: {text}",
    "en-CA": lambda at, who, text: f"{at:%Y-%m-%d}, {_h12(at)}:{at:%M} {_half(at, 'a.m.', 'p.m.')} - {who}: {text}",
    "en-ZA": lambda at, who, text: f"{at:%Y/%m/%d}, {at:%H:%M} - {who}: {text}",
    "de": lambda at, who, text: f"{at:%d.%m.%y}, {at:%H:%M} - {who}: {text}",
    "es": lambda at, who, text: f"{at.day}/{at.month}/{_short(at)}, {at.hour}:{at:%M} - {who}: {text}",
    "es-MX": lambda at, who, text: (
        f"{at.day}/{at.month}/{at.year}, {_h12(at)}:{at:%M} {_half(at, 'a.', 'p.')}\xa0m. - {who}: {text}"
    ),
    "pt-BR": lambda at, who, text: f"{at:%d/%m/%Y} {at:%H:%M} - {who}: {text}",
    "fr-CA": lambda at, who, text: f"{at:%Y-%m-%d} {at:%H} h {at:%M} - {who}: {text}",
    "da": lambda at, who, text: f"{at:%d.%m.%Y} {at:%H.%M} - {who}: {text}",
    "fi": lambda at, who, text: f"{at.day}.{at.month}.{at.year} klo {at.hour}.{at:%M} - {who}: {text}",
    "nl": lambda at, who, text: f"{at:%d-%m-%Y} {at:%H:%M} - {who}: {text}",
    "hu": lambda at, who, text: f"{at:%Y. %m. %d.} {at.hour}:{at:%M} - {who}: {text}",
    "cs": lambda at, who, text: f"{at.day}. {at.month}. {at.year} {at.hour}:{at:%M} - {who}: {text}",
    "bg": lambda at, who, text: f"{at:%d.%m.%y}, {at:%H:%M} ч. - {who}: {text}",
    "el": lambda at, who, text: (
        f"{at.day}/{at.month}/{_short(at)}, {_h12(at)}:{at:%M} {_half(at, 'π.μ.', 'μ.μ.')} - {who}: {text}"
    ),
    "ar": lambda at, who, text: (
        f"{at.day}{RLM}/{at.month}{RLM}/{at.year}، {_h12(at)}:{at:%M} {_half(at, 'ص', 'م')}".translate(_ARABIC)
        + f" - {who}: {text}"
    ),
    "mr": lambda at, who, text: f"{at:%d/%m/%y}, {at:%H:%M}".translate(_HINDI) + f" - {who}: {text}",
    "ko": lambda at, who, text: (
        f"{at.year}. {at.month}. {at.day}. {_half(at, '오전', '오후')} {_h12(at)}:{at:%M} - {who}: {text}"
    ),
    "ja": lambda at, who, text: f"{at:%Y/%m/%d} {at.hour}:{at:%M} - {who}: {text}",
    "zh-TW": lambda at, who, text: (
        f"{at.year}/{at.month}/{at.day} {_half(at, '上午', '下午')}{_h12(at)}:{at:%M} - {who}: {text}"
    ),
    "th": lambda at, who, text: f"{at.day}/{at.month}/{at.year + 543} {at:%H:%M} - {who}: {text}",
}

IOS: dict[str, Writer] = {
    "en-US": lambda at, who, text: (
        f"[{at.month}/{at.day}/{_short(at)}, {_h12(at)}:{at:%M:%S}{NARROW}{_half(at, 'AM', 'PM')}] {who}: {text}"
    ),
    "en-GB": lambda at, who, text: f"[{at:%d/%m/%Y}, {at:%H:%M:%S}] {who}: {text}",
    "de": lambda at, who, text: f"[{at:%d.%m.%y}, {at:%H:%M:%S}] {who}: {text}",
    "it": lambda at, who, text: f"[{at:%d/%m/%y}, {at:%H:%M:%S}] {who}: {text}",
    "fi": lambda at, who, text: f"[{at.day}.{at.month}.{at.year} klo {at.hour}.{at:%M.%S}] {who}: {text}",
    "nl": lambda at, who, text: f"[{at:%d-%m-%Y} {at:%H:%M:%S}] {who}: {text}",
    "sv": lambda at, who, text: f"[{at:%Y-%m-%d} {at:%H:%M:%S}] {who}: {text}",
    "zh-CN": lambda at, who, text: (
        f"[{at.year}/{at.month}/{at.day} {_half(at, '上午', '下午')}{_h12(at)}:{at:%M:%S}] {who}: {text}"
    ),
    "ar": lambda at, who, text: (
        f"[{at.day}{RLM}/{at.month}{RLM}/{at.year}, {_h12(at)}:{at:%M:%S} {_half(at, 'ص', 'م')}] {who}: {text}"
    ),
    "2013": lambda at, who, text: f"{at:%d.%m.%Y %H:%M:%S}: {who}: {text}",
}

FORMATS = {f"Android {name}": writer for name, writer in ANDROID.items()} | {
    f"iOS {name}": writer for name, writer in IOS.items()
}
