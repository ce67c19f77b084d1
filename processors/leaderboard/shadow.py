"""Shadow: weighs the pages of sampled listeners when they are shown, and tells what they earned when they settle.

A page is weighed at the end of the batch in which it arrived, with the plays that had ended when it was shown and
what had been learned by then. Its own streams have no part in it: statistics learn from outcomes, which come a horizon
later. Until it settles, a late play weighs it anew, as it does its soft group (`settlement.page_groups`), so weights do
not depend on how events were cut into batches. They are state, so that a restart, other settings or later learning do
not change them; like a ranking, they depend on which broadcast state had been read.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from processors.arrays import BoolArray, FloatArray, IntArray
from processors.leaderboard.candidate import Candidate, candidates_of
from processors.leaderboard.leaderboard_settings import LeaderboardSettings
from processors.leaderboard.shadow_pages import PageKey, ShadowPage, ShadowPages
from processors.leaderboard.shadow_ranking import SeenCards, ShadowRanking, Viewers
from processors.leaderboard.telling_pages import ToldPage, pages_weighed
from processors.policies.keyed_draws import KeyArray, mixed, uniforms
from processors.ranking.learned import Learned
from processors.ranking.play_columns import PlayColumns
from processors.ranking.ranking_settings import RankingSettings
from processors.settlement.book.book import Book
from processors.settlement.book.page import logged_page
from processors.settlement.output.due import Due
from processors.settlement.output.page_columns import ExposureColumns, PageColumns
from processors.wire.name_index import name_of
from schemas.policy_evidence import WEIGHT_MAX, WEIGHT_UNITS, PagesWeighed

_SAMPLE, _ADMISSION = 0x5AD0, 0x5AD1


class Shadow:
    """Candidates in the shadow of one partition of listeners."""

    def __init__(
        self, settings: LeaderboardSettings, ranking: RankingSettings, rewards: tuple[str, ...], learned: Learned
    ) -> None:
        self.rank_by(candidates_of(settings, ranking, rewards))
        self.pages = ShadowPages(settings.pages_max)
        self.counters: Counter[str] = Counter()
        self._learned = learned
        self._seed, self._share = ranking.seed, settings.share
        self._told: list[ToldPage] = []

    def rank_by(self, candidates: Sequence[Candidate]) -> None:
        """Weigh pages for these candidates from now on; all of them rank the surface of the first."""
        self.names = tuple(one.name for one in candidates)
        self.ranking = ShadowRanking(candidates)
        self._surface = candidates[0].ranking.surface

    def is_sampled(self, hashes: KeyArray) -> BoolArray:
        """Whether listeners with these hashes are in the sample: a keyed hash, the same in every process."""
        return np.asarray(uniforms(mixed(mixed(hashes, self._seed), _SAMPLE)) < self._share)

    def watch(self, book: Book, places: IntArray, plays: PlayColumns, weights: FloatArray, row: IntArray) -> None:
        """Weigh those of these impressions [p] that are of a sampled listener and of the right surface.

        `plays` and `weights` [p, G] are those of their listeners when they were shown; `row` [c] has the catalogue row
        of each card by its number in settlement.
        """
        hashes = book.listeners["hash"][book.impressions["listener"][places]]
        some = np.flatnonzero(self.is_sampled(hashes))
        if not len(some) or not self._learned.catalogue.names:
            return
        pages = PageColumns.of(book.text, book.impressions["start"][places[some]])
        keys = self._keys_to_weigh(book, places[some], pages)
        kept = [number for number, key in enumerate(keys) if key is not None]
        if kept:
            chosen = some[kept]
            wanted = [key for key in keys if key is not None]
            viewers = Viewers(
                names=wanted,
                plays=plays.of_listeners(chosen),
                weights=weights[chosen],
                shown_ms=pages.shown_ms[kept],
                keys=mixed(hashes[chosen], pages.shown_ms[kept]),
            )
            self._weigh(book, places[chosen], viewers, row)

    def settle(self, book: Book, due: Due) -> None:
        """Note what weighed pages have earned: those that settle, then the corrections."""
        if not len(self.pages):
            return
        for number, key, page in self._known(book, due.pages, np.arange(len(due.pages))):
            first = int(due.pages["exposures"][number])
            self._note(key, page, due.exposures["played_ms"][first + page.column("place")], is_first=True)
        corrections = np.flatnonzero(due.streams["is_correction"])
        for number, key, page in self._known(book, due.streams, corrections):
            played_ms = page.column("played_ms")
            is_here = page.column("place") == due.streams["exposure"][number]
            if page.is_told and is_here.any():
                self._note(key, page, np.where(is_here, due.streams["total_ms"][number], played_ms), is_first=False)

    def hand_over(self, source: str, settled_until_ms: int) -> Iterator[PagesWeighed]:
        """What has been noted since the last call. Pages shown by `settled_until_ms` are corrected no more."""
        yield from pages_weighed(source, self._told, self.pages.sets)
        self._told = []
        self.pages.drop_until(settled_until_ms)

    def forget(self, user_id: str) -> None:
        """Forget the pages of a listener; what has been told of them names nobody in the sums."""
        self.pages.forget(msgspec.json.encode(user_id)[1:-1])

    def _keys_to_weigh(self, book: Book, places: IntArray, pages: PageColumns) -> list[PageKey | None]:
        """Names of the pages that have to be weighed; None for those that have settled, or are of another surface."""
        listeners = book.listeners[book.impressions["listener"][places]]
        found: list[PageKey | None] = []
        text = book.text.data  # slices of it are cheaper than those of an array
        for start, end, name, logged in zip(
            listeners["start"].tolist(), listeners["end"].tolist(), pages.event_id.tolist(), pages.logged.tolist(),
            strict=True,
        ):  # fmt: skip
            key = (bytes(text[start:end]), bytes(text[slice(*name)]))
            known = self.pages.get(key)
            is_due = (known is None or not known.is_told) and self._is_ours(bytes(text[slice(*logged)]))
            found.append(key if is_due else None)
        return found

    def _is_ours(self, logged: bytes) -> bool:
        return logged_page(logged).surface == self._surface

    def _weigh(self, book: Book, places: IntArray, viewers: Viewers, row: IntArray) -> None:
        seen, place, logged = _seen(book, places, row)
        chances = self.ranking.chances(self._learned, viewers, seen)
        weights, is_defined = _in_units(chances.in_slot / logged), chances.is_defined
        pooled = _in_units(chances.in_any / (np.maximum(chances.seen, 1) * logged))
        digest, coins = self.pages.digest_of(self.names), uniforms(mixed(viewers.keys, _ADMISSION))
        bounds = np.searchsorted(seen.page, np.arange(len(viewers.names) + 1)).tolist()
        for number, key in enumerate(viewers.names):
            some = bounds[number] + np.flatnonzero(is_defined[bounds[number] : bounds[number + 1]])
            if not len(some):
                continue
            is_new = key not in self.pages
            if is_new and coins[number] >= self.pages.room:
                self.counters["pages_unweighed"] += 1
                continue
            page = ShadowPage(
                candidates=digest,
                shown_ms=int(viewers.shown_ms[number]),
                place=_int32(place[some]),
                row=_int32(seen.row[some]),
                slot=_int32(seen.slot[some]),
                weights=weights[:, some].tobytes(),
                played_ms=np.zeros(len(some), dtype="<i8").tobytes(),
                pooled=pooled[:, some].tobytes(),
            )
            self.pages.put(key, page)
            self.counters["pages_weighed"] += is_new

    def _known(self, book: Book, owners: np.ndarray, chosen: IntArray) -> Iterator[tuple[int, PageKey, ShadowPage]]:
        """The weighed pages of some of these due pages or streams."""
        spans = zip(owners["user"][chosen].tolist(), owners["user_end"][chosen].tolist(), strict=True)
        text = book.text.data
        users = [bytes(text[start:end]) for start, end in spans]
        near = [number for number, user in enumerate(users) if self.pages.knows_user(user)]
        names = PageColumns.of(book.text, owners["page"][chosen[near]]).event_id.tolist()
        for number, (start, end) in zip(near, names, strict=True):
            key = (users[number], bytes(text[start:end]))
            page = self.pages.get(key)
            if page is not None:
                yield int(chosen[number]), key, page

    def _note(self, key: PageKey, page: ShadowPage, played_ms: IntArray, *, is_first: bool) -> None:
        previous_ms = page.column("played_ms")
        user_id, impression_id = (name_of(name) for name in key)
        self._told.append(ToldPage(user_id, impression_id, page, is_first, played_ms, previous_ms))
        is_changed = not page.is_told or bool((played_ms != previous_ms).any())
        page.played_ms, page.is_told = played_ms.astype("<i8").tobytes(), True
        if is_changed:
            self.pages.put(key, page)


def _seen(book: Book, places: IntArray, row: IntArray) -> tuple[SeenCards, IntArray, FloatArray]:
    """The seen cards [x] of these impressions, their numbers on their pages, and their logged propensities."""
    counts = book.impressions["count"][places].astype(np.int64)
    page = np.repeat(np.arange(len(places)), counts)
    place = np.arange(len(page)) - (np.cumsum(counts) - counts)[page]
    columns = ExposureColumns.of(book.text, book.impressions["start"][places][page], place)
    numbers: dict[bytes, int] = {}
    text = book.text.data
    shelf = [numbers.setdefault(bytes(text[start:end]), len(numbers)) for start, end in columns.shelf_id.tolist()]
    logged = [float(bytes(text[start:end])) for start, end in columns.propensity.tolist()]
    seen = SeenCards(
        page=page,
        row=columns.row,
        shelf=np.array(shelf, dtype=np.int64),
        slot=columns.slot,
        card=row[book.exposures["card"][book.impressions["exposures"][places][page] + place]],
        shelf_ids=[name_of(name) for name in numbers],
    )
    return seen, place, np.array(logged)


def _in_units(weights: FloatArray) -> IntArray:
    return np.asarray(np.minimum(np.rint(weights * WEIGHT_UNITS), WEIGHT_MAX).astype("<i4"))


def _int32(column: IntArray) -> bytes:
    return column.astype("<i4").tobytes()
