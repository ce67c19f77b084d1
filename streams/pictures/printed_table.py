"""A picture's numbers as text."""

from rich.console import Console
from rich.table import Table as RichTable

from streams.pictures.figures import Cell, Table

WIDTH = 200
"""Of what is no terminal: a row is a line there."""


def print_table(table: Table) -> None:
    """Print the table with its caption."""
    made = RichTable(title=table.caption, title_justify="left", box=None, pad_edge=False)
    for place, name in enumerate(table.columns):
        made.add_column(name, justify="right" if table.numeric and place else "left", overflow="fold")
    for row in table.rows:
        made.add_row(*map(_text, row))
    _console().print(made)


def print_line(text: str) -> None:
    """Print a line as it is."""
    _console().print(text, markup=False)


def _console() -> Console:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    return console


def _text(cell: Cell) -> str:
    """The text alone; brackets in it are no markup."""
    return (cell if isinstance(cell, str) else cell.text).replace("[", r"\[")
