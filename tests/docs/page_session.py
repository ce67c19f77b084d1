"""A person at a shell who types what the pages say: one folder and one cluster for all of them.

The pages' addresses stand for free ports. A command that does not end runs on, and once, however many pages name it.
`shelfwise` runs in this process where it ends by itself: a process of its own takes a second and a half to import.
"""

import ast
import asyncio
import inspect
import io
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Self

from streams.cli.main import MISUSED, run
from streams.harness.free_ports import free_ports
from tests.docs.documents import ROOT
from tests.docs.page_blocks import Block, Command, agrees

BROKER = re.compile(r"(?:kafka|localhost):9092")
PORTS = ("9092", "9400", "9401", "8088")
GOES_ON = {
    ("broker",): "embedded broker, for",
    ("worker",): "joined",
    ("console",): "http://",
    ("simulate",): "horizon",
    ("rankings", "follow"): '"user_id"',
}
"""Commands that do not end, and what they print when they are at work."""
ENDS, LIVE = "--count", "--rate"
DEADLINE_S = 300.0  # the first worker on a new machine compiles
PATIENCE_S = 300.0


class Session:
    """Runs blocks one after another, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {port: str(free) for port, free in zip(PORTS, free_ports(len(PORTS)), strict=True)}
        self.bootstrap = f"127.0.0.1:{self.ports['9092']}"
        self.environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        self.running: dict[str, tuple[subprocess.Popen[bytes], Path]] = {}
        self.names: dict[str, dict[str, Any]] = {}
        self._entered = ExitStack()

    def __enter__(self) -> Self:
        self._before = dict(os.environ)
        self._entered.enter_context(chdir(self.folder))
        return self

    def __exit__(self, *_: object) -> None:
        self._entered.close()
        os.environ.clear()
        os.environ.update(self._before)
        for process, _log in self.running.values():
            process.kill()
            process.wait()

    def do(self, block: Block) -> None:
        """Run a block as it stands; a file is saved, and TOML that no file is named for is read."""
        if block.path:
            (self.folder / block.path).write_text(self._here(block.text))
        elif block.language == "toml":
            tomllib.loads(block.text)
        elif block.language == "python":
            self._evaluate(block)
        else:
            for command in block.commands():
                self._type(command, f"{block.document}:{block.line}: {command.line}")

    def leave(self) -> None:
        """Ctrl-C in every shell, the youngest first: all must end by themselves, with status 0."""
        for line, (process, log) in reversed(self.running.items()):
            process.send_signal(signal.SIGTERM)
            assert process.wait(DEADLINE_S) == 0, f"{line}: {log.read_text()[-2_000:]}"
        self.running.clear()

    def _type(self, command: Command, where: str) -> None:
        words = [self._here(word) for word in command.words]
        if words[0] == "export":
            self.environment |= dict(self._expanded(word).split("=", 1) for word in words[1:])
            printed, status = "", 0
        elif words[0] != "shelfwise":
            printed, status = self._outside(self._here(command.line))
        elif ready := _ready_pattern(words[1:]):
            printed, status = self._start(words, ready, where), 0
        else:
            printed, status = self._until_it_agrees(words[1:], command)
        assert status == command.status, f"{where} ends with {status}: {printed[-3_000:]}"
        for said in command.output:
            assert agrees(self._here(said), printed), f"{where} does not print {said!r} but {printed[-3_000:]}"

    def _until_it_agrees(self, arguments: list[str], command: Command) -> tuple[str, int]:
        """Run a command; again while it does not say what the page says, since workers may not be done yet."""
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            printed, status = self._inside(arguments)
            is_so = status == command.status and all(agrees(self._here(said), printed) for said in command.output)
            if is_so or status == MISUSED or time.monotonic() > deadline_s:
                return printed, status
            time.sleep(0.5)

    def _inside(self, arguments: list[str]) -> tuple[str, int]:
        os.environ.update(self.environment)
        with redirect_stdout(io.StringIO()) as printed, redirect_stderr(printed), _ends_in_time():
            status = run(arguments)
        return printed.getvalue(), status

    def _outside(self, line: str) -> tuple[str, int]:
        done = subprocess.run(
            ["bash", "-c", line], cwd=self.folder, env={**os.environ, **self.environment},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=DEADLINE_S,
        )  # fmt: skip
        return done.stdout, done.returncode

    def _start(self, words: list[str], ready: str, where: str) -> str:
        line = " ".join(words)
        if line not in self.running:
            log = self.folder / f"shell-{len(self.running)}.log"
            with log.open("wb") as output:
                process = subprocess.Popen(
                    [sys.executable, "-m", "streams.cli.main", *words[1:]], cwd=self.folder, stdout=output,
                    stderr=output, env={**os.environ, **self.environment, "PYTHONPATH": str(ROOT)},
                )  # fmt: skip
            self.running[line] = process, log
        process, log = self.running[line]
        deadline_s = time.monotonic() + DEADLINE_S
        while ready not in log.read_text():
            assert process.poll() is None, f"{where} has ended: {log.read_text()[-3_000:]}"
            assert time.monotonic() < deadline_s, f"{where} does not print {ready!r}: {log.read_text()[-3_000:]}"
            time.sleep(0.1)
        return log.read_text()

    def _evaluate(self, block: Block) -> None:
        """Python as in a notebook, with the names of the page's earlier blocks, and `await`."""
        os.environ.update(self.environment)
        names = self.names.setdefault(block.document, {"__name__": "page"})
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        source = "\n" * block.line + self._here(block.text)  # so that a traceback names the line of the document
        with _ends_in_time():
            outcome = eval(compile(source, block.document, "exec", flags=flags), names)
            if inspect.iscoroutine(outcome):
                asyncio.run(outcome)

    def _expanded(self, word: str) -> str:
        """A word with the values of variables, as a shell has them."""
        known = {**os.environ, **self.environment, "PWD": str(self.folder)}
        return re.sub(r"\$(\w+)", lambda found: known[found[1]], word)

    def _here(self, text: str) -> str:
        """What a document says, with the addresses of this session."""
        text = BROKER.sub(self.bootstrap, text)
        for port, here in self.ports.items():
            text = re.sub(rf"\b{port}\b", here, text)
        return text


def _ready_pattern(arguments: list[str]) -> str | None:
    """What a command prints when it is at work; None if it ends by itself."""
    if ENDS in arguments or (arguments[0] == "simulate" and LIVE not in arguments):
        return None
    return next((said for words, said in GOES_ON.items() if tuple(arguments[: len(words)]) == words), None)


@contextmanager
def _ends_in_time() -> Iterator[None]:
    """What waits for a worker that has died would wait for ever."""

    def too_late(*_: object) -> None:
        raise TimeoutError(f"not done after {DEADLINE_S:.0f} s")

    before = signal.signal(signal.SIGALRM, too_late)
    signal.setitimer(signal.ITIMER_REAL, DEADLINE_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
