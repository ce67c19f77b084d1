"""The pages of many listeners, ranked: as columns, converted to messages or their bytes on request."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from processors.arrays import FloatArray
from processors.policies.keyed_draws import KeyArray
from processors.policies.order_mixture import Drawn
from processors.ranking.explanation import KINDS
from processors.ranking.ranking_request import RankingRequest
from processors.ranking.shelves import Shelf
from processors.wire.column_writer import Writer
from processors.wire.json_bytes import DECIMALS_FEW, DECIMALS_MANY
from processors.wire.values import Texts, Values, lists, raws, reals, texts, wholes
from schemas.rankings import RankedShelf, ShelfRanking, ranking_key

T = TypeVar("T", bound=np.generic)
_CHUNK = 512  # pages written at a time
_SLOT_COLUMNS = (*RankedShelf.__struct_fields__[3:10], "order_log_propensities")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(ShelfRanking).decode
_RANKINGS = Writer(ShelfRanking, raw=("discovery_share",))
_REASONS = Texts.of_json(map(_encode, KINDS.tolist()))


@dataclass(frozen=True, kw_only=True, eq=False)
class RankedPages:
    """One page for each of n requests, all of one surface, made by one policy and one reward from one model."""

    requests: Sequence[RankingRequest]
    surface: str
    policy_version: str
    reward_version: str
    model_version: str
    weights: FloatArray  # [n, G], soft user groups to six decimals
    shelves: Sequence[Shelf]
    order: Drawn  # the shelf in each row, [n, rows]
    keys: KeyArray  # [n]
    discovery_share: FloatArray  # [n]
    cards: Texts  # names of the catalogue's cards by row
    assignments: Sequence[str] = ()  # [n], the variants that each was made with; empty for none

    def messages(self) -> list[ShelfRanking]:
        """The rankings as messages."""
        return [_decode(value) for _, value in self.encoded()]

    def encoded(self) -> Iterator[tuple[bytes, bytes]]:
        """Key and value of each ranking's record; the codec reads its message from it."""
        count, columns = len(self.requests), {**self._of_pages(), **self._of_shelves()}
        for first in range(0, count, _CHUNK):
            written = _RANKINGS.write(min(_CHUNK, count - first), columns, first)
            for request, value in zip(self.requests[first : first + _CHUNK], written.values(), strict=True):
                yield ranking_key(request.user_id, self.surface).encode(), value

    def _of_pages(self) -> dict[str, Values]:
        """What each page has once."""
        count, groups = self.weights.shape
        once, group = np.zeros(count, dtype=np.int64), groups * np.arange(count + 1)
        made_by = ("surface", "policy_version", "reward_version", "model_version")
        return {
            "user_id": texts(Texts.of(request.user_id for request in self.requests)),
            "ranking_number": wholes(np.array([request.ranking_number for request in self.requests])),
            "event_ms": wholes(np.array([request.event_ms for request in self.requests])),
            **{name: texts(Texts.of([getattr(self, name)]), once) for name in made_by},
            "draw_key": wholes(self.keys >> np.uint64(11)),
            "user_weights": lists(group[:-1], group[1:]),
            "user_weights[]": reals(self.weights.ravel(), DECIMALS_FEW),
            "discovery_share": raws(Texts.of_json(map(_encode, self.discovery_share.tolist()))),
            "sources": raws(Texts.of_json(_encode(request.sources) for request in self.requests)),
            "assignments": texts(Texts.of(self.assignments)) if self.assignments else texts(Texts.of([""]), once),
        }

    def _of_shelves(self) -> dict[str, Values]:
        """Columns of the shelves of all pages, in the order of their rows."""
        count, rows = self.order.items.shape
        slots = np.array([shelf.cards.shape[1] for shelf in self.shelves])
        shelf, page = self.order.items.ravel(), np.repeat(np.arange(count), rows)
        ranked, of_page = shelf * count + page, rows * np.arange(count + 1)  # by shelf, then by page
        slot = lists(ranked * slots.max(), ranked * slots.max() + slots[shelf])
        return {
            "shelves": lists(of_page[:-1], of_page[1:]),
            "shelves[].shelf_id": texts(Texts.of(one.shelf_id for one in self.shelves), shelf),
            "shelves[].score": reals(np.concatenate([one.promise for one in self.shelves]), DECIMALS_FEW, ranked),
            "shelves[].propensity": reals(self.order.propensities.ravel(), DECIMALS_MANY),
            **{f"shelves[].{name}": slot for name in _SLOT_COLUMNS},
            "shelves[].cards[]": texts(self.cards, self._slots("cards", np.int64)),
            "shelves[].scores[]": reals(self._slots("scores", np.float64), DECIMALS_FEW),
            "shelves[].propensities[]": reals(self._slots("drawn.propensities", np.float64), DECIMALS_MANY),
            "shelves[].reasons[]": raws(_REASONS, self._slots("reasons.first", np.int64)),
            "shelves[].reason_values[]": reals(self._slots("reasons.first_value", np.float64), DECIMALS_FEW),
            "shelves[].second_reasons[]": raws(_REASONS, self._slots("reasons.second", np.int64)),
            "shelves[].second_values[]": reals(self._slots("reasons.second_value", np.float64), DECIMALS_FEW),
            "shelves[].order_log_propensities[]": reals(
                self._slots("drawn.order_log_propensities", np.float64), DECIMALS_FEW
            ),
            "shelves[].row_log_propensity": reals(self.order.order_log_propensities.ravel(), DECIMALS_FEW),
        }

    def _slots(self, name: str, kind: type[T]) -> NDArray[T]:
        """A column of all slots: shelf by shelf, page by page, each with room for the longest shelf."""
        slots = [shelf.cards.shape[1] for shelf in self.shelves]
        whole, column = np.zeros((len(slots), len(self.requests), max(slots)), dtype=kind), attrgetter(name)
        for number, shelf in enumerate(self.shelves):
            whole[number, :, : slots[number]] = column(shelf)
        return whole.ravel()
