"""Lay out the sources of the site: what is written by hand, and what is generated.

`python -m streams.documentation.site_sources FOLDER`, from the repository's root; `make docs` gives it to Sphinx.
"""

import re
import shutil
import sys
from pathlib import Path

from streams.documentation.generated_pages import generated_pages
from streams.documentation.repository_pages import with_links_of_the_site

DOCS = "docs"
TABLE = re.DOTALL | re.MULTILINE


def lay_out(root: Path, folder: Path) -> None:
    """Write all pages and pictures of the repository at `root` into an empty `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(root / DOCS, folder)
    for path in folder.glob("*.md"):
        path.write_text(with_links_of_the_site(path.read_text(), DOCS))
    index = folder / "index.md"
    index.write_text(with_other_pages(index.read_text(), sorted(path.stem for path in folder.glob("*.md"))))
    for where, text in generated_pages(root).items():
        path = folder / where
        assert not path.exists(), f"{where} is generated: nobody writes it by hand"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def with_other_pages(index: str, pages: list[str]) -> str:
    r"""The first page, whose tables of contents name every page: those that nobody has placed come last.

    >>> with_other_pages("# x\n\n```{toctree}\na\n```\n", ["a", "index"])
    '# x\n\n```{toctree}\na\n```\n'
    >>> print(with_other_pages("# x\n", ["b", "index"]).split("\n\n")[1])
    ```{toctree}
    :hidden:
    :caption: More
    b
    ```
    <BLANKLINE>
    """
    placed = {line for table in re.findall(r"^```{toctree}\n(.*?)^```", index, TABLE) for line in table.splitlines()}
    others = [page for page in pages if page not in placed and page != "index"]
    table = "\n".join(["```{toctree}", ":hidden:", ":caption: More", *others, "```"])
    return f"{index}\n{table}\n" if others else index


if __name__ == "__main__":
    lay_out(Path(), Path(sys.argv[1]))
