"""What groups are like, in words: labels, genres, example cards, signatures."""

from collections import Counter, defaultdict
from collections.abc import Iterable

import numpy as np
from msgspec import Struct

from processors.cocluster.model.labels import label_card_groups
from schemas.learning import CoClusters
from streams.pictures import words
from streams.pictures.known_groups import KnownGroups, label_of

EXAMPLES = 6
GENRES = 4
NOTABLE_FACTOR = 1.1


class CardGroupWords(Struct, frozen=True, kw_only=True):
    """A card group: its label, its share of the cards, genres and example cards."""

    number: int
    label: str
    share: float
    cards: int
    lifted: tuple[tuple[str, float], ...]
    """The most characteristic genres, and how much more frequent they are than among all cards."""
    frequent: tuple[tuple[str, float], ...]
    """The most frequent genres with their shares of the group's cards."""
    examples: tuple[str, ...]
    """Titles of the cards that are most surely of the group."""


class UserGroupWords(Struct, frozen=True, kw_only=True):
    """A user group: its share of the listeners, and on which cards it streams longer or shorter than all."""

    number: int
    share: float
    streams: float
    longer: tuple[str, ...]
    shorter: tuple[str, ...]


def card_groups(known: KnownGroups) -> list[CardGroupWords]:
    """All card groups of the model in words; genres and cards are those of the catalogue that are placed in them."""
    model = known.model
    placed = placed_cards(known)
    lifted = _lifted(known, placed, len(model.card_prior))
    members = _members(placed)
    return [
        CardGroupWords(
            number=number,
            label=label_of(model, number),
            share=model.card_prior[number],
            cards=len(members[number]),
            lifted=lifted.get(number, ()),
            frequent=_frequent(known, members[number]),
            examples=tuple(known.title_of(card_id) for card_id in members[number][:EXAMPLES]),
        )
        for number in range(len(model.card_prior))
    ]


def user_groups(model: CoClusters) -> list[UserGroupWords]:
    """All user groups of the model in words; the signature names the two strongest differences either way."""
    return [
        UserGroupWords(
            number=number,
            share=model.user_prior[number],
            streams=sum(model.count[number]),
            longer=_differences(model, number, longer=True),
            shorter=_differences(model, number, longer=False),
        )
        for number in range(len(model.user_prior))
    ]


def _differences(model: CoClusters, user_group: int, *, longer: bool) -> tuple[str, ...]:
    if not model.signatures:
        return ()
    signature = model.signatures[user_group]
    order = sorted(range(len(signature)), key=signature.__getitem__, reverse=longer)
    notable = [k for k in order if (signature[k] if longer else 1.0 / max(signature[k], 1e-9)) >= NOTABLE_FACTOR]
    return tuple(f"{label_of(model, k)} {words.factor(signature[k])}" for k in notable[:2])


def placed_cards(known: KnownGroups) -> dict[str, tuple[float, ...]]:
    """Log weights of the cards that are placed in groups of this generation."""
    model = known.model
    return {
        card_id: group.logits
        for card_id, group in known.placed.items()
        if group.generation == model.generation and len(group.logits) == len(model.card_prior)
    }


def _members(placed: dict[str, tuple[float, ...]]) -> "defaultdict[int, list[str]]":
    """Cards by likeliest group, the surest first."""
    members: defaultdict[int, list[tuple[float, str]]] = defaultdict(list)
    for card_id, logits in placed.items():
        values = np.array(logits)
        group = int(values.argmax())
        sure = float(values[group] - np.logaddexp.reduce(values))
        members[group].append((-sure, card_id))
    return defaultdict(list, {group: [card for _, card in sorted(cards)] for group, cards in members.items()})


def _frequent(known: KnownGroups, members: Iterable[str]) -> tuple[tuple[str, float], ...]:
    cards = [known.cards[card_id] for card_id in members if card_id in known.cards]
    counts = Counter(genre for card in cards for genre in card.genres)
    return tuple((genre, number / len(cards)) for genre, number in counts.most_common(GENRES))


def _lifted(
    known: KnownGroups, placed: dict[str, tuple[float, ...]], groups: int
) -> dict[int, tuple[tuple[str, float], ...]]:
    """Characteristic genres by group, as the learner labels them."""
    cards = [card_id for card_id in placed if card_id in known.cards]
    names: dict[str, int] = {}
    tags = [
        (row, names.setdefault(genre, len(names)))
        for row, card_id in enumerate(cards)
        for genre in known.cards[card_id].genres
    ]
    if not tags:
        return {}
    logits = np.array([placed[card_id] for card_id in cards]).reshape(len(cards), groups)
    weights = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
    rows, genres = (np.array(column) for column in zip(*tags, strict=True))
    labels = label_card_groups(weights, (rows, genres), list(names), words=GENRES)
    return {
        number: tuple(
            (genre, lift)
            for genre, lift in zip(label.characteristic, label.lifts, strict=True)
            if lift >= NOTABLE_FACTOR
        )
        for number, label in enumerate(labels)
    }
