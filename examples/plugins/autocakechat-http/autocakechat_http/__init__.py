"""A deployer that serves the bot over HTTP: CakeChat's own API, an OpenAI-compatible API and a chat page.

The path of a request: `guard` checks it, `cakechat_api` or `openai_api` parses it, and `reply_queue` passes it to the
model, in one batch with the other waiting requests. `server` starts and stops the server.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import attrs
from attrs.validators import and_, ge, gt, le, matches_re

from autocakechat import DeployerType, RunContext, Secret, TrainedModel, hookimpl, option


def _check_origins(_: Any, __: attrs.Attribute[Any], origins: list[str]) -> None:
    for origin in origins:
        if not re.fullmatch(r"file://|[a-z][a-z0-9+.-]*://[^\s/?#*@]+", origin):
            raise ValueError(
                f"{origin!r} is not an origin; write it as https://chat.example.org or app://name, without a path"
            )


@attrs.frozen(kw_only=True)
class Options:
    """The options of `[deployer]`."""

    host: str = option(default="127.0.0.1", help="address to listen on; any but a loopback address needs api_key")
    port: int = option(default=8080, check=and_(ge(0), le(65535)), help="port to listen on; 0 chooses a free port")
    api_key: Secret | None = option(default=None, help="key that clients must send, as `Authorization: Bearer KEY`")
    hosts: list[str] = option(factory=list, help="names of this server, besides localhost")
    origins: list[str] = option(
        factory=list,
        check=_check_origins,
        help="origins of web pages, desktop applications and browser extensions that may use the server, such as "
        "https://chat.example.org, app://name, tauri://localhost or chrome-extension://ID",
    )
    name: str = option(default="bot", check=matches_re(r"[^\s:/]{1,60}"), help="name of the bot")
    page: bool = option(default=True, help="serve a chat page")
    batch: int = option(default=16, check=ge(1), help="maximum number of conversations in one call of the model")
    queue: int = option(
        default=100, check=ge(1), help="maximum number of waiting conversations; further requests get status 503"
    )
    connections_per_address: int = option(
        default=100,
        check=ge(1),
        help="maximum number of connections of one address; behind a reverse proxy all have the address of the proxy",
    )
    hangs_after: float = option(
        default=120.0,
        check=gt(0),
        help="seconds that a call of the model or a waiting request may take until /healthz returns status 503",
    )
    body_limit: int = option(default=8 * 1024 * 1024, check=ge(1024), help="maximum size of a request body in bytes")
    line_limit: int = option(
        default=4096, check=ge(1), help="maximum length of a line in characters; the model gets the end of longer lines"
    )


def deploy(options: Options, model: TrainedModel, run: RunContext) -> None:
    """Serves the bot until SIGINT or SIGTERM."""
    from autocakechat_http.server import serve

    serve(options, model, run)


@hookimpl
def acc_deployers() -> Iterable[DeployerType]:
    """Yields the HTTP deployer."""
    yield DeployerType(
        name="http",
        summary="an HTTP server: CakeChat's API, an OpenAI-compatible API, a chat page",
        config=Options,
        deploy=deploy,
        requires=("starlette", "uvicorn"),
        install="pip install autocakechat-http",
    )
