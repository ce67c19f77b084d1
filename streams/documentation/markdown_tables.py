"""Markdown from values: tables, code, and the prose of docstrings."""

import re
from collections.abc import Iterable, Sequence
from inspect import cleandoc


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    r"""A table; bars in cells are escaped.

    >>> print(table(["name", "values"], [["a", "1 | 2"]]))
    | name | values |
    |---|---|
    | a | 1 \| 2 |
    """
    lines = [head, *rows]
    text = [_row(line) for line in lines]
    return "\n".join([text[0], "|" + "---|" * len(head), *text[1:]])


def code(text: object) -> str:
    """A value in code letters; nothing for an empty one.

    >>> code("a"), code("")
    ('`a`', '')
    """
    return f"`{text}`" if str(text) else ""


def prose(docstring: str | None) -> str:
    r"""A docstring as Markdown: without its examples, which are for those who read the code.

    >>> prose("What it is.\n\n    It does `x`.\n\n    >>> 1\n    1\n    ")
    'What it is.\n\nIt does `x`.'
    """
    paragraphs = cleandoc(docstring or "").split("\n\n")
    return "\n\n".join(part for part in paragraphs if not part.startswith(">>>")).replace("``", "`")


def page(title: str, about: str, parts: Iterable[str]) -> str:
    """A generated page, which says that nobody writes it.

    >>> page("Topics", "All of them.", ["| a |"]).splitlines()[0]
    '# Topics'
    """
    return "\n\n".join([f"# {title}", about, *parts]) + "\n"


def anchor(heading: str) -> str:
    """The anchor that the site gives a heading.

    >>> anchor("`shelfwise topics apply`")
    'shelfwise-topics-apply'
    """
    bare = re.sub(r"[^\w\s-]", "", heading).strip().lower()
    return re.sub(r"[-\s]+", "-", bare)


def _row(cells: Sequence[str]) -> str:
    escaped = (cell.replace("|", "\\|").replace("\n", " ") for cell in cells)
    return "| " + " | ".join(escaped) + " |"
