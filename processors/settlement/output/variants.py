"""A/B variants of due pages and streams, as numbers."""

import numpy as np

from processors.arrays import IntArray
from processors.settlement.book.names import names_from, names_with_room, new_names, number_texts
from schemas.variant_names import in_metrics


def variants_of(text: IntArray, spans: IntArray, otherwise: str) -> tuple[list[str], IntArray]:
    """Names of variants as in metrics, and the number [n] of the variant at each of these spans [n, 2] of a text.

    A span that begins at -1 has the name `otherwise`.
    """
    names = names_with_room(new_names(), len(spans), int((spans[:, 1] - spans[:, 0]).sum()))
    numbers = np.empty(len(spans), dtype=np.int64)
    number_texts(names, text, spans, numbers)
    return [otherwise, *map(in_metrics, names_from(names, 0))], numbers + 1
