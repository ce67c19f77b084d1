"""Processes that compile stages, a few at a time, into a shared cache."""

import asyncio
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Self

import structlog

from streams.compiling.child import BEHIND, STAGE_DONE, STAGE_FAILED

OnEvent = Callable[[str, str], None]
"""An event (`keeping.Happening`) of a compiled function."""


class Child:
    """One compiling process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._is_behind = False

    @classmethod
    async def start(cls, arguments: Sequence[str], environment: Mapping[str, str]) -> Self:
        """Start it; it needs some seconds before it compiles."""
        return cls(
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "streams.compiling.child", *arguments),
                env={**os.environ, **environment},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for the parent
            )
        )

    async def compile(self, stage: str, told: OnEvent, *, is_behind: bool) -> bool:
        """Run a stage; returns whether the process is still usable."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(OSError):
            if is_behind and not self._is_behind:
                self._process.stdin.write(f"{BEHIND}\n".encode())
                self._is_behind = True
            self._process.stdin.write(f"{stage}\n".encode())
            await self._process.stdin.drain()
            async for line in self._process.stdout:
                what, _, name = line.decode().strip().partition(" ")
                if what == STAGE_DONE:
                    return True
                if what == STAGE_FAILED:
                    structlog.get_logger("shelfwise.compiling").warning("stage_failed", stage=name)
                    return True
                told(what, name)
        return False

    def stop(self) -> None:
        """Kill it."""
        with suppress(ProcessLookupError):
            self._process.kill()


class CompileProcesses:
    """At most `size` children with these arguments and additional environment; they end with the context."""

    def __init__(
        self, size: int, told: OnEvent, arguments: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> None:
        self._arguments, self._environment = arguments, environment or {}
        self._free = asyncio.Semaphore(size)
        self._told = told
        self._idle: list[Child] = []
        self._all: list[Child] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for child in self._all:
            child.stop()

    async def compile(self, stage: str, *, is_behind: bool) -> None:
        """Wait for an idle child, and let it run a stage.

        If it dies, the stage counts as done: the worker compiles what is missing itself.
        """
        async with self._free:
            child = self._idle.pop() if self._idle else await self._another()
            if await child.compile(stage, self._told, is_behind=is_behind):
                self._idle.append(child)

    async def _another(self) -> Child:
        child = await Child.start(self._arguments, self._environment)
        self._all.append(child)
        return child
