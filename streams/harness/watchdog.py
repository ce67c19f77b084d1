"""Cleans up after a harness whose process died, from a small separate process.

It reads lines from a pipe that only its parent holds open: ``+PID`` and ``-PID`` for a process group to watch
or forget, ``[...]`` for a command to run, ``/folder`` for a folder to remove. When the pipe closes, however the parent
ended, it kills, runs and removes what is still on its list. It imports nothing of ours and is run by path, so that it
starts in milliseconds.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import IO


class Watchdog:
    """The parent's side."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603  our own file
            [sys.executable, "-I", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C ends the parent, not this process
        )

    def watch(self, group: int) -> None:
        """Kill this process group if the parent dies."""
        self._tell(f"+{group}")

    def forget(self, group: int) -> None:
        """Forget this ended process group: its number may be reused."""
        self._tell(f"-{group}")

    def watch_folder(self, folder: str) -> None:
        """Remove this folder after everything has ended."""
        self._tell(folder)

    def watch_command(self, words: Sequence[str]) -> None:
        """Run this command if the parent dies, before folders are removed."""
        self._tell(json.dumps(list(words)))

    def close(self) -> None:
        """Clean up now, and wait."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait(timeout=120)

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()


def stand_guard(lines: IO[str]) -> None:
    """Read the list until the pipe closes, then clean up."""
    groups: set[int] = set()
    commands: list[list[str]] = []
    folders: list[str] = []
    for line in lines:
        word = line.rstrip("\n")
        if word.startswith("+"):
            groups.add(int(word[1:]))
        elif word.startswith("-"):
            groups.discard(int(word[1:]))
        elif word.startswith("["):
            commands.append(json.loads(word))
        elif word.startswith("/"):
            folders.append(word)
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    for command in commands:
        with contextlib.suppress(OSError):
            subprocess.run(command, check=False)  # noqa: S603  the parent's own command
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    stand_guard(sys.stdin)
