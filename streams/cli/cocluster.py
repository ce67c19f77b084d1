"""`shelfwise cocluster`: offline co-clustering of a CSV of user, item and streamed time."""

import csv
import gzip
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn, TextIO

import numpy as np
import typer

from processors.cocluster.clusterer import Clusterer
from processors.cocluster.information_theoretic import InformationTheoretic
from processors.cocluster.offline import OfflineResult, OfflineSettings, cocluster_offline
from processors.cocluster.soft_groups import Interactions
from processors.cocluster.static_groups import StaticGroups

INTERACTIONS_MIN = 20
GIVEN_SIDES = ("user_group", "card_group")
SECONDS_MAX = 10.0 * 365 * 86_400


class DurationUnit(StrEnum):
    """Unit of the third column; `auto` reads it off the header, and takes seconds if that says nothing."""

    AUTO = "auto"
    HOURS = "hours"
    SECONDS = "seconds"
    MS = "ms"


SECONDS_PER = {DurationUnit.HOURS: 3600.0, DurationUnit.SECONDS: 1.0, DurationUnit.MS: 0.001}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """Interactions of a file, the names behind their numbers, and the count of refused rows by reason."""

    data: Interactions
    users: list[str]
    cards: list[str]
    refused: Counter[str]
    unit: DurationUnit


def read_table(path: Path, unit: DurationUnit) -> Table:
    """Read user, item and duration by column position, behind a header; further columns are left alone."""
    users: dict[str, int] = {}
    cards: dict[str, int] = {}
    refused: Counter[str] = Counter()
    columns: tuple[list[int], list[int], list[float]] = ([], [], [])
    with _opened(path) as lines:
        rows = csv.reader(lines)
        header = next(rows, [])
        unit = _unit_of(header) if unit is DurationUnit.AUTO else unit
        for row in rows:
            if reason := _fault(row, SECONDS_PER[unit]):
                refused[reason] += 1
                continue
            columns[0].append(users.setdefault(row[0], len(users)))
            columns[1].append(cards.setdefault(row[1], len(cards)))
            columns[2].append(float(row[2]) * SECONDS_PER[unit])
    x = np.log1p(np.array(columns[2], np.float64))
    data = Interactions(np.array(columns[0], np.int64), np.array(columns[1], np.int64), x, len(users), len(cards))
    return Table(data=data, users=list(users), cards=list(cards), refused=refused, unit=unit)


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", errors="replace", newline="")
    return path.open(encoding="utf-8", errors="replace", newline="")


def _unit_of(header: list[str]) -> DurationUnit:
    name = header[2].strip().lower() if len(header) > 2 else ""
    if "hour" in name:
        return DurationUnit.HOURS
    return DurationUnit.MS if name.endswith(("ms", "millis", "milliseconds")) else DurationUnit.SECONDS


def _fault(row: list[str], seconds_per_unit: float) -> str:
    """Say what is wrong with a row; nothing, if it is good."""
    if len(row) < 3:
        return "too_few_columns"
    if not row[0] or not row[1]:
        return "empty_id"
    try:
        seconds = float(row[2]) * seconds_per_unit
    except ValueError:
        return "not_a_number"
    return "" if 0.0 <= seconds <= SECONDS_MAX else "out_of_range"


def _fail(code: int, message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)


