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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Target:
    """A policy on the items of a log."""

    table: FloatArray  # [positions, items]: its probability of every item at every position
    row: IntArray  # [n]: the logged item's number in that table
    probability: FloatArray  # [n]: of the logged item at the logged position


def target_policy(log: ExposureLog, target: str, items: int | None = None) -> Target:
    """The target policy, as the log needs it.

    `target` is `uniform` over `items` (None: the number in the log), or a file with the columns item_id, position_1,
    position_2, …; items that are not in the file are never shown.
    """
    number_of = {item: place for place, item in enumerate(np.unique(log.item).tolist())}
    positions = int(log.position.max())
    if target == UNIFORM:
        shown = len(number_of)
        if items is not None and items < shown:
            raise ConfigurationError(f"--items is {items}, but the log shows {shown} items: use at least that number")
        table = np.full((positions, shown), 1.0 / (items or shown))
    else:
        named = _probabilities_of(Path(target), positions)
        for item in named:
            number_of.setdefault(item, len(number_of))
        table = np.zeros((positions, len(number_of)))
        for item, probabilities in named.items():
            table[:, number_of[item]] = probabilities
    row = np.array([number_of[item] for item in log.item.tolist()])
    return Target(table=table, row=row, probability=table[log.position - 1, row])


def _probabilities_of(file: Path, count: int) -> dict[int, list[float]]:
    """Of every item that the file names, its probability at each position."""
    positions = [f"position_{number}" for number in range(1, count + 1)]
    rejected: Counter[str] = Counter()
    chosen = list(messages_of(CsvFile(file), ("item_id", *positions), lambda _, row: _choice(row, positions), rejected))
    if rejected or not chosen:
        raise ConfigurationError(f"{file} is not a table of probabilities: {reasons(rejected)}")
    rows = dict(chosen)
    if len(rows) < len(chosen):
        raise ConfigurationError(f"{file} has an item more than once: keep one row of each")
    sums = np.array(list(rows.values())).sum(axis=0)
    if (np.abs(sums - 1.0) > SUM_TOLERANCE).any():
        raise ConfigurationError(f"{file}: probabilities of a position sum to {sums.min():.3f}, not to one")
    return rows


def _choice(row: Row, positions: list[str]) -> tuple[int, list[float]]:
    probabilities = [number(name, row[name]) for name in positions]
    if not all(0.0 <= probability <= 1.0 for probability in probabilities):
        raise ValueError("a probability is not in [0, 1]")
    return whole_number("item_id", row["item_id"]), probabilities
