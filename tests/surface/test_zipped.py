"""Compressed files: each is read and compressed once, whoever asks, and nothing else is kept."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import pytest

from ecosim.zipped import Zipped

FILE = b"a file of the page; " * 1000


class Counted:
    """An application that sends a file, in two parts as large ones come, and counts how often it was asked."""

    def __init__(self, status: int = 200) -> None:
        self.status, self.asked = status, 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send the file."""
        self.asked += 1
        headers = [(b"content-type", b"text/javascript"), (b"content-length", str(len(FILE)).encode())]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": FILE[:5000], "more_body": True})
        await send({"type": "http.response.body", "body": FILE[5000:]})


def get(app: Zipped, path: str, method: str = "GET", **headers: str) -> tuple[dict[str, str], bytes]:
    """Ask for a path and return headers and body of the answer."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    asyncio.run(app({"type": "http", "method": method, "path": path, "headers": named}, None, send))  # type: ignore[arg-type]
    told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return told, b"".join(message["body"] for message in sent[1:])


def test_file_is_compressed_once() -> None:
    """Everybody gets the whole file, compressed, and the second visitor costs nothing."""
    inner = Counted()
    app = Zipped(inner)
    for _ in range(3):
        headers, body = get(app, "/static/assets/player.js", accept_encoding="gzip, deflate, br")
        assert headers["content-encoding"] == "gzip"
        assert len(body) < len(FILE) / 10
        assert gzip.decompress(body) == FILE
    assert inner.asked == 1
    get(app, "/static/assets/player.css", accept_encoding="gzip")
    assert inner.asked == 2


@pytest.mark.parametrize(
    ("path", "method", "headers"),
    [
        ("/", "GET", {"accept_encoding": "gzip"}),
        ("/static/a.js", "GET", {}),
        ("/static/a.js", "POST", {"accept_encoding": "gzip"}),
        ("/static/a.js", "GET", {"accept_encoding": "gzip", "range": "bytes=0-9"}),
        ("/static/a.js", "GET", {"accept_encoding": "gzip", "if_none_match": '"1"'}),
    ],
    ids=["a page", "cannot unpack", "not a question", "a part", "only if it is new"],
)
def test_other_answers_are_asked_for_each_time(path: str, method: str, headers: dict[str, str]) -> None:
    """A page, a part of a file, or a browser that cannot unpack gets its own answer."""
    inner = Counted()
    app = Zipped(inner)
    get(app, path, method, **headers)
    get(app, path, method, **headers)
    assert inner.asked == 2


def test_a_missing_file_is_looked_for_again() -> None:
    """What is not there fills no memory, however many names somebody thinks of."""
    inner = Counted(status=404)
    app = Zipped(inner)
    get(app, "/static/none.js", accept_encoding="gzip")
    get(app, "/static/none.js", accept_encoding="gzip")
    assert inner.asked == 2
    assert not app.kept
