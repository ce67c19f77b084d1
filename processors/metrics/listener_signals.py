"""Tells what settled exposures and corrections add to the signals of listeners: the listeners' side of the metrics.

Rows are made of arrays, once per transaction, and not kept: what has been told is not state. A row is about pages of
one listener that were shown in one window and logged alike, so a listener who opens a page tells one row.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from processors.arrays import IntArray
from processors.settlement.book.book import Book
from processors.settlement.book.layout import Records
from processors.settlement.book.names import names_with_room, new_names, number_texts, text_of
from processors.settlement.book.page import logged_page
from processors.settlement.output.due import Due
from processors.settlement.output.page_columns import ExposureColumns, PageColumns
from schemas.metric_signals import SIGNALS, MetricSignals, SignalsForgotten
from schemas.outcomes import LoggedPage

ROWS_MAX = 4_000
"""Rows in one message, of some 60 bytes, and longer names: below what a broker accepts."""
STREAMED_MS = 30_000
_NO_VERSIONS = dict.fromkeys(("policy_version", "reward_version", "model_version"), "unknown")
_PLACE = {name: number for number, name in enumerate(SIGNALS)}


class _Rows(NamedTuple):
    """Told rows, not yet in messages."""

    user_id: list[str]
    window_ms: IntArray
    logged: list[LoggedPage]
    page: IntArray
    user_group: IntArray
    signals: IntArray  # [s, n]
    play_row: IntArray
    play_group: IntArray
    plays: IntArray


class _Owned(NamedTuple):
    """Distinct rows, and the row of each page or correction."""

    first: IntArray  # index of a page or correction of each row
    row: IntArray
    users: list[str]
    logged: list[LoggedPage]
    page: IntArray
    window_ms: IntArray


class Signals:
    """Signals of one partition of listeners; nothing is told if the metrics are off."""

    def __init__(self, *, is_told: bool, window_ms: int) -> None:
        self.is_told = is_told
        self._window_ms = window_ms
        self._told: list[_Rows | SignalsForgotten] = []

    def add_settled(
        self, book: Book, due: Due, pages: PageColumns, exposures: ExposureColumns, user_group: IntArray,
        card_group: IntArray,
    ) -> None:  # fmt: skip
        """Add due pages, with their exposures, the listeners' groups [p] and the groups of the cards [x]."""
        if not self.is_told or not len(due.pages):
            return
        owned = self._owned(book.text, due.pages, pages, user_group)
        count, row = len(owned.first), np.repeat(owned.row, due.pages["count"])
        played_ms, slot = due.exposures["played_ms"], exposures.slot
        streamed = played_ms >= STREAMED_MS
        columns = {
            "exposures": None, "played": played_ms > 0, "streamed": streamed, "played_ms": played_ms,
            "discovered": due.exposures["is_discovery"], "exposures_1": slot < 1, "streamed_1": streamed & (slot < 1),
            "exposures_3": slot < 3, "streamed_3": streamed & (slot < 3),
        }  # fmt: skip
        signals = np.zeros((len(SIGNALS), count), dtype=np.int64)
        some = due.pages["count"] > 0
        signals[_PLACE["pages"]] = np.bincount(owned.row, some, minlength=count)
        for name, column in columns.items():
            signals[_PLACE[name]] = np.rint(np.bincount(row, column, minlength=count))
        played = np.flatnonzero(played_ms > 0)
        self._tell(owned, user_group, signals, row[played], card_group[played])

    def add_corrections(
        self, book: Book, corrected: Records, pages: PageColumns, user_group: IntArray, card_group: IntArray
    ) -> None:
        """Add corrections [n] of settled exposures on these pages [n]: the difference from what was told."""
        if not self.is_told or not len(corrected):
            return
        slot = ExposureColumns.of(book.text, corrected["page"], corrected["exposure"].astype(np.int64)).slot
        owned = self._owned(book.text, corrected, pages, user_group)
        before_ms, now_ms = corrected["previous_ms"], corrected["total_ms"]
        started = (now_ms > 0) & (before_ms == 0)
        reached = (now_ms >= STREAMED_MS) & (before_ms < STREAMED_MS)
        columns = {
            "played": started, "streamed": reached, "played_ms": now_ms - before_ms,
            "streamed_1": reached & (slot < 1), "streamed_3": reached & (slot < 3),
        }  # fmt: skip
        signals = np.zeros((len(SIGNALS), len(owned.first)), dtype=np.int64)
        for name, column in columns.items():
            signals[_PLACE[name]] = np.rint(np.bincount(owned.row, column, minlength=len(owned.first)))
        first = np.flatnonzero(started)
        self._tell(owned, user_group, signals, owned.row[first], card_group[first])

    def forget(self, source: str, user_id: str) -> None:
        """Let the metrics forget a listener, after what has been told of her."""
        if self.is_told:
            self._told.append(SignalsForgotten(source=source, user_id=user_id))

    def hand_over(
        self, source: str, *, settled_until_ms: int, generation: int
    ) -> Iterator[MetricSignals | SignalsForgotten]:
        """What has been added since the last call, in order."""
        told, self._told = self._told, []
        for one in told:
            if isinstance(one, SignalsForgotten):
                yield one
                continue
            for start in range(0, len(one.user_id), ROWS_MAX):
                yield _message(one, start, source, max(0, settled_until_ms), generation)

    def _owned(self, text: IntArray, owners: Records, pages: PageColumns, user_group: IntArray) -> _Owned:
        """The rows of these pages or corrections: of one listener, window, group, and logged alike."""
        user, first_of_user = _numbered(text, np.stack([owners["user"], owners["user_end"]], axis=1))
        raw, first_of_raw = _numbered(text, pages.logged)
        logged, alike = _without_versions(text, pages.logged[first_of_raw])
        page, window = alike[raw], pages.shown_ms // self._window_ms
        oldest = int(window.min())
        code = (user * (int(window.max()) - oldest + 1) + window - oldest) * len(logged) + page
        _, first, row = np.unique(
            code * (int(user_group.max()) + 1) + user_group, return_index=True, return_inverse=True
        )
        spans = owners[first_of_user[user[first]]]
        return _Owned(
            first=first,
            row=row,
            users=[
                text_of(text, *span) for span in zip(spans["user"].tolist(), spans["user_end"].tolist(), strict=True)
            ],
            logged=logged,
            page=page[first],
            window_ms=window[first] * self._window_ms,
        )

    def _tell(self, owned: _Owned, user_group: IntArray, signals: IntArray, row: IntArray, group: IntArray) -> None:
        pairs, plays = np.unique(np.stack([row, group], axis=1), axis=0, return_counts=True)
        self._told.append(
            _Rows(
                user_id=owned.users,
                window_ms=owned.window_ms,
                logged=owned.logged,
                page=owned.page,
                user_group=user_group[owned.first],
                signals=signals,
                play_row=pairs[:, 0],
                play_group=pairs[:, 1],
                plays=plays,
            )
        )


