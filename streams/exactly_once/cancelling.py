"""Cancels a task until it has ended: asking once is not enough."""

import asyncio
from typing import Any

ASK_AGAIN_S = 0.5


async def ended(task: "asyncio.Task[Any]") -> None:
    """Cancel a task, again and again, and return when it has ended; what it raised is left in it.

    Up to Python 3.11 ``asyncio.wait_for`` swallows a cancellation that comes in the moment in which its work is
    done, and clients of Kafka are full of it. A task that was cancelled while it opened would go on to open, to
    serve, and to wait for ever for somebody to give it back what it no longer owns.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=ASK_AGAIN_S)
