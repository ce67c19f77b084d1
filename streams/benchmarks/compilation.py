"""What compiling costs: CPU seconds from an empty cache by stage and by package, functions and their versions."""

import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from processors.machine_code.dispatching import observers
from processors.machine_code.places import keep_only_in
from processors.warm_up.stages import Moment

FIRST_TASK = "listeners"


class Compilation(NamedTuple):
    """A function that was compiled; the CPU time is without the callees that were compiled on its behalf."""

    name: str
    is_unit: bool
    cpu_s: float


class Compilations:
    """Times each compilation."""

    def __init__(self) -> None:
        self.seen: list[Compilation] = []
        self._open: list[tuple[str, bool, float]] = []
        self._callees_s = [0.0]

    def began(self, name: str, *, is_unit: bool) -> None:
        """A compilation begins."""
        self._open.append((name, is_unit, time.process_time()))
        self._callees_s.append(0.0)

    def ended(self) -> None:
        """The one that began last ends."""
        name, is_unit, start = self._open.pop()
        cpu_s = time.process_time() - start
        self.seen.append(Compilation(name, is_unit, cpu_s - self._callees_s.pop()))
        self._callees_s[-1] += cpu_s


def bench_compilation() -> dict[str, Any]:
    """Compile everything into an empty folder, in this process, which must not have compiled anything yet."""
    from streams.compiling.compile_stages import ALL

    compilations = Compilations()
    seen = compilations.seen
    by_stage: dict[str, float] = {}
    observers.append(compilations)
    try:
        with TemporaryDirectory() as folder:
            keep_only_in(Path(folder))
            for stage in ALL:
                start = time.process_time()
                stage.run()
                by_stage[stage.name] = time.process_time() - start
    finally:
        observers.remove(compilations)
    of_listeners = {
        moment: sum(by_stage[stage.name] for stage in ALL if FIRST_TASK in stage.tasks and stage.moment is moment)
        for moment in Moment
    }
    versions = Counter((one.name, one.is_unit) for one in seen)
    return {
        "cpu_s": round(sum(by_stage.values()), 1),
        "cpu_s_before_the_first_page": round(of_listeners[Moment.OPENING], 1),
        "cpu_s_before_state_is_restored": round(of_listeners[Moment.RESTORING], 1),
        "cpu_s_behind": round(of_listeners[Moment.LATER], 1),
        "functions": len({one.name for one in seen}),
        "compilations": len(seen),
        "units": sum(one.is_unit for one in seen),
        "cpu_s_by_stage": {name: round(seconds, 1) for name, seconds in by_stage.items()},
        "cpu_s_by_package": _by_package(seen),
        "several_versions": sorted(f"{name} {count}" for (name, _), count in versions.items() if count > 1),
    }


def _by_package(seen: list[Compilation]) -> dict[str, float]:
    total: dict[str, float] = {}
    for one in seen:
        package = ".".join(one.name.split(".")[:2])
        total[package] = total.get(package, 0.0) + one.cpu_s
    return {package: round(seconds, 1) for package, seconds in sorted(total.items(), key=lambda one: -one[1])}
