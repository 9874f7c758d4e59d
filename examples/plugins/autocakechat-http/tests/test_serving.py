"""Starting, batching, monitoring and stopping."""

from __future__ import annotations

import json
import re
import signal
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import pytest

from autocakechat.testing import Project

CAKECHAT = "/cakechat_api/v1/actions/get_response"
COMPLETIONS = "/v1/chat/completions"

Serve = Callable[..., AbstractContextManager[Any]]


def test_a_port_in_use_is_an_error(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other_server:
        port = other_server.getsockname()[1]
        project.pipeline(reply={"seconds": 0.0}, deployer={"use": "http", "port": port})
        finished = project.acc("deploy")
    assert finished.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use; choose another host or port" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_simultaneous_requests_share_a_batch(serve: Serve) -> None:
    with serve(seconds=0.5, batch=16) as server, ThreadPoolExecutor(12) as pool:
        start = time.monotonic()
        responses = list(pool.map(lambda number: server.post(CAKECHAT, {"context": [str(number)]}).json, range(12)))
        elapsed = time.monotonic() - start
    assert responses == [{"response": f"echo {number}"} for number in range(12)]
    assert elapsed < 3.0, "one by one, twelve replies of half a second take six seconds"


def test_the_server_responds_while_the_model_runs(serve: Serve) -> None:
    with serve(seconds=1.5) as server, ThreadPoolExecutor(1) as pool:
        response = pool.submit(server.post, CAKECHAT, {"context": ["hi"]})
        time.sleep(0.3)
        start = time.monotonic()
        assert server.get("/v1/models").status == 200
        assert time.monotonic() - start < 1.0
        assert response.result().status == 200


def test_a_full_queue_is_status_503_with_retry_after(serve: Serve) -> None:
    with serve(seconds=0.5, batch=1, queue=2) as server, ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(lambda _: server.post(CAKECHAT, {"context": ["hi"]}), range(8)))
        assert {response.status for response in responses} == {200, 503}
        busy = next(response for response in responses if response.status == 503)
        assert busy.headers["retry-after"]
        assert server.post(CAKECHAT, {"context": ["hi"]}).status == 200


def test_a_client_that_disconnects_does_not_affect_others(serve: Serve) -> None:
    with serve(seconds=0.3) as server:
        for cut in (20, 60, 10_000):
            with socket.create_connection(("127.0.0.1", server.port)) as connection:
                body = json.dumps({"context": ["hi"]})
                text = (
                    f"POST {CAKECHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n{body}"
                )
                connection.sendall(text[: min(cut, len(text))].encode())
        assert server.post(CAKECHAT, {"context": ["still there?"]}).json == {"response": "echo still there?"}
        assert "Traceback" not in server.process.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_requests_in_progress_are_finished_before_it_stops(number: signal.Signals, serve: Serve) -> None:
    with serve(seconds=1.0) as server, ThreadPoolExecutor(1) as pool:
        response = pool.submit(server.post, CAKECHAT, {"context": ["hi"]})
        time.sleep(0.4)
        assert server.process.stop(number, 15) in (0, 130, 143)
        assert response.result().json == {"response": "echo hi"}
        assert "Traceback" not in server.process.stderr


def test_a_request_that_outlasts_the_shutdown_gets_status_503(serve: Serve) -> None:
    with serve(seconds=7.0) as server, ThreadPoolExecutor(1) as pool:
        response = pool.submit(server.post, CAKECHAT, {"context": ["hi"]})
        time.sleep(0.4)
        assert server.process.stop(signal.SIGTERM, 15) in (0, 143)
        assert (response.result().status, response.result().json["error"]["code"]) == (503, "stopping")
        assert "Traceback" not in server.process.stderr


def test_the_log_says_how_to_use_and_when_it_stops(serve: Serve) -> None:
    with serve() as server:
        server.process.stop(signal.SIGINT)
        *_, listening, stopped = server.process.stderr.splitlines()
    assert listening == (f"listening on {server.url}; open {server.url} in a browser to chat; Ctrl-C stops the server")
    assert stopped == "stopped"


# Failures of the model.


