"""What a listener did lately, and what each exposure became: pending, settled or corrected, with its reward."""

from collections.abc import Iterator
from datetime import UTC, datetime

from msgspec import Struct

from schemas.impressions import Impression
from schemas.outcomes import ExposureKey, OutcomeCorrected, OutcomeSettled
from schemas.stream_ends import StreamPlaying
from streams.console.console_state import ConsoleState
from streams.pictures import words
from streams.pictures.figures import Table


class ListenerHistory(Struct, frozen=True, kw_only=True):
    """The newest streams, and the exposures of the newest pages."""

    streams: Table
    exposures: Table


def listener_history(state: ConsoleState, user_id: str) -> ListenerHistory | None:
    """The history; None if nothing of the listener was read."""
    log = state.listeners
    streams, pages = log.streams(user_id), log.pages(user_id)
    if not streams and not pages:
        return None
    return ListenerHistory(
        streams=Table(
            caption="Newest streams, by event time (UTC)",
            columns=("card", "streamed", "at", "state"),
            rows=tuple(
                (state.title_of(one.card_id), words.seconds(one.played_ms / 1_000), _time(one.event_ms),
                 "still playing" if isinstance(one, StreamPlaying) else "ended")
                for one in streams
            ),
            numeric=False,
        ),
        exposures=Table(
            caption="Cards seen on the newest pages, the newest first; the reward is the one that ranked the page",
            columns=("card", "shown at", "shelf and slot", "state", "streamed", "reward"),
            rows=tuple(row for page in pages for row in _exposures(state, page)),
            numeric=False,
        ),
    )  # fmt: skip


def _exposures(state: ConsoleState, page: Impression) -> Iterator[tuple[str, ...]]:
    for row, shelf in enumerate(page.shelves):
        for slot in shelf.seen:
            outcome = state.listeners.outcome(page.user_id, ExposureKey(page.event_id, row, slot))
            yield (
                state.title_of(shelf.cards[slot]), _time(page.event_ms), f"{shelf.shelf_id}, {slot + 1}",
                *_became(outcome, page.reward_version),
            )  # fmt: skip


def _became(outcome: OutcomeSettled | OutcomeCorrected | None, reward: str) -> tuple[str, str, str]:
    """State, streamed time and reward of an exposure.

    >>> _became(None, "mean")
    ('pending', '–', '–')
    """
    if outcome is None:
        return "pending", words.NOTHING, words.NOTHING
    played = words.seconds(outcome.played_ms / 1_000)
    if isinstance(outcome, OutcomeCorrected):
        state = f"corrected, was {words.seconds(outcome.previous_ms / 1_000)}"
    else:
        state = "settled"
    return state, played if outcome.stream_count else "not streamed", _reward(outcome, reward)


def _reward(outcome: OutcomeSettled | OutcomeCorrected, reward: str) -> str:
    """What it was credited with, over the soft groups of its page; nothing if the reward is not one that is kept."""
    if not outcome.played_ms:
        return "0"
    names, weights = outcome.rewards.split(","), outcome.user_weights
    if reward not in names or len(outcome.credits) != len(names) * len(weights):
        return words.NOTHING
    begin = names.index(reward) * len(weights)
    earned = outcome.credits[begin : begin + len(weights)]
    return f"{sum(one * weight for one, weight in zip(earned, weights, strict=True)):.2f}"


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1_000, UTC).strftime("%d %b %H:%M:%S")
