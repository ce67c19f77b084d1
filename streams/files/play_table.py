"""A table of durations in columns, with numbers instead of names: the input of co-clustering."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from processors.cocluster.model.soft_groups import Interactions
from streams.files.durations import Durations, read_durations
from streams.files.units import DurationUnit


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlayTable:
    """Interactions of a file, the names of their numbers, and how the file was read."""

    data: Interactions
    users: list[str]
    cards: list[str]
    read: Durations


def read_play_table(path: Path, unit: DurationUnit) -> PlayTable:
    """Read user, item and duration; times as log(1 + seconds)."""
    return tabled(read_durations(path, unit))


def tabled(read: Durations) -> PlayTable:
    """The plays in columns."""
    users: dict[str, int] = {}
    cards: dict[str, int] = {}
    user = np.array([users.setdefault(play.user, len(users)) for play in read.plays], np.int64)
    card = np.array([cards.setdefault(play.item, len(cards)) for play in read.plays], np.int64)
    x = np.log1p(np.array([play.seconds for play in read.plays], np.float64))
    data = Interactions(user, card, x, len(users), len(cards))
    return PlayTable(data=data, users=list(users), cards=list(cards), read=read)
