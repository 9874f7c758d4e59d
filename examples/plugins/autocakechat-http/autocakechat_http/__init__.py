"""A deployer that answers over HTTP: CakeChat's own API, an OpenAI-compatible one, and a chat page.

The way of a request: `guard` lets it in or not, `cakechat_api` or `openai_api` makes a conversation of it, `answering`
has the model answer it together with what others ask at that moment. `server` starts and stops it all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
from attrs.validators import and_, ge, le, matches_re

from autocakechat import DeployerType, RunContext, Secret, TrainedModel, hookimpl, option


def _origins(_: Any, __: attrs.Attribute[Any], origins: list[str]) -> None:
    for origin in origins:
        scheme, separator, host = origin.partition("://")
        if scheme not in ("http", "https") or not separator or not host or "/" in host or "*" in host:
            raise ValueError(f"{origin!r} is no origin; origins look like https://chat.example.org, without a path")


@attrs.frozen(kw_only=True)
class Options:
    """The options of `[deployer]`."""

    host: str = option(default="127.0.0.1", help="address to listen on; any but this machine's own needs an api_key")
    port: int = option(default=8080, check=and_(ge(0), le(65535)), help="port to listen on; 0 takes a free one")
    api_key: Secret | None = option(default=None, help="what clients must show, as `Authorization: Bearer KEY`")
    hosts: list[str] = option(factory=list, help="names by which this server is called, besides localhost")
    origins: list[str] = option(
        factory=list, check=_origins, help="web pages elsewhere that may use it, such as https://chat.example.org"
    )
    name: str = option(default="bot", check=matches_re(r"[^\s:/]{1,60}"), help="what the bot is called")
    page: bool = option(default=True, help="serve a page to chat in")
    batch: int = option(default=16, check=ge(1), help="most conversations answered in one call of the model")
    queue: int = option(default=100, check=ge(1), help="most conversations that may wait; more are told to come again")
    body_limit: int = option(default=262_144, check=ge(1024), help="largest request, in bytes")
    line_limit: int = option(default=4096, check=ge(1), help="most characters of a line that the model is shown")


def deploy(options: Options, model: TrainedModel, run: RunContext) -> None:
    """Serves until it is told to stop; see `server`."""
    from autocakechat_http.server import serve

    serve(options, model, run)


@hookimpl
def acc_deployers() -> Iterable[DeployerType]:
    """Yields the server."""
    yield DeployerType(
        name="http",
        summary="an HTTP server: CakeChat's API, an OpenAI-compatible one, a chat page",
        config=Options,
        deploy=deploy,
        requires=("starlette", "uvicorn"),
        install="pip install autocakechat-http",
    )
