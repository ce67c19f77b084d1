"""Waiting for a condition, with a deadline instead of a guess."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sized

DEADLINE_S = 120.0


def eventually(condition: Callable[[], object], deadline_s: float = DEADLINE_S) -> None:
    """Return once the condition holds; fail when it never does."""
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, "the condition never came true"
        time.sleep(0.01)


async def reached(values: Sized, count: int) -> None:
    """Return once there are so many of them."""
    end = time.monotonic() + DEADLINE_S
    while len(values) < count:
        assert time.monotonic() < end, f"only {len(values)} of {count} came"
        await asyncio.sleep(0.001)


async def eventually_async(condition: Callable[[], Awaitable[object]], deadline_s: float = DEADLINE_S) -> None:
    end = time.monotonic() + deadline_s
    while not await condition():
        assert time.monotonic() < end, "the condition never came true"
        await asyncio.sleep(0.01)
