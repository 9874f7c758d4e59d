"""Which requests the server rejects, and what responses reveal."""

from __future__ import annotations

import http.client
import json
import logging
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import autocakechat_http
import pytest
from autocakechat_http import Options, deploy

from autocakechat import RunContext, TrainedModel, UserError
from autocakechat.testing import Project

CAKECHAT = "/cakechat_api/v1/actions/get_response"
COMPLETIONS = "/v1/chat/completions"

Serve = Callable[..., AbstractContextManager[Any]]


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:80",
        "127.0.0.1.evil.example",
        "",
        "localhost@evil.example",
        "a/b",
        "[",
        "[::1",
        "[localhost]",
        "localhost\xe9",
    ],
)
def test_an_unknown_host_is_rejected_on_every_path(host: str, server: Any) -> None:
    for path in ("/", "/v1/models", "/nowhere"):
        assert server.get(path, Host=host).status == 421
    assert server.post(CAKECHAT, {"context": ["hi"]}, Host=host).status == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:{port}", "127.0.0.1:{port}", "[::1]:{port}", "192.168.1.5"])
def test_localhost_and_ip_addresses_are_allowed_hosts(host: str, server: Any) -> None:
    assert server.get("/v1/models", Host=host.format(port=server.port)).status == 200


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "text/json"]
)
def test_only_json_bodies_are_accepted(content_type: str, server: Any) -> None:
    response = server.post(CAKECHAT, json.dumps({"context": ["hi"]}).encode(), Content_Type=content_type)
    assert response.status == 415
    assert server.post(CAKECHAT, b'{"context": ["hi"]}', Content_Type="application/json; charset=utf-8").status == 200


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"context": ["hi"]', b"[" * 100_000])
def test_invalid_json_is_rejected(body: bytes, server: Any) -> None:
    assert server.post(CAKECHAT, body, Content_Type="application/json").status == 400


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://localhost:1",
        "http://127.0.0.1.evil.example",
        "http://[",
        "//[x]",
        "\xff",
    ],
)
def test_other_origins_are_rejected(origin: str, server: Any) -> None:
    response = server.post(CAKECHAT, {"context": ["hi"]}, Origin=origin)
    assert response.status == 403
    assert "access-control-allow-origin" not in response.headers
    preflight = server.request("OPTIONS", CAKECHAT, Origin=origin, Access_Control_Request_Method="POST")
    assert preflight.status == 403


def test_the_servers_own_origin_is_allowed(server: Any) -> None:
    assert server.post(CAKECHAT, {"context": ["hi"]}, Origin=server.url).status == 200


def test_listed_origins_are_allowed(serve: Serve) -> None:
    with serve(origins=["https://Chat.example.org"], hosts=["bot.example.org"]) as server:
        origin = "https://chat.example.org"
        response = server.post(CAKECHAT, {"context": ["hi"]}, Origin=origin, Host="bot.example.org")
        assert (response.status, response.headers["access-control-allow-origin"]) == (200, origin)
        preflight = server.request("OPTIONS", COMPLETIONS, Origin=origin, Access_Control_Request_Method="POST")
        assert preflight.status == 204
        assert "Authorization" in preflight.headers["access-control-allow-headers"]
        assert server.post(CAKECHAT, {"context": ["hi"]}, Origin="https://evil.example").status == 403


@pytest.mark.parametrize(
    "origin",
    [
        "app://obsidian.md",
        "tauri://localhost",
        "chrome-extension://abcdefghijklmnop",
        "moz-extension://0a1b-2c",
        "file://",
    ],
)
def test_origins_of_applications_and_extensions_can_be_listed(origin: str, serve: Serve) -> None:
    with serve(origins=[origin]) as server:
        requested = "authorization,content-type,x-stainless-timeout, x-stainless-os,openai-organization"
        preflight = server.request(
            "OPTIONS",
            COMPLETIONS,
            Origin=origin,
            Access_Control_Request_Method="POST",
            Access_Control_Request_Headers=requested,
            Access_Control_Request_Private_Network="true",
        )
        assert preflight.status == 204
        allowed = preflight.headers["access-control-allow-headers"].lower().replace(" ", "").split(",")
        assert set(requested.replace(" ", "").split(",")) <= set(allowed)
        assert preflight.headers["access-control-allow-origin"] == origin
        assert preflight.headers["access-control-allow-private-network"] == "true"
        body = {"messages": [{"role": "user", "content": "hi"}]}
        assert server.post(COMPLETIONS, body, Origin=origin, X_Stainless_OS="Linux").status == 200


