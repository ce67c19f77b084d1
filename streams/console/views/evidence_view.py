"""Evidence: candidates by their value on the live log, what is withheld, and whether expectations come true."""

from msgspec import Struct

from streams.console.console_state import ConsoleState
from streams.pictures.calibration_picture import calibration_picture, newest_calibration
from streams.pictures.figures import Figure
from streams.pictures.leaderboard_picture import leaderboard_pictures


class EvidencePage(Struct, frozen=True, kw_only=True):
    """Everything about candidates, by one yardstick."""

    yardstick: str
    yardsticks: tuple[str, ...]
    figure: Figure
    differences: Figure
    withheld: list[tuple[str, str]]


class CalibrationPart(Struct, frozen=True, kw_only=True):
    """Calibration of the newest bucket of event time that has one."""

    bucket_ms: int
    figure: Figure


def evidence_page(state: ConsoleState, *, yardstick: str) -> EvidencePage | None:
    """The page; None until there are values."""
    values = list(state.values.values())
    yardsticks = tuple(dict.fromkeys(value.yardstick for value in values))
    if not yardsticks:
        return None
    chosen = yardstick if yardstick in yardsticks else yardsticks[0]
    figure, differences = leaderboard_pictures(values, chosen)
    return EvidencePage(
        yardstick=chosen,
        yardsticks=yardsticks,
        figure=figure,
        differences=differences,
        withheld=[
            (value.candidate, value.withheld) for value in values if value.yardstick == chosen and value.withheld
        ],
    )


def calibration_part(state: ConsoleState) -> CalibrationPart | None:
    """Expected against settled reward; None until a bucket has it."""
    newest = newest_calibration(bucket for buckets in state.metrics.values() for bucket in buckets)
    if newest is None:
        return None
    return CalibrationPart(bucket_ms=newest.bucket_ms, figure=calibration_picture(newest.calibration))
