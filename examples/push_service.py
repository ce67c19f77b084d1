"""Tells devices of each new ranking as it comes, on an event loop: `python examples/push_service.py BROKER`."""

import asyncio
import sys

from streams.subscribers import AsyncRankingSubscriber


async def push(broker: str) -> None:
    """Announce every new first card, for ever."""
    async with AsyncRankingSubscriber(broker) as subscriber:
        async for user in subscriber.follow():
            if (found := subscriber.get(user)) and found.ranking.shelves:
                print(f"push to {user}: {found.ranking.shelves[0].cards[0]}", flush=True)


if __name__ == "__main__":
    asyncio.run(push(sys.argv[1]))
