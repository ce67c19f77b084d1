"""Readiness of a process: named stages with progress.

Independent of clocks, tasks and HTTP: workers of a stage record progress, and health checks read it.
"""

from msgspec import Struct


class Stage(Struct, frozen=True, kw_only=True):
    """A precondition of readiness.

    >>> str(Stage(name="machine code", done=12, total=54, left_s=31.4))
    'machine code: 12 of 54, about 31 s left'
    >>> str(Stage(name="partitions"))
    'partitions'
    """

    name: str
    done: int = 0
    total: int = 0
    left_s: float | None = None
    detail: str = ""
    is_finished: bool = False

    def __str__(self) -> str:
        """A line of text."""
        counted = f"{self.done} of {self.total}" if self.total else ""
        left = f"about {self.left_s:.0f} s left" if self.left_s is not None else ""
        told = ", ".join(filter(None, (counted, left, self.detail)))
        return f"{self.name}: {told}" if told else self.name


class Readiness:
    """The stages of one process, in order.

    >>> readiness = Readiness("machine code", "partitions")
    >>> readiness.note("machine code", done=1, total=2)
    >>> readiness.finish("partitions")
    >>> readiness.is_ready, [str(stage) for stage in readiness.missing]
    (False, ['machine code: 1 of 2'])
    """

    def __init__(self, *names: str) -> None:
        self._stages = {name: Stage(name=name) for name in names}

    @property
    def stages(self) -> list[Stage]:
        """All stages."""
        return list(self._stages.values())

    @property
    def missing(self) -> list[Stage]:
        """Unfinished stages."""
        return [stage for stage in self.stages if not stage.is_finished]

    @property
    def is_ready(self) -> bool:
        """Whether all stages are finished."""
        return not self.missing

    def stage(self, name: str) -> Stage | None:
        """One stage."""
        return self._stages.get(name)

    def note(self, name: str, *, done: int = 0, total: int = 0, left_s: float | None = None, detail: str = "") -> None:
        """Record progress of a stage; a finished one becomes unfinished."""
        self._stages[name] = Stage(name=name, done=done, total=total, left_s=left_s, detail=detail)

    def finish(self, name: str) -> None:
        """Mark a stage as finished."""
        total = self._stages[name].total if name in self._stages else 0
        self._stages[name] = Stage(name=name, done=total, total=total, is_finished=True)
