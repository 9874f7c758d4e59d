"""Writes the text and HTML files of signalbackup-tools and imessage-exporter."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from exports import START, Messages

IMESSAGE_HEAD = (
    "<html>\n<head>\n<style>\nspan.timestamp {}\nspan.sender {}\nspan.bubble {}\n</style>\n</head>\n<body>\n"
)
SIGNAL_HEAD = """<!-- Generated on 2024-01-01 10:00:00 by signalbackup-tools (20240101). -->
<!DOCTYPE html>
<html>
  <head>
    <title>Ann &amp; Lee</title>
    <style>
      .msg-img-container img {}
    </style>
  </head>
  <body>
    <div class="avatar header-avatar msg-sender-7">A</div>
"""


def moment(number: int) -> datetime:
    """The time `number` minutes after START."""
    return datetime.fromtimestamp(START + 60 * number, UTC)


def signal_time(number: int) -> str:
    return moment(number).strftime("%b %d, %Y %H:%M:%S")


def imessage_time(number: int) -> str:
    hour = moment(number).strftime("%I").lstrip("0")
    return moment(number).strftime(f"%b %d, %Y {hour:>2}:%M:%S %p")


def signal_line(number: int, sender: str, text: str) -> str:
    return f"[{signal_time(number)}] <{sender}> {text}\n"


def write_signal_text(folder: Path, said: Messages) -> str:
    return write_signal_lines_of_text(folder, [signal_line(number, *pair) for number, pair in enumerate(said)])


def write_signal_lines_of_text(folder: Path, lines: Sequence[str]) -> str:
    (folder / "signal").mkdir()
    (folder / "signal/Ann Lee (_id3).txt").write_text("".join(lines), "utf-8")
    return "signal"


def signal_block(number: int, sender: str, text: str, *, extra: str = "", classes: str = "") -> str:
    """A message of a page of signalbackup-tools; `ann` is the owner."""
    direction = "outgoing msg-sender-1" if sender == "ann" else "incoming"
    body = f'            <div>\n              <pre dir="auto">{html.escape(text)}</pre>\n            </div>\n'
    return (
        f"          <!-- Message: _id:{number + 1},type:87 -->\n"
        f'          <a id="{number + 1}"></a>\n'
        f'          <div class="msg msg-{direction}{classes}">\n{extra}{body if text else ""}'
        f'            <div class="footer">\n              <span class="msg-data">{signal_time(number)}</span>\n'
        "            </div>\n          </div>\n\n"
    )


def write_signal_html(folder: Path, said: Messages) -> str:
    return write_signal_blocks(folder, [signal_block(number, *pair) for number, pair in enumerate(said)])


def write_signal_blocks(folder: Path, blocks: Sequence[str], *, head: str = SIGNAL_HEAD, page: str = "") -> str:
    conversation = folder / "signal/Ann Lee (_id3)"
    conversation.mkdir(parents=True, exist_ok=True)
    (conversation / f"Ann Lee{page}.html").write_text(f"{head}{''.join(blocks)}  </body>\n</html>\n", "utf-8")
    index = SIGNAL_HEAD.replace("Ann &amp; Lee", "Signal conversation list")
    (folder / "signal/index.html").write_text(index)
    return "signal"


def imessage_lines(number: int, sender: str, text: str) -> str:
    """A message of a text file of imessage-exporter; `ann` is the owner."""
    return f"{imessage_time(number)}\n{'Me' if sender == 'ann' else '+15550100'}\n{text}\n\n"


def write_imessage_text(folder: Path, said: Messages) -> str:
    return write_imessage_file(folder, [imessage_lines(number, *pair) for number, pair in enumerate(said)], "txt")


def write_imessage_file(folder: Path, blocks: Sequence[str], suffix: str) -> str:
    (folder / "imessage").mkdir()
    (folder / f"imessage/+15550100.{suffix}").write_text("".join(blocks), "utf-8")
    return "imessage"


def imessage_block(number: int, sender: str, text: str, *, parts: str = "", id: str = "") -> str:
    """A message of an HTML file of imessage-exporter; `ann` is the owner."""
    bubble = f'<hr>\n<div class="message_part">\n    <span class="bubble">{html.escape(text)}</span>\n    </div>\n'
    direction, name = ("sent iMessage", "Me") if sender == "ann" else ("received", "+15550100")
    reference = f' id="r-{id}"' if id else ""
    return (
        f'<div class="message"{reference}>\n    <div class="{direction}">\n        <p>\n'
        f'            <span class="timestamp">\n                <a title="Reveal in Messages app" '
        f'href="sms://open?message-guid=G{number}">{imessage_time(number)}</a>\n            </span>\n'
        f'            <span class="sender">{name}</span>\n        </p>\n'
        f"        {bubble if text else ''}{parts}    </div>\n</div>\n"
    )


def write_imessage_html(folder: Path, said: Messages) -> str:
    blocks = [imessage_block(number, *pair) for number, pair in enumerate(said)]
    return write_imessage_file(folder, [IMESSAGE_HEAD, *blocks, "</body></html>"], "html")


def write_signal_markdown(folder: Path, said: Messages) -> str:
    """The file that sigexport writes for people."""
    (folder / "signal/Ann Lee").mkdir(parents=True)
    lines = [f"[{moment(number):%Y-%m-%d %H:%M:%S}] {sender}: {text}  \n" for number, (sender, text) in enumerate(said)]
    (folder / "signal/Ann Lee/chat.md").write_text("".join(lines), "utf-8")
    return "signal"
