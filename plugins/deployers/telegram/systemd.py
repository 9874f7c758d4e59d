"""Tells systemd that the bot has started and that it is alive, as sd_notify(3) describes."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import Literal


def notify_systemd(state: Literal["READY=1", "WATCHDOG=1"]) -> None:
    """Sends a state to systemd, if it has started this process as a service of type `notify`.

    Args:
        state: `READY=1` after the start; `WATCHDOG=1` again and again while the bot is alive.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):  # an abstract socket
        address = f"\0{address[1:]}"
    # A bot that cannot reach systemd still replies.
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
        connection.setblocking(False)
        connection.sendto(state.encode(), address)
