"""Processes that begin where another has loaded its modules: loading numba takes longer than most tests."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

FORKING = """
import json, os, sys, traceback
for line in sys.stdin:
    script, words, environment, folder = json.loads(line)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.dup2(writing, 1)
            os.dup2(writing, 2)
            if environment is not None:
                os.environ.clear()
                os.environ.update(environment)
            os.chdir(folder)
            sys.argv[1:] = words
            sys.path.insert(0, folder)
            exec(script, {"__name__": "__main__"})
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)
    os.close(writing)
    with open(reading) as printed:
        said = printed.read()
    _, status = os.waitpid(child, 0)
    print(json.dumps([status, said]), flush=True)
"""


Printed = Callable[..., object]


class TemplateProcess:
    """Has run `before`, and forks for each script; the scripts' processes know nothing of each other."""

    def __init__(self, before: str, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-B", "-c", before + FORKING],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
        )

    def printed(self, script: str, *words: str, folder: Path, environment: dict[str, str] | None = None) -> Any:
        """Run a script in a process of its own; returns the JSON of its last line."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([script, words, environment, str(folder)]) + "\n")
        self._process.stdin.flush()
        status, said = json.loads(self._process.stdout.readline())
        assert os.waitstatus_to_exitcode(status) == 0, said[-2_000:]
        return json.loads(said.splitlines()[-1])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