def test_an_application_with_the_address_of_the_server_is_another_origin(server: Any) -> None:
    origin = f"app://127.0.0.1:{server.port}"
    assert server.post(CAKECHAT, {"context": ["hi"]}, Origin=origin).status == 403


def test_a_preflight_allows_no_odd_header_names(serve: Serve) -> None:
    with serve(origins=["https://chat.example.org"]) as server:
        preflight = server.request(
            "OPTIONS", COMPLETIONS, Origin="https://chat.example.org", Access_Control_Request_Headers="x-a, *, a b, <x>"
        )
        allowed = preflight.headers["access-control-allow-headers"].lower()
        assert "x-a" in allowed
        assert not set("*<>") & set(allowed)


def test_the_apis_require_the_key(serve: Serve, project: Project) -> None:
    project.environment["BOT_KEY"] = "fake-key-of-this-test"
    with serve(api_key={"env": "BOT_KEY"}) as server:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "fake-key-of-this-test"}):
            for path, body in ((CAKECHAT, {"context": ["hi"]}), (COMPLETIONS, {})):
                assert server.post(path, body, **headers).status == 401
            assert server.get("/v1/models", **headers).status == 401
            assert server.get("/metrics", **headers).status == 401
        key = {"Authorization": "Bearer fake-key-of-this-test"}
        assert server.post(CAKECHAT, {"context": ["hi"]}, **key).json == {"response": "echo hi"}
        assert server.get("/metrics", **key).status == 200
        assert server.get("/").status == 200
        assert server.get("/healthz").status == 200
        assert "fake-key-of-this-test" not in server.process.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "bot.example.org"])
def test_other_machines_cannot_use_the_server_without_a_key(host: str, tmp_path: Path) -> None:
    model = TrainedModel(tmp_path, trainer="test", metrics={}, load=lambda: pytest.fail("the model was loaded"))
    run = RunContext(log=logging.getLogger("test"), progress=None, seed=1, state=tmp_path)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="there is no api_key") as caught:
        deploy(Options(host=host), model, run)
    assert caught.value.exit_status == 2


def test_large_bodies_are_rejected_with_and_without_a_content_length(serve: Serve) -> None:
    with serve(body_limit=2000) as server:
        large = json.dumps({"context": ["x" * 3000]}).encode()
        assert server.post(CAKECHAT, large, Content_Type="application/json").status == 413
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        chunks = (large[start : start + 500] for start in range(0, len(large), 500))
        headers = {"Content-Type": "application/json"}
        connection.request("POST", CAKECHAT, chunks, headers, encode_chunked=True)
        assert connection.getresponse().status == 413
        connection.close()
        assert server.post(CAKECHAT, {"context": ["hi"]}).status == 200


def test_unknown_paths_and_methods_are_rejected(server: Any) -> None:
    response = server.get("/nowhere")
    assert (response.status, "/v1/chat/completions" in response.json["message"]) == (404, True)
    response = server.get(CAKECHAT)
    assert (response.status, response.headers["allow"]) == (405, "POST")
    assert server.get("/../../etc/passwd").status == 404


def test_every_response_has_the_security_headers(server: Any) -> None:
    for response in (server.get("/"), server.get("/nowhere"), server.post(CAKECHAT, {})):
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert "unsafe" not in response.headers["content-security-policy"]
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "server" not in response.headers


def test_the_page_loads_nothing_from_other_servers(server: Any) -> None:
    names = [file.name for file in (Path(autocakechat_http.__file__).parent / "page").iterdir()]
    assert "index.html" in names
    for path in ("/", *(f"/{name}" for name in names if name != "index.html")):
        response = server.get(path)
        assert response.status == 200
        assert b"//" not in re.sub(rb'(?m)^\s*// .*$|xmlns="[^"]*"', b"", response.body)


def test_the_page_can_be_disabled(serve: Serve) -> None:
    with serve(page=False) as server:
        assert server.get("/").status == 404
        assert server.post(CAKECHAT, {"context": ["hi"]}).status == 200
