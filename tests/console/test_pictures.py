"""Pictures in files: every specification is drawn without a browser, and what is drawn is what was published."""

import re
from collections.abc import Callable
from pathlib import Path

import html5lib
import numpy as np
import pytest
from msgspec.structs import replace

from processors.rewards.published_times import published_times
from processors.rewards.streaming_times import StreamingTimes
from schemas.learning import CoClusters
from streams.console.views.cell_view import cell_page
from streams.console.views.co_cluster_view import co_clusters_page
from streams.console.views.drift_view import drift_page
from streams.console.views.flow_view import flow_page
from streams.console.views.listener_view import listener_page
from streams.pictures.calibration_picture import calibration_picture
from streams.pictures.choosing import NoPictureError, group_pictures, most_different
from streams.pictures.distribution_picture import beside_all
from streams.pictures.drawing import draw
from streams.pictures.drift_picture import drift_picture, shown_incidents
from streams.pictures.figures import Figure
from streams.pictures.genre_picture import genre_picture
from streams.pictures.heat_map_picture import heat_map_picture
from streams.pictures.known_groups import KnownGroups
from streams.pictures.leaderboard_picture import leaderboard_pictures
from streams.pictures.matrix_picture import matrix_picture
from streams.pictures.picture_names import GroupPicture
from streams.pictures.rendering import svg_of
from streams.pictures.report_page import report_page
from streams.pictures.reward_table_picture import reward_table_picture
from tests.console.told_records import NOW_MS, calibrated, everything, learned, state_of


def known() -> KnownGroups:
    found = state_of(everything()).known_groups()
    assert found is not None
    return found


def river() -> list[Figure]:
    state, model = state_of(everything()), learned().model
    same = tuple(tuple(float(row == column) for column in range(6)) for row in range(6))
    state.generations[9] = replace(model, generation=9, user_overlap=same, card_overlap=same)
    page = co_clusters_page(state, shown="time", reward="mean", seed=0)
    assert page is not None
    return page.rivers


def cell() -> list[Figure]:
    page = cell_page(state_of(everything()), 0, 1, seed=0)
    assert page is not None
    return [page.distribution, page.thresholds]


def groups_of_a_listener() -> list[Figure]:
    found = listener_page(state_of(everything()), user_id=learned().pages[0].user_id).groups
    return [found] if found is not None else []


def changes() -> list[Figure]:
    shown = drift_page(state_of(everything())).changes.values()
    return [one.figure for one in shown if one.figure is not None]


FIGURES: dict[str, Callable[[], list[Figure]]] = {
    **{
        picture.value: lambda picture=picture: group_pictures(known(), picture, reward="mean")
        for picture in GroupPicture
        if picture not in {GroupPicture.ALL, GroupPicture.MATRIX}  # which the report below has
    },
    "drift on the heat map": lambda: [
        heat_map_picture(known(), state_of(everything()).incidents.open(), shown="drift", reward="mean")
    ],
    "leaderboard": lambda: [*leaderboard_pictures(state_of(everything()).values.values(), "stream-rate")],
    "drift": lambda: [drift_picture(shown_incidents(state_of(everything()).incidents.incidents()))],
    "before and after": changes,
    "calibration": lambda: [calibration_picture(calibrated().calibration)],
    "river": river,
    "a co-cluster": cell,
    "a listener": groups_of_a_listener,
    "flow": lambda: [flow_page(state_of(everything()), NOW_MS).figure],
}


@pytest.mark.parametrize("name", FIGURES)
def test_every_picture_of_the_console_is_drawn_without_it(name: str) -> None:
    figures = FIGURES[name]()
    assert figures
    for figure in figures:
        drawn = svg_of([figure])
        assert drawn.startswith("<svg")
        assert "NaN" not in drawn
        assert figure.title.split()[0] in drawn
        assert len(re.findall(r"<path|<rect|<line", drawn)) > 3, "there are marks in it"


@pytest.mark.parametrize(
    ("ending", "begins"), [(".svg", b"<svg"), (".png", b"\x89PNG\r\n"), (".html", b"<!DOCTYPE html>")]
)
def test_a_file_is_what_its_ending_says(ending: str, begins: bytes, tmp_path: Path) -> None:
    file = tmp_path / f"groups{ending}"
    draw([genre_picture(known())], file)  # type: ignore[list-item]
    assert file.read_bytes().startswith(begins)


