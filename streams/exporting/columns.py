"""Tables to export: the columns of each, and its rows from messages."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from schemas.learning import CardStatistics, CoClusters
from schemas.outcomes import OutcomeCorrected, OutcomeSettled
from streams.pictures.known_groups import KnownGroups

Kind = Literal["text", "int", "float"]
Value = str | int | float | None
ValueRow = tuple[Value, ...]


class Column(NamedTuple):
    """A column: its name, with the unit, and what it holds."""

    name: str
    kind: Kind


class ExportTable(NamedTuple):
    """Columns, and rows that are made as they are written."""

    columns: tuple[Column, ...]
    rows: Iterable[ValueRow]


def _columns(kind: Kind, names: str) -> tuple[Column, ...]:
    return tuple(Column(name, kind) for name in names.split())


def groups_table(known: KnownGroups) -> ExportTable:
    """A row for each co-cluster, with the threshold of each reward."""
    model = known.model
    columns = (
        *_columns("int", "generation version user_group card_group"), Column("label", "text"),
        *_columns("float", "user_share card_share streams mean_log variance_log typical_s"),
        *(Column(f"threshold_s:{name}", "float") for name in model.thresholds_s),
    )  # fmt: skip
    return ExportTable(columns, _group_rows(known, model))


def _group_rows(known: KnownGroups, model: CoClusters) -> Iterator[ValueRow]:
    users, kinds = known.shape
    for g in range(users):
        for k in range(kinds):
            yield (
                model.generation, model.version, g, k, known.label_of(k), model.user_prior[g], model.card_prior[k],
                model.count[g][k], model.mean[g][k], model.variance[g][k], math.expm1(model.mean[g][k]),
                *(matrix[g][k] for matrix in model.thresholds_s.values()),
            )  # fmt: skip


def cards_table(known: KnownGroups) -> ExportTable:
    """A row for each card that is placed, with its soft card group."""
    columns = (
        *_columns("text", "card_id title genres"), Column("generation", "int"), Column("card_group", "int"),
        Column("label", "text"), *(Column(f"weight_{k}", "float") for k in range(known.shape[1])),
    )  # fmt: skip
    return ExportTable(columns, _card_rows(known))


def _card_rows(known: KnownGroups) -> Iterator[ValueRow]:
    for card_id, group in known.placed.items():
        if len(group.logits) != known.shape[1]:  # of an earlier generation
            continue
        card = known.cards.get(card_id)
        genres = "|".join(card.genres) if card is not None else None
        yield (
            card_id, known.title_of(card_id), genres, group.generation, group.group, known.label_of(group.group),
            *map(math.exp, group.logits),
        )  # fmt: skip


STATISTICS = (
    Column("card_id", "text"), *_columns("int", "generation version updated_ms user_group"), Column("reward", "text"),
    *_columns("float", "exposures total squares"),
)  # fmt: skip


def statistics_table(statistics: Iterable[CardStatistics]) -> ExportTable:
    """A row for each card, user group and reward: exposures, and sums of the reward and of its squares."""
    return ExportTable(STATISTICS, (row for one in statistics for row in _statistics_rows(one)))


def _statistics_rows(one: CardStatistics) -> Iterator[ValueRow]:
    for reward, sums in one.rewards.items():
        for group, exposures in enumerate(one.exposures):
            squares = (sums.squares or sums.total)[group]
            yield (
                one.card_id, one.generation, one.version, one.updated_ms, group, reward, exposures, sums.total[group],
                squares,
            )  # fmt: skip


OUTCOMES = (
    *_columns("text", "kind impression_id"), *_columns("int", "row slot"),
    *_columns("text", "shelf_id user_id card_id"),
    *_columns("int", "shown_ms told_ms previous_ms played_ms stream_count"),
    *_columns("float", "propensity row_propensity order_log_propensity row_log_propensity"),
    *_columns("text", "surface variant policy_version reward_version model_version assignments"),
    Column("generation", "int"),
)  # fmt: skip
"""`told_ms` is when an outcome settled or was corrected; a correction replaces `previous_ms` by `played_ms`."""


def outcome_row(one: OutcomeSettled | OutcomeCorrected) -> ValueRow:
    """The row of an outcome."""
    shown = (one.impression_id, one.row, one.slot)
    if isinstance(one, OutcomeCorrected):
        return (
            "corrected", *shown, None, one.user_id, one.card_id, one.shown_ms, one.corrected_ms, one.previous_ms,
            one.played_ms, one.stream_count, one.propensity, one.row_propensity, None, None, None, one.variant, None,
            None, None, None, one.generation,
        )  # fmt: skip
    page = one.logged
    return (
        "settled", *shown, one.shelf_id, one.user_id, one.card_id, one.shown_ms, one.settled_ms, None, one.played_ms,
        one.stream_count, one.propensity, one.row_propensity, one.order_log_propensity, one.row_log_propensity,
        page.surface, page.variant, page.policy_version, page.reward_version, page.model_version, page.assignments,
        one.generation,
    )  # fmt: skip


def names_of(columns: Sequence[Column]) -> list[str]:
    """Names of the columns.

    >>> names_of(STATISTICS)[:2]
    ['card_id', 'generation']
    """
    return [column.name for column in columns]