def _message(rows: _Rows, start: int, source: str, settled_until_ms: int, generation: int) -> MetricSignals:
    part = slice(start, start + ROWS_MAX)
    here = (rows.play_row >= start) & (rows.play_row < start + ROWS_MAX)
    return MetricSignals(
        source=source,
        settled_until_ms=settled_until_ms,
        generation=generation,
        logged=tuple(rows.logged),
        user_id=tuple(rows.user_id[part]),
        window_ms=tuple(rows.window_ms[part].tolist()),
        page=tuple(rows.page[part].tolist()),
        user_group=tuple(rows.user_group[part].tolist()),
        signals=tuple(tuple(column) for column in rows.signals[:, part].tolist()),
        play_row=tuple((rows.play_row[here] - start).tolist()),
        play_group=tuple(rows.play_group[here].tolist()),
        plays=tuple(rows.plays[here].tolist()),
    )


def _numbered(text: IntArray, spans: IntArray) -> tuple[IntArray, IntArray]:
    """Numbers [n] of the texts at these spans [n, 2], and the first span of each number."""
    names = names_with_room(new_names(), len(spans), int((spans[:, 1] - spans[:, 0]).sum()))
    numbers = np.empty(len(spans), dtype=np.int64)
    number_texts(names, text, np.ascontiguousarray(spans), numbers)
    _, first = np.unique(numbers, return_index=True)
    return numbers, first


def _without_versions(text: IntArray, spans: IntArray) -> tuple[list[LoggedPage], IntArray]:
    """What was logged at these spans [n, 2], without versions and each once, and the place [n] of each."""
    places: dict[LoggedPage, int] = {}
    raw = text.data
    pages = (logged_page(bytes(raw[start:end])) for start, end in spans.tolist())
    alike = [places.setdefault(replace(page, **_NO_VERSIONS), len(places)) for page in pages]
    return list(places), np.array(alike, dtype=np.int64)
