"""How far a process is on its way to be ready: named stages, each with its progress.

It knows no clock, no task and no HTTP: whoever works at a stage notes what is done, whoever is asked reads it.
"""

from msgspec import Struct


class Stage(Struct, frozen=True, kw_only=True):
    """One thing that has to be done before a process is ready.

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
        """One line for people."""
        counted = f"{self.done} of {self.total}" if self.total else ""
        left = f"about {self.left_s:.0f} s left" if self.left_s is not None else ""
        told = ", ".join(filter(None, (counted, left, self.detail)))
        return f"{self.name}: {told}" if told else self.name


class Readiness:
    """The stages of one process, in the order in which they were named.

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
        """All of them."""
        return list(self._stages.values())

    @property
    def missing(self) -> list[Stage]:
        """Those that are not finished."""
        return [stage for stage in self.stages if not stage.is_finished]

    @property
    def is_ready(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing

    def stage(self, name: str) -> Stage | None:
        """One of them."""
        return self._stages.get(name)

    def note(self, name: str, *, done: int = 0, total: int = 0, left_s: float | None = None, detail: str = "") -> None:
        """Take note of how far a stage is; one that was finished is not any more."""
        self._stages[name] = Stage(name=name, done=done, total=total, left_s=left_s, detail=detail)

    def finish(self, name: str) -> None:
        """Take note that nothing of a stage is left to do."""
        total = self._stages[name].total if name in self._stages else 0
        self._stages[name] = Stage(name=name, done=total, total=total, is_finished=True)
