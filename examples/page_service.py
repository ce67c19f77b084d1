"""A home page in ten lines, without an event loop: `python examples/page_service.py BROKER USER...`."""

import sys

from streams.subscribers import RankingSubscriber

broker, *users = sys.argv[1:]
with RankingSubscriber(broker) as subscriber:
    while not subscriber.is_caught_up:
        subscriber.poll()
    for user in users:
        if found := subscriber.get(user):
            print(user, found.source, *(f"{shelf.shelf_id}:{','.join(shelf.cards)}" for shelf in found.ranking.shelves))
