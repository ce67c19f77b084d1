"""What compiling costs: CPU seconds from an empty cache by stage and by package, functions and their versions."""

import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from processors.machine_code.dispatching import Compilation, observers
from processors.machine_code.places import keep_only_in

FIRST_TASK = "listeners"


def bench_compilation() -> dict[str, Any]:
    """Compile everything into an empty folder, in this process, which must not have compiled anything yet."""
    from streams.compiling.compile_stages import ALL

    seen: list[Compilation] = []
    by_stage: dict[str, float] = {}
    observers.append(seen.append)
    try:
        with TemporaryDirectory() as folder:
            keep_only_in(Path(folder))
            for stage in ALL:
                start = time.process_time()
                stage.run()
                by_stage[stage.name] = time.process_time() - start
    finally:
        observers.remove(seen.append)
    first = sum(by_stage[stage.name] for stage in ALL if FIRST_TASK in stage.tasks)
    versions = Counter((one.name, one.is_unit) for one in seen)
    return {
        "cpu_s": round(sum(by_stage.values()), 1),
        "cpu_s_before_the_first_page": round(first, 1),
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
