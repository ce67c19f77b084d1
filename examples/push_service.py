"""Notifies devices of each new ranking, on an event loop: `python examples/push_service.py BROKER`."""

import asyncio
import sys

from streams.subscribers import AsyncRankingSubscriber, run_script


async def push(broker: str) -> None:
    """Announce the first card of each new ranking, until stopped; existing rankings are not announced."""
    async with AsyncRankingSubscriber(broker) as subscriber:
        await subscriber.caught_up()
        print("waiting for new rankings", file=sys.stderr)
        async for user in subscriber.follow(since_now=True):
            if (found := subscriber.get(user)) and found.source == "own" and found.ranking.shelves:
                print(f"push to {user}: {found.ranking.shelves[0].cards[0]}", flush=True)


if __name__ == "__main__":
    run_script(lambda broker: asyncio.run(push(broker)))
