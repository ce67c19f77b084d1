"""A home page in ten lines, without an event loop: `python examples/page_service.py BROKER USER...`."""

from streams.subscribers import RankingSubscriber, run_script


def show(broker: str, *users: str) -> None:
    """Print the shelves of these listeners."""
    with RankingSubscriber(broker) as subscriber:
        while not subscriber.is_caught_up:
            subscriber.poll()
        for user in users:
            if found := subscriber.get(user):
                shelves = (f"{shelf.shelf_id}:{','.join(shelf.cards)}" for shelf in found.ranking.shelves)
                print(user, found.source, *shelves)


if __name__ == "__main__":
    run_script(show)
