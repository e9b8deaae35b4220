"""Compressed files for browsers: each is compressed once and kept, since a class asks for the same five megabytes thirty times."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipMiddleware

from ecosim.guard import Application, Message, Receive, Scope, Send

SMALLEST = 1000  # bytes; what is smaller is sent as it is
# Where files are that do not change while the server runs.
FILES = ("/static/", "/_solara/cdn/", "/jupyter/nbextensions/")
# A request with one of these asks for less than the whole file.
PARTLY = ("range", "if-none-match", "if-modified-since")


class Zipped:
    """ASGI middleware that compresses what a browser can unpack, files only the first time that they are asked for.

    Parameters
    ----------
    app : what answers.
    """

    def __init__(self, app: Application) -> None:
        self.zipping: Application = GZipMiddleware(app, minimum_size=SMALLEST)
        self.kept: dict[str, list[Message]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, if it is for a file by what was kept of the first answer."""
        if not asks_for_whole_file(scope):
            await self.zipping(scope, receive, send)
            return
        answer = self.kept.get(scope["path"])
        if answer is None:
            answer = []

            async def note(message: Message) -> None:
                answer.append(dict(message))
                await send(message)

            await self.zipping(scope, receive, note)
            if answer and answer[0].get("status") == 200 and not answer[-1].get("more_body"):
                self.kept[scope["path"]] = answer
        else:
            for message in answer:
                await send(dict(message))


def asks_for_whole_file(scope: Scope) -> bool:
    """Return whether a request is for a whole file from a browser that can unpack it."""
    if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(FILES):
        return False
    headers = Headers(scope=scope)
    return "gzip" in headers.get("accept-encoding", "") and not any(name in headers for name in PARTLY)
