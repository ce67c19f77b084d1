"""All warm-up stages: those of the driver and of the processors."""

from collections.abc import Collection

from processors.warm_up.stages import STAGES, Stage
from streams.exactly_once.records.warm_up import compile_ahead

_DRIVER = Stage(
    "driver",
    frozenset({"listeners", "cards", "learner", "model", "leaderboard", "metrics"}),
    compile_ahead,
    tuple(
        f"streams.exactly_once.records.{name}"
        for name in ("batch_layout.choose_partitions", "batch_layout.lay_out", "batch_reading.read_columns")
    ),
)

ALL: tuple[Stage, ...] = (*STAGES[:3], _DRIVER, *STAGES[3:])
"""All stages; `machine_code` orders the missing ones."""


def stages_of(tasks: Collection[str]) -> list[Stage]:
    """The stages of these tasks."""
    return [stage for stage in ALL if stage.tasks & set(tasks)]
