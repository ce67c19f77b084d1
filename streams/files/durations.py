"""Tables of streaming times: user, item and duration are the first three columns.

One reader for all users of such tables, so that all accept the same rows in the same unit.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from streams.configuration_error import ConfigurationError
from streams.files.tables import CsvFile, misfit, number
from streams.files.units import ASK, SECONDS_PER, DurationUnit, refuse_unless_of_this_world, unit_said

SECONDS_MAX = 10.0 * 365 * 86_400
WIDTH = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """A valid row: its number below the header, user, item and duration."""

    row: int
    user: str
    item: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """Valid rows of a file, refused ones by reason, the unit and its origin, and a digest."""

    plays: list[Play]
    refused: Counter[str]
    unit: DurationUnit
    unit_from: str
    has_header: bool
    digest: str

    @property
    def taken(self) -> str:
        """A description of how the file was read."""
        header = "" if self.has_header else "; there is no header line, the first row counts"
        return f"durations are taken as {self.unit.value}, {self.unit_from}{header}"


def read_durations(path: Path, asked: DurationUnit = DurationUnit.AUTO) -> Durations:
    """Read a table; raises `ConfigurationError` if it is not one, or if its unit is unknown.

    A first row with a number in its third cell is not a header but data, and the unit must be given.
    """
    file = CsvFile(path)
    rows = file.rows()
    first = next(rows, [])
    if len(first) < WIDTH:
        raise ConfigurationError(
            f"{path} has {len(first)} columns; it needs three, separated by commas: user, item, duration"
        )
    has_header = not _is_number(first[2])
    unit, unit_from = _unit(path, asked, first[2].strip() if has_header else None)
    plays, refused = [], Counter[str]()
    for row, cells in enumerate(rows if has_header else _with(first, rows)):
        try:
            plays.append(_play(row, cells, len(first), SECONDS_PER[unit]))
        except ValueError as error:
            refused[str(error)] += 1
    refuse_unless_of_this_world(str(path), unit, [play.seconds for play in plays])
    return Durations(
        plays=plays, refused=refused, unit=unit, unit_from=unit_from, has_header=has_header, digest=file.digest
    )


def _unit(path: Path, asked: DurationUnit, name: str | None) -> tuple[DurationUnit, str]:
    if asked is not DurationUnit.AUTO:
        return asked, "as --duration-unit says"
    said = unit_said(name) if name is not None else None
    if said is not None:
        return said, f"as the header {name!r} says"
    where = "there is no header line" if name is None else f"the header {name!r} does not say it"
    raise ConfigurationError(f"{path}: in which unit are the durations? {where}: {ASK}")


def _play(row: int, cells: list[str], width: int, seconds_per_unit: float) -> Play:
    """Parse a row; raises `ValueError` with the reason."""
    if reason := misfit(cells, width):
        raise ValueError(reason)
    user, item = cells[0], cells[1]
    if not user.strip() or not item.strip():
        raise ValueError("empty_id")
    if not _is_number(cells[2]):
        raise ValueError("not_a_number")
    seconds = float(cells[2]) * seconds_per_unit
    if not 0.0 <= seconds <= SECONDS_MAX:
        raise ValueError("out_of_range")
    return Play(row=row, user=user, item=item, seconds=seconds)


def _is_number(text: str) -> bool:
    try:
        number("duration", text)
    except ValueError:
        return False
    return True


def _with(first: list[str], rows: Iterator[list[str]]) -> Iterator[list[str]]:
    yield first
    yield from rows