def cocluster(
    file: Annotated[Path, typer.Argument(help="CSV or CSV.GZ with a header: user, item, duration")],
    user_groups: Annotated[int, typer.Option(help="groups of users")] = 6,
    card_groups: Annotated[int, typer.Option(help="groups of items")] = 6,
    holdout: Annotated[float, typer.Option(help="share of the interactions held out")] = 0.2,
    folds: Annotated[int, typer.Option(help="hold out everything in turn, in so many folds")] = 1,
    choose_widely: Annotated[bool, typer.Option(help="also compare shapes with half the groups")] = False,
    counts: Annotated[bool, typer.Option(help="also score groups by who meets what (information-theoretic)")] = False,
    given: Annotated[Path | None, typer.Option(help="also score the groups in this file, JSON as --out writes")] = None,
    duration_unit: Annotated[DurationUnit, typer.Option(help="unit of the third column")] = DurationUnit.AUTO,
    seed: Annotated[int, typer.Option(help="of folds and fits")] = 0,
    out: Annotated[Path | None, typer.Option(help="write every user's and item's group here, JSON")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object on standard output")] = False,
) -> None:
    """Co-cluster a table of who streamed what for how long."""
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
        _fail(2, f"cocluster: {error}")
    if not file.is_file():
        _fail(2, f"cocluster: {file} is not a file; give a CSV with the columns user, item, duration")
    try:
        table = read_table(file, duration_unit)
    except (OSError, EOFError, csv.Error) as error:
        _fail(1, f"cocluster: {file} cannot be read: {error}")
    if len(table.data) < INTERACTIONS_MIN:
        _fail(1, f"cocluster: {len(table.data)} good rows in {file}, at least {INTERACTIONS_MIN} are needed")
    beside: dict[str, Clusterer] = {}
    if counts:
        beside[f"counts {user_groups}x{card_groups}"] = InformationTheoretic(
            user_groups=user_groups, card_groups=card_groups, seed=seed
        )
    if given is not None:
        beside["given"] = _given_groups(given, table)
    result = cocluster_offline(table.data, settings, beside)
    report = {
        "file": file.name,
        "duration_unit": table.unit.value,
        "interactions": len(table.data),
        "users": len(table.users),
        "cards": len(table.cards),
        "rows_refused": dict(table.refused),
        "seed": seed,
        **result.summary(),
    }
    if out is not None:
        out.write_text(json.dumps({**report, **_assignments(table, result)}))
    typer.echo(json.dumps(report) if as_json else "\n".join(_lines(report)))


def _given_groups(file: Path, table: Table) -> StaticGroups:
    """Groups from outside; whoever the file does not name is put into a group of its own beside the others."""
    try:
        found = json.loads(file.read_text())
        users, cards = ({str(name): int(group) for name, group in found[side].items()} for side in GIVEN_SIDES)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        _fail(2, f"cocluster: {file} holds no groups, as --out writes them: {error!r}")
    sides = []
    for given, names in ((users, table.users), (cards, table.cards)):
        rest = max(given.values(), default=-1) + 1
        numbers = np.array([given.get(name, rest) for name in names], np.int64)
        sides.append((numbers, int(numbers.max(initial=0)) + 1))
    try:
        return StaticGroups(user=sides[0][0], card=sides[1][0], user_groups=sides[0][1], card_groups=sides[1][1])
    except ValueError as error:
        _fail(2, f"cocluster: {file}: {error}")


def _assignments(table: Table, result: OfflineResult) -> dict[str, dict[str, int]]:
    return {
        "user_group": dict(zip(table.users, result.groups.user.argmax(axis=1).tolist(), strict=True)),
        "card_group": dict(zip(table.cards, result.groups.card.argmax(axis=1).tolist(), strict=True)),
    }


def _lines(report: dict[str, Any]) -> Iterator[str]:
    yield f"{report['interactions']} interactions, {report['users']} users, {report['cards']} items"
    if report["rows_refused"]:
        yield f"rows refused: {report['rows_refused']}"
    yield f"{'model':>14s} {'rmse':>8s} {'log-likelihood':>15s}   held out, x = log(1 + seconds)"
    for name, score in report["held_out"]["models"].items():
        yield f"{name:>14s} {score['rmse_log']:8.4f} {score['log_likelihood']:15.4f}"
    yield f"chosen shape: {report['chosen_shape'][0]} x {report['chosen_shape'][1]}"
    yield f"users per group: {report['users_per_group']}"
    yield f"items per group: {report['cards_per_group']}"
