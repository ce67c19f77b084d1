"""The Open Bandit Dataset as columns of exposures, and target policies for it."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from processors.arrays import FloatArray, IntArray
from streams.configuration_error import ConfigurationError
from streams.files.tables import CsvFile, Row, messages_of, number, reasons, whole_number
from streams.replaying.open_bandit import EXPOSURE_COLUMNS, exposure_of

UNIFORM = "uniform"
SUM_TOLERANCE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExposureLog:
    """Valid rows of a log in columns [n], and the number of refused ones by reason."""

    item: IntArray
    position: IntArray  # from 1
    click: FloatArray
    propensity: FloatArray
    rejected: Counter[str]


def read_log(path: Path) -> ExposureLog:
    """Read a log, plain or gzipped; raises `ConfigurationError` if it is not one, or has no valid row."""
    rejected: Counter[str] = Counter()
    rows = list(messages_of(CsvFile(path), EXPOSURE_COLUMNS, lambda _, row: exposure_of(row), rejected))
    if not rows:
        raise ConfigurationError(
            f"{path} has no valid row ({reasons(rejected)}); it needs {', '.join(EXPOSURE_COLUMNS)}"
        )
    item, position, click, propensity = zip(*rows, strict=True)
    return ExposureLog(
        item=np.array(item, dtype=np.int64),
        position=np.array(position, dtype=np.int64),
        click=np.array(click, dtype=np.float64),
        propensity=np.array(propensity, dtype=np.float64),
        rejected=rejected,
    )


def target_probabilities(log: ExposureLog, target: str, items: int | None = None) -> FloatArray:
    """Probability [n] that the target shows the logged item at the logged position.

    `target` is `uniform` over `items` (None: the number in the log), or a file with the columns item_id, position_1,
    position_2, …; items that are not in the file are never shown.
    """
    shown = len(np.unique(log.item))
    if target == UNIFORM:
        if items is not None and items < shown:
            raise ConfigurationError(f"--items is {items}, but the log shows {shown} items: use at least that number")
        return np.full(len(log.item), 1.0 / (items or shown))
    positions = [f"position_{number}" for number in range(1, int(log.position.max()) + 1)]
    rejected: Counter[str] = Counter()
    file = CsvFile(Path(target))
    chosen = list(messages_of(file, ("item_id", *positions), lambda _, row: _choice(row, positions), rejected))
    if rejected or not chosen:
        raise ConfigurationError(f"{target} is not a table of probabilities: {reasons(rejected)}")
    rows = dict(chosen)
    if len(rows) < len(chosen):
        raise ConfigurationError(f"{target} has an item more than once: keep one row of each")
    table = np.array(list(rows.values()))
    sums = table.sum(axis=0)
    if (np.abs(sums - 1.0) > SUM_TOLERANCE).any():
        raise ConfigurationError(f"{target}: probabilities of a position sum to {sums.min():.3f}, not to one")
    row_of = {item: row for row, item in enumerate(rows)}
    row = np.array([row_of.get(item, -1) for item in log.item.tolist()])
    return np.where(row >= 0, table[row, log.position - 1], 0.0)


def _choice(row: Row, positions: list[str]) -> tuple[int, list[float]]:
    probabilities = [number(name, row[name]) for name in positions]
    if not all(0.0 <= probability <= 1.0 for probability in probabilities):
        raise ValueError("a probability is not in [0, 1]")
    return whole_number("item_id", row["item_id"]), probabilities
