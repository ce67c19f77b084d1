"""Cancels an asyncio task until it has ended: one request is not enough."""

import asyncio
from typing import Any

ASK_AGAIN_S = 0.5


async def ended(task: "asyncio.Task[Any]") -> None:
    """Cancel a task repeatedly, and return when it has ended; its exception stays in it.

    Up to Python 3.11 ``asyncio.wait_for`` swallows a cancellation that arrives as its work completes, and Kafka clients
    use it everywhere. A partition that was cancelled while it opened would continue to open, serve, and wait for ever
    to be resumed, though it is no longer owned.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=ASK_AGAIN_S)
