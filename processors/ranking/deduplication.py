"""Deduplication: a card that is valid in several shelves is assigned to one of them."""

from collections import Counter
from collections.abc import Mapping, Sequence

from processors.policies.keyed_draws import name_key


def dealt(valid: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Assign each card to one of its shelves, so that no shelf runs out of cards.

    Cards with a single shelf are counted first; then, in hash order, each other card goes to the shelf with the fewest
    cards among its own. A function of the catalogue alone, computed before any draw: the sets of valid cards are equal
    in all draws, and the propensities of the shelves are exact.

    >>> chosen = dealt({"a": ("jazz",), "b": ("jazz", "new"), "c": ("jazz", "new"), "d": ("jazz", "new")})
    >>> sorted(shelf for (shelf,) in chosen.values())
    ['jazz', 'jazz', 'new', 'new']
    """
    sizes: Counter[str] = Counter()
    chosen: dict[str, tuple[str, ...]] = {card: tuple(shelves) for card, shelves in valid.items()}
    for shelves in valid.values():
        if len(shelves) == 1:
            sizes[shelves[0]] += 1
    several = [card for card, shelves in valid.items() if len(shelves) > 1]
    for card in sorted(several, key=lambda card: (name_key(card), card)):
        shelf = min(valid[card], key=lambda shelf: (sizes[shelf], shelf))
        chosen[card] = (shelf,)
        sizes[shelf] += 1
    return chosen
