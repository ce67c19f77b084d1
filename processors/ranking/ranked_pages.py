"""Ranked pages of many listeners in columns, convertible to messages or to their bytes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from processors.arrays import FloatArray
from processors.policies.keyed_draws import KeyArray
from processors.policies.order_mixture import Drawn
from processors.ranking.explanation import KINDS
from processors.ranking.page_writer import PageColumns, PageTexts, Texts, room_for, write_shelves
from processors.ranking.ranking_request import RankingRequest
from processors.ranking.shelves import Shelf
from schemas.rankings import ShelfRanking, ranking_key

T = TypeVar("T", bound=np.generic)
_CHUNK = 512  # pages written at a time: the buffer has the maximum size of these

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(ShelfRanking).decode
_REASONS = Texts.of(KINDS.tolist())


@dataclass(frozen=True, kw_only=True, eq=False)
class RankedPages:
    """One page for each of n requests, of one surface, policy, reward and model."""

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

    def messages(self) -> list[ShelfRanking]:
        """The rankings as messages."""
        return [_decode(value) for _, value in self.encoded()]

    def encoded(self) -> Iterator[tuple[bytes, bytes]]:
        """Key and value of each ranking's record."""
        tails = zip(
            self.requests,
            (self.keys >> np.uint64(11)).tolist(),
            self.weights.tolist(),
            self.discovery_share.tolist(),
            self._written_shelves(),
            strict=True,
        )
        made_by = b',"policy_version":%b,"reward_version":%b,"model_version":%b,"draw_key":' % (
            _encode(self.policy_version),
            _encode(self.reward_version),
            _encode(self.model_version),
        )
        surface = b',"surface":%b,"user_weights":' % _encode(self.surface)
        for request, draw_key, weights, discovery_share, shelves in tails:
            value = b"".join(
                (
                    b'{"type":"shelf-ranking.v1","user_id":%b,"ranking_number":%d,"event_ms":%d,"shelves":'
                    % (_encode(request.user_id), request.ranking_number, request.event_ms),
                    shelves,
                    made_by,
                    b"%d" % draw_key,
                    surface,
                    _encode(weights),
                    b',"discovery_share":%b,"sources":%b}' % (_encode(discovery_share), _encode(request.sources)),
                )
            )
            yield ranking_key(request.user_id, self.surface).encode(), value

    def _written_shelves(self) -> Iterator[bytes]:
        columns, texts = self._columns, PageTexts(Texts.of(s.shelf_id for s in self.shelves), self.cards, _REASONS)
        count = len(self.requests)
        buffer = np.empty(room_for(columns, texts) * min(count, _CHUNK), dtype=np.uint8)
        for first in range(0, count, _CHUNK):
            ends = np.zeros(min(_CHUNK, count - first), dtype=np.int64)
            write_shelves(columns, texts, first, ends, buffer)
            written, start = buffer[: ends[-1]].tobytes(), 0
            for end in ends.tolist():
                yield written[start:end]
                start = end

    @cached_property
    def _columns(self) -> PageColumns:
        slots = [shelf.cards.shape[1] for shelf in self.shelves]

        def joined(name: str, kind: type[T]) -> NDArray[T]:
            whole = np.zeros((len(slots), len(self.requests), max(slots)), dtype=kind)
            column = attrgetter(name)
            for number, shelf in enumerate(self.shelves):
                whole[number, :, : slots[number]] = column(shelf)
            return whole

        return PageColumns(
            order=self.order.items,
            order_propensity=np.round(self.order.propensities, 9),
            shelf_score=np.stack([shelf.promise for shelf in self.shelves]),
            slots=np.array(slots),
            card=joined("cards", np.int64),
            score=joined("scores", np.float64),
            propensity=joined("drawn.propensities", np.float64),
            reason=joined("reasons.first", np.int64),
            reason_value=joined("reasons.first_value", np.float64),
            second=joined("reasons.second", np.int64),
            second_value=joined("reasons.second_value", np.float64),
        )
