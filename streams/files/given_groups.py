"""Groups of users and items from a file written by `cocluster --out`."""

from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta, Struct

from processors.cocluster.fitting.static_groups import StaticGroups
from streams.configuration_error import ConfigurationError
from streams.files.play_table import PlayTable
from streams.files.text import bytes_of

Group = Annotated[int, Meta(ge=0, le=10_000)]


class _GivenGroups(Struct, frozen=True, kw_only=True):
    user_group: dict[str, Group]
    card_group: dict[str, Group]


def read_given_groups(file: Path, table: PlayTable) -> StaticGroups:
    """Groups for the names of a table; names that are not in the file form an additional group."""
    try:
        given = msgspec.json.decode(bytes_of(file), type=_GivenGroups)
        sides = []
        for groups, names in ((given.user_group, table.users), (given.card_group, table.cards)):
            rest = max(groups.values(), default=-1) + 1
            numbers = np.array([groups.get(name, rest) for name in names], np.int64)
            sides.append((numbers, int(numbers.max(initial=0)) + 1))
        return StaticGroups(user=sides[0][0], card=sides[1][0], user_groups=sides[0][1], card_groups=sides[1][1])
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{file} has no groups as written by `cocluster --out`: {error}") from error
