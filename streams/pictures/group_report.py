"""Co-clusters as text and as plain values: sizes, labels, genres and cards of the groups, times and thresholds."""

import math
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from streams.pictures import words
from streams.pictures.group_words import card_groups, user_groups
from streams.pictures.known_groups import KnownGroups, user_group_name

WIDTH = 200
"""Of what is no terminal: a row is a line there."""


def group_values(known: KnownGroups) -> dict[str, Any]:
    """Everything about the groups for JSON; matrices are user groups x card groups."""
    model = known.model
    return {
        "generation": model.generation,
        "version": model.version,
        "user_groups": [msgspec.to_builtins(group) for group in user_groups(model)],
        "card_groups": [msgspec.to_builtins(group) for group in card_groups(known)],
        "streams": model.count,
        "typical_s": [[round(math.expm1(mean), 3) for mean in row] for row in model.mean],
        "thresholds_s": model.thresholds_s,
    }


def print_groups(known: KnownGroups, *, reward: str) -> None:
    """Print the groups, the typical times, and the thresholds of one reward."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    for table in (_card_groups(known), _user_groups(known), *_matrices(known, reward)):
        console.print(table)
        console.print()


def _table(title: str, *columns: str, numbers: int = 0) -> Table:
    """A table whose first column is a name, followed by columns of numbers, and of text."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for place, name in enumerate(columns):
        is_number = 1 <= place <= numbers
        table.add_column(
            name, justify="right" if is_number else "left", no_wrap=is_number or place == 0, overflow="fold"
        )
    return table


def _card_groups(known: KnownGroups) -> Table:
    table = _table("card groups", "group", "share", "cards", "characteristic genres", "example cards", numbers=2)
    for group in card_groups(known):
        genres = ", ".join(f"{genre} {words.factor(lift)}" for genre, lift in group.lifted)
        name = known.column_name(group.number)
        table.add_row(name, words.share(group.share), words.count(group.cards), genres, ", ".join(group.examples))
    return table


def _user_groups(known: KnownGroups) -> Table:
    table = _table("user groups", "group", "share", "streams", "streams longer", "streams shorter", numbers=2)
    for group in user_groups(known.model):
        table.add_row(
            user_group_name(group.number), words.share(group.share), words.count(group.streams),
            ", ".join(group.longer), ", ".join(group.shorter),
        )  # fmt: skip
    return table


def _matrices(known: KnownGroups, reward: str) -> list[Table]:
    typical = [[math.expm1(mean) for mean in row] for row in known.model.mean]
    matrices = {"typical streaming time": typical}
    if reward in known.model.thresholds_s:
        matrices[f"a stream succeeds from (reward {reward})"] = [list(row) for row in known.model.thresholds_s[reward]]
    tables = []
    for title, matrix in matrices.items():
        table = _table(title, "", *(known.column_name(k) for k in range(known.shape[1])), numbers=known.shape[1])
        for g, row in enumerate(matrix):
            table.add_row(user_group_name(g), *map(words.seconds, row))
        tables.append(table)
    return tables
