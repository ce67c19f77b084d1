"""`shelfwise bench looks / shelves / candidates / drift`: how often values, intervals and incidents are right."""

from pathlib import Path
from typing import Annotated, Any

import typer

from streams.cli.options import COUNT_MAX, SEED_MAX, JsonOption, all_finite, finite, print_json
from streams.configuration_error import ConfigurationError

WorldsOption = Annotated[int, typer.Option(min=1, max=10_000, help="Planted worlds.")]
FirstSeedOption = Annotated[int, typer.Option("--seed", min=0, max=SEED_MAX // 2, help="Seed of the first world.")]


def register(group: typer.Typer) -> None:
    """Add the commands to the group of benchmarks."""
    group.command("looks")(looks)
    group.command("shelves")(shelves)
    group.command("candidates")(candidates)
    group.command("leaderboard")(leaderboard)
    group.command("precision")(precision)
    group.command("drift")(drift)


def looks(
    repeats: Annotated[int, typer.Option(min=1, max=100_000, help="Logs of each kind.")] = 400,
    events: Annotated[int, typer.Option(min=200, max=10_000_000, help="Events of each log.")] = 50_000,
    rate: Annotated[
        list[float] | None,
        typer.Option(min=1e-6, max=0.999999, callback=all_finite, help="Rate of success; repeat for more."),
    ] = None,
    vw: Annotated[int, typer.Option(min=0, max=1_000, help="Logs that VW's sequence reads too; it is slow.")] = 0,
    seed: Annotated[int, typer.Option(min=0, max=SEED_MAX, help="Seed of all logs.")] = 1,
    json: JsonOption = False,
) -> None:
    """A/A with a look at every event: false alarms of each confidence sequence, and half-widths at the end."""
    from streams.benchmarks.evaluation.bench_looks import LooksSettings, bench_looks

    rates = tuple(rate) if rate else LooksSettings().rates
    settings = LooksSettings(repeats=repeats, events=events, rates=rates, vw_repeats=vw, seed=seed)
    tell(bench_looks(settings, _progress), json=json)


def shelves(
    worlds: WorldsOption = 30,
    shelves: Annotated[int, typer.Option(min=1_000, max=COUNT_MAX, help="Shelves logged in each.")] = 50_000,
    seed: FirstSeedOption = 1,
    json: JsonOption = False,
) -> None:
    """Slate estimators where cards change what the next is worth: order, errors, coverage and mean weights."""
    from streams.benchmarks.evaluation.bench_shelves import ShelvesSettings, bench_shelves

    tell(bench_shelves(ShelvesSettings(worlds=worlds, shelves=shelves, seed=seed), _progress), json=json)


def candidates(
    worlds: WorldsOption = 30,
    shelves: Annotated[int, typer.Option(min=1_000, max=COUNT_MAX, help="Shelves logged in each.")] = 20_000,
    seed: FirstSeedOption = 1,
    json: JsonOption = False,
) -> None:
    """Twelve candidates on one log: Kendall's tau with the truth, and how often an estimator is sure and wrong."""
    from streams.benchmarks.evaluation.bench_candidates import CandidatesSettings, bench_candidates

    tell(bench_candidates(CandidatesSettings(worlds=worlds, shelves=shelves, seed=seed), _progress), json=json)


def leaderboard(
    world: Annotated[
        list[str] | None, typer.Option(help="Planted world; may be repeated.", show_default="W1, W5")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, max=1_000, help="Seeds of each world.")] = 5,
    pages: Annotated[int, typer.Option(min=1_000, max=COUNT_MAX, help="Pages shown in each.")] = 20_000,
    look: Annotated[
        list[int] | None,
        typer.Option(min=100, max=COUNT_MAX, help="Judge after so many pages as well; may be repeated."),
    ] = None,
    random_share: Annotated[
        float, typer.Option(min=0.01, max=1.0, callback=finite, help="Share of listeners who are shown random pages.")
    ] = 0.5,
    seed: FirstSeedOption = 1,
    json: JsonOption = False,
) -> None:
    """The leaderboard of the whole pipeline, in process: order of rewards, and how often intervals miss the truth."""
    from streams.benchmarks.evaluation.bench_leaderboard import LeaderboardBench, bench_leaderboard

    worlds = tuple(world) if world else LeaderboardBench().worlds
    looks = tuple(sorted(look or ()))
    settings = LeaderboardBench(
        worlds=worlds, seeds=seeds, pages=pages, looks=looks, random_share=random_share, seed=seed
    )
    try:
        found = bench_leaderboard(settings, _progress)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    tell(found, json=json)


def drift(
    calm_events: Annotated[
        int, typer.Option(min=0, max=COUNT_MAX, help="Events without a change; 0 for none.")
    ] = 2_000_000,
    worlds: Annotated[int, typer.Option(min=0, max=10_000, help="Worlds for each planted change; 0 for none.")] = 20,
    table_worlds: Annotated[
        int, typer.Option(min=0, max=1_000, help="Worlds for each cell of what is detectable; 0 for no table.")
    ] = 3,
    rate: Annotated[
        float,
        typer.Option(min=1e-6, max=1e6, callback=finite, help="Expected false alarms per million events, at most."),
    ] = 1.0,
    visits: Annotated[int, typer.Option(min=10, max=100_000, help="Visits in a bucket of ten minutes.")] = 1_000,
    seed: FirstSeedOption = 1,
    json: JsonOption = False,
) -> None:
    """False incidents per million events, and planted changes: named, their size, delays, and what is detectable."""
    from streams.benchmarks.drift.bench_drift import DriftBench, bench_drift

    bench = DriftBench(
        calm_events=calm_events, worlds=worlds, table_worlds=table_worlds, rate=rate, visits=visits, seed=seed
    )
    tell(bench_drift(bench, _progress), json=json)


def precision(
    world: Annotated[
        list[str] | None, typer.Option(help="Planted world, W1 to W6; repeat for more; all by default.")
    ] = None,
    impressions: Annotated[
        int, typer.Option(min=1_000, max=COUNT_MAX, help="Random impressions that train each policy.")
    ] = 50_000,
    seeds: Annotated[int, typer.Option(min=1, max=1_000, help="Worlds for means and errors.")] = 5,
    estimated: Annotated[
        bool, typer.Option("--estimated", help="Groups estimated from the log, not the true ones.")
    ] = False,
    obd: Annotated[
        Path | None, typer.Option(help="Log of uniformly random items of the Open Bandit Dataset, in place of worlds.")
    ] = None,
    seed: FirstSeedOption = 1,
    json: JsonOption = False,
) -> None:
    """precision@k and recall@k of every reward and grouping, over those of the 30-s rule."""
    from streams.benchmarks.evaluation.bench_precision import PrecisionBench, bench_precision, precision_of_items

    if obd is not None:
        tell(precision_of_items(obd, seed), json=json)
        return
    bench = PrecisionBench(
        worlds=tuple(world or PrecisionBench().worlds),
        impressions=impressions,
        seeds=seeds,
        groups="estimated" if estimated else "true",
        seed=seed,
    )
    try:
        found = bench_precision(bench, _progress)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    tell(found, json=json)


def _progress(line: str) -> None:
    typer.echo(line, err=True)


def tell(found: dict[str, Any], *, json: bool) -> None:
    """Print one JSON object, or a table for each kind of log with a row for each of what was compared."""
    if json:
        print_json(found)
        return
    rows = {name: row for name, row in found.items() if isinstance(row, dict)}
    typer.echo(", ".join(f"{name} {value}" for name, value in found.items() if name not in rows))
    if all(not isinstance(figure, dict) for row in rows.values() for figure in row.values()):
        _print_table("", rows)
        return
    for name, row in rows.items():
        if all(isinstance(figure, dict) for figure in row.values()):
            _print_table(name, row)
        else:
            _print_table(name, {"": row})


def _print_table(title: str, rows: dict[str, dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, title=title or None, title_justify="left")
    columns = list(dict.fromkeys(key for row in rows.values() for key in row))
    for column in ("", *columns):
        table.add_column(column.replace("_", " "), justify="right" if column else "left", overflow="fold")
    for name, row in rows.items():
        table.add_row(name, *(_shown(row.get(column)) for column in columns))
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 160
    console.print(table)


def _shown(figure: Any) -> str:
    if figure is None:
        return ""
    return f"{figure:.4f}" if isinstance(figure, float) else str(figure)
