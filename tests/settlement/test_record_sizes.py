"""What travels in columns stays a record that a broker takes, whatever the names in it, and says what it should."""

import msgspec
import numpy as np
import pytest

from processors.listeners import Listeners
from processors.listeners_settings import ListenersSettings
from processors.settlement.settings import SettlementSettings
from schemas.codec import VALUE_BYTES_MAX, decode_as, encode
from schemas.impressions import Impression
from schemas.interactions import Interactions
from schemas.outcomes import OutcomeCorrected, OutcomesSettled
from tests.builders import impression, stream_end

LONGEST = "\x01" * 250  # six bytes a character in JSON
EVENTS = 1_500


def concluded(prefix: str, horizon_ms: int = 1_800_000) -> list[tuple[type[msgspec.Struct], bytes]]:
    """What a transaction writes of many pages and streams whose names begin like this."""
    settings = ListenersSettings(settlement=SettlementSettings(lateness_ms=0, horizon_ms=horizon_ms))
    core = Listeners(settings, source="listeners/0")
    named = {name: f"{prefix}{name[0]}" for name in ("surface", "variant", "policy_version", "reward_version")}
    pages = [
        msgspec.structs.replace(
            impression(event_id=f"{prefix}{n}", user_id=f"{prefix}u{n}", event_ms=n, cards=(f"{prefix}c",)),
            model_version=f"{prefix}{n}",
            **named,
        )
        for n in range(EVENTS)
    ]
    ends = [
        stream_end(
            event_id=f"{prefix}{n}", user_id=f"{prefix}u{n}", card_id=f"{prefix}c", started_ms=n, event_ms=n + 60_000
        )
        for n in range(EVENTS)
    ]
    later: list[Impression] = [impression(event_id="later", user_id="later", event_ms=10**8)]
    core.impressions(list(enumerate([*pages, *later])))
    core.stream_ends(
        list(enumerate([*ends, stream_end(event_id="later", user_id="later", started_ms=10**8, event_ms=10**8)]))
    )
    return [(one.kind, one.value) for one in core.conclude().written]


@pytest.mark.parametrize(("prefix", "records_min"), [("", 2), (LONGEST, 12)])
@pytest.mark.parametrize("kind", [OutcomesSettled, Interactions])
def test_records_fit_and_nothing_is_missing(kind: type[msgspec.Struct], prefix: str, records_min: int) -> None:
    values = [value for each, value in concluded(prefix) if each is kind]
    assert max(map(len, values)) < VALUE_BYTES_MAX
    messages = [decode_as(kind, value) for value in values]
    names = [name for message in messages for name in getattr(message, "user_id")]  # noqa: B009  of either
    assert {name for name in names if name != "later"} == {f"{prefix}u{n}" for n in range(EVENTS)}
    assert len(messages) >= records_min


@pytest.mark.parametrize("horizon_ms", [1_800_000, 1_000])
def test_what_is_written_is_what_would_be_encoded(horizon_ms: int) -> None:
    for kind, value in concluded('\u00e9\\"', horizon_ms):
        message = decode_as(kind, value)
        assert msgspec.json.decode(value) == msgspec.json.decode(encode(message))
        assert list(msgspec.json.decode(value)) == list(msgspec.json.decode(encode(message)))


@pytest.mark.parametrize("prefix", ["x", LONGEST])
def test_streams_that_outlast_the_horizon_are_corrections(prefix: str) -> None:
    values = [value for kind, value in concluded(prefix, horizon_ms=1_000) if kind is OutcomeCorrected]
    corrected = [decode_as(OutcomeCorrected, value) for value in values]
    assert [one.impression_id for one in corrected] == [f"{prefix}{n}" for n in range(EVENTS)]
    for n, one in enumerate(corrected):
        assert (one.user_id, one.stream_event_id) == (f"{prefix}u{n}", f"{prefix}{n}")
        assert (one.card_id, one.variant) == (f"{prefix}c", f"{prefix}v")
        assert (one.row, one.slot, one.stream_count) == (0, 0, 1)
        assert (one.shown_ms, one.corrected_ms, one.previous_ms, one.played_ms) == (n, n + 60_000, 0, 60_000)


def test_outcomes_say_what_was_logged_with_each_page() -> None:
    messages = [decode_as(OutcomesSettled, value) for kind, value in concluded("x") if kind is OutcomesSettled]
    for outcome in (one for message in messages for one in message.outcomes() if one.user_id != "later"):
        number = outcome.impression_id[1:]
        assert (outcome.user_id, outcome.logged.model_version, outcome.logged.surface) == (
            f"xu{number}",
            f"x{number}",
            "xs",
        )
        assert np.isclose(sum(outcome.user_weights), 1.0)
        assert outcome.played_ms == 60_000
