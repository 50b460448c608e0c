"""A model behind an address: what is sent, what is tried again, and what is told when it refuses."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import soundfile

from spatial_lalm.audio.recording import Recording
from spatial_lalm.errors import InputError
from spatial_lalm.evaluate.run.responses import Unusable
from spatial_lalm.evaluate.run.systems.endpoint import KEY, Endpoint

Reply = tuple[int, Any]


def said(text: str) -> Reply:
    return 200, {"choices": [{"message": {"content": text}}]}


class Server(HTTPServer):
    """Gives the replies one after the other and keeps what it was sent."""

    replies: list[Reply]
    requests: list[tuple[str, str | None, Any]]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.path, self.headers.get("Authorization"), body))
        status, reply = self.server.replies.pop(0)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(reply).encode())

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[Server, Endpoint]]]:
    servers: list[Server] = []

    def start(*replies: Reply) -> tuple[Server, Endpoint]:
        server = Server(("127.0.0.1", 0), Handler)
        server.replies, server.requests = list(replies), []
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return server, Endpoint(f"http://127.0.0.1:{server.server_port}/v1", "ears", first_wait_s=0.001)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def ask(items: tuple[Any, ...]) -> Callable[[Endpoint], str]:
    return lambda endpoint: endpoint.answer(items[1], [Recording.open(items[1].audio[0])]).text


def test_question_sound_and_key_are_sent(serve: Any, ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, "secret")
    server, endpoint = serve(said(" (A) "))
    assert ask(endpoint) == "(A)"
    path, key, body = server.requests[0]
    assert (path, key, body["model"], body["temperature"]) == ("/v1/chat/completions", "Bearer secret", "ears", 0)
    sound, text = body["messages"][0]["content"]
    assert "(B) left" in text["text"]
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(sound["input_audio"]["data"])))
    assert (samples.shape, rate) == ((16_000, 4), 16_000)
    assert "secret" not in json.dumps(endpoint.describe())


def test_a_busy_server_is_asked_again(serve: Any, ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY, raising=False)
    server, endpoint = serve((503, {}), (429, {"error": {"message": "slow down"}}), said("B"))
    assert ask(endpoint) == "B"
    assert [key for _, key, _ in server.requests] == [None] * 3


@pytest.mark.parametrize(
    ("replies", "line"),
    [
        ([(401, {"error": {"message": "bad key"}})], f"status 401: bad key; set {KEY}"),
        ([(404, {"error": "no such model"})], "status 404: no such model; is ears its name there?"),
        ([(400, {"error": {"message": "four\nchannels"}})], "status 400: four channels$"),
        ([(500, {})] * 6, "status 500: .* after 5 retries"),
        ([(200, {"answer": 1})], "is it OpenAI-compatible"),
    ],
)
def test_refusals_are_one_line(serve: Any, ask: Any, replies: list[Reply], line: str) -> None:
    server, endpoint = serve(*replies)
    with pytest.raises(InputError, match=line) as error:
        ask(endpoint)
    assert "\n" not in str(error.value)
    assert not server.replies


@pytest.mark.parametrize(
    ("replies", "closed"), [([(404, {})], True), ([(401, {})], True), ([(400, {})], False), ([(500, {})] * 6, False)]
)
def test_what_no_other_item_would_cure_is_no_fault_of_the_item(
    serve: Any, ask: Any, replies: list[Reply], closed: bool
) -> None:
    _, endpoint = serve(*replies)
    with pytest.raises(InputError) as error:
        ask(endpoint)
    assert isinstance(error.value, Unusable) is closed


def test_no_server_and_no_address(ask: Any) -> None:
    with pytest.raises(Unusable, match=r"no answer .* after 5 retries; the same command goes on"):
        ask(Endpoint("http://127.0.0.1:9/v1", "ears", first_wait_s=0.001))
    with pytest.raises(InputError, match="is no http address"):
        Endpoint("localhost", "ears")
