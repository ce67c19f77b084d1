"""The metrics: signals in the order of their topic, and the newest windows and decisions that follow from them."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from streams.auditing.own_metrics import (
    DecisionRead,
    LoggedRead,
    MetricSignalsRead,
    MetricWindowRead,
    SignalledRead,
    SignalsForgottenRead,
)

NOBODY = "\x00"
PLACES = {"pages": 0, "exposures": 1, "played": 2, "streamed": 3, "played_ms": 4, "exposures_1": 6, "streamed_1": 7,
          "exposures_3": 8, "streamed_3": 9}  # fmt: skip
"""Where a signal stands among those of a row; of discoveries the auditor knows nothing."""


class Cell(NamedTuple):
    """Whose sums: listener, window, what was logged, and group."""

    user_id: str
    window_ms: int
    logged: LoggedRead
    generation: int
    user_group: int


class MetricsBook:
    """Takes signals, windows and decisions; one without content withdraws its key."""

    def __init__(self) -> None:
        self.signals: list[MetricSignalsRead | SignalsForgottenRead] = []
        self.windows: dict[str, MetricWindowRead] = {}
        self.decisions: dict[str, DecisionRead] = {}

    def take(self, topic: str, key: str, message: SignalledRead | MetricWindowRead | DecisionRead | None) -> None:
        """Enter a record."""
        if isinstance(message, MetricWindowRead):
            self.windows[key] = message
        elif isinstance(message, DecisionRead):
            self.decisions[key] = message
        elif message is not None:
            self.signals.append(message)
        else:
            (self.windows if topic == "metric-windows" else self.decisions).pop(key, None)

    def told_of(self) -> dict[tuple[str, str, str, int], list[int]]:
        """Sums of all signals by listener, surface, client's variant and window, under the names that were told."""
        found: dict[tuple[str, str, str, int], list[int]] = {}
        for message in self.signals:
            if isinstance(message, MetricSignalsRead):
                for cell, signals in _rows(message):
                    key = (cell.user_id, cell.logged.surface, cell.logged.variant, cell.window_ms)
                    _add(found, key, signals)
        return found

    def cells(self, count: int) -> dict[Cell, list[int]]:
        """Sums by cell after `count` rows and requests to forget."""
        found: dict[Cell, list[int]] = {}
        of_user: defaultdict[str, set[Cell]] = defaultdict(set)
        left = count
        for message in self.signals:
            if left <= 0:
                break
            if isinstance(message, SignalsForgottenRead):
                left -= 1
                for cell in of_user.pop(message.user_id, ()):
                    _add(found, cell._replace(user_id=NOBODY), found.pop(cell))
                continue
            left -= len(message.user_id)
            for cell, signals in _rows(message):
                of_user[cell.user_id].add(cell)
                _add(found, cell, signals)
        return found


def _rows(message: MetricSignalsRead) -> Iterator[tuple[Cell, list[int]]]:
    columns = zip(message.user_id, message.window_ms, message.page, message.user_group, strict=True)
    for number, (user_id, window_ms, page, group) in enumerate(columns):
        signals = [column[number] for column in message.signals]
        yield Cell(user_id, window_ms, message.logged[page], message.generation, group), signals


def _add(found: dict[Any, list[int]], key: Any, more: list[int]) -> None:
    own = found.setdefault(key, [0] * len(more))
    for place, one in enumerate(more):
        own[place] += one
