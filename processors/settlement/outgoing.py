"""What settlement says: outcomes by card, interactions and corrections, from what is due to the bytes of records.

Outcomes and interactions travel in columns: a record holds at most `ROWS_MAX` of them, and fewer where their names are
so long that it would come near what a broker takes.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from processors.arrays import FloatArray, Index, IntArray
from processors.compiled import borrowing
from processors.settlement.book import Book
from processors.settlement.due import Due
from processors.settlement.layout import NONE
from processors.settlement.names import names_with_room, new_names, number_texts
from processors.settlement.page import logged_page
from processors.settlement.page_columns import ExposureColumns, PageColumns
from processors.wire.json_bytes import DECIMALS_FEW
from processors.wire.values import Texts, lists, raws, reals, texts, truths, wholes
from processors.wire.writer import Records, Writer
from schemas.codec import encode
from schemas.interactions import Interactions
from schemas.outcomes import COLUMNS, OutcomeCorrected, OutcomesSettled

ROWS_MAX = 1_000
RECORD_BYTES_MAX = 500_000

_OUTCOMES = Writer(OutcomesSettled, raw=("logged[]", "propensity[]", "user_weights[]"))
_WEIGHTS = Writer(OutcomesSettled, root="user_weights[]")
_CORRECTIONS = Writer(OutcomeCorrected)
_INTERACTIONS = Writer(Interactions)
_OUTCOME_LISTS = (*COLUMNS, "page")


def outcome_records(
    book: Book, due: Due, pages: PageColumns, weights: FloatArray, generation: int
) -> list[tuple[int, bytes]]:
    """Records of all due exposures, each with the number of its card, in the order of these.

    Outcomes of a card come in the order in which they became due. `pages` are the columns of the due pages, `weights`
    [p, G] the soft groups of their listeners.
    """
    card, count = due.exposures["card"].astype(np.int64), due.pages["count"]
    order = np.empty(len(card), dtype=np.int64)
    put_in_order(card, np.zeros(int(book.cards.counts[0]) + 1, dtype=np.int64), order)
    page = np.repeat(np.arange(len(due.pages)), count)
    of_page = np.arange(len(card)) - due.pages["exposures"][page]
    exposures = ExposureColumns.of(book.text, due.pages["page"][page], of_page)
    logged = _Logged.of(book, pages)
    page, number = page[order], logged.number[page[order]]
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
        "user_weights[]": raws(_soft_groups(weights), page),
    }
    cards = Texts(book.cards.text, book.cards.rows["start"], book.cards.rows["end"])

    def write(starts: IntArray, ends: IntArray) -> Records:
        local, first, used = logged.by_record(number, starts, ends)
        own = {name: lists(starts, ends) for name in _OUTCOME_LISTS} | {
            "card_id": texts(cards, card[order[starts]]),
            "generation": wholes(np.full(len(starts), generation)),
            "rewards": texts(Texts.of([""]), np.zeros(len(starts), np.int64)),
            "credits": lists(0 * starts, 0 * starts),
            "credits[]": lists(0 * starts, 0 * starts),
            "credits[][]": reals(np.zeros(0), DECIMALS_FEW),
            "page[]": wholes(local),
            "logged": lists(first[:-1], first[1:]),
            "logged[]": raws(logged.texts, used),
        }
        return _OUTCOMES.write(len(starts), {**shared, **own})

    return [(int(card[order[start]]), value) for start, value in _records(card[order], write)]


def interaction_records(book: Book, due: Due, chosen: IntArray, source: str) -> list[bytes]:
    """Records of the chosen due streams, in order; `source` names the partition."""
    streams, cards = due.streams, book.cards
    shared = {
        "event_id[]": texts(Texts(book.text, streams["start"], streams["end"]), chosen),
        "user_id[]": texts(Texts(book.text, streams["user"], streams["user_end"]), chosen),
        "card_id[]": texts(Texts(cards.text, cards.rows["start"], cards.rows["end"]), streams["card"][chosen]),
        "event_ms[]": wholes(streams["event_ms"], chosen),
        "played_ms[]": wholes(streams["played_ms"], chosen),
        "organic[]": truths(streams["page"] == NONE, chosen),
    }
    named = Texts.of([source])

    def write(starts: IntArray, ends: IntArray) -> Records:
        columns = {name.removesuffix("[]"): lists(starts, ends) for name in shared}
        source_of = texts(named, np.zeros(len(starts), dtype=np.int64))
        return _INTERACTIONS.write(len(starts), {**shared, **columns, "source": source_of})

    return [value for _, value in _records(np.zeros(len(chosen), dtype=np.int64), write)]


def correction_records(
    book: Book, due: Due, pages: PageColumns, chosen: IntArray, weights: FloatArray, generation: int
) -> list[bytes]:
    """A record for each of the chosen due streams, in order; `pages` and `weights` [s, G] are those of all due streams.

    Every chosen stream has a page: it is a correction.
    """
    streams, count, groups = due.streams[chosen], len(chosen), weights.shape[1]
    exposures, cards = ExposureColumns.of(book.text, streams["page"], streams["exposure"]), book.cards
    first = groups * np.arange(count + 1)
    columns = {
        "impression_id": texts(_texts(book.text, pages.event_id), chosen),
        "row": wholes(exposures.row),
        "slot": wholes(exposures.slot),
        "user_id": texts(Texts(book.text, streams["user"], streams["user_end"])),
        "card_id": texts(Texts(cards.text, cards.rows["start"], cards.rows["end"]), streams["card"]),
        "stream_event_id": texts(Texts(book.text, streams["start"], streams["end"])),
        "shown_ms": wholes(pages.shown_ms, chosen),
        "corrected_ms": wholes(streams["event_ms"]),
        "previous_ms": wholes(streams["previous_ms"]),
        "played_ms": wholes(streams["total_ms"]),
        "stream_count": wholes(streams["stream_count"]),
        "variant": texts(_texts(book.text, pages.variant), chosen),
        "generation": wholes(np.full(count, generation)),
        "rewards": texts(Texts.of([""]), np.zeros(count, np.int64)),
        "credits": lists(0 * first[1:], 0 * first[1:]),
        "credits[]": reals(np.zeros(0), DECIMALS_FEW),
        "previous_credits": lists(0 * first[1:], 0 * first[1:]),
        "previous_credits[]": reals(np.zeros(0), DECIMALS_FEW),
        "user_weights": lists(first[:-1], first[1:]),
        "user_weights[]": reals(weights[chosen].ravel(), DECIMALS_FEW),
    }
    return _CORRECTIONS.write(count, columns).values()


class _Logged(NamedTuple):
    """What was logged with pages: which of the distinct ones each has [p], and these as JSON."""

    number: IntArray
    texts: Texts

    @classmethod
    def of(cls, book: Book, pages: PageColumns) -> "_Logged":
        spans = pages.logged
        names = names_with_room(new_names(), len(spans), int((spans[:, 1] - spans[:, 0]).sum()))
        number = np.empty(len(spans), dtype=np.int64)
        number_texts(names, book.text, spans, number)
        rows = names.rows[: int(names.counts[0])]
        kept = [names.text[start:end].tobytes() for start, end in zip(rows["start"], rows["end"], strict=True)]
        return cls(number, Texts.of_json(encode(logged_page(one)) for one in kept))

    def by_record(self, number: IntArray, starts: IntArray, ends: IntArray) -> tuple[IntArray, IntArray, IntArray]:
        """Of rows [x] with these numbers: each one's place among the distinct numbers of its record.

        And what those are: of record i `used[first[i]:first[i + 1]]`, in the order in which they are met.
        """
        local, used = np.empty((2, len(number)), dtype=np.int64)
        first = np.zeros(len(starts) + 1, dtype=np.int64)
        place = np.full(len(self.texts.starts), NONE, dtype=np.int64)
        number_by_record(number, starts, ends, place, local, used, first)
        return local, first, used


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
    """Number the distinct `number`s of each record from zero on; `place` is scratch, -1 everywhere."""
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
    """Order rows [x] by their numbers, those of one number as they come; `starts` has a zero for each number, and one.

    A counting sort: an argsort would take ten times as long.
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


def _soft_groups(weights: FloatArray) -> Texts:
    """The soft groups [p, G] of listeners as JSON, once for all exposures of a page."""
    first = weights.shape[1] * np.arange(len(weights) + 1)
    columns = {"user_weights[]": lists(first[:-1], first[1:]), "user_weights[][]": reals(weights.ravel(), DECIMALS_FEW)}
    return _WEIGHTS.write(len(weights), columns).texts()


def _records(key: IntArray, write: Callable[[IntArray, IntArray], Records]) -> list[tuple[int, bytes]]:
    """Records of rows [x], each with its first row; those of one record have one key.

    What comes out too long for a record of more than one row is halved, and written again.
    """
    begins = np.flatnonzero(np.diff(key, prepend=-1)).tolist()
    cuts = [cut for first, last in pairwise([*begins, len(key)]) for cut in range(first, last, ROWS_MAX)]
    starts, ends = np.array([cuts, [*cuts[1:], len(key)][: len(cuts)]], dtype=np.int64)
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
