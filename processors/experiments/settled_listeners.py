"""Listeners about whom nothing remains to be told today, in arrays: most pages need no more than to be found here."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from processors.arrays import BoolArray, IntArray
from processors.wire.batch import end_to_end
from processors.wire.name_index import NameIndex

LISTENERS_MAX, TEXTS_MAX = 65_536, 512
_NONE = -1


class Known(NamedTuple):
    """What is known of pages [n]: the number of the listener's assignments, and the day on which they were told."""

    text: IntArray
    day: IntArray


class SettledListeners:
    """Assignments of the listeners of one plan, and the newest day on which all of them had been told.

    It is a copy for speed: what is not in it is looked up page by page.

    >>> from processors.wire.values import Texts
    >>> settled = SettledListeners(); settled.put([b"ann"], [b"e/a"], [7])
    >>> names = Texts.of(["bob", "ann"]); spans = np.stack((names.starts, names.ends), axis=1)
    >>> known = settled.find(names.data, spans); known.day.tolist(), settled.texts[known.text[1]]
    ([-1, 7], b'e/a')
    """

    def __init__(self) -> None:
        self.texts: list[bytes] = []
        self._text_numbers: dict[bytes, int] = {}
        self._clear()

    def find(self, data: IntArray, users: IntArray) -> Known:
        """What is known of the listeners whose names have these spans [n, 2]."""
        number = self._index.find(data, users)
        return Known(self._text[number], np.where(number < 0, _NONE, self._day[number]))

    def are_texts(self, data: IntArray, spans: IntArray, text: IntArray) -> BoolArray:
        """Whether the bytes at these spans [n, 2] are the texts of these numbers [n]."""
        return np.asarray(self._said.find(data, spans) == text)

    def put(self, users: Sequence[bytes], texts: Sequence[bytes], days: Sequence[int]) -> None:
        """Remember that these assignments of these listeners have been told."""
        if len(self._text_numbers) + len(texts) > TEXTS_MAX:
            new = set(texts) - self._text_numbers.keys()
            if len(self._text_numbers) + len(new) > TEXTS_MAX:
                return  # more combinations of variants than pay
        for text in texts:
            if text not in self._text_numbers:
                self._text_numbers[text] = len(self.texts)
                data, spans = end_to_end([text])
                self._said.put(np.array([len(self.texts)]), data, spans)
                self.texts.append(text)
        data, spans = end_to_end(users)
        number = self._index.find(data, spans)
        unknown = np.flatnonzero(number < 0)
        if self._count + len(unknown) > LISTENERS_MAX:
            self._clear()
            return
        number[unknown] = self._count + np.arange(len(unknown))
        if not self._index.put(number[unknown], data, spans[unknown]):
            self._clear()
            return
        self._count += len(unknown)
        self._text[number] = [self._text_numbers[text] for text in texts]
        self._day[number] = days

    def _clear(self) -> None:
        self._index = NameIndex(LISTENERS_MAX, 24 * LISTENERS_MAX)
        self._said = NameIndex(TEXTS_MAX, 64 * TEXTS_MAX)
        self._text = np.full(LISTENERS_MAX + 1, _NONE)
        self._day = np.full(LISTENERS_MAX + 1, _NONE)
        self.texts.clear()
        self._text_numbers.clear()
        self._count = 0
