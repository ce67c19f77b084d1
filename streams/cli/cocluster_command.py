"""`shelfwise cocluster`: offline co-clustering of a CSV of user, item and streaming time."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.cli.options import (
    SEED_MAX,
    GenresOption,
    JsonOption,
    UnitOption,
    finite,
    print_json,
    refuse_unless_writable,
    settings_of,
)
from streams.cli.plotting import PlotOption, plot_if_asked, refuse_unless_plottable
from streams.cli.progress import progress
from streams.configuration_error import ConfigurationError
from streams.files.units import DurationUnit

if TYPE_CHECKING:
    from processors.cocluster.fitting.clusterer import Clusterer
    from processors.cocluster.fitting.offline import OfflineResult, OfflineSettings
    from streams.files.play_table import PlayTable
    from streams.pictures.known_groups import KnownGroups

INTERACTIONS_MIN = 20
REWARD = "mean"
"""Whose thresholds are shown."""
LEAST_WEIGHT = 1e-6
"""Of a card in a group, so that its logarithm is finite."""
GROUPS_MAX = 200


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("cocluster")(cocluster)


def cocluster(
    file: Annotated[Path, typer.Argument(help="CSV of user, item, duration, in UTF-8, plain or gzipped.")],
    user_groups: Annotated[int, typer.Option(min=1, max=GROUPS_MAX, help="Number of user groups.")] = 6,
    card_groups: Annotated[int, typer.Option(min=1, max=GROUPS_MAX, help="Number of item groups.")] = 6,
    holdout: Annotated[float, typer.Option(callback=finite, help="Share of interactions to hold out.")] = 0.2,
    folds: Annotated[int, typer.Option(min=1, max=100, help="Cross-validate with this many folds.")] = 1,
    choose_widely: Annotated[bool, typer.Option(help="Also compare with half the number of groups.")] = False,
    counts: Annotated[
        bool, typer.Option(help="Also score co-clusters by which user meets which item; --out then writes these.")
    ] = False,
    given: Annotated[
        Path | None, typer.Option(help="Also score the groups in this JSON file, as written by --out.")
    ] = None,
    duration_unit: UnitOption = DurationUnit.AUTO,
    seed: Annotated[int, typer.Option(min=0, max=SEED_MAX, help="Seed of folds and fits.")] = 0,
    genres: GenresOption = None,
    out: Annotated[Path | None, typer.Option(help="Write the groups of users and items to this JSON file.")] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="TOML file whose [input.stream_ends] maps the rows of the file.")
    ] = None,
    plot: PlotOption = None,
    json: JsonOption = False,
) -> None:
    """Co-cluster a table of streaming times by user and item."""
    from processors.cocluster.fitting.offline import OfflineSettings, cocluster_offline
    from streams.files.genre_table import read_genres
    from streams.files.groups_file import groups_content
    from streams.pictures.choosing import talk_pictures
    from streams.pictures.group_report import group_values, print_groups

    try:
        settings = OfflineSettings(
            user_groups=user_groups,
            card_groups=card_groups,
            holdout_share=holdout,
            folds=folds,
            widely=choose_widely,
            seed=seed,
        )
    except ValueError as error:
        raise ConfigurationError(f"cocluster: {error}") from error
    refuse_unless_writable(out)
    refuse_unless_plottable(plot)
    given_genres = read_genres(genres)
    table = _table(file, duration_unit, config)
    beside = _beside(settings, table, counts=counts, given=given)
    typer.echo(f"{file}: {table.read.taken}", err=True)
    with progress() as tell:
        result = cocluster_offline(table.data, settings, beside, tell)
    report = _summary(file, table, result, seed)
    known = _known(table, result, given_genres)
    if out is not None:
        _write(out, {**report, **groups_content(known), **_groups(table, result, beside if counts else {})})
    if json:
        print_json({**report, "groups": group_values(known)})
    else:
        typer.echo("\n".join(_lines(report)))
        print_groups(known, reward=REWARD)
    plot_if_asked(plot, lambda: talk_pictures(known, reward=REWARD))


def _summary(file: Path, table: "PlayTable", result: "OfflineResult", seed: int) -> dict[str, Any]:
    return {
        "file": file.name,
        "duration_unit": table.read.unit.value,
        "interactions": len(table.data),
        "users": len(table.users),
        "cards": len(table.cards),
        "rows_refused": dict(table.read.refused),
        "seed": seed,
        **result.summary(),
    }


def _table(file: Path, unit: DurationUnit, config: Path | None) -> "PlayTable":
    """The plays of a table of durations, or of a file of foreign records if the settings have a mapping."""
    from streams.files.play_table import read_play_table, tabled
    from streams.files.tables import reasons
    from streams.mapping.mapped_files import mapped_durations

    is_mapped = config is not None and (settings := settings_of(config)).input.stream_ends is not None
    table = tabled(mapped_durations(file, settings.input)) if is_mapped else read_play_table(file, unit)
    if len(table.data) < INTERACTIONS_MIN:
        refused = f" ({reasons(table.read.refused)})" if table.read.refused else ""
        raise ConfigurationError(
            f"{file} has {len(table.data)} good rows{refused}, at least {INTERACTIONS_MIN} are needed"
        )
    return table


def _known(table: "PlayTable", result: "OfflineResult", genres: "Mapping[str, tuple[str, ...]]") -> "KnownGroups":
    import numpy as np

    from processors.offline_co_clusters import offline_co_clusters
    from streams.files.groups_file import placed_in

    model = offline_co_clusters(result.groups, table.data, table.cards, genres)
    logits = np.log(np.maximum(result.groups.card, LEAST_WEIGHT)).tolist()
    return placed_in(model, dict(zip(table.cards, logits, strict=True)), genres)


def _beside(
    settings: "OfflineSettings", table: "PlayTable", *, counts: bool, given: Path | None
) -> "dict[str, Clusterer]":
    from processors.cocluster.fitting.information_theoretic import InformationTheoretic
    from streams.files.given_groups import read_given_groups

    beside: dict[str, Clusterer] = {}
    if counts:
        shape = (settings.user_groups, settings.card_groups)
        beside[_counts_name(shape)] = InformationTheoretic(
            user_groups=shape[0], card_groups=shape[1], seed=settings.seed
        )
    if given is not None:
        beside["given"] = read_given_groups(given, table)
    return beside


def _write(out: Path, content: dict[str, Any]) -> None:
    import orjson

    out.write_bytes(orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY))


def _counts_name(shape: tuple[int, int]) -> str:
    return f"counts {shape[0]}x{shape[1]}"


def _groups(table: "PlayTable", result: "OfflineResult", counted: "dict[str, Clusterer]") -> dict[str, Any]:
    """Every user's and item's group, and of which model: of the counts where these were asked for."""
    from processors.cocluster.fitting.offline import described
    from processors.cocluster.fitting.shapes import name_of

    shape = (result.settings.user_groups, result.settings.card_groups)
    by_counts = counted.get(_counts_name(shape))
    groups = result.groups if by_counts is None else by_counts.groups(table.data)
    return {
        "groups_of": name_of(shape) if by_counts is None else _counts_name(shape),
        **described(groups),
        "user_group": dict(zip(table.users, groups.user.argmax(axis=1).tolist(), strict=True)),
        "card_group": dict(zip(table.cards, groups.card.argmax(axis=1).tolist(), strict=True)),
    }


def _lines(report: dict[str, Any]) -> Iterator[str]:
    yield f"{report['interactions']} interactions, {report['users']} users, {report['cards']} items"
    if report["rows_refused"]:
        yield f"rows refused: {report['rows_refused']}"
    evidence = report["held_out"]["evidence"]
    yield f"{'model':>14s} {'rmse':>8s} {'log-likelihood':>15s} {'gain':>8s} {'null':>8s} {'error':>7s}"
    for name, score in report["held_out"]["models"].items():
        line = f"{name:>14s} {score['rmse_log']:8.4f} {score['log_likelihood']:15.4f}"
        found = evidence.get(name)
        yield (
            line
            if found is None
            else f"{line} {found['gain']:8.4f} {found['null']:8.4f} {found['standard_error']:7.4f}"
        )
    yield "held out, x = log(1 + seconds); gain over one group in nats on normal scores of x; null: what is there of it"
    yield "when nobody's group is known; error: of the gain less the null, by which the shape is chosen"
    yield f"chosen shape: {report['chosen_shape'][0]} x {report['chosen_shape'][1]}"
    yield f"users per group: {report['users_per_group']}"
    yield f"items per group: {report['cards_per_group']}"
