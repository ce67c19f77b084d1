"""The auditor's own sums of credits: green on what cards make of them, red on every planted fault, under its name."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.cards import Cards
from schemas.learning import CardStatistics, CoClusters
from schemas.outcomes import Outcome, OutcomeCorrected, OutcomesSettled
from streams.audit_rules import audit_rules
from streams.auditing.books import READING_ORDER
from streams.auditing.findings import Audit
from streams.auditing.judging import judge
from streams.auditing.reading import LogRecord
from streams.settings import Settings
from streams.tasks.routing import produced
from tests.bandit.credited_histories import HOUR_MS, KNOWN, STEPS, Step, Story, story_of, tell

CREDIT_CHECKS = ("credits_misshapen", "credits_not_taken_back", "totals_out_of_range", "totals_wrong")
PLAIN = [Step("settle", which, which) for which in range(8)] + [Step("correct", which, which) for which in (1, 2, 3, 3)]
"""Steps of one generation: exposures of three cards, some corrected, one of them twice."""

Messages = list[Outcome | CardStatistics]


def left_by(story: Story, core: Cards) -> Messages:
    """What such a history leaves in the topics once cards have counted it."""
    tell(core, story.steps)
    return [*(step for step in story.steps if not isinstance(step, CoClusters)), *core.statistics()]


def plain() -> Messages:
    return left_by(story_of(PLAIN, 2), Cards(KNOWN))


def audited(messages: Messages) -> dict[str, int]:
    """Violations of the checks of credits; there are no inputs, so others fail."""
    return {name: _judged(messages).violations[name] for name in CREDIT_CHECKS}


def _judged(messages: Messages) -> Audit:
    routed = [produced(message) for message in messages]
    records = [LogRecord(one.topic, 0, number, one.key, one.value) for number, one in enumerate(routed)]
    return judge(records, READING_ORDER, audit_rules(Settings()))


@settings(max_examples=80)
@given(STEPS, st.integers(1, 3), st.sampled_from([0, 24 * HOUR_MS]))
def test_what_cards_count_holds(steps: list[Step], groups: int, half_life_ms: int) -> None:
    messages = left_by(story_of(steps, groups), Cards(KNOWN, half_life_ms=half_life_ms))
    assert audited(messages) == dict.fromkeys(CREDIT_CHECKS, 0), _judged(messages).findings


def first(messages: Messages, kind: type, fits: Callable[[Any], bool]) -> int:
    return next(at for at, one in enumerate(messages) if isinstance(one, kind) and fits(one))


def changed(kind: type, fits: Callable[[Any], bool], change: Callable[[Any], dict[str, Any]]) -> Messages:
    """The plain history with the first message of a kind changed that fits."""
    messages = plain()
    at = first(messages, kind, fits)
    messages[at] = msgspec.structs.replace(messages[at], **change(messages[at]))
    return messages


def with_total(reward: str, change: Callable[[CardStatistics], tuple[float, ...]]) -> Messages:
    def changes(told: CardStatistics) -> dict[str, Any]:
        sums = msgspec.structs.replace(told.rewards[reward], total=change(told), squares=())
        return {"rewards": {**told.rewards, reward: sums}}

    return changed(CardStatistics, lambda told: told.rewards[reward].total[0] > 0.1, changes)


def a_little_less(told: CardStatistics) -> tuple[float, ...]:
    most, *others = told.rewards["mean"].total
    return (most - 0.01, *others)


def counted_without_taking_back() -> Messages:
    """Cards count corrections as if nothing had been credited before."""
    story = story_of(PLAIN, 2)

    def careless(step: Outcome | CoClusters) -> Outcome | CoClusters:
        if isinstance(step, OutcomeCorrected):
            return msgspec.structs.replace(step, previous_credits=(0.0,) * len(step.credits))
        return step

    core = Cards(KNOWN)
    tell(core, [careless(step) for step in story.steps])
    return [*(step for step in story.steps if not isinstance(step, CoClusters)), *core.statistics()]


def is_streamed(settled: OutcomesSettled) -> bool:
    return bool(settled.credits)


def takes_back(correction: OutcomeCorrected) -> bool:
    return any(correction.previous_credits)


PLANTED: dict[str, tuple[str, Callable[[], Messages]]] = {
    "an outcome has a credit less": (
        "credits_misshapen",
        lambda: changed(OutcomesSettled, is_streamed, lambda a: {"credits": (a.credits[0][1:], *a.credits[1:])}),
    ),
    "an outcome has credits of a stream that was none": (
        "credits_misshapen",
        lambda: changed(OutcomesSettled, is_streamed, lambda a: {"credits": (*a.credits, a.credits[0])}),
    ),
    "credits are of nothing that is named": (
        "credits_misshapen",
        lambda: changed(OutcomesSettled, is_streamed, lambda a: {"rewards": ""}),
    ),
    "a credit is more than one": (
        "credits_misshapen",
        lambda: changed(OutcomeCorrected, lambda _: True, lambda a: {"credits": (1.5, *a.credits[1:])}),
    ),
    "a correction takes back less than was credited": (
        "credits_not_taken_back",
        lambda: changed(OutcomeCorrected, takes_back, lambda a: {"previous_credits": (0.0,) * len(a.credits)}),
    ),
    "a correction takes back what was not credited": (
        "credits_not_taken_back",
        lambda: changed(
            OutcomeCorrected, lambda a: not takes_back(a), lambda a: {"previous_credits": (1.0,) * len(a.credits)}
        ),
    ),
    "a correction is by the groups of another page": (
        "credits_not_taken_back",
        lambda: changed(OutcomeCorrected, lambda _: True, lambda a: {"user_weights": a.user_weights[::-1]}),
    ),
    "a correction is of another generation": (
        "credits_not_taken_back",
        lambda: changed(OutcomeCorrected, lambda _: True, lambda a: {"generation": a.generation + 1}),
    ),
    "a card has more successes than exposures": (
        "totals_out_of_range",
        lambda: with_total("static", lambda told: tuple(one + 0.01 for one in told.exposures)),
    ),
    "a card has fewer successes than none": (
        "totals_out_of_range",
        lambda: with_total("mean", lambda told: (-0.01, *told.rewards["mean"].total[1:])),
    ),
    "a card's reward is a little less": (
        "totals_wrong",
        lambda: with_total(
            "mean", lambda told: (told.rewards["mean"].total[0] - 0.01, *told.rewards["mean"].total[1:])
        ),
    ),
    "a card's reward is another group's": (
        "totals_wrong",
        lambda: with_total("mean", lambda told: told.rewards["mean"].total[::-1]),
    ),
    "a card's exposures are another group's": (
        "totals_wrong",
        lambda: changed(CardStatistics, lambda _: True, lambda told: {"exposures": told.exposures[::-1]}),
    ),
    "cards do not take back what was credited": ("totals_wrong", counted_without_taking_back),
}


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_fault_is_found(what: str) -> None:
    check, messages = PLANTED[what]
    assert audited(plain()) == dict.fromkeys(CREDIT_CHECKS, 0)
    found = _judged(messages())
    assert found.violations[check] >= 1, found.findings
    (finding,) = [finding for finding in found.findings if finding.check == check]
    assert finding.examples


def test_outcomes_that_tell_no_credits_are_not_compared() -> None:
    """As older versions wrote them: recomputed by cards, so that nothing of it is known to the auditor."""
    messages = counted_without_taking_back()
    bare = [
        msgspec.structs.replace(one, rewards="", credits=(), **extra)
        for one in messages
        if not isinstance(one, CardStatistics)
        for extra in [{"previous_credits": ()} if isinstance(one, OutcomeCorrected) else {}]
    ]
    told = [one for one in messages if isinstance(one, CardStatistics)]
    assert audited([*bare, *told])["totals_wrong"] == 0
    assert audited([*bare, *told])["credits_not_taken_back"] == 0
