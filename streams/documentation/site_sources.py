"""Lay out the sources of the site: what is written by hand, and what is generated.

`python -m streams.documentation.site_sources FOLDER`, from the repository's root; `make docs` gives it to Sphinx.
"""

import shutil
import sys
from pathlib import Path

from streams.documentation.generated_pages import generated_pages
from streams.documentation.repository_pages import with_links_of_the_site

DOCS = "docs"


def lay_out(root: Path, folder: Path) -> None:
    """Write all pages and pictures of the repository at `root` into an empty `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(root / DOCS, folder)
    for path in folder.glob("*.md"):
        path.write_text(with_links_of_the_site(path.read_text(), DOCS))
    for where, text in generated_pages(root).items():
        path = folder / where
        assert not path.exists(), f"{where} is generated: nobody writes it by hand"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    lay_out(Path(), Path(sys.argv[1]))
