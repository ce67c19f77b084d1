"""Compares the books with the recomputed output: a pure function of the records."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from streams.auditing.books import LETTERS, STATES, Books
from streams.auditing.checks import (
    credit_checks,
    evidence_checks,
    experiment_checks,
    inputs,
    interaction_checks,
    metric_checks,
    playing,
    positions,
    propensity_checks,
    ranking_checks,
    settling,
    sums,
)
from streams.auditing.findings import Audit, Finding
from streams.auditing.reading import LogRecord
from streams.auditing.recomputed import Recomputed
from streams.auditing.settlement_rules import AuditRules

Check = Callable[[Books, Recomputed], Iterator[str]]


class Checked(NamedTuple):
    """A check, and the topics that it needs."""

    check: Check
    needs: frozenset[str]


IN = frozenset({"impressions", "stream-ends", *LETTERS})
EXPERIMENTS = frozenset({"experiments", "experiment-exposures"})
OUTCOMES = IN | {"outcomes"}
CHECKS = (
    Checked(inputs.inputs_unaccounted, IN),
    Checked(inputs.dead_letters_wrong, IN),
    Checked(settling.exposures_missing, OUTCOMES),
    Checked(settling.settled_twice, OUTCOMES),
    Checked(settling.settled_unexpectedly, OUTCOMES),
    Checked(playing.corrections_broken, OUTCOMES),
    Checked(playing.played_wrong, OUTCOMES),
    Checked(playing.settled_early, OUTCOMES),
    Checked(interaction_checks.interactions_missing, IN | {"interactions"}),
    Checked(interaction_checks.interactions_twice, IN | {"interactions"}),
    Checked(interaction_checks.interactions_unexpected, IN | {"interactions"}),
    Checked(interaction_checks.listener_sums_wrong, IN | {"interactions"}),
    Checked(sums.card_sums_wrong, OUTCOMES | {"card-statistics"}),
    Checked(credit_checks.credits_misshapen, OUTCOMES),
    Checked(credit_checks.credits_not_taken_back, OUTCOMES),
    Checked(credit_checks.totals_out_of_range, OUTCOMES | {"card-statistics"}),
    Checked(credit_checks.totals_wrong, OUTCOMES | {"card-statistics"}),
    Checked(propensity_checks.propensities_not_kept, OUTCOMES),
    Checked(propensity_checks.propensities_not_of_ranking, IN | {"shelf-rankings"}),
    Checked(sums.engagement_sums_wrong, OUTCOMES | {"interactions", "engagement"}),
    Checked(sums.block_sums_wrong, IN | {"interactions", "co-clusters"}),
    Checked(sums.withdrawals_wrong, IN | {"interactions", "co-clusters"}),
    Checked(ranking_checks.ranking_propensities_wrong, IN | {"shelf-rankings", "catalogue"}),
    Checked(ranking_checks.ranking_sources_wrong, IN | {"shelf-rankings"}),
    Checked(ranking_checks.ranking_numbers_wrong, IN | {"shelf-rankings"}),
    Checked(evidence_checks.evidence_broken, frozenset({"policy-evidence"})),
    Checked(evidence_checks.evidence_played_wrong, OUTCOMES | {"policy-evidence"}),
    Checked(evidence_checks.policy_values_wrong, frozenset({"policy-evidence", "policy-values"})),
    Checked(metric_checks.signals_wrong, OUTCOMES | {"metric-signals"}),
    Checked(metric_checks.metric_windows_wrong, frozenset({"metric-signals", "metric-windows"})),
    Checked(metric_checks.experiment_decisions_wrong, frozenset({"metric-signals", "experiment-decisions"})),
    Checked(experiment_checks.experiment_exposures_wrong, IN | EXPERIMENTS),
    Checked(experiment_checks.experiment_exposures_twice, EXPERIMENTS),
    Checked(experiment_checks.experiment_exposures_missing, IN | EXPERIMENTS),
    Checked(experiment_checks.assignments_wrong, OUTCOMES | {"experiments", "shelf-rankings"}),
    Checked(positions.positions_broken, frozenset(STATES)),
    Checked(ranking_checks.forgotten_remembered, IN | {"shelf-rankings"}),
)


def judge(records: Iterable[LogRecord], topics: Iterable[str], rules: AuditRules) -> Audit:
    """Audit these records, topic by topic in the order of `READING_ORDER`; `topics` are those that were read."""
    books = Books()
    for record in records:
        books.take(record)
    books.topics.update(topics)
    return judged(books, rules)


def judged(books: Books, rules: AuditRules) -> Audit:
    """Make every check whose topics were read."""
    recomputed = Recomputed(books, rules)
    found = [_made(checked.check, books, recomputed) for checked in CHECKS if checked.needs <= books.topics]
    settled = sum(map(len, books.settled.values()))
    return Audit(
        holds=not any(finding.count for finding in found),
        impressions=len(books.impressions),
        exposures=len(recomputed.card_of),
        settled=settled,
        open=sum(exposure[0] not in books.forgotten for exposure in recomputed.card_of.keys() - books.settled.keys()),
        corrections=sum(map(len, books.corrected.values())),
        stream_ends=len(books.streams),
        duplicates=books.duplicates,
        interactions=sum(books.interactions.values()),
        rankings=books.rankings.count,
        dead_letters=sum(map(len, books.letters.values())),
        violations={finding.check: finding.count for finding in found},
        findings=tuple(finding for finding in found if finding.count),
    )


def _made(check: Check, books: Books, recomputed: Recomputed) -> Finding:
    cases = check(books, recomputed)
    examples = tuple(islice(cases, recomputed.rules.examples_max))
    count = len(examples) + sum(1 for _ in cases)
    return Finding(check=check.__name__, count=count, examples=examples)
