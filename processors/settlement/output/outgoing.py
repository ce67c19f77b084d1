"""Writes the records of settlement: outcomes by card, interactions and corrections.

Outcomes and interactions are columnar records of at most `ROWS_MAX` rows, and of fewer if long names would make a
record exceed the size that a broker accepts.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from processors.arrays import BoolArray, FloatArray, Index, IntArray
from processors.compiled import borrowing
from processors.settlement.book.book import Book
from processors.settlement.book.layout import NO_TEXT, NONE
from processors.settlement.book.names import names_with_room, new_names, number_texts
from processors.settlement.book.page import logged_page
from processors.settlement.output.due import Due
from processors.settlement.output.page_columns import ExposureColumns, PageColumns
from processors.settlement.output.page_groups import PageGroups
from processors.wire.column_writer import Records, Writer
from processors.wire.impressions import ORDER
from processors.wire.json_bytes import DECIMALS_FEW
from processors.wire.values import Texts, lists, raws, reals, texts, truths, wholes
from schemas.codec import encode
from schemas.interactions import Interactions
from schemas.outcomes import EVERY_COLUMN, LoggedPage, OutcomeCorrected, OutcomesSettled

ROWS_MAX = 1_000
RECORD_BYTES_MAX = 500_000

_OUTCOMES = Writer(
    OutcomesSettled, raw=("logged[]", "propensity[]", "user_weights[]", *(f"{name}[]" for name in ORDER))
)
_WEIGHTS = Writer(OutcomesSettled, root="user_weights[]")
_CORRECTIONS = Writer(OutcomeCorrected, raw=("propensity", "row_propensity"))
_INTERACTIONS = Writer(Interactions)
_OUTCOME_LISTS = (*EVERY_COLUMN, "page")


class Earned(NamedTuple):
    """Credits of n exposures: exposure i has `credits[offsets[i]:offsets[i + 1]]`, for these rewards."""

    rewards: str  # names, comma-separated
    offsets: IntArray
    credits: FloatArray


def due_exposures(book: Book, due: Due) -> ExposureColumns:
    """The due exposures as they were shown."""
    page = np.repeat(np.arange(len(due.pages)), due.pages["count"])
    of_page = np.arange(len(page)) - due.pages["exposures"][page]
    return ExposureColumns.of(book.text, due.pages["page"][page], of_page)


def outcome_records(
    book: Book, due: Due, pages: PageColumns, exposures: ExposureColumns, groups: PageGroups, earned: Earned
) -> list[tuple[int, bytes]]:
    """Records of all due exposures by card, each with the number of its card, in the order of these numbers.

    Outcomes of a card are in the order in which they became due; those of one record share a generation. `pages` and
    `groups` belong to the due pages, `exposures` to the due exposures, `earned` to those of them with a stream.
    """
    card, count = due.exposures["card"].astype(np.int64), due.pages["count"]
    order = np.empty(len(card), dtype=np.int64)
    put_in_order(card, np.zeros(int(book.cards.counts[0]) + 1, dtype=np.int64), order)
    page = np.repeat(np.arange(len(due.pages)), count)
    logged, is_streamed = _Logged.of(book, pages), due.exposures["played_ms"] > 0
    page, card = page[order], card[order]
    streamed: IntArray = np.cumsum(is_streamed[order], dtype=np.int64)
    number, generation, earner = logged.number[page], groups.generation[page], np.cumsum(is_streamed) - 1
    shared = {
        "impression_id[]": texts(_texts(book.text, pages.event_id), page),
        "row[]": wholes(exposures.row, order),
        "slot[]": wholes(exposures.slot, order),
        "shelf_id[]": texts(_texts(book.text, exposures.shelf_id), order),
        "user_id[]": texts(Texts(book.text, due.pages["user"], due.pages["user_end"]), page),
        "shown_ms[]": wholes(due.pages["shown_ms"], page),
        "settled_ms[]": wholes(due.pages["settled_ms"], page),
        "played_ms[]": wholes(due.exposures["played_ms"], order),
        "stream_count[]": wholes(due.exposures["streams"], order),
        "propensity[]": raws(_texts(book.text, exposures.propensity), order),
        **{f"{name}[]": raws(_texts(book.text, exposures.of_order(name)), order) for name in ORDER},
        "user_weights[]": raws(_soft_groups(groups), page),
        "credits[]": lists(earned.offsets[:-1], earned.offsets[1:], earner[order[is_streamed[order]]]),
        "credits[][]": reals(earned.credits, DECIMALS_FEW),
    }

    def write(starts: IntArray, ends: IntArray) -> Records:
        local, first, used = logged.by_record(number, starts, ends)
        own = {name: lists(starts, ends) for name in _OUTCOME_LISTS} | {
            "card_id": texts(_cards(book), card[starts]),
            "generation": wholes(generation[starts]),
            "rewards": texts(Texts.of([earned.rewards]), np.zeros(len(starts), dtype=np.int64)),
            "credits": lists(_until(streamed, starts), _until(streamed, ends)),
            "page[]": wholes(local),
            "logged": lists(first[:-1], first[1:]),
            "logged[]": raws(logged.texts, used),
        }
        return _OUTCOMES.write(len(starts), {**shared, **own})

    is_other = (np.diff(card, prepend=-1) != 0) | (np.diff(generation, prepend=-1) != 0)
    return [(int(card[start]), value) for start, value in _records(is_other, write)]


def interaction_records(book: Book, due: Due, chosen: IntArray, source: str) -> list[bytes]:
    """Records of the chosen due streams, in order; `source` identifies the partition."""
    streams = due.streams
    shared = {
        "event_id[]": texts(Texts(book.text, streams["start"], streams["end"]), chosen),
        "user_id[]": texts(Texts(book.text, streams["user"], streams["user_end"]), chosen),
        "card_id[]": texts(_cards(book), streams["card"][chosen]),
        "event_ms[]": wholes(streams["event_ms"], chosen),
        "played_ms[]": wholes(streams["played_ms"], chosen),
        "organic[]": truths(streams["page"] == NO_TEXT, chosen),
    }
    named = Texts.of([source])

    def write(starts: IntArray, ends: IntArray) -> Records:
        columns = {name.removesuffix("[]"): lists(starts, ends) for name in shared}
        source_of = texts(named, np.zeros(len(starts), dtype=np.int64))
        return _INTERACTIONS.write(len(starts), {**shared, **columns, "source": source_of})

    return [value for _, value in _records(np.arange(len(chosen)) == 0, write)]


def correction_records(
    book: Book, due: Due, pages: PageColumns, groups: PageGroups, chosen: IntArray, earned: Earned, before: FloatArray
) -> list[bytes]:
    """One record for each of the chosen [c] due streams, in order; all of them must be corrections.

    `pages` belong to all due streams, `groups` to the chosen ones; `earned` are the new credits of their exposures, and
    `before` the previous ones.
    """
    streams, count = due.streams[chosen], len(chosen)
    exposures = ExposureColumns.of(book.text, streams["page"], streams["exposure"])
    earners = lists(earned.offsets[:-1], earned.offsets[1:])
    alike, logged = _distinct_logged(book, pages.logged[chosen])
    columns = {
        "impression_id": texts(_texts(book.text, pages.event_id), chosen),
        "row": wholes(exposures.row),
        "slot": wholes(exposures.slot),
        "user_id": texts(Texts(book.text, streams["user"], streams["user_end"])),
        "card_id": texts(_cards(book), streams["card"]),
        "stream_event_id": texts(Texts(book.text, streams["start"], streams["end"])),
        "shown_ms": wholes(pages.shown_ms, chosen),
        "corrected_ms": wholes(streams["event_ms"]),
        "previous_ms": wholes(streams["previous_ms"]),
        "played_ms": wholes(streams["total_ms"]),
        "stream_count": wholes(streams["stream_count"]),
        "variant": texts(_texts(book.text, pages.variant), chosen),
        "generation": wholes(groups.generation),
        "user_weights": lists(groups.offsets[:-1], groups.offsets[1:]),
        "user_weights[]": reals(groups.weights, DECIMALS_FEW),
        "rewards": texts(Texts.of([earned.rewards]), np.zeros(count, dtype=np.int64)),
        "credits": earners,
        "credits[]": reals(earned.credits, DECIMALS_FEW),
        "previous_credits": earners,
        "previous_credits[]": reals(before, DECIMALS_FEW),
        "propensity": raws(_texts(book.text, exposures.propensity)),
        "row_propensity": raws(_texts(book.text, exposures.of_order("row_propensity"))),
        "assignments": texts(Texts.of([page.assignments for page in logged]), alike),
    }
    return _CORRECTIONS.write(count, columns).values()


class _Logged(NamedTuple):
    """What was logged with pages: the distinct values as JSON, and the index of the value of each page [p]."""

    number: IntArray
    texts: Texts

    @classmethod
    def of(cls, book: Book, pages: PageColumns) -> "_Logged":
        number, distinct = _distinct_logged(book, pages.logged)
        return cls(number, Texts.of_json(encode(page) for page in distinct))

    def by_record(self, number: IntArray, starts: IntArray, ends: IntArray) -> tuple[IntArray, IntArray, IntArray]:
        """For rows [x] with these numbers: the index of each row's number among the distinct ones of its record.

        Also returns these: record i has `used[first[i]:first[i + 1]]`, in order of first appearance.
        """
        local, used = np.empty((2, len(number)), dtype=np.int64)
        first = np.zeros(len(starts) + 1, dtype=np.int64)
        place = np.full(len(self.texts.starts), NONE, dtype=np.int64)
        number_by_record(number, starts, ends, place, local, used, first)
        return local, first, used


def _distinct_logged(book: Book, spans: IntArray) -> tuple[IntArray, list[LoggedPage]]:
    """What was logged with pages, from spans [p, 2] of its texts: the number of each, and the distinct ones."""
    names = names_with_room(new_names(), len(spans), int((spans[:, 1] - spans[:, 0]).sum()))
    number = np.empty(len(spans), dtype=np.int64)
    number_texts(names, book.text, np.ascontiguousarray(spans), number)
    rows = names.rows[: int(names.counts[0])]
    kept = [names.text[start:end].tobytes() for start, end in zip(rows["start"], rows["end"], strict=True)]
    return number, [logged_page(one) for one in kept]


@borrowing
def number_by_record(
    number: IntArray,
    starts: IntArray,
    ends: IntArray,
    place: IntArray,
    local: IntArray,
    used: IntArray,
    first: IntArray,
) -> None:
    """Number the distinct values of `number` in each record from zero; `place` is scratch space, -1 throughout."""
    count: Index = 0
    for record in range(len(starts)):
        begin = count
        for row in range(starts[record], ends[record]):
            if place[number[row]] == NONE:
                place[number[row]] = count - begin
                used[count] = number[row]
                count += 1
            local[row] = place[number[row]]
        for one in range(begin, count):
            place[used[one]] = NONE
        first[record + 1] = count


@borrowing
def put_in_order(number: IntArray, starts: IntArray, order: IntArray) -> None:
    """Sort rows [x] by number, stably; `starts` has a zero for each number, plus one.

    A counting sort: argsort takes ten times as long.
    """
    for row in range(len(number)):
        starts[number[row] + 1] += 1
    for one in range(len(starts) - 1):
        starts[one + 1] += starts[one]
    for row in range(len(number)):
        order[starts[number[row]]] = row
        starts[number[row]] += 1


def _texts(text: IntArray, spans: IntArray) -> Texts:
    return Texts(text, spans[:, 0], spans[:, 1])


def _cards(book: Book) -> Texts:
    return Texts(book.cards.text, book.cards.rows["start"], book.cards.rows["end"])


def _until(counts: IntArray, places: IntArray) -> IntArray:
    """Sums before each of these places, from running counts."""
    return np.where(places > 0, counts[places - 1], 0) if len(counts) else places


def _soft_groups(groups: PageGroups) -> Texts:
    """The soft groups of pages as JSON, once for all exposures of a page."""
    columns = {
        "user_weights[]": lists(groups.offsets[:-1], groups.offsets[1:]),
        "user_weights[][]": reals(groups.weights, DECIMALS_FEW),
    }
    return _WEIGHTS.write(len(groups.generation), columns).texts()


def _records(is_other: BoolArray, write: Callable[[IntArray, IntArray], Records]) -> list[tuple[int, bytes]]:
    """Records of rows [x], each with its first row; a row begins a new record where `is_other` is true.

    A record that is too long is halved and written again, unless it has a single row.
    """
    limits = [*np.flatnonzero(is_other).tolist(), len(is_other)]
    cuts = [cut for first, last in pairwise(limits) for cut in range(first, last, ROWS_MAX)]
    starts, ends = np.array([cuts, [*cuts[1:], len(is_other)][: len(cuts)]], dtype=np.int64)
    written: list[tuple[int, bytes]] = []
    while True:
        records = write(starts, ends)
        is_long = (np.diff(records.ends, prepend=0) > RECORD_BYTES_MAX) & (ends - starts > 1)
        values = zip(starts.tolist(), records.values(), is_long.tolist(), strict=True)
        written += [(start, value) for start, value, halved in values if not halved]
        starts, ends = starts[is_long], ends[is_long]
        if not len(starts):
            return sorted(written)
        middle = (starts + ends) // 2
        starts, ends = np.concatenate((starts, middle)), np.concatenate((middle, ends))
