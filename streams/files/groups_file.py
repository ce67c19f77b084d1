"""Co-clusters of a file, as `cocluster --out` writes them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta, Struct

from schemas.catalogue import CatalogueCard
from schemas.fields import IDENTIFIER_MAX, refuse_unless
from schemas.learning import CardGroup, CoClusters
from streams.configuration_error import ConfigurationError
from streams.files.text import bytes_of
from streams.pictures.known_groups import KnownGroups

SURE = -12.0
"""Log weight of all groups but its own, of a card whose group is known as a number."""
Group = Annotated[int, Meta(ge=0, le=10_000)]


class _GroupsFile(Struct, frozen=True, kw_only=True):
    co_clusters: CoClusters
    card_group: dict[str, Group]
    card_genres: dict[str, tuple[str, ...]] = {}


def groups_content(known: KnownGroups) -> dict[str, Any]:
    """What a file has of these co-clusters, besides the groups of its users and items."""
    return {
        "co_clusters": msgspec.to_builtins(known.model),
        "card_genres": {card_id: list(card.genres) for card_id, card in known.cards.items() if card.genres},
    }


def read_groups(file: Path) -> KnownGroups:
    """The co-clusters of a file; raises `ConfigurationError` if it has none."""
    try:
        read = msgspec.json.decode(bytes_of(file), type=_GroupsFile)
        width = len(read.co_clusters.card_prior)
        refuse_unless(max(read.card_group.values(), default=0) < width, f"an item is in none of the {width} groups")
        logits = np.where(np.eye(width) > 0.0, 0.0, SURE)
        weights = {card: logits[group].tolist() for card, group in read.card_group.items()}
        return placed_in(read.co_clusters, weights, read.card_genres)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{file} has no co-clusters as written by `cocluster --out`: {error}") from error


def placed_in(
    model: CoClusters, logits: Mapping[str, Sequence[float]], genres: Mapping[str, tuple[str, ...]]
) -> KnownGroups:
    """Items as cards that are titled by their names, with their log weights; names that cannot be ids are left out."""
    logits = {card: row for card, row in logits.items() if 1 <= len(card) <= IDENTIFIER_MAX}
    return KnownGroups(
        model=model,
        cards={
            card: CatalogueCard(card_id=card, title=card, shelves=("all",), genres=genres.get(card, ()))
            for card in logits
        },
        placed={
            card: CardGroup(
                card_id=card,
                generation=model.generation,
                version=model.version,
                logits=tuple(row),
                group=max(range(len(row)), key=row.__getitem__),
            )
            for card, row in logits.items()
        },
    )
