"""Notebooks in the percent format (as Jupytext, VS Code and PyCharm open them), run, as pages with what they print.

Cells begin with `# %%`, those of text with `# %% [markdown]`. Running one takes an interpreter and nothing else;
Jupyter's kernel, client and converter would be some thirty packages more.
"""

import ast
import io
from collections.abc import Iterator
from contextlib import redirect_stdout
from typing import Any, NamedTuple

MARK, TEXT = "# %%", "[markdown]"


class Cell(NamedTuple):
    """A cell: text or code."""

    is_code: bool
    source: str


def cells(notebook: str) -> Iterator[Cell]:
    r"""The cells of a notebook.

    >>> list(cells("# %% [markdown]\n# # Title\n\n# %%\nx = 1\nx\n"))
    [Cell(is_code=False, source='# Title'), Cell(is_code=True, source='x = 1\nx')]
    """
    for part in f"\n{notebook}".split(f"\n{MARK}")[1:]:
        first, _, body = part.partition("\n")
        if first.strip() == TEXT:
            lines = [line.removeprefix("#").removeprefix(" ") for line in body.strip().splitlines()]
            yield Cell(False, "\n".join(lines))
        else:
            yield Cell(True, body.strip())


def run_cell(source: str, names: dict[str, Any]) -> str:
    r"""Run the code of a cell with these names; return what it prints, and the value of its last line.

    >>> run_cell("print(1)\n2 + 3", {})
    '1\n5\n'
    """
    statements = ast.parse(source).body
    last = statements[-1] if statements else None
    shown = last.value if isinstance(last, ast.Expr) else None
    before = ast.Module(statements if shown is None else statements[:-1], [])
    with redirect_stdout(io.StringIO()) as printed:
        exec(compile(before, "notebook", "exec"), names)  # noqa: S102  a page of our own repository
        if shown is not None:
            value = eval(compile(ast.Expression(shown), "notebook", "eval"), names)  # noqa: S307
            if value is not None:
                print(value)  # noqa: T201  it is what the page shows
    return printed.getvalue()


def notebook_page(notebook: str, names: dict[str, Any]) -> str:
    r"""Run a notebook; return the page, and leave its variables in `names`.

    >>> print(notebook_page("# %% [markdown]\n# # Title\n\n# %%\n6 * 7\n", {}))
    # Title
    <BLANKLINE>
    ```python
    6 * 7
    ```
    <BLANKLINE>
    ```text
    42
    ```
    <BLANKLINE>
    """
    parts = []
    for cell in cells(notebook):
        if not cell.is_code:
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        if printed := run_cell(cell.source, names):
            parts.append(f"```text\n{printed.rstrip()}\n```")
    return "\n\n".join(parts) + "\n"
