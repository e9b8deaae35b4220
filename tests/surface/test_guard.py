"""The guard of a served dashboard where requests overlap, which no single request shows."""

from __future__ import annotations

import asyncio
from typing import Any

from ecosim.guard import DOOR, MOST_GUESSES, Guard


async def _nobody(scope: Any, receive: Any, send: Any) -> None:
    """Stand in for the dashboard, which the form never reaches."""
    raise AssertionError


def test_guesses_are_counted_however_they_overlap() -> None:
    """Two hundred requests at once, whose wrong passwords come later one by one, are as many guesses as one after another."""
    guard = Guard(_nobody, password="right")
    scope = {
        "type": "http",
        "method": "POST",
        "path": DOOR,
        "client": ("10.0.0.1", 1),
        "headers": [(b"host", b"127.0.0.1")],
    }

    async def all_at_once() -> list[int]:
        everybody_is_here = asyncio.Event()
        statuses: list[int] = []

        async def receive() -> Any:
            await everybody_is_here.wait()
            return {"type": "http.request", "body": b"password=wrong"}

        async def send(message: Any) -> None:
            statuses.append(message.get("status", 0))

        requests = [asyncio.create_task(guard(scope, receive, send)) for _ in range(200)]
        await asyncio.sleep(0)
        everybody_is_here.set()
        await asyncio.gather(*requests)
        return statuses

    assert asyncio.run(all_at_once()).count(401) == MOST_GUESSES
