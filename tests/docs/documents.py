"""Commands and snippets as they stand in the documents."""

import re
import shlex
from pathlib import Path
from typing import Any

import typer

from streams.cli.main import application

ROOT = Path(__file__).parent.parent.parent
PAGES = tuple(sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))
DOCUMENTS = ("README.md", "DESIGN.md", "CONTRIBUTING.md", *PAGES)


def fenced(document: str, language: str) -> list[str]:
    """The fenced blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / document).read_text(), re.DOTALL | re.MULTILINE)


def console_commands(document: str) -> list[list[str]]:
    """What follows a `$` in console blocks, as words, without comments."""
    lines = [line for block in fenced(document, "console") for line in block.splitlines() if line.startswith("$ ")]
    return [shlex.split(line[2:], comments=True) for line in lines]


def inline_commands(document: str) -> list[list[str]]:
    """`shelfwise ...` in running text."""
    text = re.sub(r"^```.*?^```", "", (ROOT / document).read_text(), flags=re.DOTALL | re.MULTILINE)
    return [shlex.split(found) for found in re.findall(r"`(shelfwise [^`]+)`", text)]


def anchors(document: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def recipe(target: str) -> list[list[str]]:
    """The commands of a target of the Makefile."""
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert found, f"the Makefile has no target {target}"
    return [shlex.split(line.replace("$(BIN)/", "")) for line in found[1].splitlines()]


def parse(words: list[str]) -> str:
    """Parse a command line with the real parser, running nothing; gives the command's path."""
    command: Any = typer.main.get_command(application())
    context: Any = None
    name, rest = words[0], words[1:]
    while True:
        if rest == ["--help"]:
            return f"{context.command_path} {name}" if context else name
        context = command.make_context(name, rest, parent=context)
        rest = [*context._protected_args, *context.args] if hasattr(command, "resolve_command") else []  # noqa: SLF001
        if not rest:  # a command, or a group of them named as such
            return str(context.command_path)
        name, command, rest = command.resolve_command(context, rest)