def test_a_report_needs_nothing_else_and_has_the_numbers_as_tables() -> None:
    figures = group_pictures(known(), GroupPicture.ALL, reward="mean")
    page = report_page("Groups & <more>", [("Co-clusters", figures)], [("events", "38,800")])
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    elements = list(parser.parse(page).iter())
    assert not [element for element in elements if element.tag in {"script", "link", "iframe"}]
    addresses = [value for element in elements for name, value in element.items() if name in {"src", "href"}]
    assert len(addresses) == len(figures) == 5
    assert all(address.startswith("data:image/svg+xml;base64,") for address in addresses)
    assert all(element.get("alt") for element in elements if element.tag == "img")
    assert sum(element.tag == "table" for element in elements) == len(figures) + 1


def test_streams_of_a_group_are_drawn_beside_all_with_their_medians() -> None:
    model = learned().model
    figure = beside_all(known(), card_group=2)
    lines: dict[str, list[float]] = {}
    for row in figure.spec["data"]["values"]:
        if "is_end" not in row:
            lines.setdefault(row["of"], []).append(row["share"])
    assert list(lines) == [known().label_of(2), "all streams"]
    assert all(sum(line) == pytest.approx(1.0, abs=0.002) for line in lines.values())
    medians = [layer["data"]["values"][0]["at"] for layer in figure.spec["layer"] if layer["mark"]["type"] == "rule"]
    assert model.times is not None
    counts = np.array(model.times.card_histogram[2])
    below = counts[np.array(model.times.bounds_s) <= medians[0]].sum() / counts.sum()
    assert below <= 0.5
    assert len(medians) == 2


def flat(seconds: np.ndarray, users: np.ndarray, cards: np.ndarray) -> CoClusters:
    """A model of these streams, two groups by two."""
    times = StreamingTimes.of(seconds, np.eye(2)[users], np.eye(2)[cards])
    block = ((4.0, 4.0), (4.0, 4.0))
    return CoClusters(
        generation=1, version=1, event_ms=0, user_prior=(0.5, 0.5), card_prior=(0.5, 0.5), mean=block, variance=block,
        count=tuple(map(tuple, times.count.tolist())), global_mean=4.0, global_variance=1.0,
        times=published_times(times),
    )  # fmt: skip


def test_the_groups_of_a_report_are_those_that_differ_most_from_all() -> None:
    seconds = np.array([30.0, 30.0, 30.0, 4_000.0, 35.0, 35.0])
    model = flat(seconds, np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 0, 1, 0, 0]))
    assert most_different(KnownGroups(model=model)) == (1, 1)


def test_a_distribution_says_that_its_open_step_is_cut_off() -> None:
    model = flat(np.full(4, 400_000.0), np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]))
    assert "and longer and may be cut off" in beside_all(KnownGroups(model=model)).note


def test_what_is_not_published_is_not_drawn() -> None:
    model = flat(np.full(4, 60.0), np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]))
    for picture in (GroupPicture.GENRES, GroupPicture.REWARDS, GroupPicture.LADDER, GroupPicture.REWARD_RATE):
        with pytest.raises(NoPictureError):
            group_pictures(KnownGroups(model=model), picture, reward="mean")
    assert len(group_pictures(KnownGroups(model=model), GroupPicture.ALL, reward="mean")) == 3


def test_the_table_of_rewards_has_the_thresholds_of_the_message() -> None:
    model, figure = learned().model, reward_table_picture(known())
    assert figure is not None
    rows = {row[0]: row[1:] for row in figure.table.rows}
    assert set(rows) == set(model.thresholds_s)
    assert all(str(cell).startswith("30 s: ") for cell in rows["static"])


def test_genres_of_a_group_are_shares_of_its_cards() -> None:
    figure = genre_picture(known())
    assert figure is not None
    state = state_of(everything())
    genres = {genre for card in state.cards.values() for genre in card.genres}
    assert {str(row[0]) for row in figure.table.rows} <= genres
    assert all(0.0 <= value["share"] <= 1.0 for value in figure.spec["data"]["values"])


def test_the_matrix_draws_what_it_says_in_each_cell() -> None:
    model = learned().model
    figure = matrix_picture(known(), reward="mean")
    values = figure.spec["data"]["values"]
    cells = len(model.user_prior) * len(model.card_prior)
    assert sum(value["of"] == "typical" for value in values) == cells
    rules = [value["from"] for value in values if value["of"] == "a success from"]
    assert len(rules) <= cells
    assert set(rules) <= {seconds for row in model.thresholds_s["mean"] for seconds in row}
