"""Signals are what outcomes say, windows are the sums of signals, and decisions claim no more than their intervals."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from streams.auditing.books import Books
from streams.auditing.metrics_book import NOBODY, PLACES, Cell
from streams.auditing.own_metrics import MetricWindowRead
from streams.auditing.recomputed import Recomputed

RELATIVE, ABSOLUTE = 1e-6, 1e-9
STREAMED_MS = 30_000
RATIOS = {"stream-rate": ("streamed", "exposures"), "precision@1": ("streamed_1", "exposures_1"),
          "precision@3": ("streamed_3", "exposures_3"), "recall@1": ("streamed_1", "streamed"),
          "recall@3": ("streamed_3", "streamed")}  # fmt: skip
Key = tuple[str, str, str, int]


def signals_wrong(books: Books, recomputed: Recomputed) -> Iterator[str]:
    """Sums of a listener in a window that are not those of her outcomes; metrics must be on from the beginning."""
    window_ms = recomputed.rules.metrics_window_ms
    if not window_ms:
        return
    expected = _by_outcomes(books, window_ms)
    told = books.metrics.told_of()
    for key in sorted(expected.keys() | told.keys()):
        own: Mapping[str, int] = expected.get(key, {})
        its = told.get(key, [0] * (max(PLACES.values()) + 1))
        for name, place in PLACES.items():
            if its[place] != own.get(name, 0):
                yield f"{key}: {name} is {its[place]}, not {own.get(name, 0)}"


def _by_outcomes(books: Books, window_ms: int) -> dict[Key, defaultdict[str, int]]:
    found: dict[Key, defaultdict[str, int]] = {}
    pages: set[tuple[str, str]] = set()
    for (user_id, impression_id, row, slot), settled in books.settled.items():
        page = books.impressions.get((user_id, impression_id))
        if page is None:
            continue  # settled unexpectedly: another check says so
        last = max([*settled, *books.corrected.get((user_id, impression_id, row, slot), ())], key=lambda one: one.step)
        own = found.setdefault(
            (user_id, page.surface, page.variant, page.event_ms // window_ms * window_ms), defaultdict(int)
        )
        is_streamed = last.played_ms >= STREAMED_MS
        own["pages"] += (user_id, impression_id) not in pages
        pages.add((user_id, impression_id))
        for name, counts in (("exposures", True), ("exposures_1", slot < 1), ("exposures_3", slot < 3)):
            own[name] += len(settled) * counts
        for name, counts in (("streamed", True), ("streamed_1", slot < 1), ("streamed_3", slot < 3)):
            own[name] += is_streamed and counts
        own["played"] += last.played_ms > 0
        own["played_ms"] += last.played_ms
    return found


def metric_windows_wrong(books: Books, recomputed: Recomputed) -> Iterator[str]:
    """Windows whose sums, listeners or rates do not follow from the signals that they count, or that are missing."""
    windows = books.metrics.windows
    count = max((window.signal_count for window in windows.values()), default=0)
    cells = books.metrics.cells(count)
    newest_ms = max((cell.window_ms for cell in cells), default=0)
    floor_ms = newest_ms + recomputed.rules.metrics_window_ms - recomputed.rules.metrics_history_ms
    told_of: set[tuple[str, int]] = set()
    for key, window in sorted(windows.items()):
        if window.window_ms < floor_ms:
            continue
        own: dict[str, list[int]] = {}
        for cell, signals in cells.items():
            if _is_in(window, cell):
                known = own.setdefault(cell.user_id, [0] * len(signals))
                own[cell.user_id] = [one + more for one, more in zip(known, signals, strict=True)]
        yield from (f"{key}: {problem}" for problem in _problems(window, list(own.values())))
        if (window.variant, window.experiment, window.user_group, window.kind) == ("all", "", -1, "window"):
            told_of.add((window.surface, window.window_ms))
    for place in sorted(
        {(cell.logged.surface, cell.window_ms) for cell in cells if cell.window_ms >= floor_ms} - told_of
    ):
        yield f"{place}: no window is told"


def _is_in(window: MetricWindowRead, cell: Cell) -> bool:
    logged = cell.logged
    if logged.surface != window.surface or not 0 <= cell.window_ms - window.window_ms < window.window_length_ms:
        return False
    if window.user_group >= 0 and (cell.generation, cell.user_group) != (window.generation, window.user_group):
        return False
    if window.experiment:
        return f"{window.experiment}/{window.variant}" in logged.assignments.split(" ")
    return window.variant in {"all", _in_metrics(logged.variant)}


def _in_metrics(variant: str) -> str:
    is_ours = variant.lstrip("~") in {"all", "organic"} and len(variant) < 256
    return f"~{variant}" if is_ours else variant


def _problems(window: MetricWindowRead, listeners: Sequence[Sequence[int]]) -> Iterator[str]:
    sums = [sum(column) for column in zip(*listeners, strict=True)]
    if sums != window.sums:
        yield f"sums are {window.sums}, not {sums}"
    if len(listeners) != window.listeners:
        yield f"{window.listeners} listeners, not {len(listeners)}"
    for metric in window.metrics:
        if metric.metric not in RATIOS:
            continue
        top, bottom = (PLACES[name] for name in RATIOS[metric.metric])
        total = sum(own[bottom] for own in listeners)
        if (metric.value is None) != (total <= 0):
            yield f"{metric.metric} is told without anything to divide by, or not told"
        elif metric.value is not None:
            ratio = sum(own[top] for own in listeners) / total
            if not math.isclose(metric.value, ratio, rel_tol=RELATIVE, abs_tol=ABSOLUTE):
                yield f"{metric.metric} is {metric.value:.9g}, not {ratio:.9g}"
            count = len(listeners)
            squares = sum((own[top] - ratio * own[bottom]) ** 2 for own in listeners)
            error = math.sqrt(squares * count / max(count - 1, 1)) / total
            if metric.standard_error is not None and not math.isclose(
                metric.standard_error, error, rel_tol=RELATIVE, abs_tol=ABSOLUTE
            ):
                yield f"{metric.metric} has the error {metric.standard_error:.9g}, not {error:.9g}"


def experiment_decisions_wrong(books: Books, _: Recomputed) -> Iterator[str]:
    """Decisions that count other listeners than were exposed, or that ship what is not known to differ."""
    for name, decision in sorted(books.metrics.decisions.items()):
        counted = sum(decision.listeners.values())
        exposed = {
            cell.user_id
            for cell in books.metrics.cells(decision.signal_count)
            if cell.user_id != NOBODY
            and any(
                pair == f"{name}/{variant}"
                for pair in cell.logged.assignments.split(" ")
                for variant in decision.listeners
            )
        }
        if counted > len(exposed):
            yield f"{name}: {counted} listeners, and {len(exposed)} were exposed"
        goals = [one for one in decision.differences if one.role == "goal" and one.variant == decision.winner]
        is_sure = any((one.low or 0.0) > 0.0 or (one.high or 0.0) < 0.0 for one in goals)
        if decision.decision == "ship" and not is_sure:
            yield f"{name}: ships {decision.winner}, whose interval does not exclude zero"
