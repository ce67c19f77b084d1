"""Moves several partitions at the same time: each waits for brokers most of the time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

AT_ONCE = 4
"""Bounds memory: each holds a transaction, and what is fetched meanwhile."""
_T = TypeVar("_T")


async def side_by_side(works: Iterable[Callable[[], Awaitable[_T]]]) -> list[_T]:
    """Do all of these; the first failure cancels the others, and is raised when they have ended.

    >>> async def doubled(number: int) -> int:
    ...     return 2 * number
    >>> asyncio.run(side_by_side([lambda: doubled(1), lambda: doubled(2)]))
    [2, 4]
    """
    turns = asyncio.Semaphore(AT_ONCE)

    async def in_turn(work: Callable[[], Awaitable[_T]]) -> _T:
        async with turns:
            return await work()

    tasks = [asyncio.create_task(in_turn(work)) for work in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
