"""What is wrong, as far as topics tell: the first thing on the home page."""

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from schemas.topics import TOPICS, Role
from streams.console.console_state import ConsoleState
from streams.console.views.experiments_view import open_alarms
from streams.pictures import words

SILENT_MS = 60_000
"""Looks at the broker that are older than this, and inputs that were silent this long, are a trouble."""
RECENT_LETTER_MS = 15 * 60_000
BEHIND_S = 10.0
BEHIND_RECORDS = 1_000
"""A task is behind if more than this, and more than ten seconds of its input, waits for it."""


class Trouble(Struct, frozen=True, kw_only=True):
    """One thing that is wrong: what it is, what to do, and where to look."""

    severity: Literal["bad", "warning"]
    what: str
    remedy: str
    href: str = ""


def troubles(state: ConsoleState, now_ms: int) -> list[Trouble]:
    """All troubles, the bad ones first."""
    found = [*_broker(state, now_ms), *_topics(state), *_lag(state), *_letters(state, now_ms), *_drift(state)]
    found += _experiments(state)
    return sorted(found, key=lambda one: one.severity != "bad")


def _broker(state: ConsoleState, now_ms: int) -> Iterator[Trouble]:
    measured_ms = state.meter.newest_ms
    if measured_ms is None:
        yield Trouble(severity="warning", what="The topics have not been measured yet", remedy="wait a second")
    elif now_ms - measured_ms > SILENT_MS:
        yield Trouble(
            severity="bad",
            what=f"The broker has not answered for {words.seconds((now_ms - measured_ms) / 1_000)}",
            remedy="what is shown is as old as that; check the broker",
        )


def _topics(state: ConsoleState) -> Iterator[Trouble]:
    if state.meter.newest_ms is None:
        return
    missing = [name for name, topic in TOPICS.items() if topic.role is not Role.STATE and not state.meter.exists(name)]
    if missing:
        yield Trouble(
            severity="bad",
            what=f"{len(missing)} topics are missing or may not be seen: {', '.join(missing[:3])}",
            remedy="run `shelfwise topics apply`, and `shelfwise topics acls --program console`",
        )
    elif not state.meter.lag_known:
        yield Trouble(
            severity="warning",
            what="No worker has committed a position yet",
            remedy="start one with `shelfwise worker`; if one runs under another name, give its SHELFWISE_GROUP",
        )


def _lag(state: ConsoleState) -> Iterator[Trouble]:
    for name, topic in TOPICS.items():
        lag, rate = state.meter.lag(name), state.meter.rate(name)
        if lag is not None and lag > max(BEHIND_RECORDS, BEHIND_S * (rate or 0.0)):
            yield Trouble(
                severity="bad",
                what=f"{' and '.join(topic.readers)} behind: {words.count(lag)} records of {name} wait",
                remedy="start more workers, or look into the log of the one that reads it",
            )


def _letters(state: ConsoleState, now_ms: int) -> Iterator[Trouble]:
    recent = {kind: at for kind, at in state.letters.newest_ms.items() if now_ms - at <= RECENT_LETTER_MS}
    for (topic, reason), at_ms in sorted(recent.items()):
        yield Trouble(
            severity="warning",
            what=f"Dead letters of {topic}, {reason}: {words.count(state.letters.counts[topic, reason])}, "
            f"the newest {words.seconds((now_ms - at_ms) / 1_000)} ago",
            remedy="see what they are, mend the sender, then replay them",
            href=f"/dead-letters#{topic}-{reason}",
        )


def _drift(state: ConsoleState) -> Iterator[Trouble]:
    for incident in state.incidents.open():
        if incident.severity != "minor":
            yield Trouble(
                severity="bad" if incident.severity == "severe" else "warning",
                what=f"Drift, {incident.severity}: {incident.quantity} of {incident.label or incident.subjects[0]}",
                remedy="see what changed",
                href=f"/drift#{incident.incident_id}",
            )


def _experiments(state: ConsoleState) -> Iterator[Trouble]:
    for said in open_alarms(state):
        yield Trouble(severity="bad", what=said, remedy="see the experiment", href="/evidence")
    for name, decision in sorted(state.decisions.items()):
        if decision.decision == "split-broken":
            yield Trouble(
                severity="bad",
                what=f"The split of the experiment {name} is broken",
                remedy="believe no figure of it, and look for what keeps a variant from being shown",
                href="/evidence",
            )
