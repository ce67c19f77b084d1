"""A page of pictures of all that the topics of a broker tell: groups, drift, evidence."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from streams.cli.change_reading import changes_of_broker
from streams.cli.compacted_topics import newest_of
from streams.cli.known_groups_reading import groups_of_broker
from streams.cli.options import NoAnswerError

if TYPE_CHECKING:
    from streams.pictures.figures import Figure
    from streams.settings import Settings

PAGE = ".html"
REWARD = "mean"


def is_page(file: Path | None) -> bool:
    """Whether a report is asked for as a page.

    >>> is_page(Path("demo.html")), is_page(Path("demo.json")), is_page(None)
    (True, False, False)
    """
    return file is not None and file.suffix.lower() == PAGE


def write_picture_report(
    settings: "Settings", bootstrap: str, file: Path, title: str, facts: Sequence[tuple[str, str]] = ()
) -> None:
    """Read the topics, and write the page; what nothing is known of is left out."""
    from streams.pictures.report_page import report_page

    settings = settings.model_copy(update={"broker": bootstrap})
    parts = [("Co-clusters", _groups(settings)), ("Drift", _drift(settings)), ("Evidence", _evidence(settings))]
    shown = [(heading, figures) for heading, figures in parts if figures]
    file.write_text(report_page(title, shown, facts), encoding="utf-8")


def _groups(settings: "Settings") -> "list[Figure]":
    from streams.pictures.choosing import talk_pictures

    try:
        return talk_pictures(groups_of_broker(settings), reward=REWARD, seed=settings.seed)
    except NoAnswerError:
        return []


def _drift(settings: "Settings") -> "list[Figure]":
    from schemas.codec import decode
    from streams.pictures.drift_picture import drift_picture, shown_incidents

    told = newest_of(settings, "drift-incidents").values()
    incidents = [decode("drift-incidents", value) for value in told]
    changes = changes_of_broker(settings, incidents).values() if incidents else ()
    line = [drift_picture(shown_incidents(incidents))] if incidents else []
    return [*line, *(one.figure for one in changes if one.figure is not None)]


def _evidence(settings: "Settings") -> "list[Figure]":
    from schemas.codec import decode
    from streams.pictures.calibration_picture import calibration_picture, newest_calibration
    from streams.pictures.leaderboard_picture import leaderboard_pictures

    values = [decode("policy-values", value) for value in newest_of(settings, "policy-values").values()]
    buckets = [decode("engagement-metrics", value) for value in newest_of(settings, "engagement-metrics").values()]
    newest = newest_calibration(buckets)
    yardsticks = dict.fromkeys(value.yardstick for value in values)
    figures = [*leaderboard_pictures(values, next(iter(yardsticks)))] if yardsticks else []
    figures = [figure for figure in figures if figure.table.rows]
    return [*figures, *([calibration_picture(newest.calibration)] if newest is not None else [])]
