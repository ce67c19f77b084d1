"""The fenced blocks of a document, and how each is run.

A comment before a block says that it is not run as it stands:

    <!-- elsewhere: tests/x/test_y.py -->   that file runs its commands, with other numbers
    <!-- by hand: reason -->                nobody but a person does; `BY_HAND` lists all of these

A code block whose first line is a comment with nothing but a path is a file that the reader saves.
"""

import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple

from tests.docs.documents import ROOT

BLOCK = re.compile(r"(?:^<!-- (elsewhere|by hand): ([^\n]+?) -->\n+)?^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"# ([\w./-]+\.(?:toml|py))")
SHELL = ("console", "sh")
RUN = (*SHELL, "python", "toml")
PROMPT = "$ "
STATUS = re.compile(r"#.*\bstatus (\d)")


class Command(NamedTuple):
    """A line to type, and what it is said to print."""

    line: str
    output: tuple[str, ...]

    @property
    def words(self) -> list[str]:
        return shlex.split(self.line, comments=True)

    @property
    def status(self) -> int:
        """Zero, if its comment says nothing else."""
        found = STATUS.search(self.line)
        return int(found[1]) if found else 0


class Block(NamedTuple):
    """A fenced block; `how` is empty where it is run as it stands."""

    document: str
    line: int
    how: str
    where: str
    language: str
    text: str

    @property
    def path(self) -> str | None:
        """The file that the reader saves it to."""
        found = FILE.fullmatch(self.text.partition("\n")[0])
        return found[1] if found else None

    def commands(self) -> Iterator[Command]:
        """What is typed; every line of a `sh` block, and those after a prompt of a `console` block."""
        lines = self.text.replace("\\\n", " ").splitlines()
        if self.language == "sh":
            yield from (Command(line, ()) for line in lines if line.strip() and not line.startswith("#"))
            return
        starts = [number for number, line in enumerate(lines) if line.startswith(PROMPT)]
        for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
            yield Command(lines[start].removeprefix(PROMPT), tuple(filter(None, lines[start + 1 : end])))


def blocks(document: str) -> list[Block]:
    """All blocks of the languages that are run, in order."""
    text = (ROOT / document).read_text()
    return [
        Block(document, text.count("\n", 0, found.start(3)) + 1, found[1] or "", found[2] or "", found[3], found[4])
        for found in BLOCK.finditer(text)
        if found[3] in RUN
    ]


def agrees(said: str, printed: str) -> bool:
    """Whether a line of a document is part of a line that was printed; `…` stands for anything."""
    pattern = ".*".join(re.escape(part) for part in re.sub(r"\s+", " ", said.strip()).split("…"))
    return any(re.search(pattern, re.sub(r"\s+", " ", line)) for line in printed.splitlines())
