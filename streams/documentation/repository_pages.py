"""Documents that lie beside `docs/`, as pages of the site, and links between both."""

import re
from pathlib import Path

PAGES = {"DESIGN.md": "design.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
"""Documents at the top level, and where the site has them."""
README, START, GLOSSARY = "README.md", "start.md", "glossary.md"
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(#[^)\s]*)?\)")


def moved_pages(root: Path) -> dict[str, str]:
    """The documents at the top level as pages, and the glossary of the README."""
    pages = {page: with_links_of_the_site((root / document).read_text(), "") for document, page in PAGES.items()}
    return pages | {GLOSSARY: glossary_page((root / README).read_text())}


def glossary_page(readme: str) -> str:
    r"""The glossary, which the README holds, as a page.

    >>> print(glossary_page("# x\n## Glossary\n\n| word | meaning |\n\n## More\n"))
    # Glossary
    <BLANKLINE>
    One word for each concept, in the code, the messages and these pages.
    <BLANKLINE>
    | word | meaning |
    <BLANKLINE>
    """
    found = re.search(r"^## Glossary\n\n((?:\|.*\n)+)", readme, re.MULTILINE)
    assert found, "the README has a glossary"
    return f"# Glossary\n\nOne word for each concept, in the code, the messages and these pages.\n\n{found[1]}"


def with_links_of_the_site(text: str, folder: str) -> str:
    """Text whose links lead to pages of the site; `folder` is that of the text below the repository's root.

    >>> with_links_of_the_site("[a](docs/inputs.md#clocks), [b](../DESIGN.md), [c](schemas/topics.py)", "")
    '[a](inputs.md#clocks), [b](design.md), [c](schemas/topics.py)'
    >>> with_links_of_the_site("[a](results.md), [b](../README.md#two-commands), [c](notebooks/x.py)", "docs")
    '[a](results.md), [b](start.md), [c](notebooks/x.md)'
    """

    def moved(found: re.Match[str]) -> str:
        target, anchor = found[1], found[2] or ""
        name = target.removeprefix("../")
        if name in PAGES:
            return f"]({PAGES[name]}{anchor})"
        if name == README:
            return f"]({GLOSSARY if anchor == '#glossary' else START})"
        inside = target.removeprefix("docs/") if not folder else target
        if inside.startswith("notebooks/"):  # which have a page each
            inside = inside.removesuffix(".py") + ".md"
        return f"]({inside}{anchor})"

    return _LINK.sub(moved, text)