@pytest.mark.parametrize("text", ["fail", "too few replies", "stop", "no memory", "exit", "interrupt"])
def test_a_failure_of_the_model_is_status_500_and_the_server_continues(text: str, odd_server: Any) -> None:
    response = odd_server.post(CAKECHAT, {"context": [text]})
    assert (response.status, response.json["error"]["type"]) == (500, "server_error")
    odd_server.process.wait_for(lambda: "the model failed: " in odd_server.process.stderr)
    assert "on request" not in odd_server.process.stderr  # an error's message may quote the conversation
    assert odd_server.post(CAKECHAT, {"context": ["hi"]}).json == {"response": "hi"}
    assert odd_server.get("/healthz").status == 200


def test_one_signal_ends_the_server_although_the_model_hangs(serve_odd_model: Serve) -> None:
    with serve_odd_model() as server, ThreadPoolExecutor(1) as pool:
        response = pool.submit(server.post, CAKECHAT, {"context": ["hang"]})
        time.sleep(0.4)
        assert server.process.stop(signal.SIGTERM, 15) in (0, 143)
        assert (response.result().status, response.result().json["error"]["code"]) == (503, "stopping")


def test_a_model_that_hangs_is_not_healthy(serve_odd_model: Serve) -> None:
    with serve_odd_model(hangs_after=0.5) as server, ThreadPoolExecutor(1) as pool:
        assert server.get("/healthz").status == 200
        pool.submit(server.post, CAKECHAT, {"context": ["hang"]})
        server.process.wait_for(lambda: server.get("/healthz").status == 503)
        assert server.get("/healthz").json["message"] == "the model does not reply"
        server.process.stop(signal.SIGTERM, 15)


# Monitoring.


def test_the_health_is_ok_when_the_model_is_loaded(server: Any) -> None:
    response = server.get("/healthz")
    assert (response.status, response.json) == (200, {"status": "ok", "waiting": 0})


def test_requests_are_logged_without_texts(serve: Serve) -> None:
    with serve() as server:
        server.post(CAKECHAT, {"context": ["secret-context"]})
        server.post(COMPLETIONS, {"messages": [{"role": "user", "content": "secret-message"}], "stream": True})
        server.post(CAKECHAT, {"context": [], "emotion": "secret-emotion"})
        server.get("/v1/models?secret-query")
        server.get("/a%0Ab%1B" + 200 * "x")
        server.get("/healthz")
        server.process.wait_for(lambda: "/a%0A" in server.process.stderr)
        lines = server.process.stderr.splitlines()
    logged = [re.sub(r"\d+ ms$", "MS", line) for line in lines[-5:]]
    assert logged == [
        f"POST {CAKECHAT} 200 MS",
        f"POST {COMPLETIONS} 200 MS",
        f"POST {CAKECHAT} 400 MS",
        "GET /v1/models 200 MS",
        f"GET /a%0Ab%1B{91 * 'x'}... 404 MS",
    ]
    assert "secret" not in server.process.stderr


def test_metrics_count_requests_replies_and_failures(serve: Serve, odd_server: Any) -> None:
    with serve() as server:
        for _ in range(3):
            server.post(CAKECHAT, {"context": ["hi"]})
        server.post(CAKECHAT, {})
        server.request("BREW", "/coffee")
        response = server.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    metrics = samples(response.body)
    assert metrics[f'autocakechat_http_requests_total{{method="POST",path="{CAKECHAT}",status="200"}}'] == 3
    assert metrics[f'autocakechat_http_requests_total{{method="POST",path="{CAKECHAT}",status="400"}}'] == 1
    assert metrics['autocakechat_http_requests_total{method="other",path="other",status="404"}'] == 1
    assert metrics[f'autocakechat_http_request_seconds_count{{path="{CAKECHAT}"}}'] == 4
    assert metrics[f'autocakechat_http_request_seconds_sum{{path="{CAKECHAT}"}}'] > 0
    assert metrics["autocakechat_http_reply_seconds_count"] == 3
    assert metrics["autocakechat_http_reply_seconds_sum"] > 0
    assert metrics["autocakechat_http_waiting"] == 0
    failures = samples(odd_server.get("/metrics").body)["autocakechat_http_model_errors_total"]
    odd_server.post(CAKECHAT, {"context": ["fail"]})
    assert samples(odd_server.get("/metrics").body)["autocakechat_http_model_errors_total"] == failures + 1


def samples(metrics: bytes) -> dict[str, float]:
    """Parses the text format of Prometheus."""
    lines = [line for line in metrics.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}
