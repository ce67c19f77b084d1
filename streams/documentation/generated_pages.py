"""All pages that nobody writes by hand, by where the site has them."""

from collections.abc import Callable
from pathlib import Path

from streams.documentation.command_pages import commands_page
from streams.documentation.message_pages import messages_page
from streams.documentation.metric_pages import metrics_page
from streams.documentation.notebook_pages import notebook_page
from streams.documentation.repository_pages import moved_pages
from streams.documentation.setting_pages import settings_page
from streams.documentation.topic_pages import topics_page

NOTEBOOKS = "notebooks"
REFERENCE: dict[str, Callable[[Path], str]] = {
    "reference/commands.md": lambda _: commands_page(),
    "reference/settings.md": lambda _: settings_page(),
    "reference/messages.md": lambda _: messages_page(),
    "reference/topics.md": lambda _: topics_page(),
    "reference/metrics.md": metrics_page,
}


def generated_pages(root: Path) -> dict[str, str]:
    """Pages by path below `docs/`; notebooks are run for them."""
    pages = {where: make(root) for where, make in REFERENCE.items()}
    for path in sorted((root / "docs" / NOTEBOOKS).glob("*.py")):
        pages[f"{NOTEBOOKS}/{path.stem}.md"] = notebook_page(path.read_text(), {})
    return pages | moved_pages(root)
