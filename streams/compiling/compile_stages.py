"""All stages of warming up: the driver's and the processors'."""

from collections.abc import Collection

from processors.warm_up.stages import STAGES, Stage
from streams.exactly_once.records.warm_up import compile_ahead

_DRIVER = Stage(
    "driver",
    frozenset({"listeners", "cards", "learner", "model"}),
    compile_ahead,
    tuple(
        f"streams.exactly_once.records.{name}"
        for name in ("batch_layout.choose_partitions", "batch_layout.lay_out", "batch_reading.read_columns")
    ),
)

ALL: tuple[Stage, ...] = (*STAGES[:3], _DRIVER, *STAGES[3:])
"""All of them; what is compiled first is worked out from what is missing (`machine_code`)."""


def stages_of(tasks: Collection[str]) -> list[Stage]:
    """What these tasks need."""
    return [stage for stage in ALL if stage.tasks & set(tasks)]
